#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace btfmmap::fingerprint {

// 128 bits that identify a content. Two lanes of 64 bits with different constants, so that both must collide.
// Anyone can construct a collision: equal hashes suggest equal contents, they do not prove them.
struct Hash {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    friend bool operator==(const Hash& left, const Hash& right) {
        return left.high == right.high && left.low == right.low;
    }
    // Adds hashes of the elements of a multiset, whose order does not count.
    Hash& operator+=(const Hash& other) {
        high += other.high;
        low += other.low;
        return *this;
    }
    friend Hash operator^(const Hash& left, const Hash& right) {
        return {left.high ^ right.high, left.low ^ right.low};
    }
};

// What a hash describes, so that equal words in different roles have different hashes.
enum class Tag : std::uint8_t {
    name = 1,
    absent,  // a cycle, or a reference that has no content
    qualifiers,
    value_layout,
    array_layout,
    composite_layout,
    enum_layout,
    function_layout,
    member_layout,
    enumerator,
    named,
    unnamed,
    pointer,
    array,
    prototype,
    member,
    composite,
    enumeration,
    function,
    alias,
    number,
    embedded,
};

// Hashes a sequence of words. The result depends neither on the host nor on the process.
class Hasher {
public:
    constexpr explicit Hasher(Tag tag) { add(static_cast<std::uint64_t>(tag)); }

    constexpr Hasher& add(std::uint64_t word) { return add(word, word); }
    // Each lane takes one half, which is mixed already.
    constexpr Hasher& add(const Hash& hash) { return add(hash.high, hash.low); }

    constexpr Hash finish() const {
        const std::uint64_t high = mixed(high_ + low_ * 0x9e3779b97f4a7c15);
        return {high, mixed(low_ ^ high)};
    }

private:
    constexpr Hasher& add(std::uint64_t high, std::uint64_t low) {
        high_ = (high_ ^ high) * 0xd1342543de82ef95;
        high_ ^= high_ >> 32;
        low_ = (low_ + low) * 0xaf251af3b0f025b5;
        low_ ^= low_ >> 29;
        return *this;
    }

    static constexpr std::uint64_t mixed(std::uint64_t bits) {
        bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
        bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
        return bits ^ bits >> 31;
    }

    std::uint64_t high_ = 0x243f6a8885a308d3;
    std::uint64_t low_ = 0x13198a2e03707344;
};

// Moves what a sum of hashes describes by an offset: each lane is multiplied by a power of an odd number.
// Moving is linear, so the members of a nested struct have the sum that they would have in the outer one:
// moved(moved(h, a), b) == moved(h, a + b), and moved(g + h, a) == moved(g, a) + moved(h, a).
class Mover {
public:
    static Hash moved(Hash hash, std::uint32_t offset) {
        for (std::size_t digit = 0; offset != 0; ++digit, offset >>= kDigitBits) {
            const Hash& factor = kPowers[digit][offset & (kDigits - 1)];
            hash.high *= factor.high;
            hash.low *= factor.low;
        }
        return hash;
    }

private:
    static constexpr unsigned kDigitBits = 8;
    static constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;
    using Powers = std::array<std::array<Hash, kDigits>, 32 / kDigitBits>;

    static constexpr Powers powers() {
        Powers powers{};
        Hash base{0x5851f42d4c957f2d, 0xda942042e4dd58b5};
        for (auto& digits : powers) {
            Hash power{1, 1};
            for (Hash& digit : digits) {
                digit = power;
                power.high *= base.high;
                power.low *= base.low;
            }
            base = power;
        }
        return powers;
    }

    static const Powers kPowers;
};

inline constexpr Mover::Powers Mover::kPowers = Mover::powers();

}  // namespace btfmmap::fingerprint
