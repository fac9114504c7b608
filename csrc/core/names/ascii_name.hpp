#pragma once

#include <cstddef>

#include "core/base/bytes.hpp"
#include "core/simd/u8x16.hpp"

namespace btfmmap {

// Fast check of names. Most are identifiers. Returns true only if `text` starts with a name of at
// most `limit` bytes that ends with a NUL, consists of letters, digits and '_' of ASCII, and '.' if `dots`,
// and does not start with a digit. False requires a check of each byte.
template <bool dots>
bool is_plain_name(Bytes text, std::size_t limit) {
    for (std::size_t at = 0; text.size - at >= sizeof(U8x16) && at < limit; at += sizeof(U8x16)) {
        const auto bytes = load_vector<U8x16>(text.data + at);
        U8x16 good =
            lane_mask((bytes | 0x20) - 'a' < 26) | lane_mask(bytes - '0' < 10) | lane_mask(bytes == '_');
        if constexpr (dots) {
            good |= lane_mask(bytes == '.');
        }
        const unsigned run = first_set_lane(~good);
        if (run != sizeof bytes) {
            const std::size_t size = at + run;
            const bool starts_with_digit = text.data[0] >= std::byte{'0'} && text.data[0] <= std::byte{'9'};
            return size != 0 && size <= limit && text.data[size] == std::byte{0} && !starts_with_digit;
        }
    }
    return false;
}

}  // namespace btfmmap
