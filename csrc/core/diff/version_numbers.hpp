#pragma once

#include <cstdint>
#include <vector>

#include "core/diff/changes.hpp"
#include "core/diff/history.hpp"

namespace btfmmap::diff {

// Returns a number for each kernel: equal ones if its versions of an entity do not differ up to a depth. It
// is that of the first such version; History::kAbsent if the kernel has none.
std::vector<std::int32_t> version_numbers(const History& history, std::uint32_t entity, Changes::Depth depth);

}  // namespace btfmmap::diff
