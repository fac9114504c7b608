#pragma once

#include <cstdint>
#include <vector>

#include "core/core_relo/object.hpp"
#include "core/core_relo/target.hpp"

namespace btfmmap::core_relo {

// What becomes of a relocation. The numbers are those of Python's RelocationStatus, which has two more.
enum class Status : std::uint8_t {
    ok = 0,
    absent = 1,     // the target has no such type, field or enumerator, and the value is 0
    poisoned = 2,   // the instruction is replaced by one that must not be reached
    ambiguous = 5,  // candidates that match differ in their values
    error = 6,
    not_judged = 7,  // there is no instruction to relocate
};

// How candidates are remembered from one relocation to the next.
enum class Semantics : std::uint8_t {
    // As libbpf does: once a relocation of a root type finds matching candidates, later relocations of the
    // same root type consider only these.
    libbpf,
    independent,  // each relocation considers all candidates
};

// The result of one relocation against one target.
struct Outcome {
    Status status = Status::ok;
    Failure failure;  // why the status is what it is
    // What the types say, as libbpf's struct bpf_core_relo_res has it. The instruction may still be in the
    // way.
    bool poison = false;
    bool unsafe_size = false;  // a load or store may not change its size
    std::uint64_t value = 0;
    std::uint32_t type = 0;  // of the field in the target, where its offset is relocated
    std::uint32_t size = 0;
    std::uint32_t bit_offset = 0;  // of the field in the target
    std::uint32_t candidates = 0;  // before this relocation
    std::uint32_t source = 0;      // in Target: has the candidate or the type that `failure` names
    std::uint32_t candidate = 0;   // the first one that matches; 0 if none does
    std::uint32_t step = 0;        // if none matches: the accessor that has no counterpart
};

// Evaluates all relocations of an object against a target, in the order of their records.
std::vector<Outcome> evaluate(const Object& object, const Target& target, Semantics semantics);

}  // namespace btfmmap::core_relo
