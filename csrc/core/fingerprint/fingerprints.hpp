#pragma once

#include <cstdint>
#include <memory>

#include "core/analysis/btf_sizes.hpp"
#include "core/base/arena.hpp"
#include "core/base/lazy.hpp"
#include "core/fingerprint/contents.hpp"
#include "core/tables/table.hpp"

namespace btfmmap {

// Hashes of what the types of one BTF are, in three depths. They depend on contents only: the bytes of names,
// sizes and offsets, never type IDs, string offsets, byte order or process. Tags, linkage and a type's own
// name do not count. python/btfmmap/fingerprints.py says what each depth covers.
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

    ~Fingerprints();

    Fingerprints(const Fingerprints&) = delete;
    Fingerprints& operator=(const Fingerprints&) = delete;

    // Returns the table of this BTF's own structs, unions, enums, functions, typedefs and variables, without
    // those of its base. The columns are documented in python/btfmmap/fingerprints.py.
    const Table& table() const;

    // Returns the hashes of one of the types that the table has.
    fingerprint::Depths of_type(std::uint32_t type_id) const;
    // Returns the hashes that a function of a prototype would have. The ID must be below the end of the BTF.
    fingerprint::Depths of_function(std::uint32_t prototype) const;

private:
    std::shared_ptr<const BtfSizes> sizes_;
    std::shared_ptr<const Fingerprints> base_;
    mutable Arena arena_;
    fingerprint::Contents contents_;
    Lazy<Table> table_;
};

}  // namespace btfmmap
