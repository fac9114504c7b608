#pragma once

#include <cstddef>
#include <cstdint>

#include "core/format/wire_format.hpp"
#include "core/index/index.hpp"

namespace btfmmap {

// What a word of a record refers to.
enum class Reference : std::uint8_t { name, element_name, type };

// Calls `visit(reference, word)` for each word of a record that is a name offset or a type ID. For a kind
// that only the layout section describes, this is just the record's name.
template <class Visit>
void each_reference(const Index& index, std::size_t row, Visit visit) {
    constexpr std::size_t word_size = sizeof(std::uint32_t);
    const Shape& shape = shape_of(index.kind(row));
    const std::byte* head = index.record(row);
    visit(Reference::name, head + HeadField::name_off);
    if (shape.head_refers) {
        visit(Reference::type, head + HeadField::size_or_type);
    }
    const std::byte* fixed = head + kHeadSize;
    for (std::size_t i = 0; i != shape.fixed_types; ++i) {
        visit(Reference::type, fixed + i * word_size);
    }
    if (shape.element == 0) {
        return;
    }
    const std::byte* element = fixed + shape.fixed;
    for (std::uint32_t left = index.elements(row, shape); left != 0; --left) {
        if (shape.element_name != Shape::kNone) {
            visit(Reference::element_name, element + shape.element_name);
        }
        if (shape.element_type != Shape::kNone) {
            visit(Reference::type, element + shape.element_type);
        }
        element += shape.element;
    }
}

}  // namespace btfmmap
