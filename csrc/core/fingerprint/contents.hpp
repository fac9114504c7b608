#pragma once

#include <cstdint>

#include "core/analysis/btf_sizes.hpp"
#include "core/base/arena.hpp"
#include "core/fingerprint/hash.hpp"

namespace btfmmap::fingerprint {

// The hashes of the types of one BTF, with those of its base. The columns of the table, and the hashes of
// types that refer to these, are made from them. Type IDs are below the end of the BTF.
struct Contents {
    // Bits of `traits`. Qualifiers are those of a modifier and the modifiers below it.
    static constexpr std::uint8_t kUnnamedComposite = 1, kConst = 2, kVolatile = 4, kRestrict = 8;
    static constexpr std::uint8_t kQualifiers = kConst | kVolatile | kRestrict;

    Contents(const BtfSizes& of, const Contents* of_base, Arena& arena)
        : sizes(of.sizes()),
          btf(of.btf()),
          index(of.btf().index()),
          base(of_base),
          first_id(index.first_id()),
          uses_int_bits(of_base != nullptr && of_base->uses_int_bits),
          traits(arena.allocate<std::uint8_t>(index.rows())),
          layout(arena.allocate<Hash>(index.rows())),
          declaration(arena.allocate<Hash>(index.rows())),
          spelling(arena.allocate<Hash>(index.rows())),
          embedded(arena.allocate<Hash>(index.rows())) {}

    // One of the arrays of hashes.
    using Hashes = Hash* Contents::*;

    bool has(std::uint32_t type_id) const { return type_id >= first_id; }
    // The row of one of this BTF's own types.
    std::uint32_t row(std::uint32_t type_id) const { return type_id - first_id; }

    const Hash& of(std::uint32_t type_id, Hashes hashes) const {
        const Contents& level = owner(type_id);
        return (level.*hashes)[level.row(type_id)];
    }
    std::uint8_t traits_of(std::uint32_t type_id) const {
        const Contents& level = owner(type_id);
        return level.traits[level.row(type_id)];
    }

    const Contents& owner(std::uint32_t type_id) const {
        const Contents* level = this;
        while (type_id < level->first_id) {
            level = level->base;
        }
        return *level;
    }

    const Sizes& sizes;
    const Btf& btf;
    const Index& index;
    const Contents* base;
    std::uint32_t first_id;
    bool uses_int_bits;  // whether an INT, of a base too, has fewer bits than its size
    // One element per row.
    std::uint8_t* traits;
    Hash* layout;       // of enums and prototypes; of structs and unions, the sum of their members'
    Hash* declaration;  // of structs, unions, enums, prototypes and typedefs
    Hash* spelling;     // the C spelling, up to named types
    Hash* embedded;     // what a value of the type consists of, beyond its spelling
};

}  // namespace btfmmap::fingerprint
