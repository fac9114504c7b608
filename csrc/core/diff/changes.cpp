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
    rows_.reserve(history_->entities().size());  // copying so many takes long
    Comparison comparison(*history_, before_, after_, rows_);
    for (uint32_t entity = 0; entity != history_->entities().size(); ++entity) {
        const size_t first = rows_.size();
        comparison.compare(entity);
        if (rows_.size() != first) {
            changed_.push_back(entity);
            starts_.push_back(first);
        }
    }
    starts_.push_back(rows_.size());
}

// Returns the index of an entity among those that changed; kNone if it did not.
uint32_t Changes::node(uint32_t entity) const {
    const auto found = std::lower_bound(changed_.begin(), changed_.end(), entity);
    return found != changed_.end() && *found == entity ? static_cast<uint32_t>(found - changed_.begin())
                                                       : kNone;
}

void Changes::connect() {
    std::vector<Dependencies::Edge> edges;
    own_.resize(changed_.size());
    for (uint32_t user = 0; user != changed_.size(); ++user) {
        for (size_t number = starts_[user]; number != starts_[user + 1]; ++number) {
            Row& row = rows_[number];
            bool leads_on = false;
            for (const uint32_t cause : {row.before.cause, row.after.cause}) {
                const uint32_t used = cause == kNone ? kNone : node(cause);
                if (used != kNone && used != user) {
                    edges.emplace_back(user, used);
                    leads_on = true;
                }
            }
            row.own |= is_embedded(row.change) && !leads_on;
            own_[user] = own_[user] || row.own;
        }
    }
    dependencies_ = Dependencies(changed_.size(), std::move(edges));
}

void Changes::check_marks(const std::vector<std::uint8_t>& marks) const {
    if (marks.size() != history_->entities().size()) {
        throw Error::invalid_argument("there must be a mark for each entity");
    }
}

Changes::Depth Changes::depth(uint32_t entity) const {
    const std::int32_t old_version = history_->presence(entity, before_);
    const std::int32_t new_version = history_->presence(entity, after_);
    if (old_version == History::kAbsent || new_version == History::kAbsent) {
        return Depth::layout;
    }
    const Version& left = history_->version(entity, old_version);
    const Version& right = history_->version(entity, new_version);
    if (!(left.layout == right.layout)) {
        return Depth::layout;
    }
    return left.declaration == right.declaration && left.tags == right.tags && left.linkage == right.linkage
               ? Depth::deep
               : Depth::declaration;
}

std::vector<Changes::Changed> Changes::changed(Depth depth, const std::vector<std::uint8_t>& selected) const {
    check_marks(selected);
    std::vector<Changed> found;
    for (size_t i = 0; i != changed_.size(); ++i) {
        const uint32_t entity = changed_[i];
        if (selected[entity] == 0) {
            continue;
        }
        const Depth from = this->depth(entity);
        if (from <= depth) {
            found.push_back(
                {entity, own_[i], from, starts_[i], static_cast<uint32_t>(starts_[i + 1] - starts_[i])});
        }
    }
    return found;
}

std::array<Changes::Counts, kClasses> Changes::counts(Depth depth,
                                                      const std::vector<std::uint8_t>& selected) const {
    std::array<Counts, kClasses> counts{};
    for (const Changed& each : changed(depth, selected)) {
        Counts& of_class = counts[static_cast<size_t>(history_->entities()[each.entity].class_)];
        const Change first = rows_[each.row].change;
        ++(first == Change::added     ? of_class.added
           : first == Change::removed ? of_class.removed
           : each.own                 ? of_class.own
                                      : of_class.follows);
    }
    return counts;
}

std::pair<const Row*, uint32_t> Changes::rows_of(uint32_t entity) const {
    const uint32_t at = node(entity);
    return at == kNone
               ? std::pair<const Row*, uint32_t>(nullptr, 0)
               : std::pair(rows_.data() + starts_[at], static_cast<uint32_t>(starts_[at + 1] - starts_[at]));
}

std::vector<Changes::Cause> Changes::causes(const std::vector<std::uint8_t>& counted) const {
    check_marks(counted);
    std::vector<uint32_t> nodes;
    std::vector<bool> marked(changed_.size());
    for (uint32_t i = 0; i != changed_.size(); ++i) {
        marked[i] = counted[changed_[i]] != 0;
        if (own_[i] && dependencies_.is_used(i)) {
            nodes.push_back(i);
        }
    }
    const std::vector<uint32_t> followers = dependencies_.count_users(nodes, marked);
    std::vector<Cause> causes;
    for (size_t i = 0; i != nodes.size(); ++i) {
        if (followers[i] != 0) {
            causes.push_back({changed_[nodes[i]], followers[i]});
        }
    }
    merge_sort(causes,
               [](const Cause& left, const Cause& right) { return left.followers > right.followers; });
    return causes;
}

std::vector<uint32_t> Changes::followers(uint32_t cause) const {
    const uint32_t start = node(cause);
    std::vector<uint32_t> found;
    if (start != kNone && own_[start]) {
        for (const uint32_t each : dependencies_.users(start)) {
            found.push_back(changed_[each]);
        }
    }
    return found;
}

std::vector<uint32_t> Changes::causes_of(uint32_t entity) const {
    const uint32_t start = node(entity);
    std::vector<uint32_t> found;
    if (start != kNone) {
        for (const uint32_t each : dependencies_.used(start)) {
            if (own_[each]) {
                found.push_back(changed_[each]);
            }
        }
    }
    return found;
}

}  // namespace btfmmap::diff
