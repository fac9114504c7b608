"""Executes BPF instructions: enough for programs that compare numbers, read their own stack and call helpers.

It follows the instruction set's specification, RFC 9669, and shares nothing with btfmmap.
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable
from typing import Literal

_SIZES = {0x00: 4, 0x08: 2, 0x10: 1, 0x18: 8}
_LDX, _ST, _STX, _ALU, _JMP, _JMP32, _ALU64 = range(1, 8)
_WIDE, _FROM_REGISTER = 0x18, 0x08
_MOV, _NEG, _ARSH, _JA, _EXIT, _CALL = 0xB, 0x8, 0xC, 0x0, 0x9, 0x8
_STACK = 1 << 20
_BYTES = 512
_STEPS = 10_000

_ARITHMETIC: dict[int, Callable[[int, int], int]] = {
    0x0: operator.add,
    0x1: operator.sub,
    0x2: operator.mul,
    0x4: operator.or_,
    0x5: operator.and_,
    0x6: operator.lshift,
    0x7: operator.rshift,
    0xA: operator.xor,
}
_UNSIGNED: dict[int, Callable[[int, int], bool]] = {
    0x1: operator.eq,
    0x2: operator.gt,
    0x3: operator.ge,
    0x4: lambda a, b: a & b != 0,
    0x5: operator.ne,
    0xA: operator.lt,
    0xB: operator.le,
}
_SIGNED: dict[int, Callable[[int, int], bool]] = {
    0x6: operator.gt,
    0x7: operator.ge,
    0xC: operator.lt,
    0xD: operator.le,
}


def signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


class Machine:
    """Registers, and a stack of 512 bytes."""

    def __init__(self, code: bytes, order: str, call: Callable[[Machine, int], int] | None = None) -> None:
        """`order` is "<" or ">"; `call` gets the number of a helper and returns its result."""
        self.order = order
        self.call = call
        self.instructions = [struct.unpack_from(order + "BBhi", code, at) for at in range(0, len(code), 8)]
        self.registers = [0] * 11
        self.registers[10] = _STACK + _BYTES
        self.stack = bytearray(_BYTES)

    def run(self, start: int) -> int:
        """Execute from an instruction to the first exit, and return register 0."""
        at = start
        for _ in range(_STEPS):
            opcode, registers, offset, immediate = self.instructions[at]
            high, low = registers >> 4, registers & 15
            destination, source = (low, high) if self.order == "<" else (high, low)
            family, operation = opcode & 7, opcode >> 4
            at += 1
            if opcode == _WIDE:
                upper = self.instructions[at][3]
                self.registers[destination] = (immediate & 0xFFFFFFFF) | (upper & 0xFFFFFFFF) << 32
                at += 1
            elif family in (_LDX, _ST, _STX):
                value = immediate if family == _ST else self.registers[source]
                self._access(opcode, destination, source, offset, value)
            elif family in (_ALU, _ALU64):
                operand = self.registers[source] if opcode & _FROM_REGISTER else immediate
                self._calculate(operation, destination, operand, 64 if family == _ALU64 else 32)
            elif family in (_JMP, _JMP32):
                if operation == _EXIT:
                    return self.registers[0]
                if operation == _CALL and self.call is not None:
                    assert source == 0, "a call of a function"
                    self.registers[0] = self.call(self, immediate) & ((1 << 64) - 1)
                    continue
                operand = self.registers[source] if opcode & _FROM_REGISTER else immediate
                if self._jumps(operation, self.registers[destination], operand, 64 if family == _JMP else 32):
                    at += offset
            else:
                raise NotImplementedError(f"opcode {opcode:#x}")
        raise RuntimeError("the program does not end")

    def store(self, address: int, data: bytes) -> None:
        """Write to the stack, as helpers do."""
        at = address - _STACK
        assert 0 <= at <= _BYTES - len(data), "outside the stack"
        self.stack[at : at + len(data)] = data

    def _access(self, opcode: int, destination: int, source: int, offset: int, value: int) -> None:
        assert opcode & 0xE0 == 0x60, f"opcode {opcode:#x}"
        is_load = opcode & 7 == _LDX
        size = _SIZES[opcode & 0x18]
        at = self.registers[source if is_load else destination] + offset - _STACK
        assert 0 <= at <= _BYTES - size, "outside the stack"
        order: Literal["little", "big"] = "little" if self.order == "<" else "big"
        if is_load:
            self.registers[destination] = int.from_bytes(self.stack[at : at + size], order)
        else:
            value &= (1 << 8 * size) - 1
            self.stack[at : at + size] = value.to_bytes(size, order)

    def _calculate(self, operation: int, destination: int, operand: int, bits: int) -> None:
        mask = (1 << bits) - 1
        left, right = self.registers[destination] & mask, operand & mask
        if operation in (0x6, 0x7, _ARSH):
            right &= bits - 1
        if operation == _MOV:
            result = right
        elif operation == _NEG:
            result = -left
        elif operation == _ARSH:
            result = signed(left, bits) >> right
        else:
            result = _ARITHMETIC[operation](left, right)
        self.registers[destination] = result & mask

    def _jumps(self, operation: int, left: int, right: int, bits: int) -> bool:
        if operation == _JA:
            return True
        if operation in _SIGNED:
            return _SIGNED[operation](signed(left, bits), signed(right, bits))
        mask = (1 << bits) - 1
        return _UNSIGNED[operation](left & mask, right & mask)
