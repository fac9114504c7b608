#pragma once

#include <cstddef>
#include <cstdint>

#include "core/names/strings.hpp"

namespace btfmmap {

// Whether there is no name at an offset: the string there is empty, or the offset is past the strings.
inline bool is_empty_name(const Strings& strings, std::uint32_t offset) {
    return offset >= strings.end() || strings.rest(offset).data[0] == std::byte{0};
}

}  // namespace btfmmap
