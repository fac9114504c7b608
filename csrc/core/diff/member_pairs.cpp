#include "core/diff/member_pairs.hpp"

#include <algorithm>
#include <cstddef>
#include <tuple>

namespace btfmmap::diff {

namespace {

using std::size_t;
using std::uint32_t;

// Returns the numbers of the members by how many "struct {...}" contain them.
std::vector<std::vector<uint32_t>> by_level(const VersionView& view) {
    std::vector<uint32_t> levels(view.count);
    std::vector<std::vector<uint32_t>> found;
    for (uint32_t i = 0; i != view.count; ++i) {
        const uint32_t holder = view.members[i].holder;  // it precedes what it contains
        levels[i] = holder == kNone ? 0 : levels[holder] + 1;
        if (levels[i] >= found.size()) {
            found.resize(levels[i] + 1);
        }
        found[levels[i]].push_back(i);
    }
    return found;
}

}  // namespace

bool MemberPairs::Key::precedes(const Key& other) const {
    return std::tie(holder, type, bit_offset, bits, number) <
           std::tie(other.holder, other.type, other.bit_offset, other.bits, other.number);
}

MemberPairs::MemberPairs(const VersionView& before, const VersionView& after)
    : before_(before), after_(after), to_after_(before.count, kNone), to_before_(after.count, kNone) {
    const auto olds = by_level(before), news = by_level(after);
    for (size_t level = 0; level < std::min(olds.size(), news.size()); ++level) {
        pair_level(olds[level], news[level]);
    }
}

void MemberPairs::pair_level(const std::vector<uint32_t>& olds, const std::vector<uint32_t>& news) {
    pair_by_name(olds, news);
    pair_by_offset(olds, news);
    pair_by_neighbours(olds, news);
}

// The keys of the members that are not paired, but whose holders are; sorted.
template <class MakeKey>
std::vector<MemberPairs::Key> MemberPairs::old_keys(const std::vector<uint32_t>& olds, MakeKey make) const {
    std::vector<Key> keys;
    for (const uint32_t number : olds) {
        const Member& member = before_.members[number];
        const uint32_t holder = new_holder(member);
        if (to_after_[number] == kNone && (member.holder == kNone || holder != kNone)) {
            keys.push_back(make(member, holder, number));
        }
    }
    std::sort(keys.begin(), keys.end(),
              [](const Key& left, const Key& right) { return left.precedes(right); });
    return keys;
}

template <class MakeKey>
std::vector<MemberPairs::Key> MemberPairs::new_keys(const std::vector<uint32_t>& news, MakeKey make) const {
    std::vector<Key> keys;
    for (const uint32_t number : news) {
        const Member& member = after_.members[number];
        if (to_before_[number] == kNone && (member.holder == kNone || to_before_[member.holder] != kNone)) {
            keys.push_back(make(member, member.holder, number));
        }
    }
    std::sort(keys.begin(), keys.end(),
              [](const Key& left, const Key& right) { return left.precedes(right); });
    return keys;
}

void MemberPairs::pair_by_name(const std::vector<uint32_t>& olds, const std::vector<uint32_t>& news) {
    const auto make = [](const Member& member, uint32_t holder, uint32_t number) {
        return Key{holder, member.name, 0, 0, number};
    };
    const auto old_ones = old_keys(olds, make), new_ones = new_keys(news, make);
    for (size_t i = 0, j = 0; i != old_ones.size() && j != new_ones.size();) {
        if (old_ones[i].same_as(new_ones[j])) {
            take(old_ones[i++].number, new_ones[j++].number);
        } else {
            // Numbers count only among those of equal name.
            const auto left = std::tie(old_ones[i].holder, old_ones[i].type);
            ++(left < std::tie(new_ones[j].holder, new_ones[j].type) ? i : j);
        }
    }
}

// Pairs members at the same place and of the same type, if there is only one on each side.
void MemberPairs::pair_by_offset(const std::vector<uint32_t>& olds, const std::vector<uint32_t>& news) {
    const auto make = [](const Member& member, uint32_t holder, uint32_t number) {
        return Key{holder, member.type, member.bit_offset, member.bits, number};
    };
    const auto old_ones = old_keys(olds, make), new_ones = new_keys(news, make);
    const auto run_end = [](const std::vector<Key>& keys, size_t start) {
        size_t end = start + 1;
        while (end != keys.size() && keys[end].same_as(keys[start])) {
            ++end;
        }
        return end;
    };
    for (size_t i = 0, j = 0; i != old_ones.size() && j != new_ones.size();) {
        const size_t i_end = run_end(old_ones, i), j_end = run_end(new_ones, j);
        Key left = old_ones[i], right = new_ones[j];
        left.number = right.number = 0;
        if (left.same_as(right)) {
            if (i_end == i + 1 && j_end == j + 1) {
                take(old_ones[i].number, new_ones[j].number);
            }
            i = i_end;
            j = j_end;
        } else if (left.precedes(right)) {
            i = i_end;
        } else {
            j = j_end;
        }
    }
}

// Pairs members between members that are paired with each other. Members in other "struct {...}" do not count
// as neighbours, the ends of a struct do.
void MemberPairs::pair_by_neighbours(const std::vector<uint32_t>& olds, const std::vector<uint32_t>& news) {
    std::vector<uint32_t> positions(after_.count, kNone);
    for (uint32_t i = 0; i != news.size(); ++i) {
        positions[news[i]] = i;
    }
    // Those in one struct follow each other in the lists.
    const auto holder = [](const VersionView& view, const std::vector<uint32_t>& numbers, size_t at) {
        return view.members[numbers[at]].holder;
    };
    std::vector<std::pair<uint32_t, uint32_t>> found;
    for (size_t i = 0; i != olds.size(); ++i) {
        const Member& member = before_.members[olds[i]];
        if (to_after_[olds[i]] != kNone || (member.holder != kNone && new_holder(member) == kNone)) {
            continue;
        }
        const bool is_first = i == 0 || holder(before_, olds, i - 1) != member.holder;
        const bool is_last = i + 1 == olds.size() || holder(before_, olds, i + 1) != member.holder;
        size_t j;
        if (!is_first) {
            const uint32_t previous = to_after_[olds[i - 1]];
            if (previous == kNone || positions[previous] == kNone) {
                continue;
            }
            j = positions[previous] + size_t{1};
        } else if (!is_last) {
            const uint32_t next = to_after_[olds[i + 1]];
            if (next == kNone || positions[next] == kNone || positions[next] == 0) {
                continue;
            }
            j = positions[next] - size_t{1};
        } else {
            const uint32_t first = member.holder == kNone ? 0 : new_holder(member) + 1;
            j = first < after_.count ? positions[first] : kNone;
        }
        if (j >= news.size() || to_before_[news[j]] != kNone) {
            continue;
        }
        const Member& other = after_.members[news[j]];
        if (other.type != member.type || other.bits != member.bits || new_holder(member) != other.holder) {
            continue;
        }
        const bool other_is_first = j == 0 || holder(after_, news, j - 1) != other.holder;
        const bool other_is_last = j + 1 == news.size() || holder(after_, news, j + 1) != other.holder;
        if (is_first == other_is_first && is_last == other_is_last &&
            (is_first || to_after_[olds[i - 1]] == news[j - 1]) &&
            (is_last || to_after_[olds[i + 1]] == news[j + 1])) {
            found.emplace_back(olds[i], news[j]);
        }
    }
    for (const auto& [before, after] : found) {
        take(before, after);
    }
}

namespace {

// Returns the length of the longest increasing subsequence that ends at each number.
std::vector<uint32_t> lengths_of(const std::vector<uint32_t>& numbers) {
    std::vector<uint32_t> tops, lengths;
    for (const uint32_t number : numbers) {
        const auto pile = std::lower_bound(tops.begin(), tops.end(), number);
        lengths.push_back(static_cast<uint32_t>(pile - tops.begin()) + 1);
        if (pile == tops.end()) {
            tops.push_back(number);
        } else {
            *pile = number;
        }
    }
    return lengths;
}

}  // namespace

std::vector<bool> MemberPairs::in_order() const {
    std::vector<uint32_t> members, numbers;
    for (uint32_t i = 0; i != to_after_.size(); ++i) {
        if (to_after_[i] != kNone) {
            members.push_back(i);
            numbers.push_back(to_after_[i]);
        }
    }
    const std::vector<uint32_t> ending = lengths_of(numbers);
    // Backwards and negated, those that start at each.
    std::vector<uint32_t> mirrored(numbers.rbegin(), numbers.rend());
    for (uint32_t& number : mirrored) {
        number = ~number;
    }
    const std::vector<uint32_t> starting = lengths_of(mirrored);
    const uint32_t longest = ending.empty() ? 0 : *std::max_element(ending.begin(), ending.end());
    const auto is_in_one = [&](size_t i) {
        return ending[i] + starting[numbers.size() - 1 - i] - 1 == longest;
    };
    std::vector<uint32_t> with_length(size_t{longest} + 1);
    for (size_t i = 0; i != numbers.size(); ++i) {
        with_length[ending[i]] += is_in_one(i) ? 1 : 0;
    }
    std::vector<bool> kept(to_after_.size());
    for (size_t i = 0; i != numbers.size(); ++i) {
        kept[members[i]] = is_in_one(i) && with_length[ending[i]] == 1;
    }
    return kept;
}

}  // namespace btfmmap::diff
