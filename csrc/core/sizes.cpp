#include "core/sizes.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "core/selection.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;

constexpr std::int64_t kLargest = UINT32_MAX;

bool is_composite(Kind kind) { return kind == Kind::Struct || kind == Kind::Union; }

using Modifiers = Selection<Kind::Typedef, Kind::Const, Kind::Volatile, Kind::Restrict, Kind::TypeTag>;
using Arrays = Selection<Kind::Array>;
using Composites = Selection<Kind::Struct, Kind::Union>;

}  // namespace

const Sizes::Entry Sizes::kNothing{kNoType, kNoType, 0, 1, 0, false};

// Fills the entries in passes, each over what those before it have finished: what stands for itself, then
// modifiers, arrays, and the alignments of structs, which need the sizes.
class Sizes::Builder {
public:
    Builder(Sizes& sizes, const Index& index, uint32_t pointer_size)
        : sizes_(sizes), index_(index), pointer_size_(pointer_size) {}

    void build() {
        fill();
        Modifiers(index_).each([this](uint32_t row) { resolve(row); });
        Arrays(index_).each([this](uint32_t row) { measure(row); });
        Modifiers(index_).each([this](uint32_t row) {
            Entry& entry = entries()[row];
            const Entry& resolved = sizes_.at(entry.resolved);
            entry.element = resolved.element;
            entry.set_size(resolved.size());
        });
        state_.assign(index_.rows(), State::fresh);
        Composites(index_).each([this](uint32_t row) {
            if (state_[row] == State::fresh) {
                align(row);
            }
        });
        Modifiers(index_).each([this](uint32_t row) { align_as_element(row); });
        Arrays(index_).each([this](uint32_t row) { align_as_element(row); });
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
            entry.natural = static_cast<std::uint16_t>(std::clamp<uint32_t>(natural, 1, UINT16_MAX));
            entry.alignment = static_cast<std::uint8_t>(std::min(pointer_size_, natural));
        }
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
        for (const uint32_t modifier : path_) {
            entries()[modifier].resolved = result;
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

    enum class State : std::uint8_t { fresh, open, done };

    struct Frame {
        uint32_t row;
        uint32_t left;  // members still to look at
    };

    // A struct or union, after everything that it holds.
    void align(uint32_t row) {
        frames_.push_back({row, members_of(row)});
        state_[row] = State::open;
        while (!frames_.empty()) {
            Frame& frame = frames_.back();
            if (frame.left == 0) {
                finish(frame.row);
                frames_.pop_back();
                continue;
            }
            --frame.left;
            const uint32_t held = sizes_.element(member_type(frame.row, frame.left));
            if (held == kNoType || !own(held)) {
                continue;
            }
            const uint32_t inner = row_of(held);
            if (is_composite(index_.kind(inner)) && state_[inner] == State::fresh) {
                state_[inner] = State::open;
                frames_.push_back({inner, members_of(inner)});
            }
        }
    }

    uint32_t members_of(uint32_t row) const { return index_.elements(row, shape_of(Kind::Struct)); }
    const std::byte* member(uint32_t row, uint32_t number) const {
        return index_.record(row) + kHeadSize + std::size_t{number} * shape_of(Kind::Struct).element;
    }
    uint32_t member_type(uint32_t row, uint32_t number) const {
        return checked(index_.load(member(row, number) + MemberField::type));
    }

    void finish(uint32_t row) {
        state_[row] = State::done;
        Entry& entry = entries()[row];
        const bool flag = info_kind_flag(index_.load(index_.record(row) + HeadField::info));
        std::uint8_t most = 1;
        std::uint16_t natural = 1;
        bool known = true;
        bool packed = false;
        for (uint32_t number = 0; number != members_of(row); ++number) {
            const Entry& held = sizes_.at(sizes_.element(member_type(row, number)));
            known &= held.alignment != 0;
            most = std::max(most, held.alignment);
            natural = std::max(natural, held.natural);
            const uint32_t offset = index_.load(member(row, number) + MemberField::offset);
            packed |= held.alignment != 0 && member_bitfield_size(offset, flag) == 0 &&
                      member_bit_offset(offset, flag) % (std::uint64_t{8} * held.alignment) != 0;
        }
        packed |= entry.bytes % most != 0;
        entry.alignment = known ? packed ? std::uint8_t{1} : most : std::uint8_t{0};
        entry.natural = natural;
    }

    Sizes& sizes_;
    const Index& index_;
    uint32_t pointer_size_;
    std::vector<uint32_t> path_;
    std::vector<State> state_;
    std::vector<Frame> frames_;
};

Sizes::Sizes(const Index& index, uint32_t pointer_size, const Sizes* base)
    : base_(base),
      first_id_(index.first_id()),
      end_id_(index.end_id()),
      arena_(index.rows() * sizeof(Entry)),
      entries_(arena_.allocate<Entry>(index.rows())) {
    Builder(*this, index, pointer_size).build();
}

}  // namespace btfmmap
