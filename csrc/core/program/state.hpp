#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/endian.hpp"
#include "core/program/instruction.hpp"
#include "core/program/value.hpp"

namespace btfmmap::program {

// Bytes of a stack that have a known value. All others vary.
//
// As in the verifier (kernel/bpf/verifier.c of Linux 6.18), a stack consists of slots of 8 bytes. A store to
// the start of a slot spills a register: its value is known to loads of its low bytes, until any store to the
// slot. Of other stores, only zeros are known.
struct StackValue {
    std::uint32_t frame;
    std::int32_t offset;  // from the frame pointer: negative
    std::uint32_t size;
    Value value;

    bool is_spill() const { return offset % 8 == 0; }
    std::int32_t end() const { return offset + static_cast<std::int32_t>(size); }
    bool overlaps(std::uint32_t other_frame, std::int64_t start, std::int64_t stop) const {
        return frame == other_frame && offset < stop && end() > start;
    }
    friend bool operator==(const StackValue& a, const StackValue& b) {
        return a.frame == b.frame && a.offset == b.offset && a.size == b.size && a.value == b.value;
    }
};

// A call in progress: where it returns to, and the registers that are restored then.
struct Call {
    std::uint32_t return_to;
    std::uint32_t context;           // of the caller
    std::array<Value, 4> registers;  // r6 to r9
};

// What is known at one instruction on one path.
struct State {
    std::uint32_t at = 0;       // the number of the instruction
    std::uint32_t context = 0;  // stands for the calls in progress
    bool certain = true;        // whether the verifier is certain to come here
    std::array<Value, kFramePointer> registers;
    std::vector<StackValue> stack;  // ordered by frame and offset
    std::vector<Call> calls;

    std::uint32_t frame() const { return static_cast<std::uint32_t>(calls.size()); }
    Value get(std::uint8_t number) const {
        return number == kFramePointer ? Value{Value::Kind::stack, frame(), 0} : registers[number];
    }
    void set(std::uint8_t number, const Value& value) {
        if (number != kFramePointer) {
            registers[number] = value;
        }
    }
    std::size_t bytes() const {
        return sizeof *this + stack.size() * sizeof(StackValue) + calls.size() * sizeof(Call);
    }

    // Returns `size` bytes of a frame's stack, not extended.
    Value load(std::uint32_t frame, std::int64_t offset, std::uint32_t size, ByteOrder order) const;
    // Stores `size` bytes, which are more than 8 only if the value varies.
    void store(std::uint32_t frame, std::int64_t offset, std::uint32_t size, const Value& value);
    // Makes what is known about the stack of a frame, from `offset` up to but not including `end`, undecided.
    void doubt(std::uint32_t frame, std::int64_t offset, std::int64_t end);
    void doubt_all();
    // Forgets the stacks of frames from `frame` on.
    void drop_frames(std::uint32_t frame);

private:
    void keep(const StackValue& entry);
};

// Whether all that can be reached from `state` is reached from `general`, which is at the same instruction in
// the same context.
bool covers(const State& general, const State& state);

// Returns a state that stands for both.
State joined(const State& a, const State& b);

}  // namespace btfmmap::program
