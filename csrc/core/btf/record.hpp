#pragma once

#include <cstddef>
#include <cstdint>

#include "core/btf/btf.hpp"

namespace btfmmap {

// Reads one record of a BTF or its bases, by type ID. Stays inside the record: the number of elements comes
// from the index, and type IDs are validated on each access, because the bytes may have changed.
struct TypeRecord {
    const Btf* btf;      // resolves names and references
    const Index* index;  // contains the record: that of the BTF or of one of its bases
    std::size_t row;
    std::uint32_t id;

    TypeRecord(const Btf& of, std::uint32_t type_id)
        : btf(&of), index(&of.index().owner(type_id)), row(type_id - index->first_id()), id(type_id) {}

    Kind kind() const { return index->kind(row); }
    std::uint32_t word(std::size_t at) const { return index->load(index->record(row) + at); }
    std::uint32_t info() const { return word(HeadField::info); }
    bool flag() const { return info_kind_flag(info()); }
    std::uint32_t size_or_type() const { return word(HeadField::size_or_type); }
    // Returns the number of elements of the record. A FUNC's linkage does not count.
    std::uint32_t elements() const { return index->elements(row, shape_of(kind())); }
    const std::byte* element(std::uint32_t number) const {
        const Shape& shape = shape_of(kind());
        return index->record(row) + kHeadSize + shape.fixed + std::size_t{number} * shape.element;
    }
    // Calls `visit(element)` for each element. No kind has both elements and a fixed part.
    template <class Visit>
    void each_element(Visit visit) const {
        const std::size_t size = shape_of(kind()).element;
        const std::byte* end = index->record(row + 1);
        for (const std::byte* element = index->record(row) + kHeadSize; element != end; element += size) {
            visit(element);
        }
    }
    std::uint32_t load(const std::byte* at) const { return index->load(at); }

    // Returns the type that the record's head, or an ARRAY, refers to. Here and below, an ID that does not
    // exist is replaced by that of void.
    std::uint32_t target() const {
        return valid_or_void(kind() == Kind::Array ? word(kHeadSize + ArrayField::type) : size_or_type());
    }
    std::uint32_t element_type(std::uint32_t number, std::size_t field) const {
        return valid_or_void(load(element(number) + field));
    }
    std::uint32_t valid_or_void(std::uint32_t type_id) const {
        return type_id < btf->index().end_id() ? type_id : 0;
    }
};

}  // namespace btfmmap
