#pragma once

#include <cstdint>
#include <vector>

#include "core/program/exploration.hpp"
#include "core/program/facts.hpp"
#include "core/program/flow.hpp"
#include "core/program/object.hpp"

namespace btfmmap::program {

// What is asked about the relocations.
struct Questions {
    // About all of them. Otherwise only about poisoned ones, and the others are dead.
    bool all = false;
    // Paths lead on past a poisoned instruction, whose value is not known, so that all that is missing is
    // found. Otherwise they end there, as in the verifier.
    bool past_poison = false;
};

// Returns whether each relocated instruction can be reached in each program, program by program in the order
// of `flow.programs()`: an array of programs x relocations.
//
// Follows the paths of each program as the kernel's verifier does: with constants in registers and on the
// stack, both ways where a value varies, into static functions with what the caller knows and into global
// functions without. `externals` has the state of each of `object.externals()`, or is empty. Throws Error
// (not_supported) if there are too many pairs of programs and relocations.
std::vector<Reach> reachability(const Object& object, const Flow& flow,
                                const std::vector<Relocated>& relocated,
                                const std::vector<Resolved>& externals, const Questions& questions);

}  // namespace btfmmap::program
