#pragma once

#include <cstdint>
#include <vector>

#include "core/program/flow.hpp"
#include "core/program/object.hpp"

namespace btfmmap::program {

// What a relocation makes of an instruction.
struct Relocated {
    enum class Status : std::uint8_t {
        value,     // the instruction has `value`
        poisoned,  // the instruction may not be reached: the verifier refuses it
        unknown,   // the instruction has a value that is not known
    };

    std::uint32_t instruction;  // kNone if the object has no such instruction
    Status status;
    std::uint64_t value;
};

// What is known about an external symbol when the program is loaded.
struct Resolved {
    enum class Status : std::uint8_t {
        unknown,
        value,    // a variable of the kernel's configuration, with `value`
        absent,   // its address is null
        present,  // its address is not null
    };

    Status status = Status::unknown;
    std::uint64_t value = 0;
};

// Whether the verifier comes to an instruction.
enum class Reach : std::uint8_t {
    dead,   // no path leads there
    maybe,  // depends on what is fixed when the program is loaded, but not known; or too much work to decide
    reachable,  // it does, if the loader does not change the object's read-only variables
};

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
