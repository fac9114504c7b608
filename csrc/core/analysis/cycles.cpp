#include "core/analysis/cycles.hpp"

#include <algorithm>
#include <optional>

#include "core/index/rows_of_kind.hpp"

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
        : index_(index), by_value_(by_value), number_(index.rows(), 0) {}

    // Finds all cycles.
    std::vector<Cycle> run() {
        for (std::size_t row = index_.first_record(); row != index_.rows(); ++row) {
            if (follows(index_.kind(row))) {
                start(static_cast<uint32_t>(row));
            }
        }
        return take_found();
    }

    // Finds the cycles that types lead to from these rows.
    std::vector<Cycle> run(const std::vector<uint32_t>& rows) {
        for (const uint32_t row : rows) {
            start(row);
        }
        return take_found();
    }

private:
    static constexpr uint32_t kDone = UINT32_MAX;  // the number of a type whose component is known

    struct Frame {
        uint32_t row;
        uint32_t next;  // index of the next reference to follow
        uint32_t low;   // the lowest number reachable
        bool self_reference;
    };

    void start(uint32_t row) {
        if (number_[row] == 0 && !settles(row)) {
            visit(row);
        }
    }

    std::vector<Cycle> take_found() {
        std::sort(found_.begin(), found_.end(),
                  [](const Cycle& a, const Cycle& b) { return a.lowest_id < b.lowest_id; });
        return std::move(found_);
    }

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
        number_[row] = kDone;
        return true;
    }

    void enter(uint32_t row) {
        number_[row] = ++last_number_;
        component_stack_.push_back(row);
        frames_.push_back({row, 0, last_number_, false});
    }

    void visit(uint32_t start) {
        enter(start);
        while (!frames_.empty()) {
            Frame& frame = frames_.back();
            const uint32_t row = frame.row;
            if (frame.next == references(row)) {
                const Frame done = frame;
                frames_.pop_back();
                if (done.low == number_[row]) {
                    pop_component(row, done.self_reference);
                } else {  // not the first frame
                    frames_.back().low = std::min(frames_.back().low, done.low);
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
                frame.low = std::min(frame.low, number_[*to]);
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
            number_[row] = kDone;
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
    std::vector<uint32_t> component_stack_;
    std::vector<Frame> frames_;
    std::vector<Cycle> found_;
    uint32_t last_number_ = 0;
};

// Finds the prototypes that may be on a cycle without structs and unions. Few are: most lead to no prototype.
class CycleCandidates {
public:
    explicit CycleCandidates(const Index& index) : index_(index), leads_(index.rows()) {
        Links(index).each([this](uint32_t row) { leads_[row] = may_lead_to_prototype(row); });
        Prototypes(index).each([this](uint32_t row) { leads_[row] = true; });
    }

    // Returns the rows of prototypes that refer to a type that may lead to a prototype.
    std::vector<uint32_t> rows() const {
        std::vector<uint32_t> found;
        Prototypes(index_).each([&](uint32_t row) {
            const std::byte* record = index_.record(row);
            bool leads = leads_to_prototype(index_.load(record + HeadField::size_or_type));
            const std::byte* type = record + kHeadSize + ParamField::type;
            for (uint32_t left = index_.elements(row, shape_of(Kind::FuncProto)); left != 0; --left) {
                leads |= leads_to_prototype(index_.load(type));
                type += shape_of(Kind::FuncProto).element;
            }
            if (leads) {
                found.push_back(row);
            }
        });
        return found;
    }

private:
    using Prototypes = RowsOfKind<Kind::FuncProto>;
    // What is followed besides prototypes: types with one reference.
    using Links = RowsOfKind<Kind::Ptr, Kind::Array, Kind::Typedef, Kind::Const, Kind::Volatile,
                             Kind::Restrict, Kind::TypeTag>;
    static constexpr unsigned kMaxSteps = 8;  // most chains of links are shorter

    bool leads_to_prototype(uint32_t type_id) const {
        return type_id >= index_.first_id() && type_id < index_.end_id() &&
               leads_[type_id - index_.first_id()];
    }

    // Follows a chain of links. Returns true for one that is longer.
    bool may_lead_to_prototype(uint32_t row) const {
        for (unsigned step = 0; step != kMaxSteps; ++step) {
            const std::size_t at =
                index_.kind(row) == Kind::Array ? kHeadSize + ArrayField::type : HeadField::size_or_type;
            const uint32_t type_id = index_.load(index_.record(row) + at);
            if (type_id < index_.first_id() || type_id >= index_.end_id()) {
                return false;
            }
            row = type_id - index_.first_id();
            const Kind kind = index_.kind(row);
            if (kind == Kind::FuncProto) {
                return true;
            }
            if (kind != Kind::Ptr && kind != Kind::Array && !is_modifier_or_typedef(kind)) {
                return false;
            }
        }
        return true;
    }

    const Index& index_;
    std::vector<bool> leads_;  // by row: whether a type is a prototype, or may lead to one
};

}  // namespace

std::vector<Cycle> find_cycles(const Index& index) {
    std::vector<Cycle> found = ComponentFinder(index, true).run();
    const std::vector<Cycle> indirect = ComponentFinder(index, false).run();
    found.insert(found.end(), indirect.begin(), indirect.end());
    return found;
}

std::vector<Cycle> find_prototype_cycles(const Index& index) {
    const std::vector<uint32_t> candidates = CycleCandidates(index).rows();
    return candidates.empty() ? std::vector<Cycle>() : ComponentFinder(index, false).run(candidates);
}

}  // namespace btfmmap
