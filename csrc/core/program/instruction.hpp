#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.hpp"
#include "core/base/endian.hpp"

namespace btfmmap::program {

// Parts of an instruction's opcode, as in the kernel's include/uapi/linux/bpf.h.
namespace opcode {

constexpr std::uint8_t kClass = 0x07, kSize = 0x18, kMode = 0xe0, kOperation = 0xf0, kSource = 0x08;

// Classes.
constexpr std::uint8_t kLd = 0, kLdx = 1, kSt = 2, kStx = 3, kAlu = 4, kJmp = 5, kJmp32 = 6, kAlu64 = 7;
// Sizes of loads and stores.
constexpr std::uint8_t kSize4 = 0x00, kSize2 = 0x08, kSize1 = 0x10, kSize8 = 0x18;
// Modes of loads and stores.
constexpr std::uint8_t kMem = 0x60, kMemSigned = 0x80, kAtomic = 0xc0;
// Operations of the class kJmp that do not compare.
constexpr std::uint8_t kJa = 0x00, kCall = 0x80, kExit = 0x90, kMayGoto = 0xe0;
// Whole opcodes.
constexpr std::uint8_t kLoadImmediate64 = kLd | 0x18;
constexpr std::uint8_t kCallFunction = kJmp | kCall;

// The source register of kCallFunction says what is called.
constexpr std::uint8_t kHelper = 0, kSubprogram = 1, kKfunc = 2;

}  // namespace opcode

constexpr std::size_t kInstructionSize = 8;
constexpr std::uint8_t kFramePointer = 10;
constexpr std::uint8_t kRegisters = 11;

// One instruction (`struct bpf_insn`), in the byte order of the host. A load of a 64-bit immediate occupies
// two; the second has the opcode 0 and the upper half.
struct Instruction {
    std::uint8_t code;
    std::uint8_t destination;
    std::uint8_t source;
    std::int16_t offset;
    std::int32_t immediate;

    std::uint8_t instruction_class() const { return code & opcode::kClass; }
    std::uint8_t operation() const { return code & opcode::kOperation; }
    std::uint8_t mode() const { return code & opcode::kMode; }
    bool uses_register() const { return (code & opcode::kSource) != 0; }
    bool is_jump() const {
        return instruction_class() == opcode::kJmp || instruction_class() == opcode::kJmp32;
    }
    // Returns the number of bytes that a load or store accesses.
    std::uint32_t access_size() const {
        constexpr std::uint8_t sizes[] = {4, 2, 1, 8};
        return sizes[(code & opcode::kSize) >> 3];
    }
};

inline Instruction decode(const std::byte* at, ByteOrder order) {
    const auto registers = static_cast<std::uint8_t>(at[1]);
    const auto low = static_cast<std::uint8_t>(registers & 0x0f);
    const auto high = static_cast<std::uint8_t>(registers >> 4);
    const bool little = order == ByteOrder::little;
    return with_byte_order(order, [&](auto load) {
        return Instruction{static_cast<std::uint8_t>(at[0]), little ? low : high, little ? high : low,
                           static_cast<std::int16_t>(load.u16(at + 2)),
                           static_cast<std::int32_t>(load.u32(at + 4))};
    });
}

}  // namespace btfmmap::program
