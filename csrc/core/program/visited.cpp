#include "core/program/visited.hpp"

#include <algorithm>
#include <utility>

namespace btfmmap::program {

namespace {

// States that are kept apart before they are joined.
constexpr std::size_t kMaxStates = 64;

bool same(const State& a, const State& b) {
    const auto equal_calls = [](const Call& left, const Call& right) {
        return left.registers == right.registers;
    };
    return a.certain == b.certain && a.registers == b.registers && a.stack == b.stack &&
           std::equal(a.calls.begin(), a.calls.end(), b.calls.begin(), b.calls.end(), equal_calls);
}

}  // namespace

Visited::Added Visited::add(State& state) {
    for (const State& known : states_) {
        if (covers(known, state)) {
            return {false, 0};
        }
    }
    if (states_.size() == kMaxStates || joined_) {
        return add_joined(state);
    }
    states_.push_back(state);
    return {true, state.bytes()};
}

Visited::Added Visited::add_joined(State& state) {
    State all = states_.front();
    for (std::size_t i = 1; i < states_.size(); ++i) {
        all = joined(all, states_[i]);
    }
    const bool first = !joined_;
    State more = joined(all, state);
    const bool changed = !covers(all, more) && !same(all, more);
    states_.assign(1, more);
    joined_ = true;
    state = std::move(more);
    return {first || changed, state.bytes()};
}

}  // namespace btfmmap::program
