#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/base/endian.hpp"

#if defined(BTFMMAP_SCALAR)
// Compiled without SIMD instructions, to test the code that other processors run.
#elif defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#endif

// Vectors of sixteen bytes and of eight 16-bit numbers. Only this file uses SIMD intrinsics: those of SSE2,
// which every x86-64 processor has, and of NEON, which every aarch64 processor has. Other processors work on
// chunks of eight bytes.
//
// Slack: SIMD loops read and write whole vectors, and so may access elements past the end of an array. The
// slack of an array is the number of elements allocated past its end for this purpose. Their contents have no
// meaning unless stated otherwise.
namespace btfmmap {

// The number of bytes that match_mask() compares: one bit of a 64-bit mask each.
constexpr std::size_t kMaskBits = 64;

// Returns `byte` in each of eight bytes.
constexpr std::uint64_t broadcast_byte(unsigned char byte) {
    return std::uint64_t{0x0101010101010101} * byte;
}

// Returns a mask in which the top bit of a byte is set if that byte of `chunk` is zero. All other bits are
// clear.
constexpr std::uint64_t mark_zero_bytes(std::uint64_t chunk) {
    constexpr std::uint64_t low_bits = broadcast_byte(0x7f);
    return ~(((chunk & low_bits) + low_bits) | chunk | low_bits);
}

// Sixteen bytes. A compiler without SIMD support for its target emits scalar operations.
using U8x16 = std::uint8_t __attribute__((vector_size(16)));

// Loads a vector in memory order, at any alignment.
template <class Vector>
Vector load_vector(const void* from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof vector);
    return vector;
}

// Converts the result of a comparison of U8x16 to U8x16. Each lane is all ones or all zeros.
template <class Comparison>
U8x16 lane_mask(Comparison comparison) {
    return reinterpret_cast<U8x16>(comparison);
}

// Compares kMaskBits bytes. Bit i of the result is set if byte i equals one of `wanted`.
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
    // Each matching byte keeps one bit, that of its position among eight. Three pairwise additions gather
    // these bits.
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
        // The multiplication gathers the eight marks in the highest byte.
        mask |= ((found >> 7) * 0x0102040810204080 >> 56) << 8 * part;
    }
    return mask;
#endif
}

// Returns the index of the first lane of a lane mask that is set, or 16 if there is none.
inline unsigned first_set_lane(U8x16 mask) {
#if !defined(BTFMMAP_SCALAR) && defined(__SSE2__)
    const int found = _mm_movemask_epi8(reinterpret_cast<__m128i>(mask));
    return static_cast<unsigned>(__builtin_ctz(static_cast<unsigned>(found) | 1U << sizeof mask));
#elif !defined(BTFMMAP_SCALAR) && defined(__aarch64__) && defined(__ARM_NEON)
    // Narrows each lane of the mask to four bits.
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

// Eight 16-bit numbers.
using U16x8 = std::uint16_t __attribute__((vector_size(16)));

constexpr std::size_t kU16Lanes = sizeof(U16x8) / sizeof(std::uint16_t);

// For each value of a byte: the positions of its set bits, and their number.
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

// Appends `first + i` for each set bit i of `mask`; all lanes of `first` hold the same number. Returns the
// end of the appended numbers, and may overwrite kU16Lanes numbers of slack after it. Branch-free, because
// the number of set bits is unpredictable.
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
