#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/core_relo/failure.hpp"

namespace btfmmap::core_relo {

constexpr std::size_t kMaxAccessors = 64;
// Longer strings do not hold more than kMaxAccessors sensible numbers.
constexpr std::size_t kMaxAccessSize = 1024;

// Parses numbers that are separated by colons, as in "0:3:1". Accepts what libbpf's use of sscanf accepts:
// white space and a sign before a number, and no colon where a sign or white space starts the next one. Each
// number is reduced to 32 bits and must then not be negative.
Failure parse_access_string(std::string_view text, std::vector<std::uint32_t>& numbers);

}  // namespace btfmmap::core_relo
