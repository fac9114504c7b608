#pragma once

#include <cstdint>
#include <vector>

#include "core/btf/btf.hpp"
#include "core/text/text_writer.hpp"

// Parts that the dumps share: reading of records, and bpftool's names of kinds, encodings and linkages.
namespace btfmmap {

// The record of a type ID of a BTF or its bases, with what is needed to read it.
struct TypeRecord {
    const Btf* btf;  // names may be in its base's strings
    const Index* index;
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

    // Returns the type that the record's head, or an ARRAY, refers to. IDs are validated again, here and
    // below, because the bytes may have changed. An invalid ID is replaced by that of void.
    std::uint32_t target() const {
        return checked(kind() == Kind::Array ? word(kHeadSize + ArrayField::type) : size_or_type());
    }
    std::uint32_t element_type(std::uint32_t number, std::size_t field) const {
        return checked(load(element(number) + field));
    }
    std::uint32_t checked(std::uint32_t type_id) const {
        return type_id < btf->index().end_id() ? type_id : 0;
    }

    // Returns the string at an offset and what follows it. The string is "(anon)" for offset 0, as in
    // bpftool. It is "(invalid)" for an offset past the strings, which only bytes that changed after
    // validation contain.
    Bytes string(std::uint32_t offset) const {
        static constexpr char anonymous[sizeof(U8x16)] = "(anon)";
        static constexpr char invalid[sizeof(U8x16)] = "(invalid)";
        if (offset == 0) {
            return bytes_of(anonymous);
        }
        return offset < btf->strings().end() ? btf->strings().rest(offset) : bytes_of(invalid);
    }
    Bytes name() const { return string(index->name_off(row)); }

private:
    static Bytes bytes_of(const char (&text)[sizeof(U8x16)]) {
        return {reinterpret_cast<const std::byte*>(text), sizeof text};
    }
};

// Calls `visit(type_id)` for the roots or, if there are none, for all types of the BTF without its base.
template <class Visit>
void each_root(const Btf& btf, const std::vector<std::int64_t>& roots, Visit visit) {
    const Index& index = btf.index();
    for (const std::int64_t root : roots) {
        btf.type_name(root);  // throws if there is no such type
        visit(static_cast<std::uint32_t>(root));
    }
    if (roots.empty()) {
        for (std::uint32_t id = index.id(index.first_record()); id != index.end_id(); ++id) {
            visit(id);
        }
    }
}

inline const ShortText& kind_text(Kind kind) {
    static constexpr ShortText names[] = {
        "UNKNOWN", "INT",     "PTR",      "ARRAY",    "STRUCT",   "UNION",  "ENUM",
        "FWD",     "TYPEDEF", "VOLATILE", "CONST",    "RESTRICT", "FUNC",   "FUNC_PROTO",
        "VAR",     "DATASEC", "FLOAT",    "DECL_TAG", "TYPE_TAG", "ENUM64",
    };
    const auto number = static_cast<std::size_t>(kind);
    return names[number < sizeof names / sizeof *names ? number : 0];
}

// Returns UNKN for a combination of bits, as bpftool does.
inline const ShortText& encoding_text(std::uint8_t encoding) {
    static constexpr ShortText names[] = {"(none)", "SIGNED", "CHAR", "UNKN", "BOOL"};
    return names[encoding < sizeof names / sizeof *names ? encoding : 3];
}

inline const ShortText& linkage_text(std::uint32_t linkage) {
    static constexpr ShortText names[] = {"static", "global", "extern", "(unknown)"};
    return names[linkage < 3 ? linkage : 3];
}

}  // namespace btfmmap
