#pragma once

#include <cstdint>
#include <vector>

#include "core/analysis/edges.hpp"
#include "core/base/arena.hpp"
#include "core/btf/btf.hpp"

namespace btfmmap {

// The graph of references between the types of a BTF and its bases. Labels and reverse edges are built on
// first use. Thread-safe.
class Graph {
public:
    // `btf` must outlive the graph.
    explicit Graph(const Btf& btf);

    const Btf& btf() const { return btf_; }
    // Edges from a type to the types that it refers to.
    const Edges& forward() const { return forward_; }
    const Labels& forward_labels() const;
    // Edges from a type to the types that refer to it, ascending.
    const Edges& reverse() const;
    const Labels& reverse_labels() const;

    // Returns the types that are reachable from `from`, including those, ascending. Ignores IDs past the last
    // type.
    static std::vector<std::uint32_t> reachable(const Edges& edges, const std::vector<std::int64_t>& from);

private:
    const Btf& btf_;
    mutable Arena arena_;
    Edges forward_;
    Lazy<Labels> forward_labels_;
    Lazy<Edges> reverse_;
    Lazy<Labels> reverse_labels_;
};

}  // namespace btfmmap
