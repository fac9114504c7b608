#pragma once

#include <cstdint>

// A few loops are compiled twice: for every processor of the architecture, and for x86-64 processors that
// have AVX2. Both versions have the same source: an `always_inline` function that is called by two others,
// one of them with the attribute BTFMMAP_AVX2. A caller chooses when it runs.
namespace btfmmap {

enum class Vectors : std::uint8_t { baseline, avx2 };

#if !defined(BTFMMAP_SCALAR) && defined(__x86_64__)

#define BTFMMAP_AVX2 [[gnu::target("avx2")]]

// Returns the widest vectors that this processor has and a loop is compiled for.
inline Vectors best_vectors() {
    return __builtin_cpu_supports("avx2") != 0 ? Vectors::avx2 : Vectors::baseline;
}

#else

#define BTFMMAP_AVX2

constexpr Vectors best_vectors() { return Vectors::baseline; }

#endif

}  // namespace btfmmap
