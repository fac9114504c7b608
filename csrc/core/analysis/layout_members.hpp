#pragma once

#include <cstdint>
#include <vector>

#include "core/analysis/btf_sizes.hpp"

namespace btfmmap {

// A field of a struct or union with its place in the layout. The terms are those of MemberPlacement.
struct LayoutMember {
    Field field;
    std::uint64_t offset;  // in bytes, from the start of the outermost type
    std::uint32_t hole;    // includes the free space before anonymous types that start with the field
    std::uint32_t bit_hole;
    std::uint32_t size;
};

// Returns the fields of a STRUCT or UNION in the order of the records. Throws Error (format) as FieldWalk
// does.
std::vector<LayoutMember> layout_members(const BtfSizes& sizes, std::uint32_t type_id);

}  // namespace btfmmap
