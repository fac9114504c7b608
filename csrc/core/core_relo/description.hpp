#pragma once

#include <cstdint>
#include <string>

#include "core/core_relo/evaluation.hpp"

namespace btfmmap::core_relo {

// Returns why a relocation has its status, in one sentence that names what was looked for and what was found;
// "" if it has a value.
std::string describe(const Object& object, const Target& target, std::uint32_t relocation,
                     const Outcome& outcome);

}  // namespace btfmmap::core_relo
