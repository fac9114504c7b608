#include "core/analysis/graph_labels.hpp"

#include <array>
#include <cstring>

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint8_t;

// The number of edges labelled at a time. The next edges overwrite any excess.
constexpr uint32_t kEdgesPerStep = 4;

// Returns the role of the type that a record's head refers to.
constexpr Role head_role(Kind kind) {
    switch (kind) {
        case Kind::Ptr:
            return Role::pointee;
        case Kind::Func:
            return Role::prototype;
        case Kind::FuncProto:
            return Role::returned;
        case Kind::Var:
            return Role::variable;
        case Kind::DeclTag:
            return Role::tag_target;
        default:
            return Role::underlying;
    }
}

// Returns the role of the types that a record's elements refer to.
constexpr Role element_role(Kind kind) {
    switch (kind) {
        case Kind::FuncProto:
            return Role::parameter;
        case Kind::Datasec:
            return Role::section_entry;
        default:
            return Role::member;
    }
}

// Describes the references in records of one kind.
struct Plan {
    bool head_refers = false;
    bool is_array = false;
    bool has_table = false;  // records of this kind are the rows of a table
    uint8_t table = 0;       // the kind whose table contains the elements
    Role head_role = Role::pointee;
    Role element_role = Role::member;
};

std::array<Plan, kMaxKinds> plans() {
    std::array<Plan, kMaxKinds> plans;
    for (std::size_t value = 0; value != kMaxKinds; ++value) {
        const auto kind = static_cast<Kind>(value);
        Plan& plan = plans[value];
        plan.head_refers = kShapes[value].head_refers;
        plan.is_array = kind == Kind::Array;
        plan.has_table = kind == Kind::Func || kind == Kind::Var || kind == Kind::DeclTag;
        // Members of STRUCT and UNION count together.
        plan.table = static_cast<uint8_t>(kind == Kind::Union ? Kind::Struct : kind);
        plan.head_role = head_role(kind);
        plan.element_role = element_role(kind);
    }
    return plans;
}

// Treats each record alike, as the writer of edges in graph.cpp does.
class Labeller {
public:
    Labeller(const uint32_t* indptr, uint8_t* role, uint32_t* row)
        : indptr_(indptr), role_(role), row_(row) {}

    void label(const Index& index) const {
        std::array<uint32_t, kMaxKinds> records_seen{};  // per kind: the next row of its table
        std::array<uint32_t, kMaxKinds> elements_seen{};
        const uint32_t* indptr = indptr_ + index.first_id();
        for (auto row = static_cast<uint32_t>(index.first_record()); row != index.rows(); ++row) {
            const uint8_t kind = index.kinds()[row];
            const Plan& plan = plans_[kind];
            const uint32_t nth_of_kind = records_seen[kind]++;
            uint32_t edge = indptr[row];
            const uint32_t end = indptr[row + 1];
            write(edge, plan.head_role, plan.has_table ? nth_of_kind : row);
            edge += plan.head_refers;
            if (plan.is_array) {
                write(edge, Role::element, nth_of_kind);
                write(edge + 1, Role::index, nth_of_kind);
                continue;
            }
            uint32_t element_row = elements_seen[plan.table];
            elements_seen[plan.table] += end - edge;
            do {
                write_four(edge, plan.element_role, element_row);
                edge += kEdgesPerStep;
                element_row += kEdgesPerStep;
            } while (edge < end);
        }
    }

private:
    void write(uint32_t edge, Role role, uint32_t row) const {
        role_[edge] = static_cast<uint8_t>(role);
        row_[edge] = row;
    }

    void write_four(uint32_t edge, Role role, uint32_t row) const {
        static_assert(kEdgesPerStep == 4);
        const uint32_t roles = static_cast<uint8_t>(role) * 0x01010101U;
        const uint32_t rows[] = {row, row + 1, row + 2, row + 3};
        std::memcpy(role_ + edge, &roles, sizeof roles);
        std::memcpy(row_ + edge, rows, sizeof rows);
    }

    const std::array<Plan, kMaxKinds> plans_ = plans();
    const uint32_t* indptr_;
    uint8_t* role_;
    uint32_t* row_;
};

}  // namespace

Labels label(const std::vector<const Btf*>& levels, const Edges& forward, Arena& arena) {
    auto* role = arena.allocate<uint8_t>(forward.edges + kEdgesPerStep);
    auto* row = arena.allocate<uint32_t>(forward.edges + kEdgesPerStep);
    const Labeller labeller(forward.indptr, role, row);
    for (const Btf* level : levels) {
        labeller.label(level->index());
    }
    return {role, row};
}

}  // namespace btfmmap
