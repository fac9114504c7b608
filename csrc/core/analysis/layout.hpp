#pragma once

#include <cstdint>
#include <vector>

#include "core/analysis/sizes.hpp"
#include "core/base/arena.hpp"
#include "core/btf/btf.hpp"
#include "core/tables/table.hpp"

namespace btfmmap {

// Builds the table of struct layouts: the holes and padding of each STRUCT and UNION of one BTF. The types
// of its base are not included. The terms have the same meaning as in pahole. Members are considered in the
// order of their offsets, not in that of the record. The columns are documented in
// python/btfmmap/layouts.py.
Table layouts(const Btf& btf, const Sizes& sizes, Arena& arena);

// One row of that table.
struct LayoutRow {
    std::uint32_t size, members, holes, hole_bytes, bit_holes, bit_hole_bits, padding, bit_padding,
        cachelines;
    bool packed;
};

// Returns the row of a STRUCT or UNION, which must be in the table.
LayoutRow layout_row(const Table& layouts, std::uint32_t type_id);

// Returns the rows with the most bytes in holes and padding, at most `top`: most first, equal ones in order.
std::vector<std::uint32_t> wasteful_rows(const Table& layouts, std::size_t top);

// The position of a member and the hole before it.
struct MemberPlacement {
    // The bytes that the member occupies. For a bitfield: its storage unit, which has the size of its type.
    std::uint32_t offset, size;
    // The hole before the member when members are taken in the order of their offsets: `hole` bytes, plus
    // `bit_hole` unused bits of a storage unit.
    std::uint32_t hole, bit_hole;
    std::uint32_t follows;  // the number of the member that the hole follows; kStart for the struct's start

    static constexpr std::uint32_t kStart = UINT32_MAX;
};

// Returns the placements of the members of one STRUCT or UNION of this BTF, in the order of the record.
// Throws Error (not_found) for any other type.
std::vector<MemberPlacement> member_placements(const Btf& btf, const Sizes& sizes, std::uint32_t type_id);

}  // namespace btfmmap
