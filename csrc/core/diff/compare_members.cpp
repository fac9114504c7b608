#include <algorithm>
#include <cstddef>
#include <map>
#include <vector>

#include "core/diff/comparison.hpp"

namespace btfmmap::diff {

namespace {

using std::uint32_t;
using std::uint64_t;

constexpr uint64_t kMaxAlignment = uint64_t{4096} * 8;

uint64_t aligned(uint64_t bits, uint64_t alignment) { return (bits + alignment - 1) & ~(alignment - 1); }

// The alignments for which a position is the next one after what precedes: one bit each.
unsigned alignments(uint64_t end, uint64_t position) {
    unsigned found = 0, bit = 1;
    for (uint64_t alignment = 1; alignment <= kMaxAlignment; alignment *= alignment == 1 ? 8 : 2, bit <<= 1) {
        found |= aligned(end, alignment) == position ? bit : 0;
    }
    return found;
}

// Whether both positions are explained by what precedes: by one alignment, or by any if that may have
// changed.
bool is_explained(uint64_t old_end, uint64_t old_position, uint64_t new_end, uint64_t new_position,
                  bool realigned) {
    const unsigned before = alignments(old_end, old_position), after = alignments(new_end, new_position);
    return realigned ? before != 0 && after != 0 : (before & after) != 0;
}

// The name of the type of the outermost container with a name; 0 if there is none.
uint32_t outermost_name(const VersionView& view, const Member& member) {
    const uint32_t outermost = view.container(member).outermost;
    return outermost == kNone ? 0 : view.content.containers[outermost].name;
}

// The names of all of these; sorted.
std::vector<uint32_t> outermost_names(const VersionView& view) {
    std::vector<uint32_t> names;
    for (uint32_t i = 0; i != view.content.container_count; ++i) {
        if (view.content.containers[i].outermost == i) {
            names.push_back(view.content.containers[i].name);
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

// Calls `visit` with the outermost containers whose types have the same name, in their order.
template <class Visit>
void each_container_pair(const VersionView& before, const VersionView& after, Visit visit) {
    std::multimap<uint32_t, uint32_t> by_name;
    for (uint32_t i = 0; i != after.content.container_count; ++i) {
        if (after.content.containers[i].outermost == i) {
            by_name.emplace(after.content.containers[i].name, i);
        }
    }
    for (uint32_t i = 0; !by_name.empty() && i != before.content.container_count; ++i) {
        const Container& left = before.content.containers[i];
        const auto found = left.outermost == i ? by_name.lower_bound(left.name) : by_name.end();
        if (found != by_name.end() && found->first == left.name) {
            visit(left, after.content.containers[found->second]);
            by_name.erase(found);
        }
    }
}

}  // namespace

void Comparison::compare_members(const VersionView& before, const VersionView& after) {
    const MemberPairs pairs(before, after);
    const std::vector<bool> in_order = pairs.in_order();
    const bool realigned = embeds_change(before, after, pairs);
    bool keeps_alignment = !realigned;
    for (uint32_t i = 0; i != before.count; ++i) {
        if (const uint32_t j = pairs.after(i); j != kNone) {
            compare_pair(before, after, i, pairs, in_order[i], realigned);
            keeps_alignment &= before.members[i].type == after.members[j].type &&
                               before.members[i].alignment == after.members[j].alignment;
        }
    }
    const auto add_single = [&](Change change, const VersionView& view, uint32_t number,
                                const std::vector<uint32_t>& names) {
        const Member& member = view.members[number];
        const uint32_t named = outermost_name(view, member);
        const bool own = named == 0 || !std::binary_search(names.begin(), names.end(), named);
        set_side(
            change == Change::member_added ? add(change, own, true).after : add(change, own, true).before,
            member);
        keeps_alignment = false;
    };
    const auto old_names = outermost_names(before), new_names = outermost_names(after);
    for (uint32_t i = 0; i != before.count; ++i) {
        if (pairs.after(i) == kNone) {
            add_single(Change::member_removed, before, i, new_names);
        }
    }
    for (uint32_t j = 0; j != after.count; ++j) {
        if (pairs.before(j) == kNone) {
            add_single(Change::member_added, after, j, old_names);
        }
    }
    compare_containers(before, after);
    compare_bounds(before, after, keeps_alignment, realigned);
}

// Whether a member consists of a type that is spelled the same, and changed.
bool Comparison::embeds_change(const VersionView& before, const VersionView& after,
                               const MemberPairs& pairs) const {
    for (uint32_t i = 0; i != before.count; ++i) {
        if (const uint32_t j = pairs.after(i); j != kNone) {
            const Member& left = before.members[i];
            const Member& right = after.members[j];
            if (left.type == right.type && is_changed(left.embedded, right.embedded)) {
                return true;
            }
        }
    }
    bool found = false;
    each_container_pair(before, after, [&](const Container& left, const Container& right) {
        found |= is_changed(left.embedded, right.embedded);
    });
    return found;
}

void Comparison::compare_pair(const VersionView& before, const VersionView& after, uint32_t i,
                              const MemberPairs& pairs, bool in_order, bool realigned) {
    const Member& left = before.members[i];
    const Member& right = after.members[pairs.after(i)];
    const uint32_t named = outermost_name(before, left);
    const bool own = named == 0 || named != outermost_name(after, right);
    const auto add_pair = [&](Change change, bool is_own, bool layout) -> Row& {
        Row& row = add(change, is_own && own, layout);
        set_side(row.before, left);
        set_side(row.after, right);
        return row;
    };
    if (left.name != right.name) {
        add_pair(Change::member_renamed, true, true);
    }
    const bool layout = left.size != right.size || left.kind != right.kind;
    const bool embeds_change = left.type == right.type && is_changed(left.embedded, right.embedded);
    if (left.type != right.type) {
        add_pair(Change::member_type, true, layout);
    } else if (embeds_change) {
        Row& row = add_pair(Change::member_embedded, false, layout);
        row.before.cause = left.embedded;
        row.after.cause = right.embedded;
    }
    if (left.bits != right.bits) {
        add_pair(Change::member_bits, true, true);
    }
    const uint32_t old_chain = before.container(left).chain, new_chain = after.container(right).chain;
    if (old_chain != new_chain) {
        add_pair(Change::member_nested, true, false);
    }
    if (left.bit_offset != right.bit_offset) {
        // What is embedded may be aligned otherwise now: in the member, or in a struct without a name around
        // it.
        const bool around = (old_chain != 0 && new_chain != 0) || (left.holds && right.holds);
        const bool any_alignment = embeds_change || (realigned && around);
        add_pair(Change::member_moved, !is_shifted(before, after, i, pairs, in_order, any_alignment), true);
    }
}

// Whether what precedes a member explains that it moved.
bool Comparison::is_shifted(const VersionView& before, const VersionView& after, uint32_t i,
                            const MemberPairs& pairs, bool in_order, bool any_alignment) {
    const Member& left = before.members[i];
    const Member& right = after.members[pairs.after(i)];
    if (left.holder != kNone && right.holder != kNone && pairs.after(left.holder) == right.holder &&
        left.bit_offset - before.members[left.holder].bit_offset ==
            right.bit_offset - after.members[right.holder].bit_offset) {
        return true;
    }
    const bool keeps_distance = left.bit_offset - left.end_before == right.bit_offset - right.end_before;
    return in_order && (keeps_distance || is_explained(left.end_before, left.bit_offset, right.end_before,
                                                       right.bit_offset, any_alignment));
}

// Compares the members without a name whose types have one.
void Comparison::compare_containers(const VersionView& before, const VersionView& after) {
    each_container_pair(before, after, [&](const Container& left, const Container& right) {
        if (is_changed(left.embedded, right.embedded)) {
            Row& row = add(Change::member_embedded, false, layout_differs_);
            row.before.bit_offset = static_cast<std::int64_t>(left.bit_offset);
            row.after.bit_offset = static_cast<std::int64_t>(right.bit_offset);
            row.before.type = left.type;
            row.after.type = right.type;
            row.before.cause = left.embedded;
            row.after.cause = right.embedded;
        }
    });
}

// Compares the size and the alignment.
void Comparison::compare_bounds(const VersionView& before, const VersionView& after, bool keeps_alignment,
                                bool realigned) {
    const Content& left = before.content;
    const Content& right = after.content;
    if (left.size != right.size) {
        add_sizes(
            before, after,
            !is_explained(left.end, uint64_t{8} * left.size, right.end, uint64_t{8} * right.size, realigned));
    }
    if (left.alignment != right.alignment && left.alignment > 0 && right.alignment > 0) {
        Row& row = add(Change::alignment, keeps_alignment, false);
        row.before.size = left.alignment;
        row.after.size = right.alignment;
    }
}

}  // namespace btfmmap::diff
