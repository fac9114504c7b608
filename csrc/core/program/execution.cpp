#include "core/program/execution.hpp"

#include "core/program/value.hpp"

namespace btfmmap::program {

namespace {

using std::int32_t;
using std::int64_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

// What is poisoned counts as a number that varies, so that whatever depends on it is found.
Value relocated_value(const Relocated& relocated, uint64_t bits) {
    switch (relocated.status) {
        case Relocated::Status::value:
            return Value::constant(bits);
        case Relocated::Status::poisoned:
            return Value::varying();
        default:
            return Value::undecided();
    }
}

uint64_t access_offset(const Instruction& instruction, const Relocated* relocated) {
    return relocated != nullptr ? relocated->value : static_cast<uint64_t>(int64_t{instruction.offset});
}

// Sets the register that an atomic operation fetches into.
void change_atomically(const Instruction& instruction, State& state) {
    constexpr int32_t fetch = 0x01, compare_and_exchange = 0xf1, load_acquire = 0x100;
    if (instruction.immediate == load_acquire) {
        state.set(instruction.destination, Value::varying());
    } else if (instruction.immediate == compare_and_exchange) {
        state.set(0, Value::varying());
    } else if ((instruction.immediate & fetch) != 0) {
        state.set(instruction.source, Value::varying());
    }
}

}  // namespace

bool only_reads(int32_t helper) {
    // Lookup, update and deletion of map elements, pushes, and output to a perf buffer or ring buffer.
    // bpf_map_pop_elem and bpf_map_peek_elem write.
    switch (helper) {
        case 1:
        case 2:
        case 3:
        case 25:
        case 87:
        case 130:
            return true;
        default:
            return false;
    }
}

void Execution::calculate(const Instruction& instruction, const Relocated* relocated, State& state) const {
    Value operand = Value::constant(static_cast<uint64_t>(int64_t{instruction.immediate}));
    if (relocated != nullptr) {
        operand = relocated_value(*relocated, extended(relocated->value, 4, true));
    } else if (instruction.uses_register()) {
        operand = state.get(instruction.source);
    }
    const Value old = state.get(instruction.destination);
    state.set(instruction.destination,
              arithmetic(instruction, old, operand, object_.byte_order() == ByteOrder::big));
}

void Execution::load_immediate64(const Step& step, const Relocated* relocated, State& state) const {
    state.set(step.instruction.destination, immediate64(step, relocated, state.at));
}

Value Execution::immediate64(const Step& step, const Relocated* relocated, uint32_t at) const {
    if (relocated != nullptr) {
        return relocated_value(*relocated, relocated->value);
    }
    const Value elsewhere{Value::Kind::address, kNone, 0};
    if (step.reference == kNone) {
        const auto low = static_cast<uint32_t>(step.instruction.immediate);
        const auto high = static_cast<uint32_t>(steps_[at + 1].instruction.immediate);
        return step.instruction.source == 0 ? Value::constant(low | uint64_t{high} << 32) : elsewhere;
    }
    const Reference& reference = object_.references()[step.reference];
    switch (reference.kind) {
        case Reference::Kind::data:
            return {Value::Kind::address, reference.index, reference.offset};
        case Reference::Kind::external:
            return external_address(reference.index);
        default:
            return elsewhere;
    }
}

Value Execution::external_address(uint32_t external) const {
    switch (facts_.external(external).status) {
        case Resolved::Status::absent:
            return Value::constant(0);
        case Resolved::Status::present:
            return {Value::Kind::address, kNone, 0};
        default:
            return {Value::Kind::external, external, 0};
    }
}

void Execution::load(const Instruction& instruction, const Relocated* relocated, State& state) const {
    Value result = Value::varying();
    const uint8_t mode = instruction.mode();
    if (mode == opcode::kMem || mode == opcode::kMemSigned) {
        result = loaded(instruction, relocated, state);
        const uint32_t size = instruction.access_size();
        if (result.has_bits()) {
            result.bits = extended(result.bits, size, mode == opcode::kMemSigned);
        }
    }
    state.set(instruction.destination, result);
}

Value Execution::loaded(const Instruction& instruction, const Relocated* relocated,
                        const State& state) const {
    const Value base = state.get(instruction.source);
    const uint32_t size = instruction.access_size();
    const uint64_t offset = base.bits + access_offset(instruction, relocated);
    switch (base.kind) {
        case Value::Kind::stack:
            return relocated == nullptr
                       ? state.load(base.index, static_cast<int64_t>(offset), size, object_.byte_order())
                       : Value::undecided();
        case Value::Kind::address: {
            const auto bits = object_.read_only(base.index, offset, size);
            return bits ? Value{Value::Kind::initial, 0, *bits} : Value::varying();
        }
        case Value::Kind::external: {
            const Resolved known = facts_.external(base.index);
            return known.status == Resolved::Status::value && offset == 0 ? Value::constant(known.value)
                                                                          : Value::undecided();
        }
        case Value::Kind::undecided:
        case Value::Kind::any_stack:
            return Value::undecided();
        default:
            return Value::varying();
    }
}

void Execution::store(const Instruction& instruction, const Relocated* relocated, State& state) const {
    const Value base = state.get(instruction.destination);
    const bool immediate = instruction.instruction_class() == opcode::kSt;
    Value value = immediate ? Value::constant(static_cast<uint64_t>(int64_t{instruction.immediate}))
                            : state.get(instruction.source);
    if (!immediate && instruction.mode() == opcode::kAtomic) {
        value = Value::varying();
        change_atomically(instruction, state);
    }
    if (base.kind == Value::Kind::any_stack || (base.kind == Value::Kind::stack && relocated != nullptr)) {
        state.doubt_all();
    } else if (base.kind == Value::Kind::stack) {
        const uint64_t offset = base.bits + access_offset(instruction, relocated);
        state.store(base.index, static_cast<int64_t>(offset), instruction.access_size(), value);
    }
}

void Execution::change_arguments(State& state) {
    for (uint8_t number = 1; number <= 5; ++number) {
        const Value argument = state.registers[number];
        if (argument.kind == Value::Kind::any_stack) {
            state.doubt_all();
        }
        if (argument.kind != Value::Kind::stack) {
            continue;
        }
        const auto start = static_cast<int64_t>(argument.bits);
        const Value next = number == 5 ? Value::varying() : state.registers[number + 1];
        constexpr uint64_t stack_size = 512;
        if (next.kind == Value::Kind::constant && next.bits <= stack_size && start < 0 &&
            start >= -static_cast<int64_t>(stack_size)) {
            state.store(argument.index, start, static_cast<uint32_t>(next.bits), Value::varying());
        } else {
            state.doubt(argument.index, start, 0);
        }
    }
}

void Execution::change_call_registers(State& state) {
    for (uint8_t number = 0; number <= 5; ++number) {
        state.registers[number] = Value::varying();
    }
}

}  // namespace btfmmap::program
