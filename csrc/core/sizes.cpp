#include "core/sizes.hpp"

#include <algorithm>
#include <vector>

namespace btfmmap {

namespace {

using std::uint32_t;

constexpr std::int64_t kLargest = UINT32_MAX;

bool is_modifier(Kind kind) {
    switch (kind) {
        case Kind::Typedef:
        case Kind::Const:
        case Kind::Volatile:
        case Kind::Restrict:
        case Kind::TypeTag:
            return true;
        default:
            return false;
    }
}

// What has its alignment of itself.
bool is_scalar(Kind kind) {
    switch (kind) {
        case Kind::Int:
        case Kind::Enum:
        case Kind::Enum64:
        case Kind::Float:
        case Kind::Ptr:
            return true;
        default:
            return false;
    }
}

bool is_composite(Kind kind) { return kind == Kind::Struct || kind == Kind::Union; }

}  // namespace

const Sizes::Entry& Sizes::at(uint32_t type_id) const {
    static constexpr Entry nothing{kNoType, kNoType, 0, 1, kUnknown};
    const Sizes* sizes = this;
    while (type_id < sizes->first_id_) {
        sizes = sizes->base_;
    }
    return type_id < sizes->end_id_ ? sizes->entries_[type_id - sizes->first_id_] : nothing;
}

std::int64_t Sizes::size(uint32_t type_id) const {
    const uint32_t resolved = at(type_id).resolved;
    return resolved == kNoType ? kUnknown : at(resolved).size;
}

std::int64_t Sizes::alignment(uint32_t type_id) const {
    const uint32_t made_of = element(type_id);
    const uint32_t alignment = made_of == kNoType ? 0 : at(made_of).alignment;
    return alignment == 0 ? kUnknown : alignment;
}

uint32_t Sizes::natural_alignment(uint32_t type_id) const {
    const uint32_t made_of = element(type_id);
    return made_of == kNoType ? 1 : at(made_of).natural;
}

uint32_t Sizes::element(uint32_t type_id) const {
    const uint32_t resolved = at(type_id).resolved;
    if (resolved == kNoType) {
        return kNoType;
    }
    const uint32_t element = at(resolved).element;
    return element == kNoType ? kNoType : element;
}

// Fills the entries in four passes, each over finished ones: resolved, arrays, then alignments.
class Sizes::Builder {
public:
    Builder(Sizes& sizes, const Index& index, uint32_t pointer_size)
        : sizes_(sizes), index_(index), pointer_size_(pointer_size) {}

    void build() {
        for (uint32_t row = 0; row != index_.rows(); ++row) {
            entries()[row] = {kOpen, kOpen, 0, 1, kUnknown};
        }
        for (uint32_t row = 0; row != index_.rows(); ++row) {
            resolve(row);
        }
        for (uint32_t row = 0; row != index_.rows(); ++row) {
            measure(row);
        }
        state_.assign(index_.rows(), State::fresh);
        for (uint32_t row = 0; row != index_.rows(); ++row) {
            if (is_composite(index_.kind(row)) && state_[row] == State::fresh) {
                align(row);
            }
        }
    }

private:
    // Type ids end below it: not found out yet.
    static constexpr uint32_t kOpen = kNoType - 1;

    Entry* entries() { return sizes_.entries_.get(); }
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
            if (!is_modifier(index_.kind(row))) {
                result = index_.id(row);
                entry.resolved = result;
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

    // The size of what is no modifier, and what an array is made of.
    void measure(uint32_t row) {
        path_.clear();
        std::int64_t size = kUnknown;
        uint32_t element = kNoType;
        for (;;) {
            Entry& entry = entries()[row];
            if (entry.element != kOpen) {
                size = entry.size;
                element = entry.element;
                break;
            }
            if (index_.kind(row) != Kind::Array) {
                element = entry.element = index_.id(row);
                size = entry.size = plain_size(row);
                // An __int128 is aligned to 16 bytes, which libbpf does not know and pahole does.
                const uint32_t own = is_scalar(index_.kind(row)) ? static_cast<uint32_t>(size) : 0;
                entry.alignment = std::min(pointer_size_, own);
                entry.natural = std::max(1U, own);
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
                size = sizes_.at(resolved).size;
                element = sizes_.at(resolved).element;
                break;
            }
            row = row_of(resolved);
        }
        for (; !path_.empty(); path_.pop_back()) {
            const std::int64_t nelems = array_field(path_.back(), ArrayField::nelems);
            size = size == kUnknown || (nelems != 0 && size > kLargest / nelems) ? kUnknown : size * nelems;
            entries()[path_.back()].size = size;
            entries()[path_.back()].element = element;
        }
    }

    std::int64_t plain_size(uint32_t row) const {
        switch (index_.kind(row)) {
            case Kind::Int:
            case Kind::Struct:
            case Kind::Union:
            case Kind::Enum:
            case Kind::Enum64:
            case Kind::Float:
            case Kind::Datasec:
                return index_.load(index_.record(row) + HeadField::size_or_type);
            case Kind::Ptr:
                return pointer_size_;
            default:
                return kUnknown;
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
        std::int64_t most = 1;
        uint32_t natural = 1;
        bool known = true;
        bool packed = false;
        for (uint32_t number = 0; number != members_of(row); ++number) {
            const uint32_t type = member_type(row, number);
            const std::int64_t alignment = sizes_.alignment(type);
            known &= alignment != kUnknown;
            most = std::max(most, alignment);
            natural = std::max(natural, sizes_.natural_alignment(type));
            const uint32_t offset = index_.load(member(row, number) + MemberField::offset);
            packed |= alignment != kUnknown && member_bitfield_size(offset, flag) == 0 &&
                      member_bit_offset(offset, flag) % (8 * alignment) != 0;
        }
        packed |= entry.size % most != 0;
        entry.alignment = known ? packed ? 1 : static_cast<uint32_t>(most) : 0;
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
    : base_(base), first_id_(index.first_id()), end_id_(index.end_id()), entries_(new Entry[index.rows()]) {
    Builder(*this, index, pointer_size).build();
}

}  // namespace btfmmap
