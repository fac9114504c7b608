#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/analysis/btf_sizes.hpp"
#include "core/base/arena.hpp"
#include "core/fingerprint/hash.hpp"
#include "core/tables/tables.hpp"

namespace btfmmap {

// Hashes of what the types of one BTF are, in three depths. They depend on contents only: the bytes of names,
// sizes and offsets, never type IDs, string offsets, byte order or process. Tags, linkage and a type's own
// name do not count. python/btfmmap/fingerprints.py says what each
// depth covers.
//
// Each type is hashed once, after those that its hash depends on, without recursion. In C, no hash depends on
// itself. In a hostile file it may: it is then replaced by a constant inside itself, and may differ between
// two orders of the same types.
class Fingerprints {
public:
    // To be increased whenever any fingerprint changes.
    static constexpr std::uint32_t kVersion = 1;

    // `base` has the fingerprints of the BTF's base; it is nullptr for a standalone BTF.
    Fingerprints(std::shared_ptr<const BtfSizes> sizes, std::shared_ptr<const Fingerprints> base);

    // Destroys a chain of bases iteratively, without a stack frame per base.
    ~Fingerprints();

    Fingerprints(const Fingerprints&) = delete;
    Fingerprints& operator=(const Fingerprints&) = delete;

    // Returns the table of this BTF's own structs, unions, enums, functions, typedefs and variables, without
    // those of its base. The columns are documented in python/btfmmap/fingerprints.py.
    const Table& table() const { return table_; }

private:
    class Builder;

    using Hash = fingerprint::Hash;

    // The level, this one or a base, that contains a type ID below its BTF's end.
    const Fingerprints& owner(std::uint32_t type_id) const {
        const Fingerprints* level = this;
        while (type_id < level->first_id_) {
            level = level->base_.get();
        }
        return *level;
    }

    // Bits of `traits_`.
    static constexpr std::uint8_t kComposite = 1, kUnnamed = 2, kQualifierBit = 2, kQualifiers = 7 << 2;

    std::shared_ptr<const BtfSizes> sizes_;
    std::shared_ptr<const Fingerprints> base_;
    std::uint32_t first_id_;
    Arena arena_;
    Table table_;
    bool uses_int_bits_;  // whether an INT, of a base too, has fewer bits than its size
    // One element per row.
    std::uint8_t* traits_;
    Hash* layout_;       // of enums and prototypes; of structs and unions, the sum of their members'
    Hash* declaration_;  // of structs, unions, enums and prototypes
    Hash* spelling_;     // the C spelling, up to named types
    Hash* embedded_;     // what a value of the type consists of, through all types that are part of it
};

}  // namespace btfmmap
