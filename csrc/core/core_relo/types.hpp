#pragma once

#include <cstdint>
#include <optional>

#include "core/btf/record.hpp"
#include "core/core_relo/failure.hpp"
#include "core/format/wire_format.hpp"

// Walks over single types, as libbpf's, but bounded.
namespace btfmmap::core_relo {

// libbpf follows a chain of typedefs and modifiers however long it is, and never returns from a cycle.
constexpr unsigned kMaxChain = 256;

// Returns the type below TYPEDEF, CONST, VOLATILE, RESTRICT and TYPE_TAG; none for a chain of more than
// kMaxChain of them.
inline std::optional<std::uint32_t> resolve(const Btf& btf, std::uint32_t type_id) {
    for (unsigned links = 0; links != kMaxChain; ++links) {
        const TypeRecord record(btf, type_id);
        if (!is_modifier_or_typedef(record.kind())) {
            return type_id;
        }
        type_id = record.target();
    }
    return std::nullopt;
}

// The size of a type in bytes.
struct SizeResult {
    Failure failure;
    std::uint64_t bytes = 0;  // below 2^32
};

// Returns the size that libbpf's btf__resolve_size calculates: after 32 typedefs, modifiers and arrays, it
// gives up.
SizeResult size_of(const Btf& btf, std::uint32_t type_id);

// A member of a struct or union.
struct Member {
    std::uint32_t name_off;
    std::uint32_t type;
    std::uint32_t bit_offset;
    std::uint8_t bitfield_size;
};

// `number` must be below record.elements().
inline Member member_of(const TypeRecord& record, std::uint32_t number) {
    const std::byte* element = record.element(number);
    const bool flag = record.flag();
    const std::uint32_t word = record.load(element + MemberField::offset);
    return {record.load(element + MemberField::name_off),
            record.valid_or_void(record.load(element + MemberField::type)), member_bit_offset(word, flag),
            member_bitfield_size(word, flag)};
}

// Whether two kinds are the same one, where ENUM and ENUM64 are.
constexpr bool is_same_kind(Kind local, Kind target) {
    return local == target || (is_enum(local) && is_enum(target));
}

inline std::uint32_t array_length(const TypeRecord& array) {
    return array.word(kHeadSize + ArrayField::nelems);
}

// Whether an ARRAY is a flexible array: it has no elements and is the last member of its struct. `parent` is
// the struct, `member` the array's number in it.
inline bool is_flexible(const TypeRecord& array, const TypeRecord& parent, std::uint32_t member) {
    return array_length(array) == 0 && member + 1 == parent.elements();
}

}  // namespace btfmmap::core_relo
