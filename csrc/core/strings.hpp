#pragma once

#include <cstdint>
#include <string_view>

#include "core/bytes.hpp"

namespace btfmmap {

// The string section. Looks for a NUL each time and no further than the section's end: the bytes may
// belong to someone who changes them.
class Strings {
public:
    explicit Strings(Bytes section) : section_(section) {}

    // The string at `offset`, up to its NUL. Throws Error (not_found) past the section.
    std::string_view at(std::int64_t offset) const;

    // The same, cut after `most` bytes.
    std::string_view prefix(std::int64_t offset, std::size_t most) const;

    // Whether `name` is the string at `offset`, without measuring that string first.
    bool equals(std::int64_t offset, std::string_view name) const;

private:
    Bytes section_;
};

}  // namespace btfmmap
