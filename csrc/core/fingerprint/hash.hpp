#pragma once

#include <cstdint>

namespace btfmmap::fingerprint {

// 128 bits that identify a content. Two lanes of 64 bits with different constants, so that both must collide.
// Anyone can construct a collision: equal hashes suggest equal contents, they do not prove them.
struct Hash {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    friend constexpr bool operator==(const Hash& left, const Hash& right) {
        return left.high == right.high && left.low == right.low;
    }
    // Adds hashes of the elements of a multiset, whose order does not count.
    constexpr Hash& operator+=(const Hash& other) {
        high += other.high;
        low += other.low;
        return *this;
    }
    friend constexpr Hash operator^(const Hash& left, const Hash& right) {
        return {left.high ^ right.high, left.low ^ right.low};
    }
};

// Multiplies two words, and returns both halves of the product, combined.
constexpr std::uint64_t folded(std::uint64_t left, std::uint64_t right) {
#ifdef __SIZEOF_INT128__
    __extension__ using Product = unsigned __int128;
    const Product product = Product{left} * right;
    return static_cast<std::uint64_t>(product >> 64) ^ static_cast<std::uint64_t>(product);
#else
    constexpr std::uint64_t half = UINT32_MAX;
    const std::uint64_t low = (left & half) * (right & half);
    const std::uint64_t middle = (left >> 32) * (right & half) + (low >> 32);
    const std::uint64_t other = (left & half) * (right >> 32) + (middle & half);
    const std::uint64_t high = (left >> 32) * (right >> 32) + (middle >> 32) + (other >> 32);
    return high ^ left * right;
#endif
}

// Both ways to multiply have the same result.
static_assert(folded(0x123456789abcdef1, 0xfedcba9876543217) == 0xb3a700e9d0ea6d84);
static_assert(folded(UINT64_MAX, UINT64_MAX) == UINT64_MAX);

// What a hash describes, so that equal words in different roles have different hashes.
enum class Tag : std::uint8_t {
    absent = 1,  // a cycle, or a reference that has no content
    qualifiers,
    value_layout,
    array_layout,
    composite_layout,
    enum_layout,
    function_layout,
    plain_member,
    enumerator,
    named,
    pointer,
    array,
    prototype,
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

    // The high half of a result is never 0.
    constexpr Hash finish() const {
        const std::uint64_t high = folded(high_ ^ 0x9e3779b97f4a7c15, low_ ^ 0xbf58476d1ce4e5b9);
        return {high == 0 ? 1 : high, folded(high_ ^ 0x94d049bb133111eb, low_ ^ 0x5851f42d4c957f2d)};
    }

private:
    constexpr Hasher& add(std::uint64_t high, std::uint64_t low) {
        high_ = (high_ ^ high) * 0xd1342543de82ef95;
        low_ = (low_ + low) * 0xaf251af3b0f025b5;
        return *this;
    }

    std::uint64_t high_ = 0x243f6a8885a308d3;
    std::uint64_t low_ = 0x13198a2e03707344;
};

constexpr Hash kAbsent = Hasher(Tag::absent).finish();

// Hashes an element of a multiset, cheaper than Hasher: a name, a number and the hash of something else.
constexpr Hash element_hash(const Hash& name, std::uint64_t number, const Hash& other) {
    return {folded(name.high + number * 0xda942042e4dd58b5, other.high),
            folded(name.low + number * 0x8cb92ba72f3d8dd7, other.low)};
}

// Returns the hash of a declaration with what its values consist of.
constexpr Hash deep(const Hash& declaration, const Hash& embedded) {
    return Hasher(Tag::embedded).add(declaration).add(embedded).finish();
}

}  // namespace btfmmap::fingerprint
