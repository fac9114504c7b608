#pragma once

#include <cstdint>

#include "core/diff/content.hpp"

namespace btfmmap::diff {

// What changed: the ChangeKind of python/btfmmap/diffing/kinds.py. docs/diff.md defines each.
enum class Change : std::uint8_t {
    added,
    removed,
    size,
    alignment,
    tags,
    linkage,
    signedness,
    grouping,
    member_added,
    member_removed,
    member_renamed,
    member_moved,
    member_type,
    member_bits,
    member_nested,
    member_embedded,
    enumerator_added,
    enumerator_removed,
    enumerator_value,
    enumerator_renamed,
    parameter_added,
    parameter_removed,
    parameter_reordered,
    parameter_type,
    parameter_renamed,
    return_type,
    variadic,
    parameter_embedded,
    type,
    embedded,
};

constexpr bool is_embedded(Change change) {
    return change == Change::member_embedded || change == Change::parameter_embedded ||
           change == Change::embedded;
}

// One side of a change.
struct Side {
    std::uint32_t path = 0;       // of the member, enumerator or parameter; a name
    std::uint32_t type = kNone;   // a spelling
    std::uint32_t tags = 0;       // a name
    std::uint32_t cause = kNone;  // the entity that a changed type by value belongs to
    std::int32_t bits = -1;       // of a bitfield; 0 for other members
    std::int64_t bit_offset = -1;
    std::int64_t size = -1;    // in bytes
    std::int64_t value = 0;    // of an enumerator; a linkage, an encoding
    bool is_unsigned = false;  // whether the value is, and may need all of its bits
};

// One change of an entity.
struct Row {
    std::uint32_t entity;
    Change change;
    bool own;     // false if it follows from other changes
    bool layout;  // whether compiled code depends on it
    Side before, after;
};

}  // namespace btfmmap::diff
