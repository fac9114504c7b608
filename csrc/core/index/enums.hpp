#pragma once

#include <cstdint>

#include "core/index/index.hpp"

namespace btfmmap {

// Returns ENUM for ENUM64. The producer chooses between them by the values.
constexpr Kind without_enum64(Kind kind) { return kind == Kind::Enum64 ? Kind::Enum : kind; }

// Returns the number of bits that a record stores for each value, independent of the enum's size.
constexpr unsigned enum_value_bits(Kind kind) { return kind == Kind::Enum64 ? 64 : 32; }

// Returns the value of one element of an ENUM or ENUM64, zero-extended.
inline std::uint64_t enum_value(const Index& index, Kind kind, const std::byte* element) {
    const std::uint64_t low = index.load(element + EnumField::value);
    return kind == Kind::Enum64 ? std::uint64_t{index.load(element + EnumField::value_high)} << 32 | low
                                : low;
}

// Returns the same value, sign-extended from the bits that the record stores.
inline std::int64_t signed_enum_value(Kind kind, std::uint64_t value) {
    return kind == Kind::Enum64 ? static_cast<std::int64_t>(value)
                                : std::int64_t{static_cast<std::int32_t>(static_cast<std::uint32_t>(value))};
}

// Whether the values of an ENUM or ENUM64 are signed: it has the kind flag, or a value that does not fit an
// unsigned integer of its size. Producers that do not know the flag write -1 as 0xffffffff. That value does
// not fit an enum of one or two bytes, but an unsigned enum of four bytes may have it.
[[gnu::cold]] bool enum_is_signed(const Index& index, std::uint32_t row);

// Whether a record stores more bits for a value than the enum has. The signedness of all other enums depends
// only on the kind flag.
constexpr bool enum_is_narrow(Kind kind, std::uint32_t size) { return size < enum_value_bits(kind) / 8; }

}  // namespace btfmmap
