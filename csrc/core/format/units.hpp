#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.hpp"

namespace btfmmap {

// One of several concatenated BTFs. A linker concatenates the .BTF sections of its inputs.
struct Unit {
    std::size_t offset = 0, size = 0;  // in the searched bytes; the size is 0 if there is no such unit
    std::size_t count = 0;             // the number of units
};

// What is concatenated: BTFs, or the .BTF.ext sections that belong to them.
enum class UnitKind : std::uint8_t { btf, ext };

// Finds the unit with number `wanted`, from 0, and counts all units, in linear time. Another unit follows if
// BTF's magic number, in either byte order, comes after the end of a unit and any NUL bytes for alignment.
//
// A unit ends with its last section; the last unit contains all remaining bytes. Validates only the bounds of
// sections. A unit whose sections exceed the bytes has no known end, and is the last one.
Unit find_unit(Bytes all, std::size_t wanted, UnitKind kind);

}  // namespace btfmmap
