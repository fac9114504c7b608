#pragma once

#include <cstdint>
#include <vector>

namespace btfmmap::writing {

// Nodes in a graph, each with a label and references to others in a fixed order.
struct LabelledGraph {
    std::vector<std::uint32_t> labels;      // of each node
    std::vector<std::uint32_t> first;       // nodes + 1: the first reference of each node
    std::vector<std::uint32_t> references;  // nodes

    std::uint32_t nodes() const { return static_cast<std::uint32_t>(labels.size()); }
};

// Returns a class for each node, so that two nodes are in one class if and only if no walk along references
// tells them apart: they have equal labels, and their references lead to nodes of equal classes, in the same
// order. Nodes of one label must have the same number of references.
//
// Refines the classes until they are stable, and moves only the smaller parts of a class that is split: each
// node moves at most log n times. Throws Error (not_supported) if nodes with very many references take too
// long to compare.
std::vector<std::uint32_t> equal_nodes(const LabelledGraph& graph);

}  // namespace btfmmap::writing
