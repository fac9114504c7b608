#include "core/graph.hpp"

#include <algorithm>
#include <array>

#include "core/error.hpp"
#include "core/selection.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint8_t;

// How many references the records of one BTF hold.
std::size_t references(const Index& index) {
    using Referring = Selection<Kind::Ptr, Kind::Typedef, Kind::Volatile, Kind::Const, Kind::Restrict,
                                Kind::Func, Kind::FuncProto, Kind::Var, Kind::DeclTag, Kind::TypeTag>;
    return Referring(index).records() + 2 * Selection<Kind::Array>(index).records() +
           Selection<Kind::Struct, Kind::Union>(index).elements() +
           Selection<Kind::FuncProto>(index).elements() + Selection<Kind::Datasec>(index).elements();
}

// The role of the type that a record's head refers to.
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

// Writes the edges of one BTF after another, the base's first.
class Filler {
public:
    Filler(std::size_t nodes, uint32_t* indptr, uint32_t* indices, uint8_t* role, uint32_t* row)
        : nodes_(static_cast<uint32_t>(nodes)), indptr_(indptr), indices_(indices), role_(role), row_(row) {}

    template <class Load>
    void fill(const Index& index) {
        std::array<uint32_t, kMaxKinds> records{};   // of a kind, so far: rows of its table
        std::array<uint32_t, kMaxKinds> elements{};  // members of STRUCT and UNION count together
        indptr_[index.first_id()] = edge_;           // void's, which has none
        for (std::size_t row = index.first_record(); row != index.rows(); ++row) {
            indptr_[index.id(row)] = edge_;
            const Kind kind = index.kind(row);
            const Shape& shape = shape_of(kind);
            const std::byte* record = index.record(row);
            const uint32_t number = records[static_cast<std::size_t>(kind)]++;
            if (shape.head_refers) {
                const Role role = head_role(kind);
                const bool own_table =
                    role == Role::prototype || role == Role::variable || role == Role::tag_target;
                add(Load::u32(record + HeadField::size_or_type), role,
                    own_table ? number : static_cast<uint32_t>(row));
            }
            if (kind == Kind::Array) {
                add(Load::u32(record + kHeadSize + ArrayField::type), Role::element, number);
                add(Load::u32(record + kHeadSize + ArrayField::index_type), Role::index, number);
            }
            if (shape.element_type == Shape::kNone) {
                continue;
            }
            const Kind table = kind == Kind::Union ? Kind::Struct : kind;
            uint32_t& child = elements[static_cast<std::size_t>(table)];
            const std::byte* element = record + kHeadSize + shape.element_type;
            for (uint32_t left = index.elements(row, shape); left != 0; --left) {
                add(Load::u32(element), element_role(kind), child++);
                element += shape.element;
            }
        }
        indptr_[index.end_id()] = edge_;
    }

private:
    void add(uint32_t type, Role role, uint32_t row) {
        // Checked again: the bytes may have changed since they were.
        indices_[edge_] = type < nodes_ ? type : 0;
        role_[edge_] = static_cast<uint8_t>(role);
        row_[edge_] = row;
        ++edge_;
    }

    uint32_t nodes_;
    uint32_t* indptr_;
    uint32_t* indices_;
    uint8_t* role_;
    uint32_t* row_;
    uint32_t edge_ = 0;
};

std::vector<const Btf*> chain(const Btf& btf) {
    std::vector<const Btf*> levels;
    for (const Btf* level = &btf; level != nullptr; level = level->base().get()) {
        levels.push_back(level);
    }
    std::reverse(levels.begin(), levels.end());
    return levels;
}

// A counting sort of the edges by the type they lead to; it is stable, so sources ascend.
Edges reversed(const Edges& forward, Arena& arena) {
    auto* indptr = arena.allocate<uint32_t>(forward.nodes + 1);
    auto* indices = arena.allocate<uint32_t>(forward.edges);
    auto* role = arena.allocate<uint8_t>(forward.edges);
    auto* row = arena.allocate<uint32_t>(forward.edges);
    std::vector<uint32_t> next(forward.nodes + 1, 0);
    for (std::size_t edge = 0; edge != forward.edges; ++edge) {
        ++next[forward.indices[edge] + 1];
    }
    for (std::size_t node = 0; node != forward.nodes; ++node) {
        next[node + 1] += next[node];
    }
    std::copy(next.begin(), next.end(), indptr);
    for (std::size_t node = 0; node != forward.nodes; ++node) {
        for (uint32_t edge = forward.indptr[node]; edge != forward.indptr[node + 1]; ++edge) {
            const uint32_t to = next[forward.indices[edge]]++;
            indices[to] = static_cast<uint32_t>(node);
            role[to] = forward.role[edge];
            row[to] = forward.row[edge];
        }
    }
    return {forward.nodes, forward.edges, indptr, indices, role, row};
}

Edges filled(const Btf& btf, Arena& arena) {
    const std::vector<const Btf*> levels = chain(btf);
    std::size_t edges = 0;
    for (const Btf* level : levels) {
        edges += references(level->index());
    }
    if (edges > UINT32_MAX) {
        throw Error::not_supported("a graph of more than 2^32 references");
    }
    const std::size_t nodes = btf.index().end_id();
    auto* indptr = arena.allocate<uint32_t>(nodes + 1);
    auto* indices = arena.allocate<uint32_t>(edges);
    auto* role = arena.allocate<uint8_t>(edges);
    auto* row = arena.allocate<uint32_t>(edges);
    Filler filler(nodes, indptr, indices, role, row);
    for (const Btf* level : levels) {
        with_loads(level->header().order, [&](auto load) { filler.fill<decltype(load)>(level->index()); });
    }
    return {nodes, edges, indptr, indices, role, row};
}

// Of both directions, with their index arrays.
std::size_t expected_size(const Btf& btf) {
    constexpr std::size_t edge_size = 2 * sizeof(uint32_t) + sizeof(uint8_t);
    std::size_t edges = 0;
    for (const Btf* level = &btf; level != nullptr; level = level->base().get()) {
        edges += references(level->index());
    }
    return 2 * (edges * edge_size + (std::size_t{btf.index().end_id()} + 1) * sizeof(uint32_t)) + 1024;
}

}  // namespace

Graph::Graph(const Btf& btf)
    : arena_(expected_size(btf)), forward_(filled(btf, arena_)), reverse_(reversed(forward_, arena_)) {}

std::vector<uint32_t> Graph::reachable(const Edges& edges, const std::vector<std::int64_t>& from) {
    std::vector<bool> seen(edges.nodes, false);
    std::vector<uint32_t> pending;
    const auto visit = [&](std::int64_t node) {
        if (node >= 0 && node < static_cast<std::int64_t>(edges.nodes) &&
            !seen[static_cast<std::size_t>(node)]) {
            seen[static_cast<std::size_t>(node)] = true;
            pending.push_back(static_cast<uint32_t>(node));
        }
    };
    for (const std::int64_t node : from) {
        visit(node);
    }
    while (!pending.empty()) {
        const uint32_t node = pending.back();
        pending.pop_back();
        for (uint32_t edge = edges.indptr[node]; edge != edges.indptr[node + 1]; ++edge) {
            visit(edges.indices[edge]);
        }
    }
    std::vector<uint32_t> nodes;
    for (std::size_t node = 0; node != edges.nodes; ++node) {
        if (seen[node]) {
            nodes.push_back(static_cast<uint32_t>(node));
        }
    }
    return nodes;
}

}  // namespace btfmmap
