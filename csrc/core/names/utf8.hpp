#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace btfmmap {

// One character of a name and its size in bytes.
struct Utf8Char {
    char32_t character;
    std::size_t size;
};

// Decodes the first character of `text`, which must not be empty. A byte that does not start a valid sequence
// becomes a surrogate, as with Python's surrogateescape: 0xDC00 plus the byte.
inline Utf8Char first_char(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
    const std::uint8_t first = byte(0);
    if (first < 0x80) {
        return {first, 1};
    }
    const Utf8Char invalid{0xDC00U + first, 1};
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < size) {
        return invalid;
    }
    char32_t character = first & (0xFFU >> (size + 1));
    for (std::size_t at = 1; at != size; ++at) {
        const std::uint8_t next = byte(at);
        if ((next & 0xC0) != 0x80) {
            return invalid;
        }
        character = character << 6 | (next & 0x3FU);
    }
    constexpr char32_t lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool is_surrogate = character >= 0xD800 && character < 0xE000;
    return character < lowest[size] || is_surrogate || character > 0x10FFFF ? invalid
                                                                            : Utf8Char{character, size};
}

}  // namespace btfmmap
