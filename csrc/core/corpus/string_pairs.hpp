#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/bytes.hpp"

namespace btfmmap::corpus {

// Tells which strings of two string sections are equal. Is fast where both have the same strings in one
// order, as the sections of two releases of a kernel have. After 32 MiB of other comparisons, which only
// strings of megabytes take, all other strings count as different.
class StringPairs {
public:
    StringPairs(Bytes now, Bytes before);

    // Returns false past a section, or if a string has no NUL.
    bool equal(std::uint32_t now, std::uint32_t before) const {
        const std::size_t block = now / kBlock;
        const bool moved = block < moved_.size() && moved_[block] == before - now;
        return (moved && before - now != kUnknown) || compare(now, before);
    }

private:
    static constexpr std::size_t kBlock = 64;
    static constexpr std::uint32_t kUnknown = UINT32_MAX;

    void set(std::size_t now, std::size_t end, std::size_t before);
    bool skip(std::size_t& now, std::size_t& before);
    bool compare(std::size_t now, std::size_t before) const;
    static std::vector<std::size_t> starts(Bytes section, std::size_t at);

    Bytes now_, before_;
    mutable std::size_t left_ = std::size_t{1} << 25;  // bytes to compare
    // By how much the strings that start in a block of this section are further on in the other.
    std::vector<std::uint32_t> moved_;
};

}  // namespace btfmmap::corpus
