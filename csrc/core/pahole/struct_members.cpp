#include "core/pahole/struct_members.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/btf/record.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint64_t;

std::vector<StructMember> read_members(const BtfSizes& sizes, const TypeRecord& type) {
    const auto placements = member_placements(sizes.btf(), sizes.sizes(), type.id);
    const bool flag = type.flag();
    std::vector<StructMember> members;
    members.reserve(placements.size());
    for (const MemberPlacement& at : placements) {
        const auto number = static_cast<uint32_t>(members.size());
        const std::byte* element = type.element(number);
        const uint32_t word = type.load(element + MemberField::offset);
        members.push_back({type.load(element + MemberField::name_off),
                           type.element_type(number, MemberField::type),
                           member_bit_offset(word, flag),
                           member_bitfield_size(word, flag),
                           at,
                           {},
                           0});
    }
    return members;
}

// Returns an empty list if the members are in the order of their offsets.
std::vector<uint32_t> sorted_by_offset(const std::vector<StructMember>& members) {
    const auto precedes = [](const StructMember& a, const StructMember& b) {
        return a.bit_offset < b.bit_offset;
    };
    if (std::is_sorted(members.begin(), members.end(), precedes)) {
        return {};
    }
    std::vector<uint32_t> numbers(members.size());
    std::iota(numbers.begin(), numbers.end(), 0);
    // Not std::stable_sort, which goes on with a slower algorithm if it cannot allocate memory.
    std::sort(numbers.begin(), numbers.end(), [&](uint32_t a, uint32_t b) {
        return std::pair(members[a].bit_offset, a) < std::pair(members[b].bit_offset, b);
    });
    return numbers;
}

// Returns the alignment that explains the gap between `end` and `offset`; 0 if `natural` explains it.
uint64_t alignment_for(uint64_t offset, uint32_t natural, uint64_t end) {
    if (offset <= end || offset % 2 != 0) {
        return 0;
    }
    uint64_t alignment = 1;
    while (alignment <= offset - end) {
        alignment *= 2;
    }
    if (alignment <= natural) {
        return 0;
    }
    return alignment < kCacheLine && offset % kCacheLine == 0 ? kCacheLine : alignment;
}

void infer_alignments(StructMembers& found, const Sizes& sizes, const TypeRecord& type) {
    uint64_t end = 0, end_bit = 0;
    for (std::size_t i = 0; i != found.members.size(); ++i) {
        StructMember& member = found.members[found.by_offset.empty() ? i : found.by_offset[i]];
        const uint64_t offset = member.at.offset, size = member.at.size;
        const bool overlaps = type.kind() == Kind::Struct && member.bit_offset < end_bit;
        if (size != 0) {
            member.alignment =
                overlaps ? 0 : alignment_for(offset, sizes.natural_alignment(member.type), end);
            end = overlaps ? std::max(end, offset + size) : offset + size;
        }
        const uint64_t bits = member.bitfield_size != 0 ? member.bitfield_size : 8 * size;
        end_bit = std::max(end_bit, member.bit_offset + bits);
    }
    found.alignment = alignment_for(type.size_or_type(), sizes.natural_alignment(type.id), end);
}

}  // namespace

std::vector<uint64_t> StructMembers::previous_lines(uint64_t base) const {
    std::vector<uint64_t> lines(by_offset.size());
    uint64_t line = base / kCacheLine;
    for (const uint32_t number : by_offset) {
        lines[number] = line;
        line = (members[number].at.offset + base) / kCacheLine;
    }
    return lines;
}

StructMembers struct_members(const BtfSizes& sizes, uint32_t type_id) {
    const TypeRecord type(sizes.btf(), type_id);
    StructMembers found;
    found.members = read_members(sizes, type);
    if (type.kind() == Kind::Struct) {
        found.by_offset = sorted_by_offset(found.members);
    }
    for (const StructMember& member : found.members) {
        const Hole hole{member.at.hole, member.at.bit_hole};
        if (hole.bytes != 0 || hole.bits != 0) {
            const bool at_start = member.at.follows == MemberPlacement::kStart;
            (at_start ? found.hole_at_start : found.members[member.at.follows].hole_after) = hole;
        }
    }
    infer_alignments(found, sizes.sizes(), type);
    return found;
}

}  // namespace btfmmap
