#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/analysis/sizes.hpp"
#include "core/btf/btf.hpp"

namespace btfmmap {

// How the bytes of a type's values are read: the type below typedefs, qualifiers and arrays, and the
// dimensions of the arrays.
struct ValueType {
    static constexpr std::size_t kMaxDimensions = 32;

    struct Dimension {
        std::uint32_t count;        // 0 for a flexible array
        std::int64_t element_size;  // in bytes, of what `count` counts; -1 if unknown
    };

    // In a cycle of typedefs, one of these. An ARRAY if there are more than kMaxDimensions.
    std::uint32_t id;
    Kind kind;
    std::uint32_t size;  // as recorded, in bytes; a pointer's; 0 for other kinds without a size
    // Of an INT, otherwise 0.
    std::uint8_t encoding;
    std::uint8_t bit_offset;
    std::uint8_t bits;
    bool is_signed;  // an INT or enum
    bool is_char;    // an INT that is named "char"
    std::size_t dimension_count;
    std::array<Dimension, kMaxDimensions> dimensions;  // the outermost is first
};

// Returns how a type's values are read. `type_id` must exist.
ValueType value_type(const Btf& btf, const Sizes& sizes, std::uint32_t type_id);

}  // namespace btfmmap
