#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "core/diff/comparison.hpp"

namespace btfmmap::diff {

namespace {

using std::size_t;
using std::uint32_t;

// The names of the parameters that have one, with their numbers; sorted.
std::vector<std::pair<uint32_t, uint32_t>> names_of(const VersionView& view) {
    std::vector<std::pair<uint32_t, uint32_t>> names;
    for (uint32_t i = 0; i != view.count; ++i) {
        if (!view.members[i].unnamed) {
            names.emplace_back(view.members[i].name, i);
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

// Returns the number of the parameter after for each one before; kNone if it has none.
std::vector<uint32_t> paired(const VersionView& before, const VersionView& after, std::vector<bool>& taken) {
    std::vector<uint32_t> to_after(before.count, kNone);
    const auto take = [&](uint32_t i, uint32_t j) {
        to_after[i] = j;
        taken[j] = true;
    };
    const auto olds = names_of(before), news = names_of(after);
    for (size_t i = 0, j = 0; i != olds.size() && j != news.size();) {
        if (olds[i].first == news[j].first) {
            take(olds[i++].second, news[j++].second);
        } else {
            ++(olds[i].first < news[j].first ? i : j);
        }
    }
    const uint32_t both = std::min(before.count, after.count);
    for (uint32_t i = 0; i != both; ++i) {
        if (before.members[i].unnamed && after.members[i].unnamed) {
            take(i, i);
        }
    }
    for (uint32_t i = 0; i != both; ++i) {
        if (to_after[i] == kNone && !taken[i] && before.members[i].type == after.members[i].type) {
            take(i, i);
        }
    }
    return to_after;
}

}  // namespace

void Comparison::compare_functions(const VersionView& before, const VersionView& after) {
    if (before.type != nullptr && after.type != nullptr) {
        const Member& left = *before.type;
        const Member& right = *after.type;
        if (left.type != right.type) {
            Row& row = add(Change::return_type, true, left.size != right.size || left.kind != right.kind);
            set_type(row.before, left);
            set_type(row.after, right);
        } else {
            compare_parameter(left, right);
        }
    }
    std::vector<bool> taken(after.count);
    const std::vector<uint32_t> to_after = paired(before, after, taken);
    bool reordered = false;
    uint32_t last = 0;
    for (uint32_t i = 0; i != before.count; ++i) {
        const Member& left = before.members[i];
        if (to_after[i] == kNone) {
            set_type(add(Change::parameter_removed, true, layout_differs_).before, left);
            continue;
        }
        reordered |= to_after[i] < last;
        last = std::max(last, to_after[i]);
        const Member& right = after.members[to_after[i]];
        if (left.name != right.name) {
            Row& row = add(Change::parameter_renamed, true, false);
            set_type(row.before, left);
            set_type(row.after, right);
        }
        if (left.type != right.type) {
            Row& row = add(Change::parameter_type, true, left.size != right.size || left.kind != right.kind);
            set_type(row.before, left);
            set_type(row.after, right);
        } else {
            compare_parameter(left, right);
        }
    }
    for (uint32_t j = 0; j != after.count; ++j) {
        if (!taken[j]) {
            set_type(add(Change::parameter_added, true, layout_differs_).after, after.members[j]);
        }
    }
    if (reordered) {
        add(Change::parameter_reordered, true, layout_differs_);
    }
    if (before.content.variadic != after.content.variadic) {
        Row& row = add(Change::variadic, true, true);
        row.before.value = before.content.variadic ? 1 : 0;
        row.after.value = after.content.variadic ? 1 : 0;
    }
}

// Compares what parameters, or results, of the same spelling consist of.
void Comparison::compare_parameter(const Member& before, const Member& after) {
    if (is_changed(before.embedded, after.embedded)) {
        Row& row =
            add(Change::parameter_embedded, false, before.size != after.size || before.kind != after.kind);
        set_type(row.before, before);
        set_type(row.after, after);
        row.before.cause = before.embedded;
        row.after.cause = after.embedded;
    }
}

}  // namespace btfmmap::diff
