#pragma once

#include <cstdint>
#include <vector>

#include "core/analysis/sizes.hpp"
#include "core/index/index.hpp"

namespace btfmmap {

// Returns the numbers of a STRUCT's members in ascending order of bit offsets. The order differs from that of
// the record if the compiler reorders members, as Rust's does. Members at the same offset are in the order of
// the record, but those without a size come first. `row` is the struct's row in `index`.
std::vector<std::uint32_t> members_by_offset(const Index& index, const Sizes& sizes, std::uint32_t row);

}  // namespace btfmmap
