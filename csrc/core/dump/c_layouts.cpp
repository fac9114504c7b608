#include "core/dump/c_layouts.hpp"

#include <algorithm>
#include <tuple>

#include "core/dump/c_spelling.hpp"
#include "core/index/enums.hpp"

namespace btfmmap {

namespace {

using std::int64_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

constexpr int64_t kMaxAlignment = 16;         // of a number, on any target
constexpr int64_t kMinAlignmentOfFloats = 4;  // of double on i386, and of complex float
// Without alignment to preserve, a longer gap than this is written in a packed struct: it takes fewer fields.
constexpr int64_t kShortGap = 64;

int64_t lowest_bit(int64_t number) { return number & -number; }

// Whether a bitfield stays at its offset if its type has this size and alignment, in bits.
bool stays(const CLayouts::Member& member, int64_t unit, int64_t alignment) {
    return member.offset % alignment + member.size <= unit;
}

}  // namespace

CLayouts::Definition CLayouts::definition(uint32_t id) {
    const CLimits::Depth deeper(limits_, id);
    const TypeRecord type = record(id);
    const int64_t size = 8 * int64_t{type.size_or_type()};
    Definition definition;
    definition.members = members(type);
    bool natural = true;
    int64_t end = 0;
    int64_t longest_gap = 0;
    for (const Member& member : definition.members) {
        if (member.fault != Fault::none) {
            continue;
        }
        longest_gap = std::max(longest_gap, member.offset - end);
        end = std::max(end, member.end());
        const Alignment own = alignment(member.type);
        definition.alignment.lowest = std::max(definition.alignment.lowest, own.lowest);
        definition.alignment.highest = std::max(definition.alignment.highest, own.highest);
        if (member.is_bitfield) {
            const int64_t unit = 8 * std::max<int64_t>(0, sizes_.size(member.type));
            natural &= stays(member, unit, 8 * own.lowest) && stays(member, unit, 8 * own.highest);
        } else {
            natural &= member.offset % (8 * own.highest) == 0;
        }
    }
    longest_gap = std::max(longest_gap, size - end);
    natural &= size % (8 * definition.alignment.highest) == 0;
    natural &= definition.alignment.highest != 1 || longest_gap <= kShortGap;
    if (!natural) {
        definition.packed = true;
        definition.alignment = {};
    }
    return definition;
}

CLayouts::Alignment CLayouts::alignment(uint32_t id) {
    const uint32_t element = sizes_.element(id);
    if (element == Sizes::kNoType) {
        return {};
    }
    const TypeRecord type = record(element);
    switch (type.kind()) {
        case Kind::Int:
        case Kind::Ptr:
        case Kind::Enum:
        case Kind::Enum64:
            return number_alignment(sizes_.size(element), false);
        case Kind::Float:
            return number_alignment(sizes_.size(element), true);
        case Kind::Struct:
        case Kind::Union: {
            if (known_.empty()) {
                known_.resize(btf_.index().end_id());
            }
            if (known_[element].lowest == 0) {
                known_[element] = {1, 1};  // ends a cycle here
                const Alignment own = definition(element).alignment;
                known_[element] = {static_cast<uint8_t>(own.lowest), static_cast<uint8_t>(own.highest)};
            }
            return {known_[element].lowest, known_[element].highest};
        }
        default:
            return {};
    }
}

CLayouts::Alignment CLayouts::number_alignment(int64_t size, bool is_float) const {
    if (size <= 0) {
        return {};
    }
    const int64_t natural = std::min(lowest_bit(size), kMaxAlignment);
    return {std::min(natural, is_float ? kMinAlignmentOfFloats : pointer_size_), natural};
}

bool CLayouts::has_objects(uint32_t id) const {
    const uint32_t element = sizes_.element(id);
    if (element == Sizes::kNoType || sizes_.size(id) < 0) {
        return false;
    }
    const TypeRecord type = record(element);
    const uint32_t size = type.size_or_type();
    const auto pointer_size = static_cast<uint32_t>(pointer_size_);
    switch (type.kind()) {
        case Kind::Ptr:
        case Kind::Struct:
        case Kind::Union:
            return true;
        case Kind::Int:
        case Kind::Enum:
        case Kind::Enum64:
            return !c_integer(size, 0, pointer_size).empty();
        case Kind::Float: {
            const uint32_t name = type.index->name_off(type.row);
            return !c_float(name < btf_.strings().end() ? btf_.strings().at(name) : std::string_view(), size,
                            pointer_size)
                        .empty();
        }
        default:
            return false;
    }
}

// -- members

std::vector<CLayouts::Member> CLayouts::members(const TypeRecord& type) const {
    const bool is_union = type.kind() == Kind::Union;
    const uint32_t count = type.elements();
    std::vector<Member> members;
    members.reserve(count);
    for (uint32_t number = 0; number != count; ++number) {
        limits_.step();
        members.push_back(member(type, number));
    }
    const auto before = [](const Member& a, const Member& b) {
        // Members at the same offset are in the order of the record, but those without a size come first.
        return std::make_tuple(a.offset, a.size != 0, a.number) <
               std::make_tuple(b.offset, b.size != 0, b.number);
    };
    if (!is_union && !std::is_sorted(members.begin(), members.end(), before)) {
        std::sort(members.begin(), members.end(), before);
    }
    int64_t end = 0;
    for (Member& member : members) {
        member.previous_end = is_union ? 0 : end;
        member.fault = fault(type, member);
        if (member.fault == Fault::none) {
            end = std::max(end, member.end());
        }
    }
    return members;
}

CLayouts::Member CLayouts::member(const TypeRecord& type, uint32_t number) const {
    const std::byte* element = type.element(number);
    const uint32_t held = type.element_type(number, MemberField::type);
    const uint32_t word = type.load(element + MemberField::offset);
    const uint8_t bits = member_bitfield_size(word, type.flag());
    const uint32_t name_off = type.load(element + MemberField::name_off);
    const uint32_t resolved = sizes_.resolved(held);
    Member member{number,
                  held,
                  name_off,
                  Fault::none,
                  bits != 0,
                  resolved != Sizes::kNoType && is_composite(record(resolved).kind()),
                  name_off == 0 || name_off >= btf_.strings().end() || btf_.strings().at(name_off).empty(),
                  member_bit_offset(word, type.flag()),
                  bits != 0 ? bits : 8 * std::max<int64_t>(0, sizes_.size(held)),
                  0};
    if (bits == 0 && resolved != Sizes::kNoType && record(resolved).kind() == Kind::Int) {
        // Old compilers describe a bitfield by an INT with fewer bits than its size.
        const uint32_t encoding = record(resolved).word(kHeadSize);
        if (int_bits(encoding) != 0 && (int_bits(encoding) < member.size || int_bit_offset(encoding) != 0)) {
            member.is_bitfield = true;
            member.offset += int_bit_offset(encoding);
            member.size = int_bits(encoding);
        }
    }
    return member;
}

CLayouts::Fault CLayouts::fault(const TypeRecord& type, const Member& member) const {
    const bool is_union = type.kind() == Kind::Union;
    if (is_union && member.offset != 0) {
        return Fault::not_at_start;
    }
    if (!is_union && member.offset < member.previous_end) {
        return Fault::overlap;
    }
    if (!member.is_bitfield && member.offset % 8 != 0) {
        return Fault::within_byte;
    }
    if (member.is_unnamed && !member.is_bitfield && !member.is_composite) {
        return Fault::unnamed;
    }
    if (!is_standard(dialect_)) {
        return Fault::none;
    }
    if (!has_objects(member.type)) {
        return Fault::no_object;
    }
    if (member.is_bitfield && !is_bitfield_type(member)) {
        return Fault::no_bitfield;
    }
    return member.end() > 8 * int64_t{type.size_or_type()} ? Fault::past_end : Fault::none;
}

bool CLayouts::is_bitfield_type(const Member& member) const {
    const TypeRecord type = record(sizes_.resolved(member.type));
    if (type.kind() != Kind::Int && !is_enum(type.kind())) {
        return false;
    }
    const uint8_t encoding = type.kind() == Kind::Int ? int_encoding(type.word(kHeadSize)) : uint8_t{0};
    const bool is_bool =
        c_integer(type.size_or_type(), encoding, static_cast<uint32_t>(pointer_size_)) == "_Bool";
    return member.size <= (is_bool ? 1 : 8 * sizes_.size(member.type));
}

std::string CLayouts::describe(const Member& member) {
    switch (member.fault) {
        case Fault::not_at_start:
            return " of a union, but C places all members of a union at bit 0";
        case Fault::overlap:
            return ", where another one ends at bit " + std::to_string(member.previous_end) +
                   ", which C cannot express";
        case Fault::within_byte:
            return ", within a byte, although it is not a bitfield";
        case Fault::unnamed:
            return " without a name, although it is not a struct, union or bitfield";
        case Fault::no_object:
            return " of a type without objects of that size in C";
        case Fault::no_bitfield:
            return ", a bitfield that C does not allow for its type";
        default:
            return " that extends past the end of the type";
    }
}

// -- enums

bool CLayouts::is_definable(const TypeRecord& enumeration) const {
    const uint32_t size = enumeration.size_or_type();
    const bool has_size = size == 1 || size == 2 || size == 4 || size == 8;
    return has_size && enumeration.elements() != 0 && values_fit(enumeration, 8 * size);
}

bool CLayouts::values_fit(const TypeRecord& type, unsigned bits) {
    const bool is_signed = enum_is_signed(*type.index, static_cast<uint32_t>(type.row));
    int64_t lowest = 0;
    uint64_t highest = 0;
    const uint32_t count = type.elements();
    for (uint32_t i = 0; i != count; ++i) {
        const uint64_t value = enum_value(*type.index, type.kind(), type.element(i));
        const int64_t as_signed = signed_enum_value(type.kind(), value);
        if (is_signed && as_signed < 0) {
            lowest = std::min(lowest, as_signed);
        } else {
            highest = std::max(highest, value);
        }
    }
    return lowest == 0 ? highest >> (bits - 1) <= 1
                       : highest >> (bits - 1) == 0 && -(lowest + 1) >> (bits - 1) == 0;
}

}  // namespace btfmmap
