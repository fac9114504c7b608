#pragma once

#include <cstddef>
#include <cstdint>

#include "core/fingerprint/hash.hpp"
#include "core/fingerprint/name.hpp"
#include "core/index/enums.hpp"
#include "core/index/rows_of_kind.hpp"
#include "core/names/strings.hpp"

namespace btfmmap::fingerprint {

using Composites = RowsOfKind<Kind::Struct, Kind::Union>;
using Enums = RowsOfKind<Kind::Enum, Kind::Enum64>;
using Modifiers = RowsOfKind<Kind::Const, Kind::Volatile, Kind::Restrict, Kind::TypeTag>;
using Typedefs = RowsOfKind<Kind::Typedef>;
using Pointers = RowsOfKind<Kind::Ptr>;
using Arrays = RowsOfKind<Kind::Array>;
using Prototypes = RowsOfKind<Kind::FuncProto>;

// ENUM and ENUM64 are one class.
constexpr std::uint64_t class_of(Kind kind) { return static_cast<std::uint64_t>(without_enum64(kind)); }

struct Member {
    Hash name;
    std::uint32_t type, bit_offset;
    std::uint8_t bitfield_size;

    bool has_name() const { return !(name == kEmptyName); }
    // The bit offset and the bits of a bitfield as one word.
    std::uint64_t place() const { return std::uint64_t{bitfield_size} << 32 | bit_offset; }
};

// Reads the records of one BTF. `Load` is that of its byte order. A type ID that does not exist is read as
// void.
template <class Load>
class Records {
public:
    Records(const Index& index, const Strings& strings) : index_(index), names_(strings) {}

    std::uint32_t word(std::uint32_t row, std::size_t at) const { return Load::u32(index_.record(row) + at); }
    std::uint32_t size(std::uint32_t row) const { return word(row, HeadField::size_or_type); }
    bool kind_flag(std::uint32_t row) const { return info_kind_flag(word(row, HeadField::info)); }
    Hash name(std::uint32_t row) const { return name_at(index_.record(row) + HeadField::name_off); }

    // Returns the hash of the name at the name offset `at`.
    Hash name_at(const std::byte* at) const { return names_.hash(Load::u32(at)); }
    std::uint32_t type_at(const std::byte* at) const {
        const std::uint32_t type_id = Load::u32(at);
        return type_id < index_.end_id() ? type_id : 0;
    }

    // Returns the type that a record refers to: of an array, that of its elements.
    std::uint32_t target(std::uint32_t row) const {
        const bool is_array = index_.kind(row) == Kind::Array;
        return type_at(index_.record(row) +
                       (is_array ? kHeadSize + ArrayField::type : HeadField::size_or_type));
    }

    // Returns the hash of an INT or FLOAT.
    Hash number(std::uint32_t row) const {
        const Kind kind = index_.kind(row);
        return Hasher(Tag::number)
            .add(class_of(kind))
            .add(name(row))
            .add(size(row))
            .add(kind == Kind::Int ? word(row, kHeadSize) : 0)
            .finish();
    }

    // Calls `visit(at)` for the elements of a record of this kind while it returns true. Returns whether it
    // did for all.
    template <Kind kind, class Visit>
    bool all_elements(std::uint32_t row, Visit visit) const {
        constexpr const Shape& shape = kShapes[static_cast<std::size_t>(kind)];
        const std::byte* at = index_.record(row) + kHeadSize;
        const std::byte* end = at + std::size_t{index_.elements(row, shape)} * shape.element;
        for (; at != end; at += shape.element) {
            if (!visit(at)) {
                return false;
            }
        }
        return true;
    }

    Member member(const std::byte* at, bool kind_flag) const {
        const std::uint32_t offset = Load::u32(at + MemberField::offset);
        return {name_at(at + MemberField::name_off), type_at(at + MemberField::type),
                member_bit_offset(offset, kind_flag), member_bitfield_size(offset, kind_flag)};
    }

private:
    const Index& index_;
    const Names names_;
};

}  // namespace btfmmap::fingerprint
