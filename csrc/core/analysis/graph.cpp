#include "core/analysis/graph.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "core/analysis/graph_labels.hpp"
#include "core/base/error.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint8_t;

// The number of edges written at a time. The next edges overwrite any excess.
constexpr uint32_t kEdgesPerStep = 4;

// Describes the references in records of one kind.
struct Plan {
    bool head_refers = false;
    bool is_array = false;
    uint8_t fixed = 0;             // the number of references outside of elements
    uint8_t stride = 0;            // size of an element, in bytes
    uint8_t first = kHeadSize;     // offset of the first element's type ID
    std::uint64_t reciprocal = 0;  // 2^32 / stride, rounded up: replaces a division by stride
};

std::array<Plan, kMaxKinds> plans() {
    std::array<Plan, kMaxKinds> plans;
    for (std::size_t kind = 0; kind != kMaxKinds; ++kind) {
        const Shape& shape = kShapes[kind];
        Plan& plan = plans[kind];
        plan.head_refers = shape.head_refers;
        plan.is_array = kind == static_cast<std::size_t>(Kind::Array);
        plan.fixed = static_cast<uint8_t>(shape.head_refers + shape.fixed_types);
        if (shape.element_type != Shape::kNone) {
            plan.stride = shape.element;
            plan.first = static_cast<uint8_t>(kHeadSize + static_cast<std::size_t>(shape.element_type));
            plan.reciprocal = (std::uint64_t{1} << 32) / shape.element + 1;
        }
    }
    return plans;
}

// Writes the edges of one BTF after another, starting with the base.
//
// The order of kinds and of numbers of elements is unpredictable. Each record is therefore treated alike: one
// edge of its head and four of its elements are written. Its real number of edges only determines where the
// next record's edges start.
class EdgeWriter {
public:
    // Fills `indptr`, which determines the size of `indices`. Returns the number of edges up to the end of
    // this BTF.
    std::uint64_t count(const Index& index, std::uint64_t edge, uint32_t* indptr) const {
        indptr += index.first_id();
        indptr[0] = static_cast<uint32_t>(edge);  // void has no edges
        for (std::size_t row = index.first_record(); row != index.rows(); ++row) {
            const Plan& plan = plans_[index.kinds()[row]];
            const std::uint64_t size = index.offsets()[row + 1] - index.offsets()[row] - kHeadSize;
            indptr[row] = static_cast<uint32_t>(edge);
            edge += plan.fixed + (size * plan.reciprocal >> 32);
        }
        return edge;
    }

    // Writes type IDs as they are stored. The bytes may have changed since they were validated.
    template <class Load>
    void fill(const Index& index, const uint32_t* indptr, uint32_t* indices) const {
        indptr += index.first_id();
        const std::byte* section_end = index.record(index.rows());
        for (std::size_t row = index.first_record(); row != index.rows(); ++row) {
            const Plan& plan = plans_[index.kinds()[row]];
            const std::byte* head = index.record(row);
            uint32_t edge = indptr[row];
            indices[edge] = Load::u32(head + HeadField::size_or_type);
            edge += plan.head_refers;
            if (plan.is_array) {
                indices[edge] = Load::u32(head + kHeadSize + ArrayField::type);
                indices[edge + 1] = Load::u32(head + kHeadSize + ArrayField::index_type);
                continue;
            }
            // Reading excess elements must not leave the section.
            if (static_cast<std::size_t>(section_end - index.record(row + 1)) >= kMaxRead) {
                write_elements<Load>(indices, edge, indptr[row + 1], head + plan.first, plan.stride);
            } else {
                for (const std::byte* at = head + plan.first; edge != indptr[row + 1]; at += plan.stride) {
                    indices[edge++] = Load::u32(at);
                }
            }
        }
    }

private:
    static constexpr std::size_t kMaxRead = kHeadSize + 16 * kEdgesPerStep;

    template <class Load>
    static void write_elements(uint32_t* indices, uint32_t edge, uint32_t end, const std::byte* at,
                               std::size_t stride) {
        static_assert(kEdgesPerStep == 4);
        for (;;) {
            const uint32_t types[] = {Load::u32(at), Load::u32(at + stride), Load::u32(at + 2 * stride),
                                      Load::u32(at + 3 * stride)};
            std::memcpy(indices + edge, types, sizeof types);
            edge += kEdgesPerStep;
            if (edge >= end) {
                return;
            }
            at += kEdgesPerStep * stride;
        }
    }

    const std::array<Plan, kMaxKinds> plans_ = plans();
};

Edges build_edges(const Btf& btf, Arena& arena) {
    const std::size_t nodes = btf.index().end_id();
    auto* indptr = arena.allocate<uint32_t>(nodes + 1);
    const std::vector<const Btf*> levels = btf.levels();
    const EdgeWriter writer;
    std::uint64_t counted = 0;
    for (const Btf* level : levels) {
        counted = writer.count(level->index(), counted, indptr);
    }
    if (counted > UINT32_MAX) {
        throw Error::not_supported("a graph of more than 2^32 references");
    }
    const auto edges = static_cast<uint32_t>(counted);
    indptr[nodes] = edges;
    auto* indices = arena.allocate<uint32_t>(counted + kEdgesPerStep);
    for (const Btf* level : levels) {
        with_byte_order(level->header().order,
                        [&](auto load) { writer.fill<decltype(load)>(level->index(), indptr, indices); });
    }
    for (std::size_t edge = 0; edge != edges; ++edge) {
        indices[edge] = indices[edge] < nodes ? indices[edge] : 0;
    }
    return {nodes, edges, indptr, indices};
}

// Calls `visit(edge, source)` for each edge and the type that it starts from. The number of edges of a type
// is unpredictable, so the sources of some thousand edges are written first, four at a time.
template <class Visit>
void each_source(const Edges& edges, Visit visit) {
    constexpr std::size_t block = 2048;
    uint32_t sources[block + kEdgesPerStep];
    std::size_t node = 0;
    for (std::size_t start = 0; start < edges.edges; start += block) {
        const std::size_t end = std::min(start + block, edges.edges);
        for (; edges.indptr[node] < end; ++node) {
            const std::size_t last = std::min<std::size_t>(edges.indptr[node + 1], end) - start;
            std::size_t at = std::max<std::size_t>(edges.indptr[node], start) - start;
            const auto source = static_cast<uint32_t>(node);
            const uint32_t same[] = {source, source, source, source};
            static_assert(sizeof same == kEdgesPerStep * sizeof source);
            do {
                std::memcpy(sources + at, same, sizeof same);
                at += kEdgesPerStep;
            } while (at < last);
            if (edges.indptr[node + 1] > end) {
                break;  // the rest of its edges are in the next block
            }
        }
        for (std::size_t edge = start; edge != end; ++edge) {
            visit(edge, sources[edge - start]);
        }
    }
}

// Reverses the edges by a counting sort on the type they lead to. The sort is stable, so sources ascend.
Edges reversed(const Edges& forward, Arena& arena) {
    auto* indptr = arena.allocate<uint32_t>(forward.nodes + 1);
    auto* indices = arena.allocate<uint32_t>(forward.edges);
    // next[type] first holds a count, then the index of the type's next edge. At the end it is the index of
    // the next type's first edge.
    uint32_t* next = indptr + 1;
    std::fill_n(indptr, forward.nodes + 1, 0);
    for (std::size_t edge = 0; edge != forward.edges; ++edge) {
        ++next[forward.indices[edge]];
    }
    uint32_t start = 0;
    for (std::size_t node = 0; node != forward.nodes; ++node) {
        start += std::exchange(next[node], start);
    }
    each_source(forward,
                [&](std::size_t edge, uint32_t source) { indices[next[forward.indices[edge]]++] = source; });
    return {forward.nodes, forward.edges, indptr, indices};
}

// Moves each label to the position of its reversed edge.
Labels reversed(const Edges& forward, const Labels& labels, const Edges& reverse, Arena& arena) {
    auto* role = arena.allocate<uint8_t>(forward.edges);
    auto* row = arena.allocate<uint32_t>(forward.edges);
    std::vector<uint32_t> next(reverse.indptr, reverse.indptr + reverse.nodes);
    for (std::size_t edge = 0; edge != forward.edges; ++edge) {
        const uint32_t to = next[forward.indices[edge]]++;
        role[to] = labels.role[edge];
        row[to] = labels.row[edge];
    }
    return {role, row};
}

// Returns an upper bound of the size of edges and labels in both directions, in bytes: a reference takes at
// least eight bytes of a type section. Unused memory costs nothing.
std::uint64_t max_bytes(const Btf& btf) {
    constexpr std::uint64_t edge_size = 2 * sizeof(uint32_t) + sizeof(uint8_t);
    std::uint64_t edges = 0;
    for (const Btf* level = &btf; level != nullptr; level = level->base().get()) {
        edges += level->header().type_size / 8;
    }
    return 2 * (edges * edge_size + (std::uint64_t{btf.index().end_id()} + 1) * sizeof(uint32_t)) + 1024;
}

}  // namespace

Graph::Graph(const Btf& btf) : btf_(btf), arena_(max_bytes(btf)), forward_(build_edges(btf, arena_)) {}

const Labels& Graph::forward_labels() const {
    return forward_labels_.get([this] { return label(btf_.levels(), forward_, arena_); });
}

const Edges& Graph::reverse() const {
    return reverse_.get([this] { return reversed(forward_, arena_); });
}

const Labels& Graph::reverse_labels() const {
    return reverse_labels_.get([this] { return reversed(forward_, forward_labels(), reverse(), arena_); });
}

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
