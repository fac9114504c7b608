#pragma once

#include <cstddef>
#include <cstdint>

#include "core/format/wire_format.hpp"

// What the catalog keeps of a type: words that depend on its content only, in native byte order. Names and
// types are numbers of the catalog. python/btfmmap/corpus/words.py reads and writes the same.
namespace btfmmap::corpus {

// The words that each record starts with.
struct HeadWord {
    // Bits 0-7 are the kind; the others follow below.
    static constexpr std::size_t kind = 0;
    static constexpr std::size_t name = 1;
    // Tells records of one kernel apart that would be equal otherwise, or have one kind and name.
    static constexpr std::size_t ordinal = 2;
    static constexpr std::size_t value = 3;  // the size, or the type that the head refers to
    // The word after the head in the format, the linkage of a FUNC, or the length of an ARRAY.
    static constexpr std::size_t extra = 4;
    static constexpr std::size_t index_type = 5;  // of an ARRAY
    // Of what has a fingerprint, its lower half in depth declaration; otherwise 0.
    static constexpr std::size_t fingerprint_low = 6, fingerprint_high = 7;
};
constexpr std::size_t kHeadWords = 8;

constexpr std::uint32_t kFlagBit = 1U << 8;    // the kind flag
constexpr std::uint32_t kSignedBit = 1U << 9;  // whether values of an enum are signed
// A record that only stands for the type with its kind, name and ordinal, whichever that is in a kernel.
constexpr std::uint32_t kReferenceBit = 1U << 10;
// Of ordinals: the type has no name, and contains itself.
constexpr std::uint32_t kCycleBit = 1U << 31;

// The words between the head and the members of a struct or union, columns of `Layouts` in this order.
constexpr std::size_t kLayoutWords = 8;
constexpr const char* kLayoutColumns[kLayoutWords] = {"holes",   "hole_bytes",  "bit_holes", "bit_hole_bits",
                                                      "padding", "bit_padding", "packed",    "flexible"};

// The size of a member whose type has none.
constexpr std::uint32_t kUnknownSize = UINT32_MAX;

// The number of words per member (name, type, bit offset, size of the bitfield, size of the type), enumerator
// (name, value in two words), parameter (name, type) and entry of a DATASEC (type, offset, size).
constexpr std::size_t kMemberWords = 5, kEnumeratorWords = 3, kParamWords = 2, kSecinfoWords = 3;

}  // namespace btfmmap::corpus
