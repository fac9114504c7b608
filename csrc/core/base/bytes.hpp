#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <string>

#include "core/base/error.hpp"

namespace btfmmap {

// Sizes and offsets from a file, and their sums and products, are std::uint64_t: std::size_t would overflow
// on 32-bit hosts. Only the functions below convert them to std::size_t. The tests compile the core for a
// 32-bit host, where any other conversion is an error.

// Whether an object of this size can exist. In a larger one, pointers could not be subtracted.
constexpr bool fits_in_memory(std::uint64_t size) {
    return size <= static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max());
}

// Converts a size. Throws std::bad_alloc if no object of this size can exist. Free on 64-bit hosts, where the
// allocator checks the size.
inline std::size_t in_memory(std::uint64_t size) {
    if constexpr (sizeof(std::size_t) < sizeof size) {
        if (!fits_in_memory(size)) {
            throw std::bad_alloc();
        }
    }
    return static_cast<std::size_t>(size);
}

// A borrowed range of bytes. The owner must be kept alive elsewhere.
struct Bytes {
    const std::byte* data = nullptr;
    std::size_t size = 0;

    // Returns a part of the range. Throws Error (format) unless the part lies inside.
    Bytes slice(std::uint64_t offset, std::uint64_t length) const {
        if (offset > size || length > size - offset) {
            throw Error::format(std::to_string(length) + " bytes at offset " + std::to_string(offset) +
                                    " end past " + std::to_string(size) + " bytes",
                                offset);
        }
        return {data + in_memory(offset), in_memory(length)};
    }

    // Returns the bytes from `offset` on, which must be at most `size`.
    Bytes from(std::uint64_t offset) const {
        const std::size_t skipped = in_memory(offset);
        const std::size_t left = size - skipped;
        return {data + skipped, left};
    }
};

}  // namespace btfmmap
