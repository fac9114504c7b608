#include "core/diff/changes.hpp"

#include <algorithm>
#include <cstddef>
#include <string>

#include "core/base/error.hpp"
#include "core/base/merge_sort.hpp"
#include "core/diff/comparison.hpp"

namespace btfmmap::diff {

namespace {

using std::size_t;
using std::uint32_t;
using std::uint64_t;

constexpr uint64_t kMaxSteps = uint64_t{1} << 30;

}  // namespace

Changes::Changes(std::shared_ptr<History> history, uint32_t before, uint32_t after)
    : history_(std::move(history)), before_(before), after_(after) {
    for (const uint32_t kernel : {before, after}) {
        if (kernel >= history_->kernels()) {
            throw Error::invalid_argument("there is no kernel " + std::to_string(kernel));
        }
    }
    compare();
    connect();
}

void Changes::compare() {
    const std::lock_guard<std::mutex> lock(history_->mutex());
    Comparison comparison(*history_, before_, after_, rows_);
    for (uint32_t entity = 0; entity != history_->entities().size(); ++entity) {
        const size_t first = rows_.size();
        comparison.compare(entity);
        if (rows_.size() != first) {
            changed_.push_back(entity);
        }
    }
}

// Returns the index of an entity among those that changed; kNone if it did not.
uint32_t Changes::node(uint32_t entity) const {
    const auto found = std::lower_bound(changed_.begin(), changed_.end(), entity);
    return found != changed_.end() && *found == entity ? static_cast<uint32_t>(found - changed_.begin())
                                                       : kNone;
}

void Changes::connect() {
    std::vector<std::pair<uint32_t, uint32_t>> edges;
    own_.resize(changed_.size());
    uint32_t user = 0;
    for (Row& row : rows_) {
        while (changed_[user] != row.entity) {
            ++user;
        }
        bool leads_on = false;
        for (const uint32_t cause : {row.before.cause, row.after.cause}) {
            const uint32_t used = cause == kNone ? kNone : node(cause);
            if (used != kNone && used != user) {
                edges.emplace_back(user, used);
                leads_on = true;
            }
        }
        row.own |= is_embedded(row.change) && !leads_on;
        if (row.own) {
            own_[user] = true;
        }
    }
    std::sort(edges.begin(), edges.end());
    edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
    const auto grouped = [this](const std::vector<std::pair<uint32_t, uint32_t>>& pairs) {
        Edges found;
        found.starts.resize(changed_.size() + 1);
        for (const auto& [from, to] : pairs) {
            ++found.starts[from + 1];
            found.ends.push_back(to);
        }
        for (size_t i = 0; i != changed_.size(); ++i) {
            found.starts[i + 1] += found.starts[i];
        }
        return found;
    };
    uses_ = grouped(edges);
    for (auto& [from, to] : edges) {
        std::swap(from, to);
    }
    std::sort(edges.begin(), edges.end());
    used_by_ = grouped(edges);
}

// Returns the nodes, each after those that it uses. Edges that close a cycle are ignored.
std::vector<uint32_t> Changes::in_dependency_order() const {
    std::vector<uint32_t> order, stack;
    std::vector<size_t> next(uses_.starts.begin(), uses_.starts.end());
    std::vector<bool> seen(changed_.size());
    for (uint32_t root = 0; root != changed_.size(); ++root) {
        if (seen[root]) {
            continue;
        }
        seen[root] = true;
        stack.push_back(root);
        while (!stack.empty()) {
            const uint32_t top = stack.back();
            if (next[top] == uses_.starts[top + 1]) {
                order.push_back(top);
                stack.pop_back();
                continue;
            }
            const uint32_t used = uses_.ends[next[top]++];
            if (!seen[used]) {
                seen[used] = true;
                stack.push_back(used);
            }
        }
    }
    return order;
}

std::vector<Changes::Changed> Changes::changed() const {
    std::vector<Changed> found;
    for (size_t i = 0; i != changed_.size(); ++i) {
        const uint32_t entity = changed_[i];
        const std::int32_t old_version = history_->presence(entity, before_);
        const std::int32_t new_version = history_->presence(entity, after_);
        Changed changed{entity, own_[i], true, true};
        if (old_version != History::kAbsent && new_version != History::kAbsent) {
            const Version& left = history_->version(entity, old_version);
            const Version& right = history_->version(entity, new_version);
            changed.layout = !(left.layout == right.layout);
            changed.declared = changed.layout || !(left.declaration == right.declaration) ||
                               left.tags != right.tags || left.linkage != right.linkage;
        }
        found.push_back(changed);
    }
    return found;
}

std::vector<Changes::Cause> Changes::causes(const std::vector<std::uint8_t>& counted) const {
    if (counted.size() != history_->entities().size()) {
        throw Error::invalid_argument("there must be a mark for each entity");
    }
    const std::vector<uint32_t> order = in_dependency_order();
    std::vector<uint32_t> candidates;
    for (uint32_t i = 0; i != changed_.size(); ++i) {
        if (own_[i] && used_by_.starts[i] != used_by_.starts[i + 1]) {
            candidates.push_back(i);
        }
    }
    // Sets of 64 causes at a time.
    constexpr size_t at_once = 64;
    const uint64_t rounds = (candidates.size() + at_once - 1) / at_once;
    if (rounds * (changed_.size() + uses_.ends.size()) > kMaxSteps) {
        throw Error::not_supported(
            "too many changes depend on each other: " + std::to_string(candidates.size()) + " causes of " +
            std::to_string(changed_.size()) + " changes");
    }
    std::vector<Cause> causes;
    std::vector<uint64_t> sets;
    for (size_t start = 0; start < candidates.size(); start += at_once) {
        sets.assign(changed_.size(), 0);
        const size_t count = std::min(at_once, candidates.size() - start);
        std::vector<uint32_t> followers(count);
        std::vector<uint64_t> own(changed_.size());
        for (size_t i = 0; i != count; ++i) {
            own[candidates[start + i]] = uint64_t{1} << i;
        }
        for (const uint32_t user : order) {
            uint64_t set = 0;
            for (size_t edge = uses_.starts[user]; edge != uses_.starts[user + 1]; ++edge) {
                set |= sets[uses_.ends[edge]] | own[uses_.ends[edge]];
            }
            set &= ~own[user];
            sets[user] = set;
            if (counted[changed_[user]] == 0) {
                continue;
            }
            for (; set != 0; set &= set - 1) {
                ++followers[static_cast<size_t>(__builtin_ctzll(set))];
            }
        }
        for (size_t i = 0; i != count; ++i) {
            if (followers[i] != 0) {
                causes.push_back({changed_[candidates[start + i]], followers[i]});
            }
        }
    }
    merge_sort(causes,
               [](const Cause& left, const Cause& right) { return left.followers > right.followers; });
    return causes;
}

// Returns the entities that are reached from one by at least one edge, without itself.
std::vector<uint32_t> Changes::reached(const Edges& edges, uint32_t entity) const {
    std::vector<uint32_t> found, pending;
    const uint32_t start = node(entity);
    if (start == kNone) {
        return found;
    }
    std::vector<bool> seen(changed_.size());
    seen[start] = true;
    pending.push_back(start);
    while (!pending.empty()) {
        const uint32_t from = pending.back();
        pending.pop_back();
        for (size_t edge = edges.starts[from]; edge != edges.starts[from + 1]; ++edge) {
            if (!seen[edges.ends[edge]]) {
                seen[edges.ends[edge]] = true;
                pending.push_back(edges.ends[edge]);
                found.push_back(edges.ends[edge]);
            }
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::vector<uint32_t> Changes::followers(uint32_t cause) const {
    const uint32_t start = node(cause);
    std::vector<uint32_t> found;
    if (start != kNone && own_[start]) {
        for (const uint32_t each : reached(used_by_, cause)) {
            found.push_back(changed_[each]);
        }
    }
    return found;
}

std::vector<uint32_t> Changes::causes_of(uint32_t entity) const {
    std::vector<uint32_t> found;
    for (const uint32_t each : reached(uses_, entity)) {
        if (own_[each]) {
            found.push_back(changed_[each]);
        }
    }
    return found;
}

}  // namespace btfmmap::diff
