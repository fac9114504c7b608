#pragma once

#include <cstdint>

#include "core/program/instruction.hpp"
#include "core/program/object.hpp"

namespace btfmmap::program {

// What is known about a register or a stack slot, at one instruction on one path.
struct Value {
    enum class Kind : std::uint8_t {
        constant,   // `bits`
        initial,    // `bits`, unless the loader changes the object's read-only variables before it loads it
        undecided,  // a number or address that is fixed when the program is loaded, but not known
        varying,    // a number or address that is not fixed; no address in a stack
        stack,      // the address of byte `bits`, which is negative, of the stack of frame `index`
        any_stack,  // may be an address in any frame's stack
        address,    // the address of byte `bits` of ELF section `index`, not null
        external,   // the address of external symbol `index`
    };

    Kind kind = Kind::varying;
    std::uint32_t index = 0;
    std::uint64_t bits = 0;

    static Value constant(std::uint64_t bits) { return {Kind::constant, 0, bits}; }
    static Value undecided() { return {Kind::undecided, 0, 0}; }
    static Value varying() { return {}; }
    static Value any_stack() { return {Kind::any_stack, 0, 0}; }

    bool has_bits() const { return kind == Kind::constant || kind == Kind::initial; }
    bool is_number() const { return kind <= Kind::varying; }
    bool may_be_stack() const { return kind == Kind::stack || kind == Kind::any_stack; }

    friend bool operator==(const Value& a, const Value& b) {
        return a.kind == b.kind && a.index == b.index && a.bits == b.bits;
    }
    friend bool operator!=(const Value& a, const Value& b) { return !(a == b); }
};

// Returns the result of an instruction of the class kAlu or kAlu64 with these operands. `big_endian` is the
// byte order of the program's host.
Value arithmetic(const Instruction& instruction, const Value& destination, const Value& source,
                 bool big_endian);

// Returns a value of `size` bytes as a load extends it to 64 bits.
std::uint64_t extended(std::uint64_t bits, std::uint32_t size, bool is_signed);

// Where a conditional jump can go.
struct Decision {
    bool taken = true;
    bool not_taken = true;
    // Whether each is certain to be explored by the verifier if the jump is.
    bool taken_certain = true;
    bool not_taken_certain = true;
};

// Decides a conditional jump with these operands.
Decision decide(const Instruction& instruction, const Value& left, const Value& right);

// Returns whether whatever can be reached with `value` is reached with `general`. `certain` says whether the
// state with `value` is certain to be explored; if not, `general` may lose certainty.
bool covers(const Value& general, const Value& value, bool certain);

// Returns a value that stands for two. `certain` says whether both states are certain to be explored.
Value joined(const Value& a, const Value& b, bool certain);

}  // namespace btfmmap::program
