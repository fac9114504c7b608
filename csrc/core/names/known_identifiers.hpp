#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/names/strings.hpp"

namespace btfmmap {

// The offsets of names that are known to be identifiers of C: letters, digits and '_' of ASCII up to a NUL,
// not empty, and not starting with a digit. Most names are.
//
// Finds those in the strings' own section in one pass, without a visit to each name. Callers check names of
// the base, longer ones, and others. They add those that they accept, as most names have several users.
class KnownIdentifiers {
public:
    // Longer names are not found by the pass.
    static constexpr std::size_t kMaxSize = 255;

    explicit KnownIdentifiers(const Strings& strings);

    // Whether a name is known to be an identifier. False says nothing. The offset may be outside of the
    // strings.
    bool contains(std::uint64_t offset) const {
        return offset < end_ && (words_[word(offset)] >> (offset + shift_) % kBits & 1) != 0;
    }

    // `offset` must be below the end of the strings.
    void add(std::uint64_t offset) { words_[word(offset)] |= std::uint64_t{1} << (offset + shift_) % kBits; }

private:
    static constexpr std::size_t kBits = 64;

    class Pass;

    std::size_t word(std::uint64_t offset) const {
        return static_cast<std::size_t>((offset + shift_) / kBits);
    }

    std::uint64_t end_;
    std::uint64_t shift_;  // moves the own section's first bit to the start of a word
    std::vector<std::uint64_t> words_;
};

}  // namespace btfmmap
