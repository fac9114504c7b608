#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/base/bytes.hpp"
#include "core/base/endian.hpp"
#include "core/simd/u8x16.hpp"

// Hashes names eight bytes at a time. Half of all names end within sixteen bytes, at unpredictable positions.
// A loop that stops at the end of a name would therefore be mispredicted each time. So the first four chunks
// are always read, and bytes after the NUL count as zero.
namespace btfmmap {

// Only the first bytes of a name are hashed: a hostile file can point a million records at one name of
// megabytes.
constexpr std::size_t kHashedBytes = 64;

namespace name_hash {

constexpr std::size_t kChunkSize = 8;
// Odd multipliers with irregular bits, taken from the square roots of primes.
constexpr std::uint64_t kFactors[kHashedBytes / kChunkSize] = {
    0x6a09e667f3bcc909, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};

// Hashes the string in kHashedBytes bytes, up to its NUL if it has one.
inline std::uint32_t hash_bytes(const std::byte* name) {
    std::uint64_t sum = 0;
    std::uint64_t before_nul = ~std::uint64_t{0};
    const auto add = [&](std::size_t number) {
        const auto chunk = Load<ByteOrder::little>::u64(name + number * kChunkSize);
        const std::uint64_t nul_marks = mark_zero_bytes(chunk);
        // The bits below the lowest mark select the bytes before the NUL, or all bytes if there is none.
        sum += (chunk & ((nul_marks & (~nul_marks + 1)) - 1) & before_nul) * kFactors[number];
        before_nul = nul_marks == 0 ? before_nul : 0;
    };
    constexpr std::size_t half = kHashedBytes / kChunkSize / 2;
    for (std::size_t number = 0; number != half; ++number) {
        add(number);
    }
    if (before_nul != 0) {
        for (std::size_t number = half; number != 2 * half; ++number) {
            add(number);
        }
    }
    sum = (sum ^ sum >> 32) * kFactors[0];
    return static_cast<std::uint32_t>(sum >> 32);
}

}  // namespace name_hash

// Hashes the string at the start of `bytes`, up to its NUL or the end of `bytes`.
inline std::uint32_t hash_of(Bytes bytes) {
    if (bytes.size >= kHashedBytes) {
        return name_hash::hash_bytes(bytes.data);
    }
    std::byte padded[kHashedBytes] = {};
    std::memcpy(padded, bytes.data, bytes.size);
    return name_hash::hash_bytes(padded);
}

inline std::uint32_t hash_of(std::string_view name) {
    std::byte padded[kHashedBytes] = {};
    std::memcpy(padded, name.data(), std::min(name.size(), kHashedBytes));
    return name_hash::hash_bytes(padded);
}

}  // namespace btfmmap
