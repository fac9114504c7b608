#pragma once

#include <cstdint>

#include "core/index/index.hpp"
#include "core/names/strings.hpp"

namespace btfmmap {

// Returns the size in bytes of the first INT of 4 or 8 bytes that is named long; 0 if there is none. This is
// the size of pointers, as in libbpf's determine_ptr_size. Ignores the base's types.
std::uint32_t size_of_long(const Index& index, const Strings& strings);

}  // namespace btfmmap
