#include "core/paths/type_paths.hpp"

#include <algorithm>
#include <iterator>
#include <queue>
#include <string>
#include <tuple>

#include "core/base/error.hpp"
#include "core/base/merge_sort.hpp"
#include "core/btf/record.hpp"

namespace btfmmap {

namespace {

using std::int64_t;
using std::uint32_t;

// The most candidates that a search tries: kBase, and kPerPath for each path that is asked for, but at most
// kMostCandidates. A single shortest path, from a parameter, takes one candidate for each of its steps.
constexpr std::size_t kBase = std::size_t{1} << 14;
constexpr std::size_t kPerPath = 256;
constexpr std::size_t kMostCandidates = std::size_t{1} << 18;
constexpr std::size_t kPerParameter = 2048;
// The most pointers and arrays from a type to the struct or union that it leads to.
constexpr unsigned kMaxChain = PathQuery::kMaxPointers + Distance::kMax + 1;

// Whether the path to a node visits a type.
template <class Nodes>
bool visits(const Nodes& nodes, const Distances& distances, uint32_t node, uint32_t type) {
    for (;; node = nodes[node].before) {
        if (distances.type(nodes[node].state) == type) {
            return true;
        }
        if (nodes[node].depth == 0) {
            return false;
        }
    }
}

// Turns the steps of a path into hops.
class HopWriter {
public:
    HopWriter(const Btf& btf, std::vector<PathHop>& hops) : btf_(btf), hops_(hops) {}

    // Enters a member. Returns whether it has a name; if not, its members are those of the struct around it.
    bool enter(uint32_t parent, uint32_t number) {
        const Member member(btf_, parent, number);
        was_up_ = false;
        bit_offset_ += member.bit_offset;
        in_union_ |= member.in_union;
        is_unnamed_ = member.name.empty();
        if (is_unnamed_) {
            return false;
        }
        hops_.push_back({PathHop::Kind::member, in_union_, member.bitfield_size, member.type, bit_offset_, 0,
                         0, std::string(member.name)});
        bit_offset_ = 0;
        in_union_ = false;
        return true;
    }

    // Leads from a member up to the struct around it. Several such steps make one hop.
    void lead_up(uint32_t parent, uint32_t number) {
        const Member member(btf_, parent, number);
        if (!was_up_) {
            hops_.push_back({PathHop::Kind::container, false, 0, parent, 0, 0, 0, {}});
        }
        was_up_ = true;
        PathHop& hop = hops_.back();
        hop.type = parent;
        hop.bit_offset -= member.bit_offset;
        hop.in_union |= member.in_union;
        if (!member.name.empty()) {
            hop.name.insert(0, hop.name.empty() ? "" : ".");
            hop.name.insert(0, member.name);
        }
    }

    // Whether the last member that was entered has no name, so that a path cannot end there.
    bool is_unnamed() const { return is_unnamed_; }

private:
    struct Member {
        Member(const Btf& btf, uint32_t parent, uint32_t number) {
            const TypeRecord record(btf, parent);
            const std::byte* element = record.element(number);
            const uint32_t word = record.load(element + MemberField::offset);
            name = btf.strings().at(record.load(element + MemberField::name_off));
            type = record.valid_or_void(record.load(element + MemberField::type));
            bit_offset = member_bit_offset(word, record.flag());
            bitfield_size = member_bitfield_size(word, record.flag());
            in_union = record.kind() == Kind::Union;
        }

        std::string_view name;
        uint32_t type;
        int64_t bit_offset;
        std::uint8_t bitfield_size;
        bool in_union;
    };

    const Btf& btf_;
    std::vector<PathHop>& hops_;
    int64_t bit_offset_ = 0;  // of the anonymous structs that were entered
    bool in_union_ = false;
    bool was_up_ = false;
    bool is_unnamed_ = false;
};

}  // namespace

TypePaths::TypePaths(const Graph& graph, const BtfSizes& sizes, PathQuery query)
    : graph_(graph), sizes_(sizes), query_(std::move(query)), distances_(graph, query_) {
    if (&graph.btf() != &sizes.btf()) {
        throw Error::invalid_argument("the graph and the sizes are those of different BTFs");
    }
}

std::vector<TypePath> TypePaths::paths(uint32_t root) {
    const std::size_t limit = std::min(query_.limit, kMostCandidates);
    return search(distances_.state(root, distances_.fresh()), limit,
                  std::min(kBase + kPerPath * limit, kMostCandidates));
}

Distance TypePaths::from_value(uint32_t type) const {
    const Distance distance = distances_[distances_.state(type, Layer::inside)];
    const bool is_pointer = sizes_.btf().index().kind_of(sizes_.resolved(type)) == Kind::Ptr;
    return distance.is_infinite() || distance.pointers() == 0 || !is_pointer ? distance
                                                                             : distance - Distance::pointer();
}

std::optional<TypePath> TypePaths::path_from_value(uint32_t type) {
    const uint32_t end = distances_.end(distances_.state(type, Layer::inside));
    TypePath path{from_value(type), {}};
    append_chain(type, distances_.type(end), true, path.hops);
    if (distances_[end] == Distance::zero()) {
        if (!path.hops.empty() && path.hops.back().kind == PathHop::Kind::dereference) {
            path.hops.pop_back();
        }
        return path;
    }
    std::vector<TypePath> rest = search(end, 1, kPerParameter);
    if (rest.empty()) {
        return std::nullopt;
    }
    std::move(rest[0].hops.begin(), rest[0].hops.end(), std::back_inserter(path.hops));
    return path;
}

std::vector<ParameterDistance> TypePaths::closest_parameters(const std::vector<uint32_t>& functions) const {
    const Btf& btf = graph_.btf();
    std::vector<ParameterDistance> found;
    for (const uint32_t function : functions) {
        if (btf.index().kind_of(function) != Kind::Func) {
            continue;
        }
        const TypeRecord prototype(btf, TypeRecord(btf, function).target());
        if (prototype.kind() != Kind::FuncProto) {
            continue;
        }
        uint32_t position = 0;
        prototype.each_element([&](const std::byte* element) {
            const uint32_t type = prototype.valid_or_void(prototype.load(element + ParamField::type));
            const Distance distance = from_value(type);
            if (!distance.is_infinite() && distance.pointers() <= query_.max_pointers) {
                found.push_back({distance, function, position, type});
            }
            ++position;
        });
    }
    const auto nearer = [](const ParameterDistance& one, const ParameterDistance& other) {
        return std::tie(one.distance, one.function, one.position) <
               std::tie(other.distance, other.function, other.position);
    };
    const auto end = found.begin() + static_cast<std::ptrdiff_t>(std::min(query_.limit, found.size()));
    std::partial_sort(found.begin(), end, found.end(), nearer);
    found.erase(end, found.end());
    return found;
}

std::vector<TypePath> TypePaths::search(uint32_t root_state, std::size_t limit, std::size_t candidates_left) {
    std::vector<TypePath> found;
    std::vector<Node> nodes;
    std::priority_queue<Candidate> candidates;
    std::uint64_t serial = 0;
    const auto propose = [&](uint32_t node, std::size_t step, std::size_t end) {
        if (step == end) {
            return;
        }
        const Distance total = nodes[node].distance + steps_[step].total;
        if (total.pointers() <= query_.max_pointers) {
            candidates.push({total, nodes[node].depth, serial++, node, step, end});
        }
    };
    const auto enter = [&](const Node& node) {
        nodes.push_back(node);
        const Steps steps = steps_from(node.state);
        propose(static_cast<uint32_t>(nodes.size() - 1), steps.begin, steps.end);
    };
    if (distances_[root_state].is_infinite() || limit == 0) {
        return found;
    }
    enter({0, 0, root_state, Distance::zero(), 0});
    while (!candidates.empty() && candidates_left-- != 0) {
        const Candidate candidate = candidates.top();
        candidates.pop();
        propose(candidate.node, candidate.step + 1, candidate.end);
        const Step step = steps_[candidate.step];
        const bool at_target = distances_[step.next] == Distance::zero();
        const Node& before = nodes[candidate.node];
        const Node node{candidate.node, before.depth + 1, step.next, candidate.total - distances_[step.next],
                        candidate.step};
        if (!candidate.total.within_limits() ||
            (!at_target && visits(nodes, distances_, candidate.node, distances_.type(step.next)))) {
            continue;
        }
        if (!at_target) {
            enter(node);
            continue;
        }
        if (auto path = path_to(nodes, node)) {
            found.push_back(std::move(*path));
        }
        if (found.size() == limit) {
            break;
        }
    }
    return found;
}

TypePaths::Steps TypePaths::steps_from(uint32_t state) {
    const auto known = known_steps_.find(state);
    if (known != known_steps_.end()) {
        return known->second;
    }
    const std::size_t begin = steps_.size();
    add_members(state);
    add_containers(state);
    std::vector<Step> added(steps_.begin() + static_cast<std::ptrdiff_t>(begin), steps_.end());
    merge_sort(added, [](const Step& one, const Step& other) { return one.total < other.total; });
    std::copy(added.begin(), added.end(), steps_.begin() + static_cast<std::ptrdiff_t>(begin));
    return known_steps_[state] = {begin, steps_.size()};
}

void TypePaths::add_members(uint32_t state) {
    if (distances_.layer(state) == Layer::raised) {
        return;
    }
    const uint32_t parent = distances_.type(state);
    const TypeRecord record(graph_.btf(), parent);
    if (!is_composite(record.kind())) {
        return;
    }
    uint32_t number = 0;
    record.each_element([&](const std::byte* element) {
        const uint32_t own = number++;
        const uint32_t type = record.valid_or_void(record.load(element + MemberField::type));
        const uint32_t reached = distances_.state(type, Layer::inside);
        if (distances_[reached].is_infinite() || query_.avoids(parent, own)) {
            return;
        }
        const bool named = has_name(graph_.btf(), record.load(element + MemberField::name_off));
        if (named || is_composite(graph_.btf().index().kind_of(sizes_.resolved(type)))) {
            const Distance cost = named ? Distance::member() : Distance::detour();
            steps_.push_back({cost + distances_[reached], distances_.end(reached), parent, own, false});
        }
    });
}

void TypePaths::add_containers(uint32_t state) {
    if (!query_.up || distances_.layer(state) == Layer::inside) {
        return;
    }
    const Edges& edges = graph_.reverse();
    const Labels& labels = graph_.reverse_labels();
    std::vector<uint32_t> embedded{distances_.type(state)};  // and the typedefs and qualifiers of it
    while (!embedded.empty()) {
        const uint32_t type = embedded.back();
        embedded.pop_back();
        for (uint32_t edge = edges.indptr[type]; edge != edges.indptr[type + 1]; ++edge) {
            const uint32_t parent = edges.indices[edge];
            if (labels.role[edge] == static_cast<std::uint8_t>(Role::underlying)) {
                embedded.push_back(parent);
            }
            if (labels.role[edge] != static_cast<std::uint8_t>(Role::member)) {
                continue;
            }
            const TypeRecord record(graph_.btf(), parent);
            const bool parent_named = has_name(graph_.btf(), record.word(HeadField::name_off));
            const uint32_t next = distances_.state(parent, parent_named ? Layer::fresh : Layer::raised);
            const uint32_t number = distances_.member_number(parent, labels.row[edge]);
            if (distances_[next].is_infinite() || query_.avoids(parent, number)) {
                continue;
            }
            const bool named =
                has_name(graph_.btf(), record.load(record.element(number) + MemberField::name_off));
            const Distance cost = named ? Distance::member() : Distance::detour();
            steps_.push_back({cost + distances_[next], next, parent, number, true});
        }
    }
}

std::optional<TypePath> TypePaths::path_to(const std::vector<Node>& nodes, const Node& last) const {
    std::vector<std::size_t> steps;
    for (const Node* node = &last; node->depth != 0; node = &nodes[node->before]) {
        steps.push_back(node->step);
    }
    TypePath path{last.distance, {}};
    HopWriter writer(graph_.btf(), path.hops);
    for (auto number = steps.rbegin(); number != steps.rend(); ++number) {
        const Step& step = steps_[*number];
        if (step.up) {
            writer.lead_up(step.parent, step.number);
        } else if (writer.enter(step.parent, step.number)) {
            append_chain(path.hops.back().type, distances_.type(step.next), false, path.hops);
        }
    }
    if (writer.is_unnamed()) {
        return std::nullopt;
    }
    if (!path.hops.empty() && path.hops.back().kind == PathHop::Kind::dereference) {
        path.hops.pop_back();
    }
    return path;
}

void TypePaths::append_chain(uint32_t type, uint32_t end_type, bool at_hand,
                             std::vector<PathHop>& hops) const {
    const Btf& btf = sizes_.btf();
    const bool end_is_modifier = is_modifier(btf.index().kind_of(end_type));
    const auto open_index = [&](uint32_t element, int64_t size) {
        hops.push_back({PathHop::Kind::index,
                        false,
                        0,
                        element,
                        0,
                        static_cast<std::uint64_t>(std::max<int64_t>(0, size)),
                        PathHop::kOpen,
                        {}});
    };
    // The bytes may have changed since the distances were found.
    for (unsigned left = kMaxChain; type != end_type && left != 0; --left) {
        const uint32_t resolved = sizes_.resolved(type);
        if (end_is_modifier && resolved == sizes_.resolved(end_type)) {
            return;
        }
        const TypeRecord record(btf, resolved);
        if (record.kind() == Kind::Array) {
            type = record.target();
            open_index(type, sizes_.sizes().size(type));
        } else if (record.kind() == Kind::Ptr) {
            type = record.target();
            if (!at_hand) {
                hops.push_back({PathHop::Kind::dereference, false, 0, type, 0, 0, 0, {}});
            }
            at_hand = false;
            if (btf.index().kind_of(sizes_.resolved(type)) == Kind::Ptr && type != end_type) {
                open_index(type, btf.pointer_size());
            }
        } else {
            return;
        }
    }
}

}  // namespace btfmmap
