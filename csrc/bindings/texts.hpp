#pragma once

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/names/text_limit.hpp"

namespace btfmmap::bindings {

// Returns a list of `strings[index]` for each index.
pybind11::list list_of(const std::vector<pybind11::str>& strings, const std::vector<std::uint32_t>& indices);

// Converts many strings of BTFs to str. Strings at the same address are measured once and share one str, so a
// hostile file in which all types have the same long name is cheap.
//
// Different addresses may still lie in the same long string. The sizes are therefore added up before the
// first str is created, and limited by TextLimit.
class Texts {
public:
    // `count` is the maximum number of calls of add().
    explicit Texts(std::size_t count);

    // Adds the string at the start of `start`, up to a NUL or the end. `start` must not be empty. Throws
    // Error (not_supported) if all distinct strings together exceed the limit.
    void add(Bytes start);

    // Returns a str for each call of add().
    pybind11::list list() const;

private:
    std::vector<std::uint32_t> slots_;  // indices into distinct_; 0 if free
    unsigned shift_;                    // shifts a 64-bit hash to the number of a slot
    std::vector<std::string_view>
        distinct_;                        // "", then the others in the order in which they were first added
    std::vector<std::uint32_t> indices_;  // into distinct_, for each call of add()
    TextLimit limit_;
};

}  // namespace btfmmap::bindings
