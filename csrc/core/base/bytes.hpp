#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <string>

#include "core/base/error.hpp"

namespace btfmmap {

// Sizes and offsets that come from a file, and their sums and products, are std::uint64_t until they are
// known to lie within memory: in std::size_t they would wrap on hosts of 32 bits. Only what is declared here
// turns them into std::size_t; the tests compile the core for such a host, where any other conversion is an
// error.

// Whether an object of that size can exist: pointers into a larger one could not be subtracted.
constexpr bool fits_in_memory(std::uint64_t size) {
    return size <= static_cast<std::uint64_t>(std::numeric_limits<std::ptrdiff_t>::max());
}

// Throws std::bad_alloc where no object has that size. Costs nothing on hosts of 64 bits, whose allocators
// check it.
inline std::size_t in_memory(std::uint64_t size) {
    if constexpr (sizeof(std::size_t) < sizeof size) {
        if (!fits_in_memory(size)) {
            throw std::bad_alloc();
        }
    }
    return static_cast<std::size_t>(size);
}

// A borrowed range of bytes. Its user keeps the owner alive.
struct Bytes {
    const std::byte* data = nullptr;
    std::size_t size = 0;

    // Throws Error (format) unless the range lies inside.
    Bytes slice(std::uint64_t offset, std::uint64_t length) const {
        if (offset > size || length > size - offset) {
            throw Error::format(std::to_string(length) + " bytes at offset " + std::to_string(offset) +
                                    " end past " + std::to_string(size) + " bytes",
                                offset);
        }
        return {data + in_memory(offset), in_memory(length)};
    }

    // What follows the first `offset` bytes, which are at most all.
    Bytes from(std::uint64_t offset) const {
        const std::size_t skipped = in_memory(offset);
        const std::size_t left = size - skipped;
        return {data + skipped, left};
    }
};

}  // namespace btfmmap
