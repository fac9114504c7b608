#include "core/analysis/cycles.hpp"

#include <algorithm>
#include <optional>

namespace btfmmap {

namespace {

using std::uint32_t;

// Whether a type is indirect: the type that it refers to may be incomplete.
bool is_indirect(Kind kind) { return kind == Kind::Ptr || kind == Kind::FuncProto; }

// Finds strongly connected components among the types of some kinds by Tarjan's algorithm. Uses an explicit
// stack instead of recursion: chains may be a million types long.
class ComponentFinder {
public:
    ComponentFinder(const Index& index, bool by_value)
        : index_(index), by_value_(by_value), number_(index.rows(), 0), low_(index.rows(), 0) {}

    // Finds the cycles that types lead to whose kind `starts` returns true for.
    template <class Starts>
    std::vector<Cycle> run(Starts starts) {
        for (std::size_t row = index_.first_record(); row != index_.rows(); ++row) {
            if (number_[row] == 0 && starts(index_.kind(row)) && follows(index_.kind(row)) &&
                !settles(static_cast<uint32_t>(row))) {
                visit(static_cast<uint32_t>(row));
            }
        }
        std::sort(found_.begin(), found_.end(),
                  [](const Cycle& a, const Cycle& b) { return a.lowest_id < b.lowest_id; });
        return std::move(found_);
    }

private:
    static constexpr uint32_t kDone = UINT32_MAX;  // the number of a type whose component is known

    struct Frame {
        uint32_t row;
        uint32_t next;  // index of the next reference to follow
        bool self_reference;
    };

    bool follows(Kind kind) const {
        return kind == Kind::Array || is_modifier_or_typedef(kind) ||
               (by_value_ ? is_composite(kind) : is_indirect(kind));
    }

    // Returns the number of references of a record that count: an array's index type does not.
    uint32_t references(uint32_t row) const {
        const Kind kind = index_.kind(row);
        const Shape& shape = shape_of(kind);
        const uint32_t first = shape.head_refers || kind == Kind::Array ? 1 : 0;
        return first + (shape.element_type == Shape::kNone ? 0 : index_.elements(row, shape));
    }

    // Returns the row that a reference leads to.
    std::optional<uint32_t> target(uint32_t row, uint32_t reference) const {
        const Kind kind = index_.kind(row);
        const Shape& shape = shape_of(kind);
        const std::byte* word = index_.record(row);
        if (kind == Kind::Array) {
            word += kHeadSize + ArrayField::type;
        } else if (shape.head_refers && reference == 0) {
            word += HeadField::size_or_type;
        } else {
            const std::size_t element = reference - (shape.head_refers ? 1 : 0);
            word += kHeadSize + element * shape.element + static_cast<std::size_t>(shape.element_type);
        }
        const uint32_t type_id = index_.load(word);
        if (type_id < index_.first_id() || type_id >= index_.end_id()) {
            return std::nullopt;
        }
        const uint32_t to = type_id - index_.first_id();
        return follows(index_.kind(to)) ? std::optional(to) : std::nullopt;
    }

    // Whether all references of a type that was not visited lead to types whose components are known, as most
    // do. Its component is the type alone then.
    bool settles(uint32_t row) {
        const uint32_t count = references(row);
        for (uint32_t i = 0; i != count; ++i) {
            const auto to = target(row, i);
            if (to && number_[*to] != kDone) {
                return false;
            }
        }
        number_[row] = low_[row] = kDone;
        return true;
    }

    void enter(uint32_t row) {
        number_[row] = low_[row] = ++last_number_;
        component_stack_.push_back(row);
        frames_.push_back({row, 0, false});
    }

    void visit(uint32_t start) {
        enter(start);
        while (!frames_.empty()) {
            Frame& frame = frames_.back();
            const uint32_t row = frame.row;
            if (frame.next == references(row)) {
                const bool self_reference = frame.self_reference;
                frames_.pop_back();
                if (low_[row] == number_[row]) {
                    pop_component(row, self_reference);
                }
                if (!frames_.empty()) {
                    low_[frames_.back().row] = std::min(low_[frames_.back().row], low_[row]);
                }
                continue;
            }
            const auto to = target(row, frame.next++);
            if (!to) {
                continue;
            }
            frame.self_reference |= *to == row;
            if (number_[*to] == 0 && !settles(*to)) {
                enter(*to);
            } else if (number_[*to] != kDone) {
                low_[row] = std::min(low_[row], number_[*to]);
            }
        }
    }

    // Takes a component off the stack and reports it if it is a cycle. A cycle without indirect types is also
    // one by value, and is only reported as such.
    void pop_component(uint32_t root, bool self_reference) {
        Cycle cycle{UINT32_MAX, 0, by_value_};
        bool indirect = false;
        for (uint32_t row = kDone; row != root;) {
            row = component_stack_.back();
            component_stack_.pop_back();
            number_[row] = low_[row] = kDone;
            cycle.lowest_id = std::min(cycle.lowest_id, index_.id(row));
            ++cycle.types;
            indirect |= is_indirect(index_.kind(row));
        }
        const bool is_cycle = cycle.types > 1 || self_reference;
        if (is_cycle && (by_value_ || indirect)) {
            found_.push_back(cycle);
        }
    }

    const Index& index_;
    bool by_value_;
    std::vector<uint32_t> number_;  // in the order of visits, from 1; 0 if not visited
    std::vector<uint32_t> low_;     // the lowest number reachable
    std::vector<uint32_t> component_stack_;
    std::vector<Frame> frames_;
    std::vector<Cycle> found_;
    uint32_t last_number_ = 0;
};

}  // namespace

std::vector<Cycle> find_cycles(const Index& index) {
    const auto any = [](Kind) { return true; };
    std::vector<Cycle> found = ComponentFinder(index, true).run(any);
    const std::vector<Cycle> indirect = ComponentFinder(index, false).run(any);
    found.insert(found.end(), indirect.begin(), indirect.end());
    return found;
}

std::vector<Cycle> find_prototype_cycles(const Index& index) {
    return ComponentFinder(index, false).run([](Kind kind) { return kind == Kind::FuncProto; });
}

}  // namespace btfmmap
