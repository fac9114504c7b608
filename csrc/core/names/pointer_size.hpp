#pragma once

#include <cstdint>

#include "core/index/index.hpp"
#include "core/names/strings.hpp"

namespace btfmmap {

// In bytes, of the first INT of 4 or 8 bytes that is named long, which tells the size of pointers as in
// libbpf's determine_ptr_size; 0 where there is none. Without the base's types.
std::uint32_t size_of_long(const Index& index, const Strings& strings);

}  // namespace btfmmap
