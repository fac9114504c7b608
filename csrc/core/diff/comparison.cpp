#include "core/diff/comparison.hpp"

#include <cstddef>

namespace btfmmap::diff {

namespace {

using std::size_t;
using std::uint32_t;

std::int64_t signed_size(std::uint32_t size) {
    return size == Member::kUnknownSize ? -1 : static_cast<std::int64_t>(size);
}

}  // namespace

void set_side(Side& side, const Member& member) {
    set_type(side, member);
    side.bits = member.bits;
    side.bit_offset = static_cast<std::int64_t>(member.bit_offset);
}

void set_type(Side& side, const Member& member) {
    side.path = member.path;
    side.type = member.type;
    side.size = signed_size(member.size);
}

void Comparison::compare(uint32_t entity) {
    const std::int32_t old_version = history_.presence(entity, before_),
                       new_version = history_.presence(entity, after_);
    entity_ = entity;
    if (old_version == new_version) {
        return;
    }
    if (old_version == History::kAbsent || new_version == History::kAbsent) {
        const bool is_added = old_version == History::kAbsent;
        add(is_added ? Change::added : Change::removed, true, !is_added);
        return;
    }
    history_.read(entity, old_version);
    history_.read(entity, new_version);
    const VersionView before = history_.view(entity, old_version), after = history_.view(entity, new_version);
    layout_differs_ = !(before.version.layout == after.version.layout);
    const size_t first = rows_.size();
    if (before.version.tags != after.version.tags) {
        Row& row = add(Change::tags, true, false);
        row.before.tags = before.version.tags;
        row.after.tags = after.version.tags;
    }
    if (before.version.linkage != after.version.linkage) {
        Row& row = add(Change::linkage, true, false);
        row.before.value = before.version.linkage;
        row.after.value = after.version.linkage;
    }
    compare_contents(before, after);
    settle(first);
}

void Comparison::compare_contents(const VersionView& before, const VersionView& after) {
    const Class class_ = history_.entities()[entity_].class_;
    if (class_ == Class::function || class_ == Class::tracepoint) {
        compare_functions(before, after);
        return;
    }
    compare_type(before, after);
    if (before.is_composite() && after.is_composite()) {
        compare_members(before, after);
        return;
    }
    const bool are_enums = before.content.holds == Content::Holds::enumeration &&
                           after.content.holds == Content::Holds::enumeration;
    if (!are_enums && class_ != Class::base) {
        return;
    }
    if (before.content.size != after.content.size) {
        add_sizes(before, after, true);
    }
    if (before.content.signedness != after.content.signedness) {
        Row& row = add(Change::signedness, true, class_ == Class::base);
        row.before.value = before.content.signedness;
        row.after.value = after.content.signedness;
    }
    if (are_enums) {
        compare_enumerators(before, after);
    }
}

Row& Comparison::add(Change change, bool own, bool layout) {
    rows_.push_back({entity_, change, own, layout, {}, {}});
    return rows_.back();
}

Row& Comparison::add_sizes(const VersionView& before, const VersionView& after, bool own) {
    Row& row = add(Change::size, own, true);
    row.before.size = signed_size(before.content.size);
    row.after.size = signed_size(after.content.size);
    return row;
}

// Whether two types that are spelled the same, and consist of these entities, differ.
bool Comparison::is_changed(uint32_t before, uint32_t after) const {
    if (before != after) {
        return true;
    }
    if (before == kNone) {
        return false;
    }
    const std::int32_t old_version = history_.presence(before, before_),
                       new_version = history_.presence(after, after_);
    if (old_version == new_version) {
        return false;
    }
    return old_version == History::kAbsent || new_version == History::kAbsent ||
           !(history_.version(before, old_version).deep == history_.version(after, new_version).deep);
}

// Compares the types of a typedef or variable.
void Comparison::compare_type(const VersionView& before, const VersionView& after) {
    if (before.type == nullptr || after.type == nullptr) {
        return;
    }
    if (before.type->type != after.type->type) {
        Row& row = add(Change::type, true, layout_differs_);
        set_type(row.before, *before.type);
        set_type(row.after, *after.type);
        return;
    }
    compare_embedded(*before.type, *after.type);
    const bool are_prototypes = before.content.holds == Content::Holds::parameters &&
                                after.content.holds == Content::Holds::parameters;
    for (uint32_t i = 0; are_prototypes && i != before.count && i != after.count; ++i) {
        compare_embedded(before.members[i], after.members[i]);
    }
}

// Compares what types of the same spelling consist of.
void Comparison::compare_embedded(const Member& before, const Member& after) {
    if (is_changed(before.embedded, after.embedded)) {
        Row& row = add(Change::embedded, false, layout_differs_);
        set_type(row.before, before);
        set_type(row.after, after);
        row.before.cause = before.embedded;
        row.after.cause = after.embedded;
    }
}

// Ensures that an entity has a row, and one that does not only follow from others.
void Comparison::settle(size_t first) {
    if (rows_.size() == first) {
        add(Change::grouping, true, layout_differs_);
        return;
    }
    bool explained = false, has_bounds = false;
    const auto is_bound = [](const Row& row) {
        return row.change == Change::member_moved || row.change == Change::size ||
               row.change == Change::alignment;
    };
    for (size_t i = first; i != rows_.size(); ++i) {
        explained |= rows_[i].own || is_embedded(rows_[i].change);
        has_bounds |= is_bound(rows_[i]);
    }
    for (size_t i = first; !explained && i != rows_.size(); ++i) {
        rows_[i].own = !has_bounds || is_bound(rows_[i]);
    }
}

}  // namespace btfmmap::diff
