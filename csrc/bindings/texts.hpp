#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/bytes.hpp"

namespace btfmmap::bindings {

// Many strings of BTFs on their way to Python. Those at the same address are measured once and share one str,
// so a file whose types all have one long name costs no more than that name. Different addresses may still
// lie in one long string: their sizes are added up before the first str is made, and more than kMostText is
// refused.
class Texts {
public:
    static constexpr std::uint64_t kMostText = std::uint64_t{1} << 30;

    // `count` is how often add() may be called.
    explicit Texts(std::size_t count);

    // Adds the string that `start`, which is not empty, begins with: up to a NUL or the end. Throws Error
    // (not_supported) if all different ones together exceed kMostText.
    void add(Bytes start);

    // "", and then the different strings in the order in which they were first added.
    const std::vector<std::string_view>& different() const { return different_; }
    // For each add() an index into different().
    const std::vector<std::uint32_t>& which() const { return which_; }

    // A str for each add().
    pybind11::list list() const;

private:
    std::vector<std::uint32_t> slots_;  // indices into different_, 0 where free
    unsigned shift_;                    // leaves a slot's number of a 64-bit hash
    std::vector<std::string_view> different_;
    std::vector<std::uint32_t> which_;
    std::uint64_t size_ = 0;
};

}  // namespace btfmmap::bindings
