#include "core/program/value.hpp"

#include <algorithm>

namespace btfmmap::program {

namespace {

using std::int32_t;
using std::int64_t;
using std::uint16_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

using Kind = Value::Kind;

// Operations of arithmetic: the upper four bits of the opcode.
enum Operation : uint8_t {
    add = 0x00,
    sub = 0x10,
    mul = 0x20,
    div = 0x30,
    bit_or = 0x40,
    bit_and = 0x50,
    shift_left = 0x60,
    shift_right = 0x70,
    negate = 0x80,
    modulo = 0x90,
    bit_xor = 0xa0,
    move = 0xb0,
    shift_arithmetic = 0xc0,
    byte_order = 0xd0,
};

// Comparisons of conditional jumps.
enum Comparison : uint8_t {
    equal = 0x10,
    greater = 0x20,
    greater_equal = 0x30,
    any_bit = 0x40,
    not_equal = 0x50,
    signed_greater = 0x60,
    signed_greater_equal = 0x70,
    less = 0xa0,
    less_equal = 0xb0,
    signed_less = 0xc0,
    signed_less_equal = 0xd0,
};

int64_t as_signed(uint64_t bits, bool wide) {
    return wide ? static_cast<int64_t>(bits) : static_cast<int32_t>(static_cast<uint32_t>(bits));
}

uint64_t narrowed(uint64_t bits, bool wide) { return wide ? bits : static_cast<uint32_t>(bits); }

// Division by zero gives zero, and a remainder by zero the dividend. The quotient of the least number and -1
// wraps.
uint64_t signed_division(int64_t left, int64_t right, bool remainder) {
    if (right == 0) {
        return remainder ? static_cast<uint64_t>(left) : 0;
    }
    if (right == -1) {
        return remainder ? 0 : uint64_t{0} - static_cast<uint64_t>(left);
    }
    return static_cast<uint64_t>(remainder ? left % right : left / right);
}

uint64_t division(const Instruction& instruction, uint64_t left, uint64_t right, bool wide) {
    const bool remainder = instruction.operation() == modulo;
    if (instruction.offset == 1) {
        return signed_division(as_signed(left, wide), as_signed(right, wide), remainder);
    }
    if (right == 0) {
        return remainder ? left : 0;
    }
    return remainder ? left % right : left / right;
}

uint64_t moved(const Instruction& instruction, uint64_t bits) {
    switch (instruction.offset) {
        case 8:
        case 16:
        case 32:
            return extended(bits, static_cast<uint32_t>(instruction.offset) / 8, true);
        default:
            return bits;
    }
}

uint64_t swapped(uint64_t bits, int32_t width, bool swap) {
    switch (width) {
        case 16:
            return swap ? __builtin_bswap16(static_cast<uint16_t>(bits)) : static_cast<uint16_t>(bits);
        case 32:
            return swap ? __builtin_bswap32(static_cast<uint32_t>(bits)) : static_cast<uint32_t>(bits);
        default:
            return swap ? __builtin_bswap64(bits) : bits;
    }
}

// The class kAlu converts to the byte order that its source bit names, kAlu64 always swaps.
uint64_t in_byte_order(const Instruction& instruction, uint64_t bits, bool big_endian) {
    const bool unconditional = instruction.instruction_class() == opcode::kAlu64;
    const bool to_big = instruction.uses_register();
    return swapped(bits, instruction.immediate, unconditional || to_big != big_endian);
}

uint64_t calculated(const Instruction& instruction, uint64_t left, uint64_t right, bool big_endian) {
    const bool wide = instruction.instruction_class() == opcode::kAlu64;
    const uint8_t operation = instruction.operation();
    if (operation == byte_order) {
        return in_byte_order(instruction, left, big_endian);
    }
    left = narrowed(left, wide);
    right = narrowed(right, wide);
    const uint64_t count = right & (wide ? 63 : 31);
    uint64_t result = 0;
    switch (operation) {
        case add:
            result = left + right;
            break;
        case sub:
            result = left - right;
            break;
        case mul:
            result = left * right;
            break;
        case div:
        case modulo:
            result = division(instruction, left, right, wide);
            break;
        case bit_or:
            result = left | right;
            break;
        case bit_and:
            result = left & right;
            break;
        case shift_left:
            result = left << count;
            break;
        case shift_right:
            result = left >> count;
            break;
        case negate:
            result = uint64_t{0} - left;
            break;
        case bit_xor:
            result = left ^ right;
            break;
        case move:
            result = moved(instruction, right);
            break;
        default:  // shift_arithmetic
            result = static_cast<uint64_t>(as_signed(left, wide) >> count);
            break;
    }
    return narrowed(result, wide);
}

// Arithmetic on addresses: moves, and sums with numbers.
Value address_arithmetic(const Instruction& instruction, const Value& left, const Value& right) {
    const uint8_t operation = instruction.operation();
    const bool wide = instruction.instruction_class() == opcode::kAlu64;
    if (operation == move) {
        return wide && instruction.offset == 0 ? right : Value::varying();
    }
    const bool stack = left.may_be_stack() || (operation == add && right.may_be_stack());
    const Value unknown = stack ? Value::any_stack() : Value::varying();
    const bool swapped_operands = left.is_number() && operation == add;
    const Value& base = swapped_operands ? right : left;
    const Value& shift = swapped_operands ? left : right;
    if (!wide || (operation != add && operation != sub) || !shift.is_number() || base.is_number()) {
        return wide ? unknown : Value::varying();
    }
    if (base.kind == Kind::any_stack) {
        return base;
    }
    if (shift.kind != Kind::constant) {
        return stack || shift.kind == Kind::varying ? unknown : Value::undecided();
    }
    Value result = base;
    result.bits = operation == add ? base.bits + shift.bits : base.bits - shift.bits;
    return result;
}

// Whether the result does not depend on the operand that is not known.
bool is_zero_anyway(const Instruction& instruction, const Value& left, const Value& right) {
    const auto zero = [](const Value& value) { return value == Value::constant(0); };
    switch (instruction.operation()) {
        case bit_and:
        case mul:
            return zero(left) || zero(right);
        case bit_xor:
        case sub:
            return instruction.uses_register() && instruction.source == instruction.destination;
        default:
            return false;
    }
}

bool holds(uint8_t comparison, uint64_t left, uint64_t right, bool wide) {
    left = narrowed(left, wide);
    right = narrowed(right, wide);
    const int64_t signed_left = as_signed(left, wide), signed_right = as_signed(right, wide);
    switch (comparison) {
        case equal:
            return left == right;
        case greater:
            return left > right;
        case greater_equal:
            return left >= right;
        case any_bit:
            return (left & right) != 0;
        case not_equal:
            return left != right;
        case signed_greater:
            return signed_left > signed_right;
        case signed_greater_equal:
            return signed_left >= signed_right;
        case less:
            return left < right;
        case less_equal:
            return left <= right;
        case signed_less:
            return signed_left < signed_right;
        default:  // signed_less_equal
            return signed_left <= signed_right;
    }
}

Decision always(bool taken) { return {taken, !taken, true, true}; }

Decision undecided() { return {true, true, false, false}; }

// Compares a value that is not known with zero: no unsigned number is less.
bool decides_against_zero(uint8_t comparison, bool& taken) {
    taken = comparison == greater_equal;
    return comparison == greater_equal || comparison == less || comparison == any_bit;
}

bool is_address(const Value& value) { return value.kind == Kind::stack || value.kind == Kind::address; }

}  // namespace

uint64_t extended(uint64_t bits, uint32_t size, bool is_signed) {
    const uint32_t unused = 64 - 8 * std::min<uint32_t>(size, 8);
    const uint64_t left = bits << unused;
    return is_signed ? static_cast<uint64_t>(static_cast<int64_t>(left) >> unused) : left >> unused;
}

Value arithmetic(const Instruction& instruction, const Value& destination, const Value& source,
                 bool big_endian) {
    const uint8_t operation = instruction.operation();
    const bool unary = operation == negate || operation == byte_order;
    const Value& left = operation == move ? source : destination;
    const Value& right = unary ? destination : source;
    if (is_zero_anyway(instruction, left, right)) {
        return Value::constant(0);
    }
    if (!left.is_number() || !right.is_number()) {
        return address_arithmetic(instruction, left, right);
    }
    const Kind kind = std::max(left.kind, right.kind);
    if (kind >= Kind::undecided) {
        return {kind, 0, 0};
    }
    return {kind, 0, calculated(instruction, left.bits, right.bits, big_endian)};
}

Decision decide(const Instruction& instruction, const Value& left, const Value& right) {
    const bool wide = instruction.instruction_class() == opcode::kJmp;
    const uint8_t comparison = instruction.operation();
    if (left.has_bits() && right.has_bits()) {
        const bool taken = holds(comparison, left.bits, right.bits, wide);
        const bool certain = left.kind == Kind::constant && right.kind == Kind::constant;
        return certain ? always(taken) : Decision{true, true, taken, !taken};
    }
    if (right == Value::constant(0)) {
        bool taken = false;
        if (decides_against_zero(comparison, taken)) {
            return always(taken);
        }
        if (is_address(left) && wide && (comparison == equal || comparison == not_equal)) {
            return always(comparison == not_equal);
        }
    }
    const auto unsure = [](const Value& value) {
        return value.kind == Kind::undecided || value.kind == Kind::external || value.kind == Kind::any_stack;
    };
    if (left.kind == Kind::varying || right.kind == Kind::varying) {
        return {};
    }
    return unsure(left) || unsure(right) ? undecided() : Decision{};
}

bool covers(const Value& general, const Value& value, bool certain) {
    if (general == value) {
        return true;
    }
    switch (general.kind) {
        case Kind::varying:
            return !value.may_be_stack();
        case Kind::undecided:
            return !certain && !value.may_be_stack();
        case Kind::any_stack:
            return !certain;
        default:
            return false;
    }
}

Value joined(const Value& a, const Value& b, bool certain) {
    if (a == b) {
        return a;
    }
    if (a.may_be_stack() || b.may_be_stack()) {
        return Value::any_stack();
    }
    const bool varying = a.kind == Kind::varying || b.kind == Kind::varying;
    const bool undecided = a.kind == Kind::undecided || b.kind == Kind::undecided;
    return varying && certain && !undecided ? Value::varying() : Value::undecided();
}

}  // namespace btfmmap::program
