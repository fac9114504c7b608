#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/analysis/btf_sizes.hpp"
#include "core/analysis/graph.hpp"
#include "core/analysis/member_paths.hpp"
#include "core/base/seeded_hash.hpp"
#include "core/paths/distances.hpp"
#include "core/paths/path_query.hpp"

namespace btfmmap {

// A path to a target. Its hops end at the target, or at a pointer to it.
struct TypePath {
    Distance distance;
    std::vector<PathHop> hops;
};

// A parameter of a function, and the distance from its value.
struct ParameterDistance {
    Distance distance;
    std::uint32_t function;
    std::uint32_t position;
    std::uint32_t type;
};

// Finds the shortest paths from types to the targets of a query. A path visits no struct or union twice.
//
// Follows the distances to the targets, so that each step is one of a shortest path, or of the next longer
// one. The steps from a struct are sorted once. The work is limited by the number of paths, so that there may
// be fewer than there are where most paths would visit a struct twice.
class TypePaths {
public:
    // `graph` and `sizes` are of the same BTF and must outlive this object. Throws Error (invalid_argument)
    // for other ones.
    TypePaths(const Graph& graph, const BtfSizes& sizes, PathQuery query);

    // Returns paths from a struct or union, shortest first, at most as many as the query's limit.
    // Those of equal distances are in the order of the records' members.
    std::vector<TypePath> paths(std::uint32_t root);

    // Returns the parameters of functions from which paths lead to a target, nearest first, at most
    // as many as the query's limit. A pointer that is the parameter's value is at hand and does not count.
    std::vector<ParameterDistance> closest_parameters(const std::vector<std::uint32_t>& functions) const;

    // Returns the shortest path from the value of a parameter of this type, which must have a finite
    // distance. Returns nullopt if that leads to a type that is only a member without a name.
    std::optional<TypePath> path_from_value(std::uint32_t type);

private:
    // A step from one struct or union to the next, or to a target.
    struct Step {
        Distance total;        // of the shortest path that begins with this step
        std::uint32_t next;    // the state after it
        std::uint32_t parent;  // the struct or union that has the member
        std::uint32_t number;  // of the member
        bool up;               // from the member to `parent`
    };
    struct Steps {
        std::size_t begin, end;  // in steps_
    };
    // A path that has been entered: the one before it, and the step from there.
    struct Node {
        std::uint32_t before;
        std::uint32_t depth;
        std::uint32_t state;
        Distance distance;
        std::size_t step;  // in steps_
    };
    // The next step to try from a node. Steps before it have been tried.
    struct Candidate {
        Distance total;
        std::uint32_t depth;
        std::uint64_t serial;
        std::uint32_t node;
        std::size_t step, end;

        // Orders by urgency: the nearest are the most urgent, then the deepest, so that a path is completed
        // before others of its distance are.
        bool operator<(const Candidate& other) const {
            return total != other.total   ? other.total < total
                   : depth != other.depth ? depth < other.depth
                                          : serial > other.serial;
        }
    };

    Distance from_value(std::uint32_t type) const;
    std::vector<TypePath> search(std::uint32_t root_state, std::size_t limit, std::size_t candidates_left);
    Steps steps_from(std::uint32_t state);
    void add_members(std::uint32_t state);
    void add_containers(std::uint32_t state);

    std::optional<TypePath> path_to(const std::vector<Node>& nodes, const Node& last) const;
    void append_chain(std::uint32_t type, std::uint32_t end_type, bool at_hand,
                      std::vector<PathHop>& hops) const;

    const Graph& graph_;
    const BtfSizes& sizes_;
    PathQuery query_;
    Distances distances_;
    std::vector<Step> steps_;
    std::unordered_map<std::uint32_t, Steps, SeededHash> known_steps_;  // by state
};

}  // namespace btfmmap
