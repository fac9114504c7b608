#include "core/corpus/same_rows.hpp"

#include <algorithm>

#include "core/analysis/sizes.hpp"
#include "core/base/endian.hpp"
#include "core/format/wire_format.hpp"
#include "core/names/empty_name.hpp"

namespace btfmmap::corpus {

namespace {

using std::size_t;
using std::uint32_t;
using std::uint8_t;
using State = SameRows::State;

// The state of what depends on two.
State worse(State one, State other) {
    return one == State::different || other == State::different ? State::different
           : one == State::unknown                              ? one
                                                                : other;
}

// Whether a row is one of several equal types without a name. `equals` has their numbers with ordinal 0.
bool has_equals(const Entry& entry, const std::vector<uint32_t>& equals, size_t row) {
    return !entry.is_named(row) &&
           (entry.ordinals[row] != 0 ||
            std::find(equals.begin(), equals.end(), entry.numbers[row]) != equals.end());
}

template <class Load>
class Comparison {
public:
    Comparison(const RowPairs& pairs, const Entry& now, const Entry& before, std::vector<State>& states)
        : pairs_(pairs),
          sizes_(now.sizes->sizes()),
          sizes_before_(before.sizes->sizes()),
          index_(now.sizes->btf().index()),
          index_before_(before.sizes->btf().index()),
          strings_(now.sizes->btf().strings()),
          tokens_(now.tokens),
          tokens_before_(before.tokens),
          facts_(index_.rows()),
          states_(states) {
        for (size_t row = index_.first_record(); row != index_.rows(); ++row) {
            facts_[row] = facts(static_cast<uint32_t>(row));
        }
    }

    // Compares a row, after those that the comparison depends on.
    void compare_from(uint32_t root) {
        pending_.push_back(root);
        while (!pending_.empty()) {
            const uint32_t row = pending_.back();
            if (states_[row] == State::same || states_[row] == State::different) {
                pending_.pop_back();
                continue;
            }
            // Whoever comes to a row that was entered depends on itself.
            const bool again = states_[row] == State::entered;
            states_[row] = State::entered;
            const size_t waiting = pending_.size();
            State state = compare(row);
            if (state == State::unknown && again) {
                state = State::different;
            }
            if (state != State::unknown) {
                pending_.resize(waiting - 1);
                states_[row] = state;
            }
        }
    }

private:
    // What is true of a row and its pair. It is found out row by row, as most types are referred to often.
    enum : uint8_t { kSameSize = 1, kSameToken = 2, kByName = 4, kComposite = 8 };

    uint8_t facts(uint32_t row) const {
        const uint32_t pair = pairs_[row];
        const bool is_pair = pair != RowPairs::kNone;
        return static_cast<uint8_t>((is_pair && same_size(row, pair) ? kSameSize : 0) |
                                    (is_pair && same_token(row, pair) ? kSameToken : 0) |
                                    (tokens_[row] != 0 ? kByName : 0) |
                                    (is_composite(index_.kind(row)) ? kComposite : 0));
    }

    // Returns State::unknown if it depends on rows that were not compared yet, and appends these to
    // `pending_`.
    State compare(uint32_t row) {
        const uint32_t pair = pairs_[row];
        if (pair == RowPairs::kNone || (facts_[row] & kSameToken) == 0) {
            return State::different;
        }
        const std::byte* const now = index_.record(row);
        const std::byte* const before = index_before_.record(pair);
        const size_t size = index_.offsets()[row + 1] - index_.offsets()[row];
        if (size != index_before_.offsets()[pair + 1] - index_before_.offsets()[pair] ||
            !same_word(now, before, HeadField::info)) {
            return State::different;
        }
        switch (index_.kind(row)) {
            case Kind::Struct:
                return compare_elements<Kind::Struct>(now, before, size);
            case Kind::Union:
                return compare_elements<Kind::Union>(now, before, size);
            case Kind::Enum:
                return compare_elements<Kind::Enum>(now, before, size);
            case Kind::Enum64:
                return compare_elements<Kind::Enum64>(now, before, size);
            case Kind::FuncProto:
                return compare_elements<Kind::FuncProto>(now, before, size);
            case Kind::Datasec:
                return compare_elements<Kind::Datasec>(now, before, size);
            case Kind::Array:
                return same_word(now, before, kHeadSize + ArrayField::nelems)
                           ? worse(compare_types(now, before, kHeadSize + ArrayField::type),
                                   compare_types(now, before, kHeadSize + ArrayField::index_type))
                           : State::different;
            case Kind::Ptr:
                return compare_types<false, true>(now, before, HeadField::size_or_type);
            case Kind::Typedef:
            case Kind::Var:
                return compare_alias(now, before, size);
            default:
                return compare_plain(now, before, size, shape_of(index_.kind(row)));
        }
    }

    template <Kind kind>
    State compare_elements(const std::byte* now, const std::byte* before, size_t size) {
        constexpr Shape shape = kShapes[static_cast<size_t>(kind)];
        constexpr bool has_sizes = is_composite(kind) || kind == Kind::FuncProto;
        State state = State::same;
        if (shape.head_refers) {
            state = compare_types<has_sizes>(now, before, HeadField::size_or_type);
        } else if (!same_word(now, before, HeadField::size_or_type)) {
            return State::different;
        }
        for (size_t at = kHeadSize; at < size && state != State::different; at += shape.element) {
            for (int field = 0; field != shape.element; field += kWord) {
                const size_t where = at + static_cast<size_t>(field);
                if (field == shape.element_name) {
                    if (!pairs_.same_name(Load::u32(now + where), Load::u32(before + where))) {
                        return State::different;
                    }
                } else if (field == shape.element_type) {
                    state = worse(state, compare_types<has_sizes>(now, before, where));
                } else if (!same_word(now, before, where)) {
                    return State::different;
                }
            }
            // The members of a member without a name.
            if (is_composite(kind) && is_empty_name(strings_, Load::u32(now + at + MemberField::name_off))) {
                state = worse(state, compare_values(Load::u32(now + at + MemberField::type)));
            }
        }
        return state;
    }

    // Compares a typedef or variable.
    State compare_alias(const std::byte* now, const std::byte* before, size_t size) {
        return !same_tail(now, before, size)
                   ? State::different
                   : worse(compare_types<true>(now, before, HeadField::size_or_type),
                           compare_values(Load::u32(now + HeadField::size_or_type)));
    }

    // Compares another type without elements.
    State compare_plain(const std::byte* now, const std::byte* before, size_t size, const Shape& shape) {
        if (!same_tail(now, before, size)) {
            return State::different;
        }
        if (shape.head_refers) {
            return compare_types(now, before, HeadField::size_or_type);
        }
        return same_word(now, before, HeadField::size_or_type) ? State::same : State::different;
    }

    // Compares the types at one place of two records. `has_sizes` says whether what is kept of the records
    // depends on the sizes of these types.
    template <bool has_sizes = false, bool behind_pointer = false>
    State compare_types(const std::byte* now, const std::byte* before, size_t at) {
        const uint32_t type = Load::u32(now + at), type_before = Load::u32(before + at);
        if (type == 0 || type_before == 0 || type >= index_.end_id() ||
            type_before >= index_before_.end_id()) {
            return type == 0 && type_before == 0 ? State::same : State::different;
        }
        const uint8_t found = facts_[type];
        const bool is_pair = pairs_[type] == type_before;
        if (has_sizes && !(is_pair ? (found & kSameSize) != 0 : same_size(type, type_before))) {
            return State::different;
        }
        if ((found & kByName) != 0 && (behind_pointer || (found & kComposite) != 0)) {
            const bool same = is_pair ? (found & kSameToken) != 0 : same_token(type, type_before);
            return same ? State::same : State::different;
        }
        return is_pair ? compare_value(type) : State::different;
    }

    // Compares the type below typedefs and qualifiers, and that of the elements of an array. Their pairs
    // follow from that of `type`.
    State compare_values(uint32_t type) {
        const uint32_t resolved = sizes_.resolved(type), element = sizes_.element(type);
        if (resolved >= index_.end_id() || element >= index_.end_id()) {
            return State::different;
        }
        return worse(compare_value(resolved), compare_value(element));
    }

    State compare_value(uint32_t type) {
        if (type == 0) {
            return State::same;
        }
        const State state = states_[type];
        if (state == State::unknown) {
            pending_.push_back(type);
        }
        return state == State::entered ? State::different : state;
    }

    bool same_size(uint32_t type, uint32_t type_before) const {
        return sizes_.size(type) == sizes_before_.size(type_before) &&
               sizes_.alignment(type) == sizes_before_.alignment(type_before) &&
               sizes_.natural_alignment(type) == sizes_before_.natural_alignment(type_before);
    }

    // Whether two types have the same kind, name and ordinal, or no name.
    bool same_token(uint32_t type, uint32_t type_before) const {
        return tokens_[type] == 0 || tokens_[type] == tokens_before_[type_before];
    }

    static bool same_word(const std::byte* now, const std::byte* before, size_t at) {
        return Load::u32(now + at) == Load::u32(before + at);
    }

    // Compares the word after the head, if there is one.
    static bool same_tail(const std::byte* now, const std::byte* before, size_t size) {
        return size == kHeadSize || same_word(now, before, kHeadSize);
    }

    static constexpr size_t kWord = sizeof(uint32_t);

    const RowPairs& pairs_;
    const Sizes& sizes_;
    const Sizes& sizes_before_;
    const Index& index_;
    const Index& index_before_;
    const Strings& strings_;
    const std::vector<uint32_t>& tokens_;
    const std::vector<uint32_t>& tokens_before_;
    std::vector<uint8_t> facts_;
    std::vector<State>& states_;
    std::vector<uint32_t> pending_;
};

}  // namespace

SameRows::SameRows(const RowPairs& pairs, const Entry& now, const Entry& before,
                   const std::vector<uint32_t>& equals)
    : states_(now.tokens.size(), State::unknown) {
    const Index& index = now.sizes->btf().index();
    for (size_t row = index.first_record(); row != index.rows(); ++row) {
        if (pairs[row] != RowPairs::kNone && has_equals(before, equals, pairs[row])) {
            states_[row] = State::different;
        }
    }
    with_byte_order(index.order(), [&](auto load) {
        Comparison<decltype(load)> comparison(pairs, now, before, states_);
        for (size_t row = index.first_record(); row != index.rows(); ++row) {
            comparison.compare_from(static_cast<uint32_t>(row));
        }
    });
}

}  // namespace btfmmap::corpus
