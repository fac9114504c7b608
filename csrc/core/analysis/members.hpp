#pragma once

#include <cstdint>
#include <vector>

#include "core/analysis/sizes.hpp"
#include "core/index/index.hpp"

namespace btfmmap {

// The numbers of a STRUCT's members from the lowest bit offset to the highest. Compilers that reorder members
// (Rust's) list them as they are declared. Of members at one offset those without a size come first, then
// the order of the record decides. `row` is the struct's row in `index`.
std::vector<std::uint32_t> members_by_offset(const Index& index, const Sizes& sizes, std::uint32_t row);

}  // namespace btfmmap
