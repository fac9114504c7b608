#pragma once

#include <cstdint>
#include <vector>

#include "core/program/facts.hpp"
#include "core/program/flow.hpp"
#include "core/program/object.hpp"
#include "core/program/state.hpp"

namespace btfmmap::program {

// Executes the instructions of an object on one kernel that neither jump nor call, and the effects of calls
// of unknown functions. Changes what is known in a state, but does not move it to the next instruction.
class Execution {
public:
    Execution(const Object& object, const Flow& flow, const Facts& facts)
        : object_(object), steps_(flow.steps()), facts_(facts) {}

    // `relocated` is the instruction's relocation, or null.
    void load(const Instruction& instruction, const Relocated* relocated, State& state) const;
    void store(const Instruction& instruction, const Relocated* relocated, State& state) const;
    void calculate(const Instruction& instruction, const Relocated* relocated, State& state) const;
    // Loads the 64-bit immediate of the instruction at `state.at` and the next one.
    void load_immediate64(const Step& step, const Relocated* relocated, State& state) const;

    // Accounts for a callee that writes where its arguments point to. A pointer that is followed by a
    // constant is taken for a buffer and its size.
    static void change_arguments(State& state);
    // Forgets the registers that a call of an unknown function changes.
    static void change_call_registers(State& state);

private:
    Value immediate64(const Step& step, const Relocated* relocated, std::uint32_t at) const;
    Value external_address(std::uint32_t external) const;
    Value loaded(const Instruction& instruction, const Relocated* relocated, const State& state) const;

    const Object& object_;
    const std::vector<Step>& steps_;
    const Facts& facts_;
};

// Whether a helper only reads what its arguments point to.
bool only_reads(std::int32_t helper);

}  // namespace btfmmap::program
