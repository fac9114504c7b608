#include "core/writing/partition.hpp"

#include <algorithm>
#include <numeric>

#include "core/base/error.hpp"

namespace btfmmap::writing {

namespace {

using std::uint32_t;

// References that are compared at most. A kernel with all of its modules needs some ten million.
constexpr std::uint64_t kMaxCompared = std::uint64_t{1} << 31;

class Refinement {
public:
    explicit Refinement(const LabelledGraph& graph) : graph_(graph), class_of_(graph.labels) {
        const uint32_t labels =
            graph.nodes() == 0 ? 0 : *std::max_element(graph.labels.begin(), graph.labels.end()) + 1;
        members_.resize(labels);
        place_.resize(graph.nodes());
        for (uint32_t node = 0; node != graph.nodes(); ++node) {
            auto& members = members_[class_of_[node]];
            place_[node] = static_cast<uint32_t>(members.size());
            members.push_back(node);
        }
        find_referrers();
    }

    std::vector<uint32_t> run() {
        // All nodes are compared once. After that, those are whose references have changed their class.
        std::vector<uint32_t> dirty(graph_.nodes());
        std::iota(dirty.begin(), dirty.end(), 0U);
        std::vector<bool> is_dirty(graph_.nodes());
        while (!dirty.empty()) {
            moved_.clear();
            split_all(dirty);
            dirty.clear();
            for (const uint32_t node : moved_) {
                for (uint32_t at = first_referrer_[node]; at != first_referrer_[node + 1]; ++at) {
                    const uint32_t referrer = referrers_[at];
                    if (!is_dirty[referrer]) {
                        is_dirty[referrer] = true;
                        dirty.push_back(referrer);
                    }
                }
            }
            for (const uint32_t node : dirty) {
                is_dirty[node] = false;
            }
        }
        return std::move(class_of_);
    }

private:
    void find_referrers() {
        first_referrer_.assign(graph_.nodes() + std::size_t{1}, 0);
        for (const uint32_t node : graph_.references) {
            ++first_referrer_[node + 1];
        }
        std::partial_sum(first_referrer_.begin(), first_referrer_.end(), first_referrer_.begin());
        referrers_.resize(graph_.references.size());
        std::vector<uint32_t> next(first_referrer_.begin(), first_referrer_.end() - 1);
        for (uint32_t node = 0; node != graph_.nodes(); ++node) {
            for (uint32_t at = graph_.first[node]; at != graph_.first[node + 1]; ++at) {
                referrers_[next[graph_.references[at]]++] = node;
            }
        }
    }

    // Compares nodes of one class by the classes that their references lead to. A node's references are only
    // compared with those of nodes of its class, which has one label.
    int compare(uint32_t a, uint32_t b) {
        const uint32_t* left = graph_.references.data() + graph_.first[a];
        const uint32_t* right = graph_.references.data() + graph_.first[b];
        const uint32_t count = graph_.first[a + 1] - graph_.first[a];
        for (uint32_t i = 0; i != count; ++i) {
            if (++compared_ > kMaxCompared) {
                throw Error::not_supported("the types take too long to compare");
            }
            const uint32_t x = class_of_[left[i]], y = class_of_[right[i]];
            if (x != y) {
                return x < y ? -1 : 1;
            }
        }
        return 0;
    }

    // Splits the classes of the nodes. All groups are found before a node moves.
    void split_all(std::vector<uint32_t>& dirty) {
        std::sort(dirty.begin(), dirty.end(), [this](uint32_t a, uint32_t b) {
            if (class_of_[a] != class_of_[b]) {
                return class_of_[a] < class_of_[b];
            }
            const int order = compare(a, b);
            return order != 0 ? order < 0 : a < b;
        });
        std::vector<Group> groups;
        for (std::size_t start = 0; start != dirty.size();) {
            std::size_t end = start + 1;
            while (end != dirty.size() && class_of_[dirty[end]] == class_of_[dirty[start]] &&
                   compare(dirty[start], dirty[end]) == 0) {
                ++end;
            }
            groups.push_back({class_of_[dirty[start]], start, end});
            start = end;
        }
        for (std::size_t first = 0; first != groups.size();) {
            std::size_t last = first + 1;
            while (last != groups.size() && groups[last].of == groups[first].of) {
                ++last;
            }
            split_class(groups.data() + first, groups.data() + last, dirty);
            first = last;
        }
    }

    // The nodes dirty[start] to dirty[end - 1], which are equal and of one class.
    struct Group {
        uint32_t of;
        std::size_t start, end;

        std::size_t size() const { return end - start; }
    };

    // Splits one class into its groups and the rest. The largest part keeps the class.
    void split_class(const Group* first, const Group* last, const std::vector<uint32_t>& dirty) {
        const uint32_t from = first->of;
        std::size_t in_groups = 0;
        for (const Group* group = first; group != last; ++group) {
            in_groups += group->size();
        }
        const std::size_t rest = members_[from].size() - in_groups;
        if (rest == 0 && last - first == 1) {
            return;  // all members are equal
        }
        const Group* largest = nullptr;
        std::size_t most = rest;
        for (const Group* group = first; group != last; ++group) {
            if (group->size() > most) {
                most = group->size();
                largest = group;
            }
        }
        if (largest != nullptr && rest != 0) {
            move_rest(from, first, last, dirty);
        }
        for (const Group* group = first; group != last; ++group) {
            if (group != largest) {
                const uint32_t to = new_class();
                for (std::size_t at = group->start; at != group->end; ++at) {
                    move(dirty[at], to);
                }
            }
        }
    }

    // Moves the members of a class that are in no group.
    void move_rest(uint32_t from, const Group* first, const Group* last, const std::vector<uint32_t>& dirty) {
        std::vector<uint32_t> grouped;
        for (const Group* group = first; group != last; ++group) {
            grouped.insert(grouped.end(), dirty.begin() + static_cast<std::ptrdiff_t>(group->start),
                           dirty.begin() + static_cast<std::ptrdiff_t>(group->end));
        }
        std::sort(grouped.begin(), grouped.end());
        std::vector<uint32_t> rest;
        for (const uint32_t node : members_[from]) {
            if (!std::binary_search(grouped.begin(), grouped.end(), node)) {
                rest.push_back(node);
            }
        }
        const uint32_t to = new_class();
        for (const uint32_t node : rest) {
            move(node, to);
        }
    }

    uint32_t new_class() {
        members_.emplace_back();
        return static_cast<uint32_t>(members_.size() - 1);
    }

    void move(uint32_t node, uint32_t to) {
        auto& members = members_[class_of_[node]];
        const uint32_t last = members.back();
        members[place_[node]] = last;
        place_[last] = place_[node];
        members.pop_back();
        class_of_[node] = to;
        place_[node] = static_cast<uint32_t>(members_[to].size());
        members_[to].push_back(node);
        moved_.push_back(node);
    }

    const LabelledGraph& graph_;
    std::vector<uint32_t> class_of_;
    std::vector<std::vector<uint32_t>> members_;  // of each class
    std::vector<uint32_t> place_;                 // of each node in the members of its class
    std::vector<uint32_t> first_referrer_, referrers_;
    std::vector<uint32_t> moved_;  // in the current round
    std::uint64_t compared_ = 0;
};

}  // namespace

std::vector<uint32_t> equal_nodes(const LabelledGraph& graph) { return Refinement(graph).run(); }

}  // namespace btfmmap::writing
