#pragma once

#include <cstdint>

#include "core/base/bytes.hpp"
#include "core/base/endian.hpp"
#include "core/fingerprint/hash.hpp"
#include "core/names/strings.hpp"

namespace btfmmap::fingerprint {

constexpr Hash kEmptyName = Hasher(Tag::name).add(std::uint64_t{0}).finish();

// Returns the hash of a string's bytes. An offset past the strings counts as the empty string.
inline Hash name_hash(const Strings& strings, std::uint32_t offset) {
    constexpr std::uint64_t low_bits = 0x0101010101010101;
    constexpr std::uint64_t high_bits = 0x8080808080808080;
    if (offset >= strings.end()) {
        return kEmptyName;
    }
    Hasher hasher(Tag::name);
    const Bytes bytes = strings.rest(offset);
    const std::byte* at = bytes.data;
    const std::byte* end = at + bytes.size;
    for (; end - at >= 8; at += 8) {
        const std::uint64_t word = Load<ByteOrder::little>::u64(at);
        if (const std::uint64_t zeros = (word - low_bits) & ~word & high_bits) {
            const unsigned bits = static_cast<unsigned>(__builtin_ctzll(zeros)) & ~7U;
            return hasher.add(word & ((std::uint64_t{1} << bits) - 1)).finish();
        }
        hasher.add(word);
    }
    std::uint64_t word = 0;
    for (unsigned bits = 0; at != end && *at != std::byte{0}; ++at, bits += 8) {
        word |= static_cast<std::uint64_t>(*at) << bits;
    }
    return hasher.add(word).finish();
}

// Whether the string at an offset is empty. An offset past the strings counts as the empty string.
inline bool is_unnamed(const Strings& strings, std::uint32_t offset) {
    if (offset == 0 || offset >= strings.end()) {
        return true;
    }
    const Bytes bytes = strings.rest(offset);
    return bytes.size == 0 || *bytes.data == std::byte{0};
}

}  // namespace btfmmap::fingerprint
