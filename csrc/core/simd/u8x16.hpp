#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/base/endian.hpp"

#if defined(BTFMMAP_SCALAR)
// Built without any processor's vectors, to test what other processors run.
#elif defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#endif

// The one place with vector instructions: those that every x86-64 and every aarch64 processor has, and words
// of eight bytes for all others.
namespace btfmmap {

constexpr std::size_t kMaskBits = 64;

constexpr std::uint64_t broadcast_byte(unsigned char byte) {
    return std::uint64_t{0x0101010101010101} * byte;
}

// Marks the top bit of each byte of a word that is zero, and no other bit.
constexpr std::uint64_t mark_zero_bytes(std::uint64_t chunk) {
    constexpr std::uint64_t low_bits = broadcast_byte(0x7f);
    return ~(((chunk & low_bits) + low_bits) | chunk | low_bits);
}

// Sixteen bytes; a compiler without vectors for its target makes as many operations of each.
using U8x16 = std::uint8_t __attribute__((vector_size(16)));

// As it is in memory, at any alignment.
template <class Vector>
Vector load_vector(const void* from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
}

// What a comparison of U8x16 gives: each byte all ones or all zeros.
template <class Comparison>
U8x16 lane_mask(Comparison comparison) {
    return reinterpret_cast<U8x16>(comparison);
}

// Which of kMaskBits bytes equal one of those: bit i says it of byte i.
template <std::uint8_t... wanted>
std::uint64_t match_mask(const std::uint8_t* bytes) {
#if !defined(BTFMMAP_SCALAR) && defined(__SSE2__)
    std::uint64_t mask = 0;
    for (std::size_t part = 0; part != 4; ++part) {
        const auto vector = load_vector<U8x16>(bytes + 16 * part);
        const U8x16 found = (lane_mask(vector == wanted) | ...);
        const auto bits = static_cast<unsigned>(_mm_movemask_epi8(reinterpret_cast<__m128i>(found)));
        mask |= std::uint64_t{bits} << 16 * part;
    }
    return mask;
#elif !defined(BTFMMAP_SCALAR) && defined(__aarch64__) && defined(__ARM_NEON)
    // Each byte keeps the bit of its place among eight; adding neighbours three times gathers them.
    const uint8x16_t bit = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201));
    uint8x16_t part[4];
    for (std::size_t i = 0; i != 4; ++i) {
        const auto vector = load_vector<U8x16>(bytes + 16 * i);
        part[i] = vandq_u8(reinterpret_cast<uint8x16_t>((lane_mask(vector == wanted) | ...)), bit);
    }
    const uint8x16_t pairs = vpaddq_u8(vpaddq_u8(part[0], part[1]), vpaddq_u8(part[2], part[3]));
    return vgetq_lane_u64(vreinterpretq_u64_u8(vpaddq_u8(pairs, pairs)), 0);
#else
    std::uint64_t mask = 0;
    for (std::size_t part = 0; part != 8; ++part) {
        const std::uint64_t chunk =
            Load<ByteOrder::little>::u64(reinterpret_cast<const std::byte*>(bytes + 8 * part));
        const std::uint64_t found = (mark_zero_bytes(chunk ^ broadcast_byte(wanted)) | ...);
        // The product brings the eight marks together in its highest byte.
        mask |= ((found >> 7) * 0x0102040810204080 >> 56) << 8 * part;
    }
    return mask;
#endif
}

// Which byte is the first that is marked; 16 where none is.
inline unsigned first_set_lane(U8x16 mask) {
#if !defined(BTFMMAP_SCALAR) && defined(__SSE2__)
    const int found = _mm_movemask_epi8(reinterpret_cast<__m128i>(mask));
    return static_cast<unsigned>(__builtin_ctz(static_cast<unsigned>(found) | 1U << sizeof mask));
#elif !defined(BTFMMAP_SCALAR) && defined(__aarch64__) && defined(__ARM_NEON)
    // Half of each byte's mark.
    const uint8x8_t halves = vshrn_n_u16(reinterpret_cast<uint16x8_t>(mask), 4);
    const std::uint64_t found = vget_lane_u64(vreinterpret_u64_u8(halves), 0);
    return found == 0 ? sizeof mask : static_cast<unsigned>(__builtin_ctzll(found)) / 4;
#else
    for (std::size_t part = 0; part != sizeof mask; part += sizeof(std::uint64_t)) {
        const auto* chunk = reinterpret_cast<const std::byte*>(&mask) + part;
        if (const std::uint64_t found = Load<ByteOrder::little>::u64(chunk)) {
            return static_cast<unsigned>(part + static_cast<std::size_t>(__builtin_ctzll(found)) / 8);
        }
    }
    return sizeof mask;
#endif
}

// U16x8 of 16 bits, eight at once.
using U16x8 = std::uint16_t __attribute__((vector_size(16)));

constexpr std::size_t kU16Lanes = sizeof(U16x8) / sizeof(std::uint16_t);

// Of each byte: which bits are set, and how many.
struct SetBits {
    std::uint16_t positions[256][kU16Lanes];
    std::uint8_t count[256];
};

constexpr SetBits set_bits() {
    SetBits bits{};
    for (unsigned byte = 0; byte != 256; ++byte) {
        for (std::uint16_t bit = 0; bit != 8; ++bit) {
            if ((byte >> bit & 1) != 0) {
                bits.positions[byte][bits.count[byte]++] = bit;
            }
        }
    }
    return bits;
}

inline constexpr SetBits kSetBits = set_bits();

// Writes `first`, eight times the same number, plus the number of each bit that is set, and returns the end
// of what it wrote; past it, up to kNumbers items are overwritten. Takes the same steps whatever the bits
// are: how many there are cannot be foreseen.
inline std::uint16_t* append_set_bits(std::uint64_t mask, U16x8 first, std::uint16_t* to) {
    for (unsigned byte = 0; byte != 8; ++byte, first += 8) {
        const auto bits = static_cast<std::uint8_t>(mask >> 8 * byte);
        const U16x8 numbers = first + load_vector<U16x8>(kSetBits.positions[bits]);
        std::memcpy(to, &numbers, sizeof numbers);
        to += kSetBits.count[bits];
    }
    return to;
}

}  // namespace btfmmap
