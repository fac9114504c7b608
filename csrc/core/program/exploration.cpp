#include "core/program/exploration.hpp"

#include <algorithm>
#include <utility>

namespace btfmmap::program {

namespace {

using std::int64_t;
using std::size_t;
using std::uint16_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

// Limits of the analysis, after which what was not reached is undecided. Executing an instruction and
// comparing two states are one unit of work each. The verifier stops after a million instructions.
constexpr uint64_t kMaxWork = uint64_t{1} << 20;   // of one program
constexpr uint64_t kMaxBytes = uint64_t{1} << 24;  // of the states that one program keeps
constexpr uint32_t kMaxFrames = 8;                 // as in the verifier

// Returns the state at the start of a function. The first argument varies: a callback's context, which
// may hold what the caller knows, is never the first.
State root(uint32_t first, const Value& arguments) {
    State state;
    state.at = first;
    for (uint8_t number = 2; number <= 5; ++number) {
        state.registers[number] = arguments;
    }
    return state;
}

// Returns the right side of a comparison.
Value compared_with(const Instruction& instruction, const State& state) {
    return instruction.uses_register()
               ? state.get(instruction.source)
               : Value::constant(static_cast<uint64_t>(int64_t{instruction.immediate}));
}

// Takes account of a comparison's outcome. `certain` says whether the outcome was to be expected.
void narrow(const Instruction& instruction, bool taken, bool certain, State& state) {
    constexpr uint8_t equal = 0x10, not_equal = 0x50;
    if (instruction.instruction_class() != opcode::kJmp || instruction.operation() == opcode::kMayGoto) {
        return;
    }
    const Value left = state.get(instruction.destination), right = compared_with(instruction, state);
    const bool is_equal = instruction.operation() == (taken ? equal : not_equal);
    if (left.is_number() && left.kind != Value::Kind::constant && is_equal &&
        right.kind == Value::Kind::constant) {
        state.set(instruction.destination, right);
    } else if (left.kind == Value::Kind::initial && !certain) {
        state.set(instruction.destination, Value::undecided());
    }
}

// Returns from a static function. Returns false at the end of the program.
bool leave(State& state) {
    if (state.calls.empty()) {
        return false;
    }
    const Call call = state.calls.back();
    state.calls.pop_back();
    state.drop_frames(state.frame() + 1);
    for (uint8_t i = 0; i != call.registers.size(); ++i) {
        state.registers[i + 6] = call.registers[i];
    }
    for (uint8_t number = 1; number <= 5; ++number) {
        state.registers[number] = Value::varying();
    }
    state.context = call.context;
    state.at = call.return_to;
    return true;
}

}  // namespace

bool Exploration::explore(uint32_t first, const std::vector<uint32_t>& asked) {
    reached_.clear();
    for (const uint32_t at : asked) {
        reached_.emplace(at, Reach::dead);
    }
    wanted_ = reached_.size();
    work_ = std::min(kMaxWork, total_work_);
    const uint64_t granted = work_;
    kept_bytes_ = 0;
    exhausted_ = false;
    visited_.clear();
    contexts_.clear();
    entered_.clear();
    waiting_.clear();
    push(root(first, Value::varying()));
    while (!waiting_.empty() && !exhausted_ && wanted_ != 0) {
        State state = std::move(waiting_.back());
        waiting_.pop_back();
        waiting_bytes_ -= state.bytes();
        follow(state);
    }
    waiting_bytes_ = 0;
    total_work_ -= granted - work_;
    return !exhausted_;
}

void Exploration::spend(uint64_t work) {
    if (work > work_) {
        exhausted_ = true;
        work_ = 0;
    } else {
        work_ -= work;
    }
}

void Exploration::keep(uint64_t bytes) {
    kept_bytes_ += bytes;
    exhausted_ = exhausted_ || kept_bytes_ + waiting_bytes_ > kMaxBytes;
}

void Exploration::push(State state) {
    waiting_bytes_ += state.bytes();
    if (waiting_bytes_ + kept_bytes_ > kMaxBytes) {
        exhausted_ = true;
        return;
    }
    waiting_.push_back(std::move(state));
}

// Starts at a function with unknown arguments, unless that was done before with as much certainty.
void Exploration::enter(uint32_t first, const Value& arguments, bool certain) {
    const uint8_t seen = static_cast<uint8_t>(certain ? 2 : 1);
    uint8_t& entered = entered_[first];
    if (entered >= seen) {
        return;
    }
    entered = seen;
    State state = root(first, arguments);
    state.certain = certain;
    push(std::move(state));
}

// Follows a path until it ends, or comes to a state that was there before.
void Exploration::follow(State& state) {
    while (!exhausted_) {
        if (state.at >= steps_.size()) {
            return;
        }
        const Step& step = steps_[state.at];
        if (step.meets && !is_new(state, step.live)) {
            return;
        }
        spend(1);
        const Relocated* relocated = facts_.relocated(state.at);
        if (relocated != nullptr) {
            note(state.at, state.certain);
            if ((relocated->is_poisoned() && !past_poison_) || wanted_ == 0) {
                return;
            }
        }
        if (!execute(step, relocated, state)) {
            return;
        }
    }
}

void Exploration::note(uint32_t at, bool certain) {
    const auto found = reached_.find(at);
    if (found == reached_.end() || found->second == Reach::reachable) {
        return;
    }
    found->second = certain ? Reach::reachable : Reach::maybe;
    wanted_ -= certain ? 1 : 0;
}

// Returns whether the state differs from those that were at its instruction before, and keeps it.
bool Exploration::is_new(State& state, uint16_t live) {
    for (uint8_t number = 0; number != kFramePointer; ++number) {
        if ((live >> number & 1) == 0) {
            state.registers[number] = Value::varying();
        }
    }
    Visited& visited = visited_[uint64_t{state.context} << 32 | state.at];
    spend(visited.work(state));
    const Visited::Added added = visited.add(state);
    keep(added.bytes);
    return added.is_new;
}

// Executes one instruction and moves to the next. Returns false at the end of the path, as the functions
// below do.
bool Exploration::execute(const Step& step, const Relocated* relocated, State& state) {
    const Instruction& instruction = step.instruction;
    if (instruction.destination > kFramePointer || instruction.source > kFramePointer) {
        return false;  // the verifier refuses it
    }
    switch (instruction.instruction_class()) {
        case opcode::kLd:
            return load_special(step, relocated, state);
        case opcode::kLdx:
            execution_.load(instruction, relocated, state);
            break;
        case opcode::kSt:
        case opcode::kStx:
            execution_.store(instruction, relocated, state);
            break;
        case opcode::kAlu:
        case opcode::kAlu64:
            execution_.calculate(instruction, relocated, state);
            break;
        default:
            return jump(step, state);
    }
    ++state.at;
    return true;
}

// Loads of 64-bit immediates, and of packets.
bool Exploration::load_special(const Step& step, const Relocated* relocated, State& state) {
    if (step.instruction.code != opcode::kLoadImmediate64) {
        Execution::change_call_registers(state);
        ++state.at;
        return true;
    }
    if (steps_.size() - state.at < 2) {
        return false;
    }
    if (step.function_address && step.target != kNone) {
        enter(step.target, step.global ? Value::varying() : Value::undecided(), state.certain);
    }
    execution_.load_immediate64(step, relocated, state);
    state.at += 2;
    return true;
}

bool Exploration::jump(const Step& step, State& state) {
    const Instruction& instruction = step.instruction;
    switch (instruction.operation()) {
        case opcode::kJa:
            if (instruction.uses_register()) {
                exhausted_ = true;  // a jump to an address: not analysed
                return false;
            }
            state.at = step.target;
            return step.target != kNone;
        case opcode::kCall:
            return call(step, state);
        case opcode::kExit:
            return leave(state);
        case opcode::kMayGoto:
            return branch(step, Decision{}, state);
        default:
            break;
    }
    const Value left = state.get(instruction.destination);
    return branch(step, decide(instruction, left, compared_with(instruction, state)), state);
}

bool Exploration::branch(const Step& step, const Decision& decision, State& state) {
    if (decision.taken && step.target != kNone) {
        if (!decision.not_taken) {
            state.at = step.target;
            return true;
        }
        State other = state;
        other.at = step.target;
        other.certain = state.certain && decision.taken_certain;
        narrow(step.instruction, true, decision.taken_certain, other);
        push(std::move(other));
    }
    if (!decision.not_taken) {
        return false;
    }
    state.certain = state.certain && decision.not_taken_certain;
    narrow(step.instruction, false, decision.not_taken_certain, state);
    ++state.at;
    return true;
}

bool Exploration::call(const Step& step, State& state) {
    const Instruction& instruction = step.instruction;
    const Reference* reference = step.reference == kNone ? nullptr : &object_.references()[step.reference];
    const bool external = reference != nullptr && reference->kind == Reference::Kind::external;
    if (external && facts_.external(reference->index).status == Resolved::Status::absent) {
        return false;  // libbpf makes it an instruction that the verifier refuses
    }
    if (instruction.source == opcode::kSubprogram && !external) {
        if (step.target == kNone) {
            return false;
        }
        return step.global ? call_global(step, state) : call_static(step, state);
    }
    const bool reads =
        instruction.source == opcode::kHelper && !external && only_reads(instruction.immediate);
    if (!reads) {
        Execution::change_arguments(state);
    }
    Execution::change_call_registers(state);
    ++state.at;
    return true;
}

bool Exploration::call_global(const Step& step, State& state) {
    enter(step.target, Value::varying(), state.certain);
    Execution::change_arguments(state);
    Execution::change_call_registers(state);
    ++state.at;
    return true;
}

bool Exploration::call_static(const Step& step, State& state) {
    if (state.frame() + 1 >= kMaxFrames) {
        return false;  // the verifier refuses it
    }
    Call call{state.at + 1, state.context, {}};
    const uint16_t live = call.return_to < steps_.size() ? steps_[call.return_to].live : uint16_t{0};
    for (uint8_t i = 0; i != call.registers.size(); ++i) {
        const auto number = static_cast<uint8_t>(i + 6);
        if ((live >> number & 1) != 0) {
            call.registers[i] = state.registers[number];
        }
        state.registers[number] = Value::varying();
    }
    state.registers[0] = Value::varying();
    // Contexts are numbered from 1; 0 is outside of all calls.
    const auto next = static_cast<uint32_t>(contexts_.size() + 1);
    state.context = contexts_.emplace(uint64_t{state.context} << 32 | state.at, next).first->second;
    state.calls.push_back(call);
    state.at = step.target;
    return true;
}

}  // namespace btfmmap::program
