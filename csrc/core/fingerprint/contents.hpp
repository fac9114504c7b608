#pragma once

#include <cstdint>

#include "core/analysis/btf_sizes.hpp"
#include "core/base/arena.hpp"
#include "core/fingerprint/hash.hpp"

namespace btfmmap::fingerprint {

// The hashes of a struct, union, enum or prototype.
struct Definition {
    Hash layout;       // of structs and unions, the sum of their members'
    Hash declaration;  // also of typedefs
};

// The hashes of what a table has a row for.
struct Depths {
    Hash layout, declaration, deep;
};

// The hashes of the types of one BTF, with those of its base. Type IDs are below the end of the BTF.
struct Contents {
    // Bits of `traits`. Qualifiers are those of a modifier and of the modifiers below it.
    static constexpr std::uint8_t kUnnamedComposite = 1, kConst = 2, kVolatile = 4, kRestrict = 8;
    static constexpr std::uint8_t kQualifiers = kConst | kVolatile | kRestrict;

    static constexpr std::uint64_t kBytesPerRow = sizeof(std::uint8_t) + 4 * sizeof(Hash);

    Contents(const BtfSizes& of, const Contents* of_base, Arena& arena)
        : sizes(of.sizes()),
          btf(of.btf()),
          index(of.btf().index()),
          base(of_base),
          first_id(index.first_id()),
          uses_int_bits(of_base != nullptr && of_base->uses_int_bits),
          traits(arena.allocate<std::uint8_t>(index.rows())),
          definitions(arena.allocate<Definition>(index.rows())),
          spellings(arena.allocate<Hash>(index.rows())),
          embedded(arena.allocate<Hash>(index.rows())) {}

    bool has(std::uint32_t type_id) const { return type_id >= first_id; }
    // The row of one of this BTF's own types.
    std::uint32_t row(std::uint32_t type_id) const { return type_id - first_id; }

    // Returns the element of one of the arrays for a type of any level.
    template <class T>
    const T& of(std::uint32_t type_id, T* Contents::* array) const {
        const Contents* level = this;
        while (type_id < level->first_id) {
            level = level->base;
        }
        return (level->*array)[level->row(type_id)];
    }

    const Sizes& sizes;
    const Btf& btf;
    const Index& index;
    const Contents* base;
    std::uint32_t first_id;
    bool uses_int_bits;  // whether an INT, of a base too, has fewer bits than its size
    // One element per row.
    std::uint8_t* traits;
    Definition* definitions;
    Hash* spellings;  // in C, up to named types
    Hash* embedded;   // what a value of the type consists of, beyond its spelling
};

}  // namespace btfmmap::fingerprint
