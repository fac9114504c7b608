#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace btfmmap::diff {

// A graph of what uses what. Nodes are numbers from 0. It may have cycles.
class Dependencies {
public:
    using Edge = std::pair<std::uint32_t, std::uint32_t>;  // the user, and another node that it uses

    Dependencies() = default;
    Dependencies(std::size_t nodes, std::vector<Edge> edges);

    bool is_used(std::uint32_t node) const { return used_by_.starts[node] != used_by_.starts[node + 1]; }

    // Return the nodes that a node uses, or that use it, directly or through others; ascending, without the
    // node itself.
    std::vector<std::uint32_t> used(std::uint32_t node) const { return reached(uses_, node); }
    std::vector<std::uint32_t> users(std::uint32_t node) const { return reached(used_by_, node); }

    // Returns for each of `nodes` the number of its users() that are marked in `counted`, which has an
    // element per node. Throws Error (not_supported) if that takes too many steps: the number of pairs may be
    // quadratic.
    std::vector<std::uint32_t> count_users(const std::vector<std::uint32_t>& nodes,
                                           const std::vector<bool>& counted) const;

private:
    struct Ends {
        std::vector<std::size_t> starts;
        std::vector<std::uint32_t> ends;
    };

    // Nodes that use each other are one component. Components follow those that they use.
    struct Components {
        std::vector<std::uint32_t> nodes;   // component by component
        std::vector<std::size_t> ends;      // of the components in `nodes`
        std::vector<std::uint32_t> number;  // of each node's component
    };

    static Ends grouped(std::size_t nodes, const std::vector<Edge>& edges);
    std::vector<std::uint32_t> reached(const Ends& edges, std::uint32_t node) const;
    Components components() const;

    Ends uses_, used_by_;
};

}  // namespace btfmmap::diff
