#include "core/analysis/fields.hpp"

#include <algorithm>
#include <string>

#include "core/names/name_hash.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint64_t;

constexpr uint32_t kEnd = UINT32_MAX;  // of a chain of names

bool has_name(const Strings& strings, uint32_t name_off) {
    return name_off != 0 && strings.checked_rest(name_off).data[0] != std::byte{0};
}

Error refused(uint32_t type_id, const char* why) {
    return Error::format("type [" + std::to_string(type_id) + "] " + why, {}, type_id);
}

}  // namespace

Ends member_ends(const TypeRecord& record) {
    const uint32_t members = record.elements();
    Ends ends{0, members - 1};
    if (record.kind() == Kind::Union) {
        return ends;
    }
    const bool flag = record.flag();
    uint32_t lowest = UINT32_MAX;
    uint32_t highest = 0;
    uint32_t number = 0;
    record.each_element([&](const std::byte* element) {
        const uint32_t offset = member_bit_offset(record.load(element + MemberField::offset), flag);
        if (offset < lowest) {
            lowest = offset;
            ends.first = number;
        }
        if (offset >= highest) {
            highest = offset;
            ends.last = number;
        }
        ++number;
    });
    return ends;
}

FieldWalk::FieldWalk(const Btf& btf, const Sizes& sizes, uint32_t root)
    : btf_(btf), sizes_(sizes), root_(root) {
    enter(root, 0, false);
}

void FieldWalk::enter(uint32_t type_id, uint64_t bit_offset, bool in_union) {
    const TypeRecord record(btf_, type_id);
    const uint32_t members = record.elements();
    count_ += members;
    if (count_ > kMaxFields) {
        throw refused(root_, "has more than 65,536 members");
    }
    if (frames_.size() == kMaxFieldDepth) {
        throw refused(root_, "nests more than 64 deep");
    }
    const auto is_open = [type_id](const Frame& frame) { return frame.record.id == type_id; };
    if (std::any_of(frames_.begin(), frames_.end(), is_open)) {
        throw refused(type_id, "contains itself");
    }
    frames_.push_back(
        {record, bit_offset, members, 0, record.flag(), in_union || record.kind() == Kind::Union, {}});
}

bool FieldWalk::is_at_end(Frame& frame, uint32_t number) {
    if (frame.record.kind() == Kind::Union) {
        return true;
    }
    if (!frame.last) {
        frame.last = member_ends(frame.record).last;
    }
    return number == *frame.last;
}

bool FieldWalk::next(Field& field) {
    while (!frames_.empty()) {
        Frame& frame = frames_.back();
        const TypeRecord& record = frame.record;
        path_.resize(frames_.size() - 1);
        if (frame.seen == frame.members) {
            frames_.pop_back();
            continue;
        }
        const uint32_t number = frame.seen++;
        const std::byte* element = record.element(number);
        const uint32_t word = record.load(element + MemberField::offset);
        path_.push_back({record.id, number, frame.bit_offset});
        field.name_off = record.load(element + MemberField::name_off);
        field.type = record.valid_or_void(record.load(element + MemberField::type));
        const uint32_t resolved = sizes_.resolved(field.type);
        field.resolved = resolved == Sizes::kNoType ? field.type : resolved;
        field.kind = btf_.index().kind_of(field.resolved);
        field.bit_offset = frame.bit_offset + member_bit_offset(word, frame.flag);
        if (is_composite(field.kind) && !has_name(btf_.strings(), field.name_off)) {
            enter(field.resolved, field.bit_offset, frame.in_union);
            continue;
        }
        const std::int64_t size = sizes_.size(field.type);
        field.parent = record.id;
        field.number = number;
        field.size = static_cast<uint32_t>(std::max<std::int64_t>(0, size));
        field.bitfield_size = static_cast<std::uint8_t>(member_bitfield_size(word, frame.flag));
        field.depth = static_cast<std::uint8_t>(path_.size() - 1);
        field.in_union = frame.in_union;
        field.flexible =
            size == 0 && field.kind == Kind::Array && field.bitfield_size == 0 && is_at_end(frame, number);
        return true;
    }
    return false;
}

Fields::Fields(const Btf& btf, const Sizes& sizes, uint32_t type_id) {
    try {
        FieldWalk walk(btf, sizes, type_id);
        Field field{};
        while (walk.next(field)) {
            fields_.push_back(field);
        }
    } catch (const Error& error) {
        error_ = error;
    }
    fields_ = std::vector<Field>(fields_);  // without excess capacity
}

void Fields::check() const {
    if (error_) {
        throw Error(*error_);
    }
}

const std::vector<Field>& Fields::all() const {
    check();
    return fields_;
}

Fields::NameIndex Fields::index_names(const Strings& strings) const {
    std::size_t buckets = 1;
    while (buckets < fields_.size()) {
        buckets *= 2;
    }
    NameIndex index{std::vector<uint32_t>(buckets, kEnd), std::vector<uint32_t>(fields_.size())};
    for (std::size_t i = fields_.size(); i-- != 0;) {
        uint32_t& first = index.first[hash_of(strings.checked_rest(fields_[i].name_off)) & (buckets - 1)];
        index.next[i] = first;
        first = static_cast<uint32_t>(i);
    }
    return index;
}

const Field* Fields::find(const Strings& strings, std::string_view name) const {
    const NameIndex& index = names_.get([&] { return index_names(strings); });
    for (uint32_t i = index.first[hash_of(name) & (index.first.size() - 1)]; i != kEnd; i = index.next[i]) {
        if (strings.equals(fields_[i].name_off, name)) {
            return &fields_[i];
        }
    }
    check();
    return nullptr;
}

std::vector<Fields::Interval> Fields::index_bytes() const {
    std::vector<Interval> intervals(fields_.size());
    for (std::size_t i = 0; i != fields_.size(); ++i) {
        intervals[i] = {fields_[i].begin(), 0, static_cast<uint32_t>(i)};
    }
    const auto before = [](const Interval& a, const Interval& b) {
        return a.begin != b.begin ? a.begin < b.begin : a.number < b.number;
    };
    if (!std::is_sorted(intervals.begin(), intervals.end(), before)) {
        std::sort(intervals.begin(), intervals.end(), before);
    }
    uint64_t max_end = 0;
    for (Interval& interval : intervals) {
        max_end = std::max(max_end, fields_[interval.number].end());
        interval.max_end = max_end;
    }
    return intervals;
}

void Fields::at(uint64_t byte, std::vector<uint32_t>& numbers) const {
    check();
    const std::vector<Interval>& intervals = bytes_.get([&] { return index_bytes(); });
    numbers.clear();
    auto end = std::upper_bound(intervals.begin(), intervals.end(), byte,
                                [](uint64_t at, const Interval& interval) { return at < interval.begin; });
    for (; end != intervals.begin() && (end - 1)->max_end > byte; --end) {
        if (fields_[(end - 1)->number].end() > byte) {
            numbers.push_back((end - 1)->number);
        }
    }
    std::sort(numbers.begin(), numbers.end());
}

}  // namespace btfmmap
