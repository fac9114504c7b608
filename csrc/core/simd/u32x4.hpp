#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/base/endian.hpp"
#include "core/simd/u8x16.hpp"

// Vectors of four and of eight 32-bit words, and loads that deinterleave the fields of consecutive elements.
// A compiler without SIMD support for its target emits scalar operations.
namespace btfmmap {

using U32x4 = std::uint32_t __attribute__((vector_size(16)));
using I32x4 = std::int32_t __attribute__((vector_size(16)));
// For loops that are compiled for AVX2 too (see processor.hpp). It is never passed to a function by value:
// how that is done depends on the processor that the function is compiled for.
using U32x8 = std::uint32_t __attribute__((vector_size(32)));

constexpr std::uint32_t kU32Lanes = sizeof(U32x4) / sizeof(std::uint32_t);

// Selects lanes of two vectors by index. The second vector's lanes are numbered after the first's.
template <int... lanes, class Vector>
Vector shuffle(Vector first, Vector second) {
#ifdef __clang__
    return __builtin_shufflevector(first, second, lanes...);
#else
    return __builtin_shuffle(first, second, Vector{lanes...});
#endif
}

template <class Load, class Vector>
[[gnu::always_inline]] inline void swap_to_host_order(Vector& words) {
    if constexpr (Load::order != kHostOrder) {
        words = words >> 24 | (words >> 8 & 0xff00) | (words << 8 & 0xff0000) | words << 24;
    }
}

template <class Load>
U32x4 to_host_order(U32x4 words) {
    swap_to_host_order<Load>(words);
    return words;
}

template <class Load>
U32x4 load_u32x4(const std::byte* from) {
    return to_host_order<Load>(load_vector<U32x4>(from));
}

inline void store_u32x4(void* to, U32x4 words) { std::memcpy(to, &words, sizeof words); }

// Stores the lowest byte of each word.
inline void store_low_bytes(void* to, U32x4 words) {
    constexpr int low = kHostOrder == ByteOrder::little ? 0 : 1;
    const auto even_bytes = [](U8x16 vector) {
        return shuffle<low, low + 2, low + 4, low + 6, low + 8, low + 10, low + 12, low + 14, low + 16,
                       low + 18, low + 20, low + 22, low + 24, low + 26, low + 28, low + 30>(vector, vector);
    };
    const U8x16 bytes = even_bytes(even_bytes(reinterpret_cast<U8x16>(words)));
    std::memcpy(to, &bytes, kU32Lanes);
}

// Stores four 64-bit numbers, given their low and high words.
inline void store_i64(std::int64_t* to, U32x4 low, U32x4 high) {
    constexpr bool little = kHostOrder == ByteOrder::little;
    const U32x4 first = little ? low : high;
    const U32x4 second = little ? high : low;
    store_u32x4(to, shuffle<0, 4, 1, 5>(first, second));
    store_u32x4(to + 2, shuffle<2, 6, 3, 7>(first, second));
}

// Widens a mask of sixteen bytes to one of sixteen words.
inline std::array<U32x4, 4> widen_to_u32(U8x16 mask) {
    const auto low_half = [](U8x16 vector) {
        return shuffle<0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7>(vector, vector);
    };
    const auto high_half = [](U8x16 vector) {
        return shuffle<8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15>(vector, vector);
    };
    const auto words = [](U8x16 vector) { return reinterpret_cast<U32x4>(vector); };
    return {words(low_half(low_half(mask))), words(high_half(low_half(mask))),
            words(low_half(high_half(mask))), words(high_half(high_half(mask)))};
}

struct Pairs {
    U32x4 first, second;
};

struct Triples {
    U32x4 first, second, third;
};

// Loads four pairs of words and deinterleaves them.
template <class Load>
Pairs load_pairs(const std::byte* from) {
    const U32x4 low = load_vector<U32x4>(from);
    const U32x4 high = load_vector<U32x4>(from + sizeof low);
    return {to_host_order<Load>(shuffle<0, 2, 4, 6>(low, high)),
            to_host_order<Load>(shuffle<1, 3, 5, 7>(low, high))};
}

// Loads four triples of words and deinterleaves them.
template <class Load>
Triples load_triples(const std::byte* from) {
    const U32x4 low = load_vector<U32x4>(from);
    const U32x4 middle = load_vector<U32x4>(from + sizeof low);
    const U32x4 high = load_vector<U32x4>(from + 2 * sizeof low);
    return {to_host_order<Load>(shuffle<0, 3, 4, 6>(low, shuffle<2, 2, 5, 5>(middle, high))),
            to_host_order<Load>(
                shuffle<0, 2, 4, 6>(shuffle<1, 1, 4, 4>(low, middle), shuffle<3, 3, 6, 6>(middle, high))),
            to_host_order<Load>(shuffle<0, 2, 4, 7>(shuffle<2, 2, 5, 5>(low, middle), high))};
}

// Loads the three words at each of four byte offsets and deinterleaves them. Also reads the word before each
// triple, but nothing after it.
template <class Load>
Triples gather_triples(const std::byte* base, const std::uint32_t (&offsets)[kU32Lanes]) {
    const std::byte* before = base - sizeof(std::uint32_t);
    const U32x4 a = load_vector<U32x4>(before + offsets[0]);
    const U32x4 b = load_vector<U32x4>(before + offsets[1]);
    const U32x4 c = load_vector<U32x4>(before + offsets[2]);
    const U32x4 d = load_vector<U32x4>(before + offsets[3]);
    const U32x4 first = shuffle<2, 3, 6, 7>(shuffle<0, 4, 1, 5>(a, b), shuffle<0, 4, 1, 5>(c, d));
    const U32x4 ab = shuffle<2, 6, 3, 7>(a, b);
    const U32x4 cd = shuffle<2, 6, 3, 7>(c, d);
    return {to_host_order<Load>(first), to_host_order<Load>(shuffle<0, 1, 4, 5>(ab, cd)),
            to_host_order<Load>(shuffle<2, 3, 6, 7>(ab, cd))};
}

}  // namespace btfmmap
