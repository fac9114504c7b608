#pragma once

#include <cerrno>
#include <cstdint>

namespace btfmmap::core_relo {

// Why a relocation has no value, or cannot be applied. `at` and `number` of a Failure are explained per
// reason; description.cpp turns them into text.
enum class Reason : std::uint8_t {
    none,

    // The record and the object's own types.
    unknown_kind,
    access_syntax,       // the access string is not numbers separated by colons
    access_too_long,     // more than 64 numbers, or more bytes than are read
    access_not_zero,     // the access string of a type's relocation is not "0"
    not_an_enum,         // at: the root's type below typedefs
    no_such_enumerator,  // at: the enum, number: the index
    no_such_member,      // at: the struct, number: the index
    no_such_element,     // at: the array, number: the index
    not_composite,       // at: a type that has neither members nor elements
    nameless_member,     // at: the struct, number: the index
    name_too_long,       // at: the type, or the struct or enum that has the name
    nameless_root,

    // The types of either side. at: the type.
    chain_too_long,  // typedefs and modifiers that form a cycle
    no_size,
    size_too_large,
    array_element,        // the kind does not apply to an element of an array
    bitfield_too_wide,    // no load of at most 8 bytes reads it; number: the member
    bitfield_of_no_size,  // its type has the size 0

    // The target's types.
    no_candidate,
    too_many_candidates,  // number: how many
    member_missing,       // at: the struct
    member_incompatible,  // at: the struct, number: the member
    not_an_array,         // at: the type
    element_missing,      // at: the array, number: its elements
    types_differ,         // at: the candidate
    enumerator_missing,   // at: the enum
    nesting_too_deep,     // at: the type
    too_much_work,
    offsets_differ,  // at: the other candidate, number: its bit offset
    values_differ,   // at: the other candidate, number: its value

    // The instruction.
    no_section,
    no_instruction,       // insn_off is outside of the section
    misaligned,           // insn_off is not a multiple of 8
    unknown_instruction,  // number: the opcode
    not_an_immediate,     // arithmetic on a register
    ldimm64_form,
    unexpected_value,        // number: the instruction's value
    value_too_large,         // an offset above 32,767
    unsafe_access_size,      // a load or store whose size may not change
    unexpected_access_size,  // number: the size of the instruction's access
    unsupported_access_size,
};

// An error number of libbpf, or 0, and why.
struct Failure {
    Reason reason = Reason::none;
    std::uint8_t error = 0;
    std::uint32_t at = 0;
    std::uint64_t number = 0;

    explicit operator bool() const { return reason != Reason::none; }

    static Failure invalid(Reason reason, std::uint32_t at = 0, std::uint64_t number = 0) {
        return {reason, EINVAL, at, number};
    }
    static Failure too_big(Reason reason, std::uint32_t at = 0, std::uint64_t number = 0) {
        return {reason, E2BIG, at, number};
    }
};

}  // namespace btfmmap::core_relo
