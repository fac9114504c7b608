#pragma once

#include <cstdint>
#include <vector>

#include "core/analysis/graph.hpp"
#include "core/btf/btf.hpp"
#include "core/paths/distance.hpp"
#include "core/paths/path_query.hpp"

namespace btfmmap {

// A type on a path, and how the path came to it. The layers differ only if paths may lead up.
//
// - inside: through a member. The object is in what the path came from, so the path does not lead up.
// - fresh: through a pointer, or as the start. What the object is in is unknown.
// - raised: up, to a struct or union without a name. As C cannot name it, the path goes on up.
enum class Layer : std::uint8_t { inside, fresh, raised };

// The shortest distances to the targets of a query, from every type.
//
// Found by one search from the targets against the references. It takes linear time, as each step is at least
// as far as the one before and there are few different distances.
class Distances {
public:
    // `graph` must outlive this object.
    Distances(const Graph& graph, const PathQuery& query);

    static constexpr std::uint32_t kNone = UINT32_MAX;

    std::uint32_t state(std::uint32_t type, Layer layer) const {
        return static_cast<std::uint32_t>(layer) * types_ + type;
    }
    std::uint32_t type(std::uint32_t state) const { return state % types_; }
    Layer layer(std::uint32_t state) const { return static_cast<Layer>(state / types_); }

    // The layer of what a pointer leads to, and of a path's start.
    Layer fresh() const { return layers_ == 1 ? Layer::inside : Layer::fresh; }

    Distance operator[](std::uint32_t state) const { return distances_[state]; }
    // Returns the struct or union, or the target, that a type leads to through pointers, arrays, typedefs and
    // qualifiers; the state itself if it is one. The distance of the state must be finite.
    std::uint32_t end(std::uint32_t state) const { return ends_[state] == kNone ? state : ends_[state]; }

    // Returns the index in the record of the member with a row in the table of members.
    std::uint32_t member_number(std::uint32_t parent, std::uint32_t row) const;

private:
    class Search;
    struct Level {
        std::uint32_t first_id;
        const std::uint32_t* first_member;  // per row
    };

    std::vector<Level> levels_;  // the base first
    std::uint32_t types_;
    std::uint32_t layers_;
    std::vector<Distance> distances_;  // per state
    std::vector<std::uint32_t> ends_;
};

// Whether a struct, union or member has a name.
bool has_name(const Btf& btf, std::uint32_t name_off);

}  // namespace btfmmap
