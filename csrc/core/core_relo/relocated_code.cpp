#include "core/core_relo/relocated_code.hpp"

namespace btfmmap::core_relo {

namespace {

using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

namespace opcode = program::opcode;
using program::Instruction;

constexpr std::int32_t kPoison = 0xbad2310;

// Returns the size bits of an opcode that accesses so many bytes; -1 if there is none.
constexpr int size_bits(uint32_t bytes) {
    switch (bytes) {
        case 1:
            return opcode::kSize1;
        case 2:
            return opcode::kSize2;
        case 4:
            return opcode::kSize4;
        case 8:
            return opcode::kSize8;
        default:
            return -1;
    }
}

uint64_t extended(std::int32_t value) { return static_cast<uint64_t>(std::int64_t{value}); }

// Loads of 64 bits that refer to a map or a function have a register number in the place of the source.
bool is_plain_load(const RelocatedCode& code) {
    const Instruction &first = code.first, &second = code.second;
    return first.code == opcode::kLoadImmediate64 && code.has_second && first.source == 0 &&
           first.offset == 0 && second.code == 0 && second.destination == 0 && second.source == 0 &&
           second.offset == 0;
}

Failure change_arithmetic(const Change& change, Instruction& instruction) {
    if (instruction.uses_register()) {
        return Failure::invalid(Reason::not_an_immediate, 0, instruction.code);
    }
    const uint64_t held = extended(instruction.immediate);
    if (change.validate && held != change.before) {
        return Failure::invalid(Reason::unexpected_value, 0, held);
    }
    instruction.immediate = static_cast<std::int32_t>(static_cast<uint32_t>(change.after));
    return {};
}

Failure change_load_of_64_bits(const Change& change, RelocatedCode& code) {
    if (!is_plain_load(code)) {
        return Failure::invalid(Reason::ldimm64_form, 0, code.first.code);
    }
    const uint64_t held = static_cast<uint32_t>(code.first.immediate) |
                          uint64_t{static_cast<uint32_t>(code.second.immediate)} << 32;
    if (change.validate && held != change.before) {
        return Failure::invalid(Reason::unexpected_value, 0, held);
    }
    code.first.immediate = static_cast<std::int32_t>(static_cast<uint32_t>(change.after));
    code.second.immediate = static_cast<std::int32_t>(static_cast<uint32_t>(change.after >> 32));
    return {};
}

ChangeResult change_access(const Change& change, RelocatedCode& code) {
    constexpr uint64_t largest_offset = INT16_MAX;
    Instruction& instruction = code.first;
    const uint64_t held = extended(instruction.offset);
    if (change.validate && held != change.before) {
        return {Failure::invalid(Reason::unexpected_value, 0, held)};
    }
    if (change.after > largest_offset) {
        return {{Reason::value_too_large, ERANGE, 0, change.after}};
    }
    if (change.unsafe_size) {
        poison(code);
        return {{Reason::unsafe_access_size, 0, 0, 0}, true};
    }
    instruction.offset = static_cast<std::int16_t>(change.after);
    if (change.size_before != change.size_after) {
        const uint32_t accessed = instruction.access_size();
        if (accessed != change.size_before) {
            return {Failure::invalid(Reason::unexpected_access_size, 0, accessed)};
        }
        const int bits = size_bits(change.size_after);
        if (bits < 0) {
            return {Failure::invalid(Reason::unsupported_access_size, 0, change.size_after)};
        }
        instruction.code = static_cast<uint8_t>((instruction.code & ~opcode::kSize) | bits);
    }
    return {};
}

}  // namespace

Use RelocatedCode::use() const {
    if (failure) {
        return Use::none;
    }
    switch (first.instruction_class()) {
        case opcode::kLd:
            return first.code == opcode::kLoadImmediate64 ? Use::immediate64 : Use::none;
        case opcode::kLdx:
            return Use::load;
        case opcode::kSt:
        case opcode::kStx:
            return Use::store;
        case opcode::kAlu:
        case opcode::kAlu64:
            return Use::immediate;
        default:
            return Use::none;
    }
}

uint32_t RelocatedCode::access_size() const {
    return use() == Use::load || use() == Use::store ? first.access_size() : 0;
}

RelocatedCode read_code(Bytes section, std::uint32_t offset, ByteOrder order) {
    RelocatedCode code;
    if (offset % program::kInstructionSize != 0) {
        code.failure = Failure::invalid(Reason::misaligned);
    } else if (section.size < program::kInstructionSize ||
               offset > section.size - program::kInstructionSize) {
        code.failure = {Reason::no_instruction, 0, 0, section.size};
    } else {
        code.first = program::decode(section.data + offset, order);
        code.has_second = section.size - offset >= 2 * program::kInstructionSize;
        if (code.has_second) {
            code.second = program::decode(section.data + offset + program::kInstructionSize, order);
        }
    }
    return code;
}

ChangeResult apply(const Change& change, RelocatedCode& code) {
    switch (code.first.instruction_class()) {
        case opcode::kAlu:
        case opcode::kAlu64:
            return {change_arithmetic(change, code.first)};
        case opcode::kLdx:
        case opcode::kSt:
        case opcode::kStx:
            return change_access(change, code);
        case opcode::kLd:
            return {change_load_of_64_bits(change, code)};
        default:
            return {Failure::invalid(Reason::unknown_instruction, 0, code.first.code)};
    }
}

void poison(RelocatedCode& code) {
    const bool both = code.first.code == opcode::kLoadImmediate64;
    code.first = {opcode::kCallFunction, 0, 0, 0, kPoison};
    if (both) {
        code.second = code.first;
    }
}

}  // namespace btfmmap::core_relo
