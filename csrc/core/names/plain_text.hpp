#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/simd/u8x16.hpp"

namespace btfmmap {

// Whether all bytes of `text` are below 0x80 and differ from `excluded`.
template <std::uint8_t... excluded>
bool is_ascii_without(std::string_view text) {
    constexpr std::uint64_t high_bits = broadcast_byte(0x80);
    std::size_t at = 0;
    std::uint64_t found = 0;
    const auto add = [&found](std::uint64_t chunk) {
        found |= ((chunk & high_bits) | ... | mark_zero_bytes(chunk ^ broadcast_byte(excluded)));
    };
    for (; text.size() - at >= sizeof found; at += sizeof found) {
        std::uint64_t chunk;
        std::memcpy(&chunk, text.data() + at, sizeof chunk);
        add(chunk);
    }
    for (; at != text.size(); ++at) {
        add(broadcast_byte(static_cast<std::uint8_t>(text[at])));
    }
    return found == 0;
}

inline bool is_ascii(std::string_view text) { return is_ascii_without<>(text); }

}  // namespace btfmmap
