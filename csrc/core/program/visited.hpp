#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/program/state.hpp"

namespace btfmmap::program {

// The states that came to one instruction in one context. Many are joined into one that stands for all.
class Visited {
public:
    // Returns the number of comparisons, in units of work, that `add` makes.
    std::uint64_t work(const State& state) const { return 1 + states_.size() * (1 + state.stack.size() / 8); }

    struct Added {
        bool is_new;        // whether the path has to be followed further, with what `state` became
        std::size_t bytes;  // that are kept in addition
    };
    // Adds a state, unless one that was here before covers it. Replaces `state` by the one that it is joined
    // into.
    Added add(State& state);

private:
    Added add_joined(State& state);

    std::vector<State> states_;
    bool joined_ = false;  // there is one state, which stands for many
};

}  // namespace btfmmap::program
