#include "core/analysis/sizes.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "core/index/rows_of_kind.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;

constexpr std::int64_t kLargest = UINT32_MAX;

bool is_finished_later(Kind kind) { return kind == Kind::Array || is_composite(kind); }

using Modifiers = RowsOfKind<Kind::Typedef, Kind::Const, Kind::Volatile, Kind::Restrict, Kind::TypeTag>;
using Arrays = RowsOfKind<Kind::Array>;
using Composites = RowsOfKind<Kind::Struct, Kind::Union>;

}  // namespace

const Sizes::Entry Sizes::kNothing{kNoType, kNoType, 0, 1, 0, false};

// Fills the entries in passes, each over what those before it have finished: what stands for itself, then
// modifiers, arrays, and the alignments of structs, which need the sizes. What leads to an array or a struct
// is noted, to be finished when that is.
class Sizes::Builder {
public:
    Builder(Sizes& sizes, const Index& index, uint32_t pointer_size)
        : sizes_(sizes), index_(index), pointer_size_(pointer_size) {}

    // Not inlined into the constructor, whose cleaning up takes registers from the loops.
    [[gnu::noinline]] void build() {
        fill();
        Modifiers(index_).each([this](uint32_t row) { resolve(row); });
        Arrays(index_).each([this](uint32_t row) { measure(row); });
        copy_resolved();
        Composites(index_).each([this](uint32_t row) {
            if (is_fresh(row)) {
                align(row);
            }
        });
        Arrays(index_).each([this](uint32_t row) { align_as_element(row); });
        copy_resolved();
    }

private:
    // Type ids end below it: not found out yet.
    static constexpr uint32_t kOpen = kNoType - 1;

    Entry* entries() { return sizes_.entries_; }
    bool own(uint32_t type_id) const { return type_id >= index_.first_id(); }
    uint32_t row_of(uint32_t type_id) const { return type_id - index_.first_id(); }

    // The references may not have been checked, or the bytes have changed since.
    uint32_t checked(uint32_t type_id) const { return type_id < index_.end_id() ? type_id : 0; }
    uint32_t referred(uint32_t row) const {
        return checked(index_.load(index_.record(row) + HeadField::size_or_type));
    }
    uint32_t array_field(uint32_t row, std::size_t field) const {
        return index_.load(index_.record(row) + kHeadSize + field);
    }

    // How the size and alignment of a kind come from its record's word: `word & mask | constant`, so that
    // kinds in no order cost no mispredicted branch.
    struct Rule {
        uint32_t mask = 0;
        std::int64_t constant = kUnknown;
        uint32_t aligned = 0;  // a mask, for what has its alignment of itself
        uint32_t least_natural = 1;
        uint32_t open_resolved = 0;
        uint32_t open_element = 0;
    };

    std::array<Rule, kMaxKinds> rules() const {
        std::array<Rule, kMaxKinds> rules{};
        const auto rule = [&rules](Kind kind) -> Rule& { return rules[static_cast<std::size_t>(kind)]; };
        for (const Kind kind :
             {Kind::Int, Kind::Enum, Kind::Enum64, Kind::Float, Kind::Struct, Kind::Union, Kind::Datasec}) {
            rule(kind).mask = UINT32_MAX;
            rule(kind).constant = 0;
        }
        rule(Kind::Ptr).constant = pointer_size_;
        for (const Kind kind : {Kind::Int, Kind::Enum, Kind::Enum64, Kind::Float, Kind::Ptr}) {
            rule(kind).aligned = UINT32_MAX;
        }
        for (const Kind kind : {Kind::Typedef, Kind::Const, Kind::Volatile, Kind::Restrict, Kind::TypeTag}) {
            rule(kind).open_resolved = UINT32_MAX;
        }
        rule(Kind::Array).open_element = UINT32_MAX;
        rule(Kind::Struct).least_natural = rule(Kind::Union).least_natural = kFresh;
        return rules;
    }

    void fill() {
        if (index_.first_record() != 0) {
            entries()[0] = {0, 0, 0, 1, 0, false};  // void
        }
        const auto by_kind = rules();
        for (std::size_t row = index_.first_record(); row != index_.rows(); ++row) {
            const Rule& rule = by_kind[index_.kinds()[row]];
            const uint32_t id = index_.id(row);
            const uint32_t word = index_.load(index_.record(row) + HeadField::size_or_type);
            const std::int64_t size = std::int64_t{word & rule.mask} | rule.constant;
            // An __int128 is aligned to 16 bytes, which libbpf does not know and pahole does.
            const uint32_t natural = static_cast<uint32_t>(size) & rule.aligned;
            Entry& entry = entries()[row];
            entry.resolved = rule.open_resolved != 0 ? kOpen : id;
            entry.element = rule.open_element != 0 ? kOpen : id;
            entry.set_size(size);
            entry.natural =
                static_cast<std::uint16_t>(std::clamp<uint32_t>(natural, rule.least_natural, UINT16_MAX));
            entry.alignment = static_cast<std::uint8_t>(std::min(pointer_size_, natural));
        }
    }

    // Of what leads to an array or a struct, as far as that is finished.
    void copy_resolved() {
        for (const uint32_t row : unfinished_) {
            entries()[row] = stand_in(entries()[row].resolved);
        }
    }

    // The entry of what is nothing but a modifier of it.
    Entry stand_in(uint32_t resolved) const {
        Entry entry = sizes_.at(resolved);
        entry.resolved = resolved;
        return entry;
    }

    void align_as_element(uint32_t row) {
        Entry& entry = entries()[row];
        const Entry& element = sizes_.at(entry.element);
        entry.alignment = element.alignment;
        entry.natural = element.natural;
    }

    void resolve(uint32_t row) {
        path_.clear();
        uint32_t result = kNoType;
        for (;;) {
            Entry& entry = entries()[row];
            if (entry.resolved == kNoType) {
                break;  // on this path already, or a circle found before
            }
            if (entry.resolved != kOpen) {
                result = entry.resolved;
                break;
            }
            entry.resolved = kNoType;
            path_.push_back(row);
            const uint32_t next = referred(row);
            if (!own(next)) {
                result = sizes_.at(next).resolved;
                break;
            }
            row = row_of(next);
        }
        const Entry found = stand_in(result);
        for (const uint32_t modifier : path_) {
            entries()[modifier] = found;
        }
        if (result != kNoType && own(result) && is_finished_later(index_.kind(row_of(result)))) {
            unfinished_.insert(unfinished_.end(), path_.begin(), path_.end());
        }
    }

    // The size of an array, and what it is made of.
    void measure(uint32_t row) {
        path_.clear();
        std::int64_t size = kUnknown;
        uint32_t element = kNoType;
        for (;;) {
            Entry& entry = entries()[row];
            if (entry.element != kOpen) {
                size = entry.size();
                element = entry.element;
                break;
            }
            entry.element = kNoType;
            path_.push_back(row);
            const uint32_t next = checked(array_field(row, ArrayField::type));
            const uint32_t resolved = sizes_.at(next).resolved;
            if (resolved == kNoType) {
                break;
            }
            if (!own(resolved)) {
                size = sizes_.at(resolved).size();
                element = sizes_.at(resolved).element;
                break;
            }
            row = row_of(resolved);
        }
        for (; !path_.empty(); path_.pop_back()) {
            const std::int64_t nelems = array_field(path_.back(), ArrayField::nelems);
            size = size == kUnknown || (nelems != 0 && size > kLargest / nelems) ? kUnknown : size * nelems;
            entries()[path_.back()].set_size(size);
            entries()[path_.back()].element = element;
        }
    }

    // A struct whose alignment nobody has begun to find out has no natural one either.
    static constexpr std::uint16_t kFresh = 0;
    bool is_fresh(uint32_t row) const { return sizes_.entries_[row].natural == kFresh; }

    struct Frame {
        uint32_t row;
        uint32_t members;
        uint32_t seen;  // how many of them have been entered or need not be
    };

    // A struct or union, after everything that it holds.
    void align(uint32_t row) {
        enter(row);
        while (!frames_.empty()) {
            const uint32_t inner = look_at(frames_.back());
            if (inner == kNoType) {
                frames_.pop_back();
            } else {
                enter(row_of(inner));
            }
        }
    }

    // Where it comes to itself again, it has no alignment.
    void enter(uint32_t row) {
        entries()[row].natural = 1;
        frames_.push_back({row, index_.elements(row, shape_of(Kind::Struct)), 0});
    }

    // Finishes it and returns kNoType, or returns what it holds that has to be finished first. Most can be
    // finished at once; of others the members are looked at three times in all.
    uint32_t look_at(Frame& frame) {
        if (frame.seen == 0) {
            return finish<true>(frame);
        }
        while (frame.seen != frame.members) {
            const uint32_t held = held_type(frame.row, frame.seen++);
            if (sizes_.at(held).natural == kFresh) {
                return held;
            }
        }
        return finish<false>(frame);
    }

    const std::byte* member(uint32_t row, uint32_t number) const {
        return index_.record(row) + kHeadSize + std::size_t{number} * shape_of(Kind::Struct).element;
    }
    uint32_t held_type(uint32_t row, uint32_t number) const {
        return sizes_.element(checked(index_.load(member(row, number) + MemberField::type)));
    }

    template <bool stops_at_fresh>
    uint32_t finish(Frame& frame) {
        const uint32_t row = frame.row;
        const bool flag = info_kind_flag(index_.load(index_.record(row) + HeadField::info));
        std::uint8_t most = 1;
        std::uint16_t natural = 1;
        bool known = true;
        bool packed = false;
        for (uint32_t number = 0; number != frame.members; ++number) {
            const uint32_t type = held_type(row, number);
            const Entry& held = sizes_.at(type);
            if (stops_at_fresh && held.natural == kFresh) {
                frame.seen = number + 1;
                return type;
            }
            known &= held.alignment != 0;
            most = std::max(most, held.alignment);
            natural = std::max(natural, held.natural);
            const uint32_t offset = index_.load(member(row, number) + MemberField::offset);
            packed |= held.alignment != 0 && member_bitfield_size(offset, flag) == 0 &&
                      !is_multiple(member_bit_offset(offset, flag), uint32_t{8} * held.alignment);
        }
        Entry& entry = entries()[row];
        packed |= !is_multiple(entry.bytes, most);
        entry.alignment = known ? packed ? std::uint8_t{1} : most : std::uint8_t{0};
        entry.natural = natural;
        return kNoType;
    }

    static bool is_multiple(uint32_t number, uint32_t of) {
        const bool power_of_two = (of & (of - 1)) == 0;  // most often, and then no division
        return (power_of_two ? number & (of - 1) : number % of) == 0;
    }

    Sizes& sizes_;
    const Index& index_;
    uint32_t pointer_size_;
    std::vector<uint32_t> path_;
    std::vector<uint32_t> unfinished_;  // modifiers of arrays, structs and unions
    std::vector<Frame> frames_;
};

Sizes::Sizes(const Index& index, uint32_t pointer_size, const Sizes* base)
    : base_(base),
      first_id_(index.first_id()),
      end_id_(index.end_id()),
      arena_(std::uint64_t{index.rows()} * sizeof(Entry)),
      entries_(arena_.allocate<Entry>(index.rows())) {
    Builder(*this, index, pointer_size).build();
}

}  // namespace btfmmap
