#pragma once

#include <cstddef>
#include <cstdint>
#include <random>

namespace btfmmap {

// Hashes numbers with a random seed. The author of a file chooses IDs and the distances between addresses,
// but cannot cause collisions without knowing the seed.
inline std::uint64_t seeded_hash(std::uint64_t number) {
    static const std::uint64_t seed = std::uint64_t{std::random_device()()} << 32 | std::random_device()();
    std::uint64_t bits = number ^ seed;
    bits = (bits ^ bits >> 32) * 0x9e3779b97f4a7c15;
    bits = (bits ^ bits >> 29) * 0xbf58476d1ce4e5b9;
    return bits;
}

// For std::unordered_map.
struct SeededHash {
    std::size_t operator()(std::uint32_t number) const {
        return static_cast<std::size_t>(seeded_hash(number) >> 32);
    }
    std::size_t operator()(const std::byte* address) const {
        return static_cast<std::size_t>(seeded_hash(reinterpret_cast<std::uintptr_t>(address)) >> 32);
    }
};

}  // namespace btfmmap
