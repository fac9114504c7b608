#include "core/program/reachability.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/base/error.hpp"
#include "core/program/state.hpp"
#include "core/program/value.hpp"

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
constexpr uint64_t kMaxWork = uint64_t{1} << 20;       // of one program
constexpr uint64_t kMaxTotalWork = uint64_t{1} << 22;  // of all programs
constexpr uint64_t kMaxBytes = uint64_t{1} << 24;      // of the states that one program keeps
constexpr uint64_t kMaxAnswers = uint64_t{1} << 26;    // pairs of programs and relocations
// States that are kept apart at one instruction before they are joined.
constexpr size_t kMaxStates = 64;
constexpr uint32_t kMaxFrames = 8;  // as in the verifier

// Helpers that only read what their arguments point to: lookup, update and deletion of map elements, pushes,
// and output to a perf buffer or ring buffer. bpf_map_pop_elem and bpf_map_peek_elem write.
bool only_reads(int32_t helper) {
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

// Explores the paths of one program.
class Explorer {
public:
    Explorer(const Object& object, const Flow& flow, const std::vector<Relocated>& relocated,
             const std::vector<Resolved>& externals, bool past_poison)
        : object_(object),
          steps_(flow.steps()),
          relocated_(relocated),
          externals_(externals),
          relocation_at_(flow.steps().size(), kNone),
          past_poison_(past_poison) {
        // Of several relocations of one instruction, the last one counts, but the first that poisons it.
        for (uint32_t i = 0; i != relocated.size(); ++i) {
            const uint32_t at = relocated[i].instruction;
            if (at < relocation_at_.size() && !is_poisoned(relocation_at_[at])) {
                relocation_at_[at] = i;
            }
        }
    }

    // Explores the program that starts at instruction `first`, until all instructions that are asked about
    // are reached. Returns false if the limits were hit.
    bool explore(uint32_t first, const std::vector<uint32_t>& asked) {
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

    Reach reached(uint32_t at) const { return reached_.at(at); }

private:
    struct Visited {
        std::vector<State> states;
        bool joined = false;  // there is one state, which stands for many
    };

    bool is_poisoned(uint32_t relocation) const {
        return relocation != kNone && relocated_[relocation].status == Relocated::Status::poisoned;
    }

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

    void spend(uint64_t work) {
        if (work > work_) {
            exhausted_ = true;
            work_ = 0;
        } else {
            work_ -= work;
        }
    }

    void push(State state) {
        waiting_bytes_ += state.bytes();
        if (waiting_bytes_ + kept_bytes_ > kMaxBytes) {
            exhausted_ = true;
            return;
        }
        waiting_.push_back(std::move(state));
    }

    // Starts at a function with unknown arguments, unless that was done before with as much certainty.
    void enter(uint32_t first, const Value& arguments, bool certain) {
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
    void follow(State& state) {
        while (!exhausted_) {
            if (state.at >= steps_.size()) {
                return;
            }
            const Step& step = steps_[state.at];
            if (step.meets && !is_new(state, step.live)) {
                return;
            }
            spend(1);
            const uint32_t relocation = relocation_at_[state.at];
            const Relocated* relocated = nullptr;
            if (relocation != kNone) {
                note(state.at, state.certain);
                if ((is_poisoned(relocation) && !past_poison_) || wanted_ == 0) {
                    return;
                }
                relocated = &relocated_[relocation];
            }
            if (!execute(step, relocated, state)) {
                return;
            }
        }
    }

    void note(uint32_t at, bool certain) {
        const auto found = reached_.find(at);
        if (found == reached_.end() || found->second == Reach::reachable) {
            return;
        }
        found->second = certain ? Reach::reachable : Reach::maybe;
        wanted_ -= certain ? 1 : 0;
    }

    // Returns whether the state differs from those that were at its instruction before, and keeps it.
    bool is_new(State& state, uint16_t live) {
        for (uint8_t number = 0; number != kFramePointer; ++number) {
            if ((live >> number & 1) == 0) {
                state.registers[number] = Value::varying();
            }
        }
        Visited& visited = visited_[uint64_t{state.context} << 32 | state.at];
        spend(1 + visited.states.size() * (1 + state.stack.size() / 8));
        for (const State& known : visited.states) {
            if (covers(known, state)) {
                return false;
            }
        }
        if (visited.states.size() == kMaxStates || visited.joined) {
            return is_new_joined(state, visited);
        }
        keep(state.bytes());
        visited.states.push_back(state);
        return true;
    }

    bool is_new_joined(State& state, Visited& visited) {
        State all = visited.states.front();
        for (size_t i = 1; i < visited.states.size(); ++i) {
            all = joined(all, visited.states[i]);
        }
        const bool first = !visited.joined;
        State more = joined(all, state);
        const bool changed = !covers(all, more) && !same(all, more);
        visited.states.assign(1, more);
        visited.joined = true;
        keep(more.bytes());
        state = std::move(more);
        return first || changed;
    }

    static bool same(const State& a, const State& b) {
        const auto equal_calls = [](const Call& left, const Call& right) {
            return left.registers == right.registers;
        };
        return a.certain == b.certain && a.registers == b.registers && a.stack == b.stack &&
               std::equal(a.calls.begin(), a.calls.end(), b.calls.begin(), b.calls.end(), equal_calls);
    }

    void keep(uint64_t bytes) {
        kept_bytes_ += bytes;
        exhausted_ = exhausted_ || kept_bytes_ + waiting_bytes_ > kMaxBytes;
    }

    // Executes one instruction and moves to the next. Returns false at the end of the path.
    bool execute(const Step& step, const Relocated* relocated, State& state) {
        const Instruction& instruction = step.instruction;
        if (instruction.destination > kFramePointer || instruction.source > kFramePointer) {
            return false;  // the verifier refuses it
        }
        switch (instruction.instruction_class()) {
            case opcode::kLd:
                return load_special(step, relocated, state);
            case opcode::kLdx:
                load(instruction, relocated, state);
                break;
            case opcode::kSt:
            case opcode::kStx:
                store(instruction, relocated, state);
                break;
            case opcode::kAlu:
            case opcode::kAlu64:
                calculate(instruction, relocated, state);
                break;
            default:
                return jump(step, state);
        }
        ++state.at;
        return true;
    }

    // What is poisoned counts as a number that varies, so that whatever depends on it is found.
    static Value relocated_value(const Relocated& relocated, uint64_t bits) {
        switch (relocated.status) {
            case Relocated::Status::value:
                return Value::constant(bits);
            case Relocated::Status::poisoned:
                return Value::varying();
            default:
                return Value::undecided();
        }
    }

    static uint64_t sign_extended(uint64_t bits) { return extended(bits, 4, true); }

    void calculate(const Instruction& instruction, const Relocated* relocated, State& state) const {
        Value operand = Value::constant(static_cast<uint64_t>(int64_t{instruction.immediate}));
        if (relocated != nullptr) {
            operand = relocated_value(*relocated, sign_extended(relocated->value));
        } else if (instruction.uses_register()) {
            operand = state.get(instruction.source);
        }
        const Value old = state.get(instruction.destination);
        state.set(instruction.destination,
                  arithmetic(instruction, old, operand, object_.byte_order() == ByteOrder::big));
    }

    // Loads of 64-bit immediates, and of packets.
    bool load_special(const Step& step, const Relocated* relocated, State& state) {
        const Instruction& instruction = step.instruction;
        if (instruction.code != opcode::kLoadImmediate64) {
            for (uint8_t number = 0; number <= 5; ++number) {
                state.registers[number] = Value::varying();
            }
            ++state.at;
            return true;
        }
        if (steps_.size() - state.at < 2) {
            return false;
        }
        if (step.function_address) {
            if (step.target != kNone) {
                enter(step.target, step.global ? Value::varying() : Value::undecided(), state.certain);
            }
        }
        state.set(instruction.destination, immediate64(step, relocated, state.at));
        state.at += 2;
        return true;
    }

    Value immediate64(const Step& step, const Relocated* relocated, uint32_t at) const {
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

    Resolved::Status status_of(uint32_t external) const {
        return external < externals_.size() ? externals_[external].status : Resolved::Status::unknown;
    }

    Value external_address(uint32_t external) const {
        switch (status_of(external)) {
            case Resolved::Status::absent:
                return Value::constant(0);
            case Resolved::Status::present:
                return {Value::Kind::address, kNone, 0};
            default:
                return {Value::Kind::external, external, 0};
        }
    }

    void load(const Instruction& instruction, const Relocated* relocated, State& state) const {
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

    Value loaded(const Instruction& instruction, const Relocated* relocated, const State& state) const {
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
            case Value::Kind::external:
                return status_of(base.index) == Resolved::Status::value && offset == 0
                           ? Value::constant(externals_[base.index].value)
                           : Value::undecided();
            case Value::Kind::undecided:
            case Value::Kind::any_stack:
                return Value::undecided();
            default:
                return Value::varying();
        }
    }

    static uint64_t access_offset(const Instruction& instruction, const Relocated* relocated) {
        return relocated != nullptr ? relocated->value : static_cast<uint64_t>(int64_t{instruction.offset});
    }

    void store(const Instruction& instruction, const Relocated* relocated, State& state) const {
        const Value base = state.get(instruction.destination);
        const bool immediate = instruction.instruction_class() == opcode::kSt;
        Value value = immediate ? Value::constant(static_cast<uint64_t>(int64_t{instruction.immediate}))
                                : state.get(instruction.source);
        if (!immediate && instruction.mode() == opcode::kAtomic) {
            value = Value::varying();
            change_atomically(instruction, state);
        }
        if (base.kind == Value::Kind::any_stack ||
            (base.kind == Value::Kind::stack && relocated != nullptr)) {
            state.doubt_all();
        } else if (base.kind == Value::Kind::stack) {
            const uint64_t offset = base.bits + access_offset(instruction, relocated);
            state.store(base.index, static_cast<int64_t>(offset), instruction.access_size(), value);
        }
    }

    // Sets the register that an atomic operation fetches into.
    static void change_atomically(const Instruction& instruction, State& state) {
        constexpr int32_t fetch = 0x01, compare_and_exchange = 0xf1, load_acquire = 0x100;
        if (instruction.immediate == load_acquire) {
            state.set(instruction.destination, Value::varying());
        } else if (instruction.immediate == compare_and_exchange) {
            state.set(0, Value::varying());
        } else if ((instruction.immediate & fetch) != 0) {
            state.set(instruction.source, Value::varying());
        }
    }

    bool jump(const Step& step, State& state) {
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
        const Value right = instruction.uses_register()
                                ? state.get(instruction.source)
                                : Value::constant(static_cast<uint64_t>(int64_t{instruction.immediate}));
        return branch(step, decide(instruction, state.get(instruction.destination), right), state);
    }

    bool branch(const Step& step, const Decision& decision, State& state) {
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

    // Takes account of a comparison's outcome. `certain` says whether the outcome was to be expected.
    static void narrow(const Instruction& instruction, bool taken, bool certain, State& state) {
        constexpr uint8_t equal = 0x10, not_equal = 0x50;
        if (instruction.instruction_class() != opcode::kJmp || instruction.operation() == opcode::kMayGoto) {
            return;
        }
        const Value left = state.get(instruction.destination);
        const Value right = instruction.uses_register()
                                ? state.get(instruction.source)
                                : Value::constant(static_cast<uint64_t>(int64_t{instruction.immediate}));
        const bool is_equal = instruction.operation() == (taken ? equal : not_equal);
        if (left.is_number() && left.kind != Value::Kind::constant && is_equal &&
            right.kind == Value::Kind::constant) {
            state.set(instruction.destination, right);
        } else if (left.kind == Value::Kind::initial && !certain) {
            state.set(instruction.destination, Value::undecided());
        }
    }

    bool call(const Step& step, State& state) {
        const Instruction& instruction = step.instruction;
        const bool external =
            step.reference != kNone && object_.references()[step.reference].kind == Reference::Kind::external;
        if (external && status_of(object_.references()[step.reference].index) == Resolved::Status::absent) {
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
            change_arguments(state);
        }
        return_from_unknown(state);
        return true;
    }

    static void return_from_unknown(State& state) {
        for (uint8_t number = 0; number <= 5; ++number) {
            state.registers[number] = Value::varying();
        }
        ++state.at;
    }

    // Accounts for a callee that writes where its arguments point to. A pointer that is followed by a
    // constant is taken for a buffer and its size.
    void change_arguments(State& state) const {
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

    bool call_global(const Step& step, State& state) {
        enter(step.target, Value::varying(), state.certain);
        change_arguments(state);
        return_from_unknown(state);
        return true;
    }

    bool call_static(const Step& step, State& state) {
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

    bool leave(State& state) const {
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

    const Object& object_;
    const std::vector<Step>& steps_;
    const std::vector<Relocated>& relocated_;
    const std::vector<Resolved>& externals_;
    std::vector<uint32_t> relocation_at_;  // by instruction
    bool past_poison_;
    uint64_t total_work_ = kMaxTotalWork;

    // Of the program that is explored.
    std::unordered_map<uint32_t, Reach> reached_;  // by instruction that is asked about
    size_t wanted_ = 0;  // of these, the ones that are not yet certain to be reached
    uint64_t work_ = 0;
    uint64_t kept_bytes_ = 0;
    uint64_t waiting_bytes_ = 0;
    bool exhausted_ = false;
    std::vector<State> waiting_;
    std::unordered_map<uint64_t, Visited> visited_;    // by context and instruction
    std::unordered_map<uint64_t, uint32_t> contexts_;  // by context and instruction of the call
    std::unordered_map<uint32_t, uint8_t> entered_;    // by function: 1 perhaps, 2 certainly
};

}  // namespace

std::vector<Reach> reachability(const Object& object, const Flow& flow,
                                const std::vector<Relocated>& relocated,
                                const std::vector<Resolved>& externals, const Questions& questions) {
    const size_t count = relocated.size();
    if (uint64_t{count} * flow.programs().size() > kMaxAnswers) {
        throw Error::not_supported(std::to_string(count) + " relocations in " +
                                   std::to_string(flow.programs().size()) + " programs; at most " +
                                   std::to_string(kMaxAnswers) + " pairs are analysed");
    }
    std::vector<Reach> result(flow.programs().size() * count, Reach::dead);
    std::vector<uint32_t> asked;  // relocations
    for (uint32_t i = 0; i != count; ++i) {
        const bool poisoned = relocated[i].status == Relocated::Status::poisoned;
        if ((questions.all || poisoned) && relocated[i].instruction < flow.steps().size()) {
            asked.push_back(i);
        }
    }
    if (asked.empty()) {
        return result;
    }
    Explorer explorer(object, flow, relocated, externals, questions.past_poison);
    for (size_t program = 0; program != flow.programs().size(); ++program) {
        std::vector<uint32_t> instructions;
        for (const uint32_t i : asked) {
            if (flow.may_contain(program, relocated[i].instruction)) {
                instructions.push_back(relocated[i].instruction);
            }
        }
        if (instructions.empty()) {
            continue;
        }
        const bool complete =
            explorer.explore(object.functions()[flow.programs()[program]].first, instructions);
        for (const uint32_t i : asked) {
            if (flow.may_contain(program, relocated[i].instruction)) {
                const Reach reach = explorer.reached(relocated[i].instruction);
                result[program * count + i] = !complete && reach == Reach::dead ? Reach::maybe : reach;
            }
        }
    }
    return result;
}

}  // namespace btfmmap::program
