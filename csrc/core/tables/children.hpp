#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/format/wire_format.hpp"
#include "core/index/index.hpp"
#include "core/index/rows_of_kind.hpp"
#include "core/simd/u32x4.hpp"
#include "core/tables/record_columns.hpp"

// Elements that follow the heads of records, as rows of a table: members, parameters, enumerators, section
// entries.
//
// Records have few elements. Neither their number nor the distance to the next record of a kind is
// predictable. A loop whose iteration count depends on them spends more time on branch mispredictions than
// on its work. Therefore `indptr` is filled first, where `indptr[r]` is the number of elements of all rows
// before r, by a loop that treats all rows alike and adds up the elements of four rows at a time.
//
// Then each record writes four elements unconditionally; the next record overwrites any excess. Records with
// more elements are collected without a branch and finished afterwards. The last write of such a record
// covers its last four elements and may overlap the write before it. It therefore does not overwrite the next
// record, which is already complete.
namespace btfmmap {

// The slack (see u8x16.hpp) that `indptr` and the other columns of such a table need, in elements.
constexpr std::size_t kIndptrSlack = kMaskBits;
constexpr std::size_t kColumnSlack = kU32Lanes;

// Returns the inverse of an odd number modulo 2^32.
constexpr std::uint32_t modular_inverse(std::uint32_t odd) {
    std::uint32_t inverse = odd;
    while (inverse * odd != 1) {
        inverse *= 2 - odd * inverse;
    }
    return inverse;
}

// Divides multiples of `divisor`. There is no SIMD division, but an exact division is a multiplication by the
// modular inverse.
template <std::uint32_t divisor>
U32x4 exact_quotient(U32x4 multiples) {
    constexpr unsigned twos = __builtin_ctz(divisor);
    constexpr std::uint32_t inverse = modular_inverse(divisor >> twos);
    return (multiples >> twos) * inverse;
}

// Returns the inclusive prefix sums of the lanes.
inline U32x4 prefix_sums(U32x4 items) {
    items += shuffle<4, 0, 1, 2>(items, U32x4{});
    return items + shuffle<4, 4, 0, 1>(items, U32x4{});
}

// Fills `indptr` and returns its last element: the number of elements of all records of these kinds.
template <Kind... kinds>
std::uint32_t fill_indptr(const Index& index, std::uint32_t* indptr) {
    static_assert(((shape_of(kinds).fixed == 0) && ...));
    constexpr std::uint32_t narrow = shape_of(Kind::Enum).element;
    constexpr std::uint32_t wide = shape_of(Kind::Enum64).element;
    constexpr bool any_narrow = ((shape_of(kinds).element == narrow) || ...);
    constexpr bool any_wide = ((shape_of(kinds).element == wide) || ...);
    static_assert(((shape_of(kinds).element == narrow || shape_of(kinds).element == wide) && ...));
    const auto mask_of_element_size = [](std::uint32_t size, U8x16 kinds_of_rows) {
        const auto is = [=](Kind kind) {
            return lane_mask(kinds_of_rows == static_cast<std::uint8_t>(kind));
        };
        return widen_to_u32(((shape_of(kinds).element == size ? is(kinds) : U8x16{}) | ...));
    };
    U32x4 sums = {};
    indptr[0] = 0;
    for (std::size_t block = 0; block < index.rows(); block += kMaskBits) {
        const std::uint8_t* kind = index.kinds() + block;
        const std::uint32_t* offset = index.offsets() + block;
        std::uint32_t* to = indptr + block + 1;
        if (RowsOfKind<kinds...>::mask(kind) == 0) {
            for (std::size_t row = 0; row != kMaskBits; row += kU32Lanes) {
                store_u32x4(to + row, sums);
            }
            continue;
        }
        for (std::size_t row = 0; row != kMaskBits;) {
            const U8x16 kinds_of_rows = load_vector<U8x16>(kind + row);
            const std::array<U32x4, 4> is_narrow = mask_of_element_size(narrow, kinds_of_rows);
            const std::array<U32x4, 4> is_wide = mask_of_element_size(wide, kinds_of_rows);
            for (std::size_t part = 0; part != is_wide.size(); ++part, row += kU32Lanes) {
                const U32x4 bytes =
                    load_vector<U32x4>(offset + row + 1) - load_vector<U32x4>(offset + row) - kHeadSize;
                U32x4 count = {};
                if constexpr (any_narrow) {
                    count |= exact_quotient<narrow>(bytes) & is_narrow[part];
                }
                if constexpr (any_wide) {
                    count |= exact_quotient<wide>(bytes) & is_wide[part];
                }
                sums += prefix_sums(count);
                store_u32x4(to + row, sums);
                sums = shuffle<3, 3, 3, 3>(sums, sums);
            }
        }
    }
    return sums[0];
}

// Returns the size of an element of a record: a compile-time constant if it is the same for all kinds.
template <Kind... kinds>
std::uint32_t element_size(const Index& index, std::uint32_t row) {
    constexpr std::uint32_t size = std::max({shape_of(kinds).element...});
    if constexpr (((shape_of(kinds).element == size) && ...)) {
        return size;
    } else {
        return shape_of(index.kind(row)).element;
    }
}

// Sets the number of rows, and `indptr`, of the elements of these kinds.
template <Kind... kinds>
void prepare_children(const Index& index, RecordColumns& columns) {
    columns.set_indptr(index.rows() + 1, kIndptrSlack,
                       [&](std::uint32_t* missing) { fill_indptr<kinds...>(index, missing); });
    columns.set_rows(columns.indptr()[index.rows()]);
}

// Writes the elements of the records of one block, as write_children() describes.
template <Kind... kinds, class Parent, class Visit>
[[gnu::noinline]] void write_block(const Index& index, const typename RowsOfKind<kinds...>::Block& block,
                                   Parent parent, const std::uint32_t* indptr, Visit visit) {
    constexpr std::uint32_t head = kHeadSize;
    constexpr std::uint32_t widest = kU32Lanes * std::max({shape_of(kinds).element...});
    std::byte end_of_section[widest] = {};
    std::uint16_t long_rows[RowsOfKind<kinds...>::Block::kRows];
    std::uint16_t* long_rows_end = long_rows;
    const std::uint32_t* offsets = index.offsets() + block.first();
    const std::uint32_t* sums = indptr + block.first();
    const U32x4 first_id = U32x4{} + index.id(block.first());
    const std::byte* section = index.record(0);
    const std::uint32_t section_size = index.offsets()[index.rows()];
    const std::uint32_t safe_end = section_size < head + widest ? 0 : section_size - (head + widest) + 1;
    for (const std::uint16_t relative_row : block) {
        const std::uint32_t child = sums[relative_row];
        const std::uint32_t offset = offsets[relative_row];
        const std::byte* record = section + offset;
        const std::byte* elements = record + head;
        if (offset >= safe_end) {
            const std::uint32_t readable = section_size - offset - head;
            elements = std::copy_n(elements, readable, end_of_section) - readable;
        }
        store_u32x4(parent + child, first_id + relative_row);
        visit(block.first() + relative_row, record)(child, elements);
        *long_rows_end = relative_row;
        long_rows_end += sums[relative_row + 1] - child > kU32Lanes;
    }
    for (const std::uint16_t* next = long_rows; next != long_rows_end; ++next) {
        const std::uint32_t relative_row = *next;
        const std::uint32_t row = block.first() + relative_row;
        const std::uint32_t four_elements = kU32Lanes * element_size<kinds...>(index, row);
        const std::byte* record = section + offsets[relative_row];
        const auto write_four = visit(row, record);
        const std::uint32_t last = sums[relative_row + 1] - kU32Lanes;
        const std::byte* elements = record + head;
        for (std::uint32_t child = sums[relative_row] + kU32Lanes; child < last; child += kU32Lanes) {
            elements += four_elements;
            store_u32x4(parent + child, first_id + relative_row);
            write_four(child, elements);
        }
        store_u32x4(parent + last, first_id + relative_row);
        write_four(last, section + offsets[relative_row + 1] - four_elements);
    }
}

// Fills `parent`, and calls `visit` to write the other columns. `visit(row, record)` is called once for each
// record, and a second time if the record has more than four elements. It returns a function that is called
// with (child, elements) and writes four elements to the table's rows from `child` on. `indptr` must have
// been filled by fill_indptr().
template <Kind... kinds, class Parent, class Visit>
void write_children(const Index& index, Parent parent, const std::uint32_t* indptr, Visit visit) {
    const RowsOfKind<kinds...> rows(index);
    for (typename RowsOfKind<kinds...>::Block block(rows); block.next();) {
        write_block<kinds...>(index, block, parent, indptr, visit);
    }
}

}  // namespace btfmmap
