#include "core/graph.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "core/error.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint8_t;

// While they are filled.
struct Columns {
    uint32_t* indptr;
    uint32_t* indices;
    uint8_t* role;
    uint32_t* row;
};

// So many edges are written at once, and what is too much is overwritten by the next ones.
constexpr uint32_t kAtOnce = 4;

Columns columns(Arena& arena, uint32_t* indptr, std::size_t edges) {
    auto* indices = arena.allocate<uint32_t>(edges + kAtOnce);
    auto* role = arena.allocate<uint8_t>(edges + kAtOnce);
    return {indptr, indices, role, arena.allocate<uint32_t>(edges + kAtOnce)};
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

// How the references of a kind's records become edges.
struct Plan {
    bool head_refers = false;
    bool is_array = false;
    bool has_table = false;     // whose rows its records are
    uint8_t fixed = 0;          // how many references there are besides the elements'
    uint8_t stride = 0;         // from one element to the next
    uint8_t first = kHeadSize;  // where the first element's type id is
    uint8_t table = 0;          // the kind whose table has the elements
    Role head_role = Role::pointee;
    Role element_role = Role::member;
    std::uint64_t share = 0;  // times the elements' size is their number times 2^32: cheaper than to divide
};

std::array<Plan, kMaxKinds> plans() {
    std::array<Plan, kMaxKinds> plans;
    for (std::size_t number = 0; number != kMaxKinds; ++number) {
        const auto kind = static_cast<Kind>(number);
        const Shape& shape = kShapes[number];
        Plan& plan = plans[number];
        plan.head_refers = shape.head_refers;
        plan.is_array = kind == Kind::Array;
        plan.has_table = kind == Kind::Func || kind == Kind::Var || kind == Kind::DeclTag;
        plan.fixed = static_cast<uint8_t>(shape.head_refers + shape.fixed_types);
        // Members of STRUCT and UNION count together.
        plan.table = static_cast<uint8_t>(kind == Kind::Union ? Kind::Struct : kind);
        plan.head_role = head_role(kind);
        plan.element_role = element_role(kind);
        if (shape.element_type != Shape::kNone) {
            plan.stride = shape.element;
            plan.first = static_cast<uint8_t>(kHeadSize + static_cast<std::size_t>(shape.element_type));
            plan.share = (std::uint64_t{1} << 32) / shape.element + 1;
        }
    }
    return plans;
}

// Writes the edges of one BTF after another, the base's first.
//
// Kinds and numbers of elements follow one another in no order that a processor could learn, so that what is
// done for each record is the same for all: an edge of its head is written, and four of its elements; whether
// it has so many only says where the next one's are written.
class Filler {
public:
    explicit Filler(const Columns& to) : to_(to) {}

    // Fills `indptr` only, so that the others can be made as large as they have to be. Returns how many edges
    // there are up to the end of this BTF.
    std::size_t count(const Index& index, std::size_t edge) const {
        uint32_t* indptr = to_.indptr + index.first_id();
        indptr[0] = static_cast<uint32_t>(edge);  // void's, which has none
        for (std::size_t row = index.first_record(); row != index.rows(); ++row) {
            const Plan& plan = plans_[index.kinds()[row]];
            const std::uint64_t size = index.offsets()[row + 1] - index.offsets()[row] - kHeadSize;
            indptr[row] = static_cast<uint32_t>(edge);
            edge += plan.fixed + (size * plan.share >> 32);
        }
        return edge;
    }

    // Fills the rest. Type ids are written as they are in the bytes, which may have changed since they were
    // checked.
    template <class Load>
    void fill(const Index& index) const {
        std::array<uint32_t, kMaxKinds> records{};  // of a kind, so far: rows of its table
        std::array<uint32_t, kMaxKinds> elements{};
        const std::byte* section_end = index.record(index.rows());
        for (auto row = static_cast<uint32_t>(index.first_record()); row != index.rows(); ++row) {
            const uint8_t kind = index.kinds()[row];
            const Plan& plan = plans_[kind];
            const std::byte* head = index.record(row);
            const std::byte* end = index.record(row + 1);
            uint32_t edge = to_.indptr[index.id(row)];
            const uint32_t number = records[kind]++;

            write(edge, Load::u32(head + HeadField::size_or_type), plan.head_role,
                  plan.has_table ? number : row);
            edge += plan.head_refers;
            if (plan.is_array) {
                write(edge, Load::u32(head + kHeadSize + ArrayField::type), Role::element, number);
                write(edge + 1, Load::u32(head + kHeadSize + ArrayField::index_type), Role::index, number);
                continue;
            }
            const auto size = static_cast<std::uint64_t>(end - head) - kHeadSize;
            const auto count = static_cast<uint32_t>(size * plan.share >> 32);
            const uint32_t child = elements[plan.table];
            elements[plan.table] += count;
            // What is read too much has to be in the section, too.
            if (static_cast<std::size_t>(section_end - end) >= kMostRead) {
                write_elements<Load>(edge, head + plan.first, plan, child, count);
            } else {
                for (uint32_t i = 0; i != count; ++i) {
                    write(edge + i, Load::u32(head + plan.first + i * plan.stride), plan.element_role,
                          child + i);
                }
            }
        }
    }

private:
    static constexpr std::size_t kMostRead = kHeadSize + 16 * kAtOnce;

    void write(uint32_t edge, uint32_t type, Role role, uint32_t row) const {
        to_.indices[edge] = type;
        to_.role[edge] = static_cast<uint8_t>(role);
        to_.row[edge] = row;
    }

    template <class Load>
    void write_elements(uint32_t edge, const std::byte* at, const Plan& plan, uint32_t child,
                        uint32_t count) const {
        static_assert(kAtOnce == 4);
        const std::size_t stride = plan.stride;
        const uint32_t roles = static_cast<uint8_t>(plan.element_role) * 0x01010101U;
        for (;;) {
            const uint32_t types[] = {Load::u32(at), Load::u32(at + stride), Load::u32(at + 2 * stride),
                                      Load::u32(at + 3 * stride)};
            const uint32_t rows[] = {child, child + 1, child + 2, child + 3};
            std::memcpy(to_.indices + edge, types, sizeof types);
            std::memcpy(to_.role + edge, &roles, sizeof roles);
            std::memcpy(to_.row + edge, rows, sizeof rows);
            if (count <= kAtOnce) {
                return;
            }
            count -= kAtOnce;
            edge += kAtOnce;
            child += kAtOnce;
            at += kAtOnce * stride;
        }
    }

    const std::array<Plan, kMaxKinds> plans_ = plans();
    Columns to_;
};

std::vector<const Btf*> chain(const Btf& btf) {
    std::vector<const Btf*> levels;
    for (const Btf* level = &btf; level != nullptr; level = level->base().get()) {
        levels.push_back(level);
    }
    std::reverse(levels.begin(), levels.end());
    return levels;
}

Edges filled(const Btf& btf, Arena& arena) {
    const std::size_t nodes = btf.index().end_id();
    auto* indptr = arena.allocate<uint32_t>(nodes + 1);
    const std::vector<const Btf*> levels = chain(btf);
    std::size_t edges = 0;
    for (const Btf* level : levels) {
        edges = Filler({indptr, nullptr, nullptr, nullptr}).count(level->index(), edges);
    }
    if (edges > UINT32_MAX) {
        throw Error::not_supported("a graph of more than 2^32 references");
    }
    indptr[nodes] = static_cast<uint32_t>(edges);
    const Columns to = columns(arena, indptr, edges);
    const Filler filler(to);
    for (const Btf* level : levels) {
        with_loads(level->header().order, [&](auto load) { filler.fill<decltype(load)>(level->index()); });
    }
    for (std::size_t edge = 0; edge != edges; ++edge) {
        to.indices[edge] = to.indices[edge] < nodes ? to.indices[edge] : 0;
    }
    return {nodes, edges, to.indptr, to.indices, to.role, to.row};
}

// The type that each edge starts from, with room for kAtOnce more.
std::unique_ptr<uint32_t[]> sources(const Edges& edges) {
    std::unique_ptr<uint32_t[]> sources(new uint32_t[edges.edges + kAtOnce]);
    for (std::size_t node = 0; node != edges.nodes; ++node) {
        uint32_t edge = edges.indptr[node];
        do {
            std::fill_n(sources.get() + edge, kAtOnce, static_cast<uint32_t>(node));
            edge += kAtOnce;
        } while (edge < edges.indptr[node + 1]);
    }
    return sources;
}

// A counting sort of the edges by the type they lead to; it is stable, so sources ascend.
Edges reversed(const Edges& forward, Arena& arena) {
    auto* indptr = arena.allocate<uint32_t>(forward.nodes + 1);
    const Columns to = columns(arena, indptr, forward.edges);
    // next[type] is first counted, then where the type's next edge goes, and at last where the next type's
    // start.
    uint32_t* next = indptr + 1;
    std::fill_n(indptr, forward.nodes + 1, 0);
    for (std::size_t edge = 0; edge != forward.edges; ++edge) {
        ++next[forward.indices[edge]];
    }
    uint32_t start = 0;
    for (std::size_t node = 0; node != forward.nodes; ++node) {
        start += std::exchange(next[node], start);
    }
    const auto source = sources(forward);
    for (std::size_t edge = 0; edge != forward.edges; ++edge) {
        const uint32_t place = next[forward.indices[edge]]++;
        to.indices[place] = source[edge];
        to.role[place] = forward.role[edge];
        to.row[place] = forward.row[edge];
    }
    return {forward.nodes, forward.edges, to.indptr, to.indices, to.role, to.row};
}

// Of both directions at most: no reference takes less than eight bytes of a type section. What is not used of
// it costs nothing.
std::size_t most_bytes(const Btf& btf) {
    constexpr std::size_t edge_size = 2 * sizeof(uint32_t) + sizeof(uint8_t);
    std::size_t edges = 0;
    for (const Btf* level = &btf; level != nullptr; level = level->base().get()) {
        edges += level->header().type_size / 8;
    }
    return 2 * (edges * edge_size + (std::size_t{btf.index().end_id()} + 1) * sizeof(uint32_t)) + 1024;
}

}  // namespace

Graph::Graph(const Btf& btf)
    : arena_(most_bytes(btf)), forward_(filled(btf, arena_)), reverse_(reversed(forward_, arena_)) {}

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
