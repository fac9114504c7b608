#pragma once

#include <cstdint>
#include <vector>

#include "core/fingerprint/hash.hpp"

namespace btfmmap::diff {

// What tells a definition from others of its name.
struct Namesake {
    fingerprint::Hash layout, declaration, deep;
    std::uint64_t size;                   // in bytes, or the number of parameters
    std::vector<std::uint64_t> features;  // of its members; sorted
};

struct Pairing {
    std::uint32_t old_number, new_number;
    bool uncertain;
};

// Pairs the definitions of one name in two kernels: first those with equal fingerprints, then those that have
// most in common. Each is paired at most once.
class NamesakePairing {
public:
    NamesakePairing(std::vector<Namesake>& olds, std::vector<Namesake>& news);

    // Pairs those with equal fingerprints, the deepest first.
    void pair_equal();

    // The numbers of those that are not paired yet.
    std::vector<std::uint32_t> free_olds() const { return free(old_free_); }
    std::vector<std::uint32_t> free_news() const { return free(new_free_); }

    // Pairs the rest by size and features, which those that are free must have. Each comparison is taken from
    // `budget`. If it does not suffice, pairs by order: only hostile files have so many namesakes.
    void pair_similar(std::uint64_t& budget);

    const std::vector<Pairing>& pairs() const { return pairs_; }

private:
    static std::vector<std::uint32_t> free(const std::vector<bool>& marks);
    void take(std::uint32_t old_number, std::uint32_t new_number, bool uncertain);
    template <class Depth>
    void pair_equal(Depth depth);
    std::uint64_t cost() const;
    void pair_by_content();
    void pair_by_order();

    std::vector<Namesake>& olds_;
    std::vector<Namesake>& news_;
    std::vector<bool> old_free_, new_free_;
    std::vector<Pairing> pairs_;
};

}  // namespace btfmmap::diff
