#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "core/diff/comparison.hpp"

namespace btfmmap::diff {

namespace {

using std::size_t;
using std::uint32_t;
using std::uint64_t;

using Keys = std::vector<std::pair<uint64_t, uint32_t>>;  // a key and the number of its enumerator; sorted

}  // namespace

void Comparison::compare_enumerators(const VersionView& before, const VersionView& after) {
    const uint64_t size = std::max(before.content.size, after.content.size);
    const uint64_t mask = size == 0 || size >= 8 ? UINT64_MAX : (uint64_t{1} << (8 * size)) - 1;
    std::vector<uint32_t> to_after(before.count, kNone), to_before(after.count, kNone);

    const auto keys = [](const VersionView& view, const std::vector<uint32_t>& paired, auto key) {
        Keys found;
        for (uint32_t i = 0; i != view.count; ++i) {
            if (paired[i] == kNone) {
                found.emplace_back(key(view.members[i]), i);
            }
        }
        std::sort(found.begin(), found.end());
        return found;
    };
    // Calls `visit` with the runs of equal keys on both sides.
    const auto each_run = [&](auto key, auto visit) {
        const Keys olds = keys(before, to_after, key), news = keys(after, to_before, key);
        const auto run_end = [](const Keys& all, size_t start) {
            size_t end = start;
            while (end != all.size() && all[end].first == all[start].first) {
                ++end;
            }
            return end;
        };
        for (size_t i = 0, j = 0; i != olds.size() && j != news.size();) {
            if (olds[i].first != news[j].first) {
                ++(olds[i].first < news[j].first ? i : j);
                continue;
            }
            const size_t i_end = run_end(olds, i), j_end = run_end(news, j);
            visit(olds, i, i_end, news, j, j_end);
            i = i_end;
            j = j_end;
        }
    };
    const auto pair = [&](uint32_t i, uint32_t j) {
        to_after[i] = j;
        to_before[j] = i;
    };
    each_run([](const Member& member) { return uint64_t{member.name}; },
             [&](const Keys& olds, size_t i, size_t i_end, const Keys& news, size_t j, size_t j_end) {
                 for (; i != i_end && j != j_end; ++i, ++j) {
                     pair(olds[i].second, news[j].second);
                 }
             });
    each_run([mask](const Member& member) { return member.bit_offset & mask; },
             [&](const Keys& olds, size_t i, size_t i_end, const Keys& news, size_t j, size_t j_end) {
                 if (i_end - i == 1 && j_end - j == 1) {
                     pair(olds[i].second, news[j].second);
                 }
             });

    const auto set = [](Side& side, const VersionView& view, const Member& member) {
        side.path = member.path;
        side.value = static_cast<std::int64_t>(member.bit_offset);
        side.is_unsigned = view.content.signedness == 0;
    };
    for (uint32_t i = 0; i != before.count; ++i) {
        const Member& left = before.members[i];
        if (to_after[i] == kNone) {
            set(add(Change::enumerator_removed, true, true).before, before, left);
            continue;
        }
        const Member& right = after.members[to_after[i]];
        const bool renamed = left.name != right.name;
        if (renamed || ((left.bit_offset ^ right.bit_offset) & mask) != 0) {
            Row& row = add(renamed ? Change::enumerator_renamed : Change::enumerator_value, true, true);
            set(row.before, before, left);
            set(row.after, after, right);
        }
    }
    for (uint32_t j = 0; j != after.count; ++j) {
        if (to_before[j] == kNone) {
            set(add(Change::enumerator_added, true, true).after, after, after.members[j]);
        }
    }
}

}  // namespace btfmmap::diff
