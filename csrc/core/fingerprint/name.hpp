#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/bytes.hpp"
#include "core/base/endian.hpp"
#include "core/fingerprint/hash.hpp"
#include "core/names/strings.hpp"

namespace btfmmap::fingerprint {

// Hashes the bytes of a name, two words at a time.
class NameHasher {
public:
    static constexpr std::size_t kStep = 16;

    // Adds kStep bytes, or fewer if there is a NUL among them. Returns false after the NUL.
    bool add(const std::byte* at) {
        const std::uint64_t first = Load<ByteOrder::little>::u64(at);
        const std::uint64_t second = Load<ByteOrder::little>::u64(at + 8);
        const std::uint64_t first_zeros = zeros(first), second_zeros = zeros(second);
        const std::uint64_t reaches_second = first_zeros == 0 ? UINT64_MAX : 0;
        add(first & before(first_zeros), second & before(second_zeros) & reaches_second);
        return (first_zeros | second_zeros) == 0;
    }

    constexpr void add(std::uint64_t first, std::uint64_t second) {
        hash_ = {folded(first ^ hash_.high, second ^ 0x8ebc6af09c88c6e3),
                 folded(first ^ hash_.low, second ^ 0x589965cc75374cc3)};
    }

    constexpr Hash hash() const { return hash_; }

private:
    // Sets the highest bit of each byte that is zero, and perhaps of others after it.
    static std::uint64_t zeros(std::uint64_t word) {
        return (word - 0x0101010101010101) & ~word & 0x8080808080808080;
    }
    // Returns a mask of the bytes before the first zero.
    static std::uint64_t before(std::uint64_t zeros) { return ((zeros & (~zeros + 1)) >> 7) - 1; }

    Hash hash_{0xe7037ed1a0b428db, 0xa0761d6478bd642f};
};

constexpr Hash empty_name() {
    NameHasher hasher;
    hasher.add(0, 0);
    return hasher.hash();
}

constexpr Hash kEmptyName = empty_name();

// Adds the last bytes of a string section, fewer than NameHasher::kStep.
inline void add_end(NameHasher& hasher, const std::byte* at, std::size_t size) {
    std::array<std::byte, NameHasher::kStep> bytes{};
    std::copy_n(at, size, bytes.data());
    hasher.add(bytes.data());
}

// Returns the hash of a string's bytes. An offset past the strings counts as the empty string.
inline Hash name_hash(const Strings& strings, std::uint32_t offset) {
    if (offset >= strings.end()) {
        return kEmptyName;
    }
    NameHasher hasher;
    Bytes left = strings.rest(offset);
    while (left.size >= NameHasher::kStep) {
        if (!hasher.add(left.data)) {
            return hasher.hash();
        }
        left = left.from(NameHasher::kStep);
    }
    add_end(hasher, left.data, left.size);
    return hasher.hash();
}

}  // namespace btfmmap::fingerprint
