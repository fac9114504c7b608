#include "core/program/flow.hpp"

#include <algorithm>
#include <string>

#include "core/base/error.hpp"

namespace btfmmap::program {

namespace {

using std::int64_t;
using std::size_t;
using std::uint16_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

// Limit on the calls in what each program contains, summed over the programs.
constexpr size_t kMaxCalls = size_t{1} << 22;
// Passes over the code that look for live registers. Code without nested loops needs two.
constexpr int kMaxPasses = 16;

constexpr uint16_t kAllRegisters = (1u << kRegisters) - 1;
constexpr uint16_t kArguments = 0x3e;            // r1 to r5
constexpr uint16_t kClobbered = 0x3f;            // r0 to r5
constexpr uint16_t kResult = 0x01;               // r0
constexpr uint16_t kPacket = kResult | 1u << 6;  // r6, which loads from a packet read

bool is_load64(const Instruction& instruction) { return instruction.code == opcode::kLoadImmediate64; }

bool is_unconditional(const Instruction& instruction) {
    return instruction.is_jump() && instruction.operation() == opcode::kJa;
}

bool is_exit(const Instruction& instruction) { return instruction.code == (opcode::kJmp | opcode::kExit); }

bool is_call(const Instruction& instruction) { return instruction.code == opcode::kCallFunction; }

bool is_conditional(const Instruction& instruction) {
    return instruction.is_jump() && !is_unconditional(instruction) && !is_exit(instruction) &&
           instruction.operation() != opcode::kCall;
}

// Returns how many instructions a jump skips. Only `gotol`, of the class kJmp32, has 32 bits.
int64_t distance(const Instruction& instruction) {
    const bool is_long = is_unconditional(instruction) && instruction.instruction_class() == opcode::kJmp32;
    return is_long ? instruction.immediate : instruction.offset;
}

uint16_t bit(uint8_t number) { return static_cast<uint16_t>(1u << number); }

// Registers that an instruction reads and writes.
struct Access {
    uint16_t reads = 0;
    uint16_t writes = 0;
};

Access access(const Instruction& instruction) {
    const uint16_t destination = bit(instruction.destination), source = bit(instruction.source);
    switch (instruction.instruction_class()) {
        case opcode::kLd:
            if (is_load64(instruction)) {
                return {0, destination};
            }
            return {static_cast<uint16_t>(kPacket | source), kClobbered};
        case opcode::kLdx:
            return {source, destination};
        case opcode::kSt:
            return {destination, 0};
        case opcode::kStx:
            return {static_cast<uint16_t>(destination | source | kResult), 0};
        case opcode::kAlu:
        case opcode::kAlu64: {
            constexpr uint8_t move = 0xb0;
            const uint16_t operand = instruction.uses_register() ? source : uint16_t{0};
            const uint16_t old = instruction.operation() == move ? uint16_t{0} : destination;
            return {static_cast<uint16_t>(operand | old), destination};
        }
        default:
            if (is_call(instruction)) {
                return {kArguments, kClobbered};
            }
            if (is_exit(instruction)) {
                return {kResult, 0};
            }
            if (is_conditional(instruction)) {
                return {static_cast<uint16_t>(destination | (instruction.uses_register() ? source : 0)), 0};
            }
            return {};
    }
}

}  // namespace

Flow::Flow(const Object& object) {
    resolve(object);
    mark_meetings();
    find_live_registers();
    for (uint32_t i = 0; i != object.functions().size(); ++i) {
        const Function& function = object.functions()[i];
        enter(function.first);
        if (function.program) {
            programs_.push_back(i);
        }
    }
    find_called_functions(object);
}

void Flow::enter(uint32_t at) {
    if (at < steps_.size()) {
        steps_[at].meets = true;
    }
}

const Function* Flow::function_at(const Object& object, uint32_t first) const {
    const auto& functions = object.functions();
    const auto at =
        std::lower_bound(functions.begin(), functions.end(), first,
                         [](const Function& function, uint32_t number) { return function.first < number; });
    return at != functions.end() && at->first == first ? &*at : nullptr;
}

void Flow::resolve(const Object& object) {
    steps_.resize(object.code().size());
    for (const CodeSection& section : object.sections()) {
        for (uint32_t at = section.first; at != section.end; ++at) {
            Step& step = steps_[at];
            step.instruction = object.code()[at];
            const Instruction& instruction = step.instruction;
            const bool jump = is_conditional(instruction) || is_unconditional(instruction);
            const bool called = is_call(instruction) && instruction.source == opcode::kSubprogram;
            if (jump || called) {
                const int64_t target =
                    int64_t{at} + 1 + (jump ? distance(instruction) : int64_t{instruction.immediate});
                step.target =
                    target >= section.first && target < section.end ? static_cast<uint32_t>(target) : kNone;
            }
        }
    }
    for (uint32_t i = 0; i != object.references().size(); ++i) {
        steps_[object.references()[i].instruction].reference = i;
    }
    for (uint32_t at = 0; at != steps_.size(); ++at) {
        resolve_reference(object, at);
    }
}

void Flow::resolve_reference(const Object& object, uint32_t at) {
    Step& step = steps_[at];
    const bool called = is_call(step.instruction) && step.instruction.source == opcode::kSubprogram;
    if (step.reference != kNone) {
        const Reference& reference = object.references()[step.reference];
        if (reference.kind == Reference::Kind::function) {
            step.function_address = is_load64(step.instruction);
            if (called || step.function_address) {
                step.target = static_cast<uint32_t>(reference.offset);
            }
        } else if (called) {
            step.target = kNone;  // a kfunc
        }
    }
    if (called || step.function_address) {
        const Function* function = step.target == kNone ? nullptr : function_at(object, step.target);
        step.global = function != nullptr && function->global;
    }
}

void Flow::mark_meetings() {
    for (uint32_t at = 0; at != steps_.size(); ++at) {
        const Step& step = steps_[at];
        if (step.target != kNone) {
            enter(step.target);
            if (is_call(step.instruction)) {
                enter(at + 1);
            }
        }
    }
}

void Flow::find_live_registers() {
    std::vector<uint16_t> live(steps_.size() + 2, 0);
    bool changed = true;
    int passes = 0;
    for (; changed && passes != kMaxPasses; ++passes) {
        changed = false;
        for (size_t at = steps_.size(); at-- > 0;) {
            const Step& step = steps_[at];
            const Instruction& instruction = step.instruction;
            uint16_t after = 0;
            if (!is_exit(instruction) && !is_unconditional(instruction)) {
                after = live[at + (is_load64(instruction) ? 2 : 1)];
            }
            const bool jump = is_conditional(instruction) || is_unconditional(instruction);
            if (jump && step.target != kNone) {
                after = static_cast<uint16_t>(after | live[step.target]);
            }
            const Access used = access(instruction);
            const auto before = static_cast<uint16_t>((after & ~used.writes) | used.reads);
            changed = changed || before != live[at];
            live[at] = before;
        }
    }
    for (size_t at = 0; at != steps_.size(); ++at) {
        steps_[at].live = changed ? kAllRegisters : live[at];
    }
}

void Flow::find_called_functions(const Object& object) {
    const auto& functions = object.functions();
    std::vector<std::vector<uint32_t>> calls(functions.size());
    for (size_t i = 0; i != functions.size(); ++i) {
        for (uint32_t at = functions[i].first; at != functions[i].end; ++at) {
            const Step& step = steps_[at];
            if (step.target != kNone && (is_call(step.instruction) || step.function_address)) {
                if (const Function* called = function_at(object, step.target)) {
                    calls[i].push_back(static_cast<uint32_t>(called - functions.data()));
                }
            }
        }
    }
    for (std::vector<uint32_t>& called : calls) {
        std::sort(called.begin(), called.end());
        called.erase(std::unique(called.begin(), called.end()), called.end());
    }
    size_t total = 0;
    std::vector<uint32_t> seen(functions.size(), kNone);
    called_.resize(programs_.size());
    for (uint32_t program = 0; program != programs_.size(); ++program) {
        std::vector<uint32_t> left{programs_[program]};
        seen[left.back()] = program;
        while (!left.empty()) {
            const uint32_t number = left.back();
            left.pop_back();
            called_[program].push_back({functions[number].first, functions[number].end});
            total += 1 + calls[number].size();
            if (total > kMaxCalls) {
                throw Error::not_supported("an object whose programs contain more than " +
                                           std::to_string(kMaxCalls) + " calls in all");
            }
            for (const uint32_t called : calls[number]) {
                if (seen[called] != program) {
                    seen[called] = program;
                    left.push_back(called);
                }
            }
        }
        std::sort(called_[program].begin(), called_[program].end(),
                  [](const Range& a, const Range& b) { return a.first < b.first; });
    }
}

bool Flow::may_contain(size_t program, uint32_t at) const {
    const auto& ranges = called_[program];
    const auto next =
        std::upper_bound(ranges.begin(), ranges.end(), at,
                         [](uint32_t number, const Range& range) { return number < range.first; });
    return next != ranges.begin() && at < std::prev(next)->end;
}

}  // namespace btfmmap::program
