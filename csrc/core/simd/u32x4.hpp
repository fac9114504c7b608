#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/base/endian.hpp"
#include "core/simd/u8x16.hpp"

// Words of 32 bits, four at once, and how to take apart what lies mixed in a file. A compiler without vectors
// for its target makes as many operations of each.
namespace btfmmap {

using Words = std::uint32_t __attribute__((vector_size(16)));
using SignedWords = std::int32_t __attribute__((vector_size(16)));

constexpr std::uint32_t kWords = sizeof(Words) / sizeof(std::uint32_t);

// Some items of two vectors, by number; the second's are numbered on from the first's.
template <int... places, class Vector>
Vector picked(Vector first, Vector second) {
#ifdef __clang__
    return __builtin_shufflevector(first, second, places...);
#else
    return __builtin_shuffle(first, second, Vector{places...});
#endif
}

template <class Load>
Words in_host_order(Words words) {
    if constexpr (Load::order == kHostOrder) {
        return words;
    } else {
        return words >> 24 | (words >> 8 & 0xff00) | (words << 8 & 0xff0000) | words << 24;
    }
}

template <class Load>
Words load_words(const std::byte* from) {
    return in_host_order<Load>(load_vector<Words>(from));
}

inline void store_words(void* to, Words words) { std::memcpy(to, &words, sizeof words); }

// The lowest byte of each.
inline void store_bytes(void* to, Words words) {
    constexpr int low = kHostOrder == ByteOrder::little ? 0 : 1;
    const auto halved = [](Letters letters) {
        return picked<low, low + 2, low + 4, low + 6, low + 8, low + 10, low + 12, low + 14, low + 16,
                      low + 18, low + 20, low + 22, low + 24, low + 26, low + 28, low + 30>(letters, letters);
    };
    const Letters bytes = halved(halved(reinterpret_cast<Letters>(words)));
    std::memcpy(to, &bytes, kWords);
}

// Four numbers of 64 bits.
inline void store_longs(std::int64_t* to, Words low, Words high) {
    constexpr bool little = kHostOrder == ByteOrder::little;
    const Words first = little ? low : high;
    const Words second = little ? high : low;
    store_words(to, picked<0, 4, 1, 5>(first, second));
    store_words(to + 2, picked<2, 6, 3, 7>(first, second));
}

// Sixteen marks of a byte as sixteen of a word.
inline std::array<Words, 4> widened(Letters marks) {
    const auto half = [](Letters low) {
        return picked<0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7>(low, low);
    };
    const auto other = [](Letters high) {
        return picked<8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15>(high, high);
    };
    const auto words = [](Letters letters) { return reinterpret_cast<Words>(letters); };
    return {words(half(half(marks))), words(other(half(marks))), words(half(other(marks))),
            words(other(other(marks)))};
}

struct Pairs {
    Words first, second;
};

struct Triples {
    Words first, second, third;
};

// Four times two words, which lie one after another.
template <class Load>
Pairs load_pairs(const std::byte* from) {
    const Words low = load_vector<Words>(from);
    const Words high = load_vector<Words>(from + sizeof low);
    return {in_host_order<Load>(picked<0, 2, 4, 6>(low, high)),
            in_host_order<Load>(picked<1, 3, 5, 7>(low, high))};
}

// Four times three words, which lie one after another.
template <class Load>
Triples load_triples(const std::byte* from) {
    const Words low = load_vector<Words>(from);
    const Words middle = load_vector<Words>(from + sizeof low);
    const Words high = load_vector<Words>(from + 2 * sizeof low);
    return {in_host_order<Load>(picked<0, 3, 4, 6>(low, picked<2, 2, 5, 5>(middle, high))),
            in_host_order<Load>(
                picked<0, 2, 4, 6>(picked<1, 1, 4, 4>(low, middle), picked<3, 3, 6, 6>(middle, high))),
            in_host_order<Load>(picked<0, 2, 4, 7>(picked<2, 2, 5, 5>(low, middle), high))};
}

// The three words at each of four places. The word before each is read too, and nothing behind.
template <class Load>
Triples gather_triples(const std::byte* base, const std::uint32_t (&places)[kWords]) {
    const std::byte* before = base - sizeof(std::uint32_t);
    const Words a = load_vector<Words>(before + places[0]);
    const Words b = load_vector<Words>(before + places[1]);
    const Words c = load_vector<Words>(before + places[2]);
    const Words d = load_vector<Words>(before + places[3]);
    const Words first = picked<2, 3, 6, 7>(picked<0, 4, 1, 5>(a, b), picked<0, 4, 1, 5>(c, d));
    const Words ab = picked<2, 6, 3, 7>(a, b);
    const Words cd = picked<2, 6, 3, 7>(c, d);
    return {in_host_order<Load>(first), in_host_order<Load>(picked<0, 1, 4, 5>(ab, cd)),
            in_host_order<Load>(picked<2, 3, 6, 7>(ab, cd))};
}

}  // namespace btfmmap
