#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/fingerprint/hash.hpp"

namespace btfmmap::fingerprint {

// The powers of an odd number for each lane, whose exponents are bit offsets. An offset is split into its
// lowest three bits and digits of eight bits. Those of most members are one or two digits.
struct Powers {
    static constexpr unsigned kBitBits = 3, kDigitBits = 8;
    static constexpr std::uint32_t kDigits = 1 << kDigitBits;

    std::array<Hash, 1 << kBitBits> bits{};
    std::array<std::array<Hash, kDigits>, 4> digits{};
};

// Fills a table with powers of `base`, and returns the next power.
template <std::size_t size>
constexpr Hash fill_powers(std::array<Hash, size>& table, const Hash& base) {
    Hash power{1, 1};
    for (Hash& entry : table) {
        entry = power;
        power.high *= base.high;
        power.low *= base.low;
    }
    return power;
}

constexpr Powers powers() {
    Powers powers{};
    Hash base = fill_powers(powers.bits, {0x5851f42d4c957f2d, 0xda942042e4dd58b5});
    for (auto& digit : powers.digits) {
        base = fill_powers(digit, base);
    }
    return powers;
}

inline constexpr Powers kPowers = powers();

// Moves what a sum of hashes describes by an offset: each lane is multiplied by a power of an odd number.
// Moving is linear, so the members of a nested struct have the sum that they would have in the outer one:
// moved(moved(h, a), b) == moved(h, a + b), and moved(g + h, a) == moved(g, a) + moved(h, a).
inline Hash moved(Hash hash, std::uint32_t bit_offset) {
    const auto multiply = [&hash](const Hash& power) {
        hash.high *= power.high;
        hash.low *= power.low;
    };
    std::uint32_t left = bit_offset >> Powers::kBitBits;
    multiply(kPowers.digits[0][left % Powers::kDigits]);
    left >>= Powers::kDigitBits;
    multiply(kPowers.digits[1][left % Powers::kDigits]);
    left >>= Powers::kDigitBits;
    if (left != 0) {
        multiply(kPowers.digits[2][left % Powers::kDigits]);
        multiply(kPowers.digits[3][left >> Powers::kDigitBits]);
    }
    if (const std::uint32_t bits = bit_offset % (1 << Powers::kBitBits)) {
        multiply(kPowers.bits[bits]);
    }
    return hash;
}

}  // namespace btfmmap::fingerprint
