#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "core/base/bytes.hpp"

namespace btfmmap {

// Returns the position of the rarest character of `string` in the names of kernels, other than position
// `excluded`. `string` must not be empty.
std::size_t rarest_char(std::string_view string, std::size_t excluded);

// Returns the offsets at which `string` and a NUL occur in a string section, ascending. Includes occurrences
// at the end of a longer string, since a name offset may point there. `string` must not be empty or contain a
// NUL. Stops after `max_count` offsets.
std::vector<std::size_t> find_string(std::string_view string, Bytes section, std::size_t max_count);

}  // namespace btfmmap
