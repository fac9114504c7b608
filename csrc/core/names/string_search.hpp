#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "core/base/bytes.hpp"

namespace btfmmap {

// Where a string and a NUL after it stand in a string section, ascending; also where it is the end of a
// longer one, for a name offset may point there. It is neither empty nor contains a NUL. Stops after `most`
// places.
std::vector<std::size_t> find_string(std::string_view string, Bytes section, std::size_t max_count);

}  // namespace btfmmap
