#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.hpp"

namespace btfmmap {

// One of several BTFs that follow one another: a linker joins the .BTF sections of its inputs so.
struct Unit {
    std::size_t offset = 0, size = 0;  // in the bytes that were searched; size 0 where there is no such unit
    std::size_t count = 0;             // units in all
};

// What follows one another: whole BTFs, or the .BTF.ext sections that come with them.
enum class UnitKind : std::uint8_t { btf, ext };

// Finds unit `wanted`, counted from 0, and counts them all. A unit is followed by another one where, after
// NUL bytes that align it, BTF's magic number stands in either byte order. All but the last unit end where
// their sections do; the last one has the rest of the bytes. Nothing but section bounds is checked: a unit
// whose sections do not fit is the last one, for where it ends is not known. Takes linear time.
Unit find_unit(Bytes all, std::size_t wanted, UnitKind kind);

}  // namespace btfmmap
