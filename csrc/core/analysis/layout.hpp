#pragma once

#include <cstdint>
#include <vector>

#include "core/analysis/sizes.hpp"
#include "core/base/arena.hpp"
#include "core/btf/btf.hpp"
#include "core/tables/tables.hpp"

namespace btfmmap {

// How each STRUCT and UNION of one BTF, without its base's, uses its bytes; the words mean what they mean to
// pahole. Members count by their offsets, in whatever order the record has them. What the columns are is said
// where users read it: python/btfmmap/layouts.py.
Table layouts(const Btf& btf, const Sizes& sizes, Arena& arena);

// Where a member is, in bytes: a bitfield's unit, of the size of its integer. What is free before it, by
// offset and not by the order of the record: whole bytes, and bits left over in a bitfield's unit.
struct Place {
    std::uint32_t offset, size, hole, bit_hole;
    std::uint32_t follows;  // the number of the member that what is free follows; kStart: the struct's start

    static constexpr std::uint32_t kStart = UINT32_MAX;
};

// Of one STRUCT or UNION of this BTF, each member's, in the order of the record. Throws Error (not_found) for
// any other type.
std::vector<Place> places(const Btf& btf, const Sizes& sizes, std::uint32_t type_id);

}  // namespace btfmmap
