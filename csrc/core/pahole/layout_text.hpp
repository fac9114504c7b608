#pragma once

#include <cstdint>
#include <string>

#include "core/analysis/btf_sizes.hpp"

namespace btfmmap {

// Returns the layout of a STRUCT or UNION as pahole formats it: the C declaration, with offsets, sizes, holes
// and cache lines in comments. `expand` also writes out members whose types are named structs or unions.
//
// Throws Error: not_found for other types, format for more than 65,536 members, not_supported for more text
// than the types of any kernel make.
std::string layout_text(const BtfSizes& sizes, std::uint32_t type_id, bool expand);

}  // namespace btfmmap
