#pragma once

#include <cstddef>

namespace btfmmap {

// A borrowed range of bytes. Its user keeps the owner alive.
struct Bytes {
    const std::byte* data = nullptr;
    std::size_t size = 0;

    Bytes slice(std::size_t offset, std::size_t length) const { return {data + offset, length}; }
};

}  // namespace btfmmap
