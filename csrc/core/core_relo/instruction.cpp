#include "core/core_relo/instruction.hpp"

namespace btfmmap::core_relo {

namespace {

using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

// Parts of an opcode, as in the kernel's include/uapi/linux/bpf.h.
constexpr uint8_t kClassMask = 0x07, kSizeMask = 0x18, kSourceMask = 0x08;
constexpr uint8_t kLd = 0, kLdx = 1, kSt = 2, kStx = 3, kAlu = 4, kAlu64 = 7;
constexpr uint8_t kSize4 = 0x00, kSize2 = 0x08, kSize1 = 0x10, kSize8 = 0x18;
constexpr uint8_t kLoadImmediate64 = 0x18;  // LD | IMM | DW
constexpr uint8_t kCall = 0x85;             // JMP | CALL
constexpr std::int32_t kPoison = 0xbad2310;

constexpr uint8_t class_of(uint8_t code) { return code & kClassMask; }

constexpr uint32_t bytes_of(uint8_t code) {
    switch (code & kSizeMask) {
        case kSize4:
            return 4;
        case kSize2:
            return 2;
        case kSize1:
            return 1;
        default:
            return 8;
    }
}

// Returns the size bits of an opcode that accesses so many bytes; -1 if there is none.
constexpr int size_bits(uint32_t bytes) {
    switch (bytes) {
        case 1:
            return kSize1;
        case 2:
            return kSize2;
        case 4:
            return kSize4;
        case 8:
            return kSize8;
        default:
            return -1;
    }
}

template <class Load>
Instruction read(Load, const std::byte* at) {
    Instruction instruction;
    const auto registers = static_cast<uint8_t>(at[1]);
    const auto low = static_cast<uint8_t>(registers & 0x0f);
    const auto high = static_cast<uint8_t>(registers >> 4);
    constexpr bool little = Load::order == ByteOrder::little;
    instruction.code = static_cast<uint8_t>(at[0]);
    instruction.destination = little ? low : high;
    instruction.source = little ? high : low;
    instruction.offset = static_cast<std::int16_t>(Load::u16(at + 2));
    instruction.immediate = static_cast<std::int32_t>(Load::u32(at + 4));
    return instruction;
}

uint64_t extended(std::int32_t value) { return static_cast<uint64_t>(std::int64_t{value}); }

// Loads of 64 bits that refer to a map or a function have a register number in the place of the source.
bool is_plain_load(const RelocatedCode& code) {
    const Instruction &first = code.first, &second = code.second;
    return first.code == kLoadImmediate64 && code.has_second && first.source == 0 && first.offset == 0 &&
           second.code == 0 && second.destination == 0 && second.source == 0 && second.offset == 0;
}

Failure change_arithmetic(const Change& change, Instruction& instruction) {
    if ((instruction.code & kSourceMask) != 0) {
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
        const uint32_t accessed = bytes_of(instruction.code);
        if (accessed != change.size_before) {
            return {Failure::invalid(Reason::unexpected_access_size, 0, accessed)};
        }
        const int bits = size_bits(change.size_after);
        if (bits < 0) {
            return {Failure::invalid(Reason::unsupported_access_size, 0, change.size_after)};
        }
        instruction.code = static_cast<uint8_t>((instruction.code & ~kSizeMask) | bits);
    }
    return {};
}

}  // namespace

Use RelocatedCode::use() const {
    if (failure) {
        return Use::none;
    }
    switch (class_of(first.code)) {
        case kLd:
            return first.code == kLoadImmediate64 ? Use::immediate64 : Use::none;
        case kLdx:
            return Use::load;
        case kSt:
        case kStx:
            return Use::store;
        case kAlu:
        case kAlu64:
            return Use::immediate;
        default:
            return Use::none;
    }
}

uint32_t RelocatedCode::access_size() const {
    return use() == Use::load || use() == Use::store ? bytes_of(first.code) : 0;
}

RelocatedCode read_code(Bytes section, std::uint32_t offset, ByteOrder order) {
    RelocatedCode code;
    if (offset % kInstructionSize != 0) {
        code.failure = Failure::invalid(Reason::misaligned);
    } else if (section.size < kInstructionSize || offset > section.size - kInstructionSize) {
        code.failure = {Reason::no_instruction, 0, 0, section.size};
    } else {
        with_byte_order(order, [&](auto load) {
            code.first = read(load, section.data + offset);
            code.has_second = section.size - offset >= 2 * kInstructionSize;
            if (code.has_second) {
                code.second = read(load, section.data + offset + kInstructionSize);
            }
        });
    }
    return code;
}

ChangeResult apply(const Change& change, RelocatedCode& code) {
    switch (class_of(code.first.code)) {
        case kAlu:
        case kAlu64:
            return {change_arithmetic(change, code.first)};
        case kLdx:
        case kSt:
        case kStx:
            return change_access(change, code);
        case kLd:
            return {change_load_of_64_bits(change, code)};
        default:
            return {Failure::invalid(Reason::unknown_instruction, 0, code.first.code)};
    }
}

void poison(RelocatedCode& code) {
    const bool both = code.first.code == kLoadImmediate64;
    code.first = {kCall, 0, 0, 0, kPoison};
    if (both) {
        code.second = code.first;
    }
}

}  // namespace btfmmap::core_relo
