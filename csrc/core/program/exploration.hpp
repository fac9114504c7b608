#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/program/execution.hpp"
#include "core/program/facts.hpp"
#include "core/program/flow.hpp"
#include "core/program/state.hpp"
#include "core/program/value.hpp"
#include "core/program/visited.hpp"

namespace btfmmap::program {

// Whether the verifier comes to an instruction.
enum class Reach : std::uint8_t {
    dead,   // no path leads there
    maybe,  // depends on what is fixed when the program is loaded, but not known; or too much work to decide
    reachable,  // it does, if the loader does not change the object's read-only variables
};

// Explores the paths of an object's programs on one kernel, one program after another.
class Exploration {
public:
    // Keeps references to its arguments. `past_poison`: see `Questions`.
    Exploration(const Object& object, const Flow& flow, const Facts& facts, bool past_poison)
        : object_(object),
          steps_(flow.steps()),
          facts_(facts),
          execution_(object, flow, facts),
          past_poison_(past_poison) {}

    // Explores the program that starts at instruction `first`, until all instructions that are asked about
    // are reached. Returns false if the limits were hit.
    bool explore(std::uint32_t first, const std::vector<std::uint32_t>& asked);

    // Returns whether an instruction that was asked about is reached.
    Reach reached(std::uint32_t at) const { return reached_.at(at); }

private:
    static constexpr std::uint64_t kMaxTotalWork = std::uint64_t{1} << 22;  // for all programs

    void spend(std::uint64_t work);
    void keep(std::uint64_t bytes);
    void push(State state);
    void enter(std::uint32_t first, const Value& arguments, bool certain);
    void note(std::uint32_t at, bool certain);
    bool is_new(State& state, std::uint16_t live);

    void follow(State& state);
    bool execute(const Step& step, const Relocated* relocated, State& state);
    bool load_special(const Step& step, const Relocated* relocated, State& state);
    bool jump(const Step& step, State& state);
    bool branch(const Step& step, const Decision& decision, State& state);
    bool call(const Step& step, State& state);
    bool call_global(const Step& step, State& state);
    bool call_static(const Step& step, State& state);

    const Object& object_;
    const std::vector<Step>& steps_;
    const Facts& facts_;
    const Execution execution_;
    const bool past_poison_;
    std::uint64_t total_work_ = kMaxTotalWork;  // what is left of it

    // Of the program that is explored.
    std::unordered_map<std::uint32_t, Reach> reached_;  // by instruction that is asked about
    std::size_t wanted_ = 0;  // of these, the ones that are not yet certain to be reached
    std::uint64_t work_ = 0;
    std::uint64_t kept_bytes_ = 0;
    std::uint64_t waiting_bytes_ = 0;
    bool exhausted_ = false;
    std::vector<State> waiting_;
    std::unordered_map<std::uint64_t, Visited> visited_;         // by context and instruction
    std::unordered_map<std::uint64_t, std::uint32_t> contexts_;  // by context and instruction of the call
    std::unordered_map<std::uint32_t, std::uint8_t> entered_;    // by function: 1 perhaps, 2 certainly
};

}  // namespace btfmmap::program
