#include "core/diff_report/member_lines.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "core/base/merge_sort.hpp"

namespace btfmmap::diff {

namespace {

using std::size_t;
using std::string;
using std::string_view;
using std::uint32_t;

constexpr size_t kIndent = 4;
constexpr size_t kMark = 3;  // " | "
constexpr size_t kMinSide = 20;
constexpr size_t kMaxSide = 512;  // the old side is padded
constexpr string_view kNoName = "(no name)";
constexpr string_view kInside = " (inside)", kNested = " (nested)";
constexpr size_t kMaxHolders = 8;  // of a path that is looked at for a twin

string offset_text(std::int64_t bits) {
    if (bits < 0) {
        return {};
    }
    const string bytes = std::to_string(bits >> 3);
    return (bits & 7) == 0 ? bytes : bytes + ":" + std::to_string(bits & 7);
}

// Returns a path without the holder that starts at `at`; an empty one if there is none.
string without_holder(string_view path, size_t at) {
    const size_t dot = path.find('.', at);
    return dot == string_view::npos ? string() : string(path.substr(0, at)).append(path.substr(dot + 1));
}

bool is_same_side(const Side& left, const Side& right) {
    return left.bit_offset == right.bit_offset && left.bits == right.bits && left.type == right.type;
}

}  // namespace

void MemberLines::write(const std::vector<const Row*>& rows) {
    group(rows);
    remove_twins();
    const size_t room = std::max(lines_.width(), kIndent + kMark) - kIndent - kMark;
    side_ = std::clamp(room / 2, kMinSide, kMaxSide);
    const bool side_by_side = fit_side_by_side();
    for (size_t start = 0; start != items_.size();) {
        const size_t end = run_end(start);
        if (end - start > 1) {
            write_run(start, end, side_by_side);
        } else if (side_by_side) {
            write_side_by_side(items_[start]);
        } else {
            write_below(items_[start]);
        }
        start = end;
    }
}

// Makes an item of the rows of each member, and sorts them by offset.
void MemberLines::group(const std::vector<const Row*>& rows) {
    items_.clear();
    digits_ = 0;
    for (const Row* row : rows) {
        Item* last = items_.empty() ? nullptr : &items_.back();
        if (last == nullptr || row != last->first + last->count || row->before.path != last->before().path ||
            row->after.path != last->after().path || row->before.bit_offset != last->before().bit_offset ||
            row->after.bit_offset != last->after().bit_offset) {
            items_.push_back({row, 0, false, false});
            last = &items_.back();
            for (const Side* side : {&row->before, &row->after}) {
                digits_ = std::max(digits_, offset_text(side->bit_offset).size());
            }
        }
        ++last->count;
        last->inside |= row->change == Change::member_embedded;
        last->nested |= row->change == Change::member_nested;
    }
    merge_sort(items_, [](const Item& left, const Item& right) {
        return left.latest().bit_offset != right.latest().bit_offset
                   ? left.latest().bit_offset < right.latest().bit_offset
                   : left.before().bit_offset < right.before().bit_offset;
    });
}

// Removes items that say the same as another one, of a member that is accessible in two ways: "x" and
// "group.x" if "group" is a struct in a union, and the members of another struct in it are the same.
void MemberLines::remove_twins() {
    std::vector<Item> kept;
    ByPath others;
    for (size_t start = 0, end; start != items_.size(); start = end) {
        others.clear();
        const std::int64_t offset = items_[start].latest().bit_offset;
        for (end = start; end != items_.size() && items_[end].latest().bit_offset == offset; ++end) {
            others.emplace(items_[end].latest().path, &items_[end]);
        }
        for (size_t i = start; i != end; ++i) {
            if (end - start == 1 || !has_twin(items_[i], others)) {
                kept.push_back(items_[i]);
            }
        }
    }
    items_.swap(kept);
}

bool MemberLines::has_twin(const Item& item, const ByPath& others) const {
    const string_view old_path = history_.names().text(item.before().path),
                      new_path = history_.names().text(item.after().path);
    const string_view path = history_.names().text(item.latest().path);
    size_t at = 0;
    for (size_t holders = 0; holders != kMaxHolders; ++holders) {
        const string shorter = without_holder(path, at);
        if (shorter.empty()) {
            return false;
        }
        const auto found = others.find(history_.names().find(shorter));
        if (found != others.end()) {
            const Item& other = *found->second;
            const auto is_same_path = [&](string_view longer, uint32_t number) {
                return longer.empty() ? number == 0
                                      : at <= longer.size() &&
                                            without_holder(longer, at) == history_.names().text(number);
            };
            bool same = item.count == other.count && is_same_side(item.before(), other.before()) &&
                        is_same_side(item.after(), other.after()) &&
                        is_same_path(old_path, other.before().path) &&
                        is_same_path(new_path, other.after().path);
            for (uint32_t i = 0; same && i != item.count; ++i) {
                same = item.first[i].change == other.first[i].change;
            }
            if (same) {
                return true;
            }
        }
        at = path.find('.', at) + 1;
    }
    return false;
}

// Returns the end of the items from `start` that moved by the same distance, and only because of what
// precedes them.
size_t MemberLines::run_end(size_t start) const {
    size_t end = start + 1;
    if (items_[start].is_shifted()) {
        while (end != items_.size() && items_[end].is_shifted() &&
               items_[end].shift() == items_[start].shift()) {
            ++end;
        }
    }
    return end;
}

bool MemberLines::fit_side_by_side() {
    for (size_t start = 0, end; start != items_.size(); start = end) {
        end = run_end(start);
        const Item& item = items_[start];
        if (end - start == 1) {
            const size_t marks = (item.inside ? kInside.size() : 0) + (item.nested ? kNested.size() : 0);
            if (side_length(item.before()) > side_ ||
                (item.after().bit_offset >= 0 && side_length(item.after()) + marks > side_)) {
                return false;
            }
        }
    }
    return true;
}

// Returns the number of characters that append_side() appends.
size_t MemberLines::side_length(const Side& side) {
    line_.clear();
    append_side(side);
    return length_of(line_);
}

// Writes one line for members that were shifted together.
void MemberLines::write_run(size_t start, size_t end, bool side_by_side) {
    const Item& first = items_[start];
    const std::int64_t shift = first.shift();
    line_.assign(side_by_side ? 0 : 2, ' ');
    append_offset(first.before());
    line_ += ' ';
    append_printable(line_, history_.names().text(first.before().path));
    line_ += " ... ";
    append_printable(line_, history_.names().text(items_[end - 1].before().path));
    line_ += ": ";
    append_number(line_, end - start);
    line_ += " members by ";
    const bool in_bytes = shift % 8 == 0;
    append_signed(line_, in_bytes ? shift / 8 : shift);
    line_ += in_bytes ? " bytes" : " bits";
    lines_.add_wrapped(line_, kIndent);
}

void MemberLines::write_side_by_side(const Item& item) {
    line_.assign(kIndent, ' ');
    append_side(item.before());
    line_.append(kIndent + side_ - length_of(line_), ' ');
    line_ += item.before().bit_offset < 0 ? " + " : item.after().bit_offset < 0 ? " - " : " | ";
    append_side(item.after());
    append_marks(item);
    lines_.add(line_);
}

// Writes the old member above the new one, or only one line if they differ in nothing but their offsets.
void MemberLines::write_below(const Item& item) {
    const Side& before = item.before();
    const Side& after = item.after();
    if (before.bit_offset >= 0 && after.bit_offset >= 0 && before.path == after.path &&
        before.type == after.type && before.bits == after.bits) {
        line_ = "  ";
        append_offset(before);
        if (before.bit_offset != after.bit_offset) {
            line_ += " -> " + offset_text(after.bit_offset);
        }
        line_ += ' ';
        append_member(after);
        append_marks(item);
        lines_.add_wrapped(line_, kIndent);
        return;
    }
    if (before.bit_offset >= 0) {
        line_ = "- ";
        append_side(before);
        lines_.add_wrapped(line_, kIndent);
    }
    if (after.bit_offset >= 0) {
        line_ = "+ ";
        append_side(after);
        append_marks(item);
        lines_.add_wrapped(line_, kIndent);
    }
}

void MemberLines::append_side(const Side& side) {
    if (side.bit_offset >= 0) {
        append_offset(side);
        line_ += ' ';
        append_member(side);
    }
}

void MemberLines::append_offset(const Side& side) {
    const string text = offset_text(side.bit_offset);
    line_.append(digits_ - text.size(), ' ');
    line_ += text;
}

void MemberLines::append_member(const Side& side) {
    if (side.path == 0) {
        line_ += kNoName;
    } else {
        append_printable(line_, history_.names().text(side.path));
        if (side.bits > 0) {
            line_ += ':';
            line_ += std::to_string(side.bits);
        }
    }
    line_ += ": ";
    line_ += types_.of(side.type);
}

void MemberLines::append_marks(const Item& item) {
    if (item.after().bit_offset >= 0) {
        line_ += item.inside ? kInside : "";
        line_ += item.nested ? kNested : "";
    }
}

}  // namespace btfmmap::diff
