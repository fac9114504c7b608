#include "core/analysis/sizes.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "core/index/rows_of_kind.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;

constexpr std::int64_t kMaxSize = UINT32_MAX;

bool is_aggregate(Kind kind) { return kind == Kind::Array || is_composite(kind); }

using Modifiers = RowsOfKind<Kind::Typedef, Kind::Const, Kind::Volatile, Kind::Restrict, Kind::TypeTag>;
using Arrays = RowsOfKind<Kind::Array>;
using Composites = RowsOfKind<Kind::Struct, Kind::Union>;

}  // namespace

const Sizes::Entry Sizes::kInvalidId{kNoType, kNoType, 0, 1, 0, false};

// Computes the entries in passes, each based on the results of those before it. The first pass covers types
// whose entries do not depend on others. Modifiers follow, then the sizes of arrays, then the alignments of
// structs, which depend on sizes. Modifiers of arrays and structs are collected, and updated afterwards.
class Sizes::Builder {
public:
    Builder(Sizes& sizes, const Index& index, uint32_t pointer_size)
        : sizes_(sizes), index_(index), pointer_size_(pointer_size) {}

    // Not inlined into the constructor, whose cleanup code would take registers from the loops.
    [[gnu::noinline]] void build(Alignments alignments) {
        compute_independent();
        Modifiers(index_).each([this](uint32_t row) { resolve(row); });
        Arrays(index_).each([this](uint32_t row) { compute_array(row); });
        copy_resolved();
        if (alignments == Alignments::left_out) {
            return;
        }
        Composites(index_).each([this](uint32_t row) {
            if (is_unvisited(row)) {
                align(row);
            }
        });
        Arrays(index_).each([this](uint32_t row) { align_as_element(row); });
        copy_resolved();
    }

private:
    // Marks an entry that is not computed yet. Larger than all type IDs.
    static constexpr uint32_t kUnresolved = kNoType - 1;

    Entry* entries() { return sizes_.entries_; }
    bool own(uint32_t type_id) const { return type_id >= index_.first_id(); }
    uint32_t row_of(uint32_t type_id) const { return type_id - index_.first_id(); }

    // References may be invalid: lint does not require valid ones, and the bytes may have changed.
    uint32_t valid_or_void(uint32_t type_id) const { return type_id < index_.end_id() ? type_id : 0; }
    uint32_t referred(uint32_t row) const {
        return valid_or_void(index_.load(index_.record(row) + HeadField::size_or_type));
    }
    uint32_t array_field(uint32_t row, std::size_t field) const {
        return index_.load(index_.record(row) + kHeadSize + field);
    }

    // How to compute the size and alignment of a kind from its size_or_type word. The size is `word & mask |
    // constant`. Kinds are in an unpredictable order, so branches would be mispredicted.
    struct Rule {
        uint32_t mask = 0;
        std::int64_t constant = kUnknown;
        uint32_t alignment_mask = 0;  // all ones for a kind that is aligned to its size
        uint32_t min_natural = 1;
        bool unresolved = false;       // a modifier or typedef
        bool unknown_element = false;  // an array
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
            rule(kind).alignment_mask = UINT32_MAX;
        }
        for (const Kind kind : {Kind::Typedef, Kind::Const, Kind::Volatile, Kind::Restrict, Kind::TypeTag}) {
            rule(kind).unresolved = true;
        }
        rule(Kind::Array).unknown_element = true;
        rule(Kind::Struct).min_natural = rule(Kind::Union).min_natural = kUnvisited;
        return rules;
    }

    // Computes all entries that do not depend on others.
    void compute_independent() {
        if (index_.first_record() != 0) {
            entries()[0] = {0, 0, 0, 1, 0, false};  // void
        }
        const auto by_kind = rules();
        for (std::size_t row = index_.first_record(); row != index_.rows(); ++row) {
            const Rule& rule = by_kind[index_.kinds()[row]];
            const uint32_t id = index_.id(row);
            const uint32_t word = index_.load(index_.record(row) + HeadField::size_or_type);
            const std::int64_t size = std::int64_t{word & rule.mask} | rule.constant;
            // The natural alignment of an __int128 is 16 bytes, as in pahole. libbpf limits alignments to the
            // size of a pointer.
            const uint32_t natural = static_cast<uint32_t>(size) & rule.alignment_mask;
            Entry& entry = entries()[row];
            entry.resolved = rule.unresolved ? kUnresolved : id;
            entry.element = rule.unknown_element ? kUnresolved : id;
            entry.set_size(size);
            entry.natural =
                static_cast<std::uint16_t>(std::clamp<uint32_t>(natural, rule.min_natural, UINT16_MAX));
            entry.alignment = static_cast<std::uint8_t>(std::min(pointer_size_, natural));
        }
    }

    // Updates the entries of modifiers of arrays, structs and unions from the types that they resolve to.
    void copy_resolved() {
        for (const uint32_t row : modifiers_of_aggregates_) {
            entries()[row] = entry_for_modifier_of(entries()[row].resolved);
        }
    }

    // Returns the entry of a modifier of a type.
    Entry entry_for_modifier_of(uint32_t resolved) const {
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

    // Resolves a modifier or typedef, and all others on the path to the type below them.
    void resolve(uint32_t row) {
        path_.clear();
        uint32_t result = kNoType;
        for (;;) {
            Entry& entry = entries()[row];
            if (entry.resolved == kNoType) {
                break;  // a cycle: the row is on this path, or on a cycle found before
            }
            if (entry.resolved != kUnresolved) {
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
        const Entry found = entry_for_modifier_of(result);
        for (const uint32_t modifier : path_) {
            entries()[modifier] = found;
        }
        if (result != kNoType && own(result) && is_aggregate(index_.kind(row_of(result)))) {
            modifiers_of_aggregates_.insert(modifiers_of_aggregates_.end(), path_.begin(), path_.end());
        }
    }

    // Computes the size and the innermost element type of an array, and of the arrays that it consists of.
    void compute_array(uint32_t row) {
        path_.clear();
        std::int64_t size = kUnknown;
        uint32_t element = kNoType;
        for (;;) {
            Entry& entry = entries()[row];
            if (entry.element != kUnresolved) {
                size = entry.size();
                element = entry.element;
                break;
            }
            entry.element = kNoType;
            path_.push_back(row);
            const uint32_t next = valid_or_void(array_field(row, ArrayField::type));
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
            size = size == kUnknown || (nelems != 0 && size > kMaxSize / nelems) ? kUnknown : size * nelems;
            entries()[path_.back()].set_size(size);
            entries()[path_.back()].element = element;
        }
    }

    // The natural alignment of a struct or union that was not entered yet.
    static constexpr std::uint16_t kUnvisited = 0;
    bool is_unvisited(uint32_t row) const { return sizes_.entries_[row].natural == kUnvisited; }

    struct Frame {
        uint32_t row;
        uint32_t members;
        uint32_t seen;  // the number of members whose types were visited
    };

    // Computes the alignment of a struct or union, after those of the structs and unions that it contains.
    void align(uint32_t row) {
        enter(row);
        while (!frames_.empty()) {
            const uint32_t inner = advance(frames_.back());
            if (inner == kNoType) {
                frames_.pop_back();
            } else {
                enter(row_of(inner));
            }
        }
    }

    // Starts a struct or union. One that contains itself has an unknown alignment inside itself.
    void enter(uint32_t row) {
        entries()[row].natural = 1;
        frames_.push_back({row, index_.elements(row, shape_of(Kind::Struct)), 0});
    }

    // Finishes a struct or union and returns kNoType, or returns a type inside that must be finished first.
    // Most can be finished in one pass over the members; others take three.
    uint32_t advance(Frame& frame) {
        if (frame.seen == 0) {
            return finish<true>(frame);
        }
        while (frame.seen != frame.members) {
            const uint32_t held = held_type(frame.row, frame.seen++);
            if (sizes_.at(held).natural == kUnvisited) {
                return held;
            }
        }
        return finish<false>(frame);
    }

    const std::byte* member(uint32_t row, uint32_t number) const {
        return index_.record(row) + kHeadSize + std::size_t{number} * shape_of(Kind::Struct).element;
    }
    uint32_t held_type(uint32_t row, uint32_t number) const {
        return sizes_.element(valid_or_void(index_.load(member(row, number) + MemberField::type)));
    }

    template <bool stops_at_unvisited>
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
            if (stops_at_unvisited && held.natural == kUnvisited) {
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
        const bool power_of_two = (of & (of - 1)) == 0;  // the usual case, which needs no division
        return (power_of_two ? number & (of - 1) : number % of) == 0;
    }

    Sizes& sizes_;
    const Index& index_;
    uint32_t pointer_size_;
    std::vector<uint32_t> path_;
    std::vector<uint32_t> modifiers_of_aggregates_;  // rows of modifiers of arrays, structs and unions
    std::vector<Frame> frames_;
};

Sizes::Sizes(const Index& index, uint32_t pointer_size, const Sizes* base, Alignments alignments)
    : base_(base),
      first_id_(index.first_id()),
      end_id_(index.end_id()),
      arena_(std::uint64_t{index.rows()} * sizeof(Entry)),
      entries_(arena_.allocate<Entry>(index.rows())) {
    Builder(*this, index, pointer_size).build(alignments);
}

}  // namespace btfmmap
