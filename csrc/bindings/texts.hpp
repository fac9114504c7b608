#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/bytes.hpp"

namespace btfmmap::bindings {

// Converts many strings of BTFs to str. Strings at the same address are measured once and share one str, so a
// hostile file in which all types have the same long name is cheap.
//
// Different addresses may still lie in the same long string. The sizes are therefore added up before the
// first str is created, and more than kMaxText bytes are rejected.
class Texts {
public:
    static constexpr std::uint64_t kMaxText = std::uint64_t{1} << 30;

    // `count` is the maximum number of calls of add().
    explicit Texts(std::size_t count);

    // Adds the string at the start of `start`, up to a NUL or the end. `start` must not be empty. Throws
    // Error (not_supported) if all distinct strings together exceed kMaxText bytes.
    void add(Bytes start);

    // Returns "" and the distinct strings that are not empty, in the order in which they were first added.
    const std::vector<std::string_view>& distinct() const { return distinct_; }
    // Returns an index into distinct() for each call of add().
    const std::vector<std::uint32_t>& indices() const { return indices_; }

    // Returns a str for each call of add().
    pybind11::list list() const;

private:
    std::vector<std::uint32_t> slots_;  // indices into distinct_; 0 if free
    unsigned shift_;                    // shifts a 64-bit hash to the number of a slot
    std::vector<std::string_view> distinct_;
    std::vector<std::uint32_t> indices_;
    std::uint64_t size_ = 0;
};

}  // namespace btfmmap::bindings
