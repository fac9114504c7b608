#include "core/diff/dependencies.hpp"

#include <algorithm>
#include <string>

#include "core/base/error.hpp"

namespace btfmmap::diff {

namespace {

using std::size_t;
using std::uint32_t;
using std::uint64_t;

constexpr uint64_t kMaxSteps = uint64_t{1} << 28;
constexpr size_t kAtOnce = 64;  // nodes whose users are found together: bits of a word

}  // namespace

Dependencies::Dependencies(size_t nodes, std::vector<Edge> edges) {
    std::sort(edges.begin(), edges.end());
    edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    uses_ = grouped(nodes, edges);
    for (auto& [from, to] : edges) {
        std::swap(from, to);
    }
    std::sort(edges.begin(), edges.end());
    used_by_ = grouped(nodes, edges);
}

// Groups sorted edges by their first node.
Dependencies::Ends Dependencies::grouped(size_t nodes, const std::vector<Edge>& edges) {
    Ends found;
    found.starts.resize(nodes + 1);
    for (const auto& [from, to] : edges) {
        ++found.starts[from + 1];
        found.ends.push_back(to);
    }
    for (size_t i = 0; i != nodes; ++i) {
        found.starts[i + 1] += found.starts[i];
    }
    return found;
}

std::vector<uint32_t> Dependencies::reached(const Ends& edges, uint32_t node) const {
    std::vector<uint32_t> found, pending{node};
    std::vector<bool> seen(edges.starts.size());
    seen[node] = true;
    while (!pending.empty()) {
        const uint32_t from = pending.back();
        pending.pop_back();
        for (size_t edge = edges.starts[from]; edge != edges.starts[from + 1]; ++edge) {
            const uint32_t to = edges.ends[edge];
            if (!seen[to]) {
                seen[to] = true;
                pending.push_back(to);
                found.push_back(to);
            }
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

// Finds strongly connected components by Tarjan's algorithm, without recursion.
Dependencies::Components Dependencies::components() const {
    const size_t nodes = uses_.starts.size() - 1;
    Components found;
    found.number.assign(nodes, UINT32_MAX);
    std::vector<uint32_t> visit(nodes), low(nodes);  // in the order of visits, from 1; 0 if not visited
    std::vector<size_t> next(uses_.starts.begin(), uses_.starts.end() - 1);
    std::vector<uint32_t> path, open;
    uint32_t visits = 0;
    const auto enter = [&](uint32_t node) {
        visit[node] = low[node] = ++visits;
        path.push_back(node);
        open.push_back(node);
    };
    for (uint32_t root = 0; root != nodes; ++root) {
        if (visit[root] == 0) {
            enter(root);
        }
        while (!path.empty()) {
            const uint32_t node = path.back();
            if (next[node] != uses_.starts[node + 1]) {
                const uint32_t used = uses_.ends[next[node]++];
                if (visit[used] == 0) {
                    enter(used);
                } else if (found.number[used] == UINT32_MAX) {
                    low[node] = std::min(low[node], visit[used]);
                }
                continue;
            }
            path.pop_back();
            if (!path.empty()) {
                low[path.back()] = std::min(low[path.back()], low[node]);
            }
            if (low[node] != visit[node]) {
                continue;
            }
            uint32_t member;
            do {
                member = open.back();
                open.pop_back();
                found.number[member] = static_cast<uint32_t>(found.ends.size());
                found.nodes.push_back(member);
            } while (member != node);
            found.ends.push_back(found.nodes.size());
        }
    }
    return found;
}

std::vector<uint32_t> Dependencies::count_users(const std::vector<uint32_t>& nodes,
                                                const std::vector<bool>& counted) const {
    const Components components = this->components();
    const uint64_t per_round = counted.size() + uses_.ends.size();
    uint64_t steps = 0;
    const auto spend = [&](uint64_t more) {
        steps += more;
        if (steps > kMaxSteps) {
            throw Error::not_supported(
                "too many changes depend on each other: " + std::to_string(nodes.size()) + " causes of " +
                std::to_string(counted.size()) + " changes");
        }
    };
    spend((nodes.size() + kAtOnce - 1) / kAtOnce * per_round);
    std::vector<uint32_t> counts(nodes.size());
    for (size_t start = 0; start < nodes.size(); start += kAtOnce) {
        std::vector<uint64_t> own(counted.size());              // a bit for each of the nodes
        std::vector<uint64_t> reached(components.ends.size());  // what each component uses, and contains
        for (size_t i = start; i != std::min(start + kAtOnce, nodes.size()); ++i) {
            own[nodes[i]] = uint64_t{1} << (i - start);
        }
        size_t first = 0;
        for (size_t number = 0; number != components.ends.size(); ++number) {
            const size_t end = components.ends[number];
            uint64_t set = 0;
            for (size_t at = first; at != end; ++at) {
                const uint32_t user = components.nodes[at];
                set |= own[user];
                for (size_t edge = uses_.starts[user]; edge != uses_.starts[user + 1]; ++edge) {
                    set |= reached[components.number[uses_.ends[edge]]];
                }
            }
            reached[number] = set;
            for (size_t at = first; at != end; ++at) {
                const uint32_t user = components.nodes[at];
                uint64_t left = counted[user] ? set & ~own[user] : 0;
                spend(static_cast<unsigned>(__builtin_popcountll(left)));
                for (; left != 0; left &= left - 1) {
                    ++counts[start + static_cast<size_t>(__builtin_ctzll(left))];
                }
            }
            first = end;
        }
    }
    return counts;
}

}  // namespace btfmmap::diff
