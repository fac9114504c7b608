#pragma once

#include <cstdint>

#include "core/base/bytes.hpp"
#include "core/base/endian.hpp"
#include "core/core_relo/failure.hpp"
#include "core/program/instruction.hpp"

namespace btfmmap::core_relo {

// How an instruction uses a relocated value.
enum class Use : std::uint8_t {
    none,         // there is no such instruction, or it cannot be relocated
    immediate,    // an arithmetic operand or an assignment of 32 bits
    immediate64,  // an assignment of 64 bits
    load,         // the offset of a load
    store,        // the offset of a store
};

// The instruction of a relocation. An assignment of 64 bits takes a second one.
struct RelocatedCode {
    Failure failure;  // there is no such instruction
    program::Instruction first{};
    program::Instruction second{};
    bool has_second = false;

    Use use() const;
    // Returns the bytes that a load or store accesses; 0 of other instructions.
    std::uint32_t access_size() const;
};

// What is known about a value before it is put into an instruction.
struct Change {
    std::uint64_t before;  // what the instruction must hold if `validate`
    std::uint64_t after;
    std::uint32_t size_before;  // of the field, if known
    std::uint32_t size_after;
    bool validate;
    bool unsafe_size;  // a load or store may not be of another size
};

// The outcome of a change: poisoned, an error, or neither. `failure` explains both.
struct ChangeResult {
    Failure failure;
    bool poisoned = false;
};

// Reads the instruction at `offset` of a section. An empty section has no instructions.
RelocatedCode read_code(Bytes section, std::uint32_t offset, ByteOrder order);

// Puts a value into an instruction, as libbpf's bpf_core_patch_insn does.
ChangeResult apply(const Change& change, RelocatedCode& code);

// Replaces an instruction by one that the verifier refuses if it can be reached.
void poison(RelocatedCode& code);

}  // namespace btfmmap::core_relo
