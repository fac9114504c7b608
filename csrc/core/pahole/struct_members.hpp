#pragma once

#include <cstdint>
#include <vector>

#include "core/analysis/btf_sizes.hpp"
#include "core/analysis/layout.hpp"

namespace btfmmap {

constexpr std::uint32_t kCacheLine = 64;  // bytes

// The unused space between two members.
struct Hole {
    std::uint32_t bytes = 0, bits = 0;
};

// A member as pahole sees it.
struct StructMember {
    std::uint32_t name_off, type, bit_offset;
    std::uint32_t bitfield_size;  // 0 if the member is not a bitfield
    MemberPlacement at;
    Hole hole_after;
    std::uint64_t alignment = 0;  // that of its attribute, in bytes; 0 if the natural alignment suffices
};

// The members of one STRUCT or UNION, in the order of the record.
struct StructMembers {
    std::vector<StructMember> members;
    Hole hole_at_start;
    // The numbers of a struct's members in the order of their offsets. Empty if the record has that order,
    // and for a union.
    std::vector<std::uint32_t> by_offset;
    std::uint64_t alignment = 0;  // as that of a member

    // Returns the number of the last member; by offset, except for a union. There must be a member.
    std::uint32_t last() const {
        return by_offset.empty() ? static_cast<std::uint32_t>(members.size() - 1) : by_offset.back();
    }
    // For each member, returns the cache line in which the previous member, by offset, starts. `base` is the
    // offset of the struct.
    std::vector<std::uint64_t> previous_lines(std::uint64_t base) const;
};

// Reads the members of a STRUCT or UNION, and infers alignments as pahole's class__infer_alignment does, from
// the gaps between members.
StructMembers struct_members(const BtfSizes& sizes, std::uint32_t type_id);

}  // namespace btfmmap
