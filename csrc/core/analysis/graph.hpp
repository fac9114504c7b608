#pragma once

#include <cstdint>
#include <vector>

#include "core/analysis/edges.hpp"
#include "core/base/arena.hpp"
#include "core/btf/btf.hpp"

namespace btfmmap {

// Built piece by piece, as asked for. Thread-safe.
class Graph {
public:
    // `btf` outlives it.
    explicit Graph(const Btf& btf);

    // From a type to what it refers to.
    const Edges& forward() const { return forward_; }
    const Labels& forward_labels() const;
    // From a type to what refers to it, ascending.
    const Edges& reverse() const;
    const Labels& reverse_labels() const;

    // Every type that can be reached from some, those included, ascending. Ids past the last are left out.
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
