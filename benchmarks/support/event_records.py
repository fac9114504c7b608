"""Records of 64 bytes with 12 fields, 4 of them bitfields, in either byte order; their BTF and peers."""

from __future__ import annotations

import ctypes
import random
import struct
from collections.abc import Iterator
from typing import Any

SIZE = 64
# struct event {
#     u64 time; u32 pid; u32 cpu : 10, state : 3; s32 priority : 13; u32 urgent : 1;
#     u64 address; char comm[16]; u16 port; u8 kind; s32 result; u64 bytes;
# };
NAMES = (
    "time",
    "pid",
    "cpu",
    "state",
    "priority",
    "urgent",
    "address",
    "comm",
    "port",
    "kind",
    "result",
    "bytes",
)
WIDTHS = {"cpu": 10, "state": 3, "priority": 13, "urgent": 1}
FORMAT = "QIIQ16sHBxiQ8x"  # with the word of the bitfields


def event_btf(order: str) -> bytes:
    """The BTF of the struct. `order` is "<" or ">"."""
    strings = b"\0"
    words: list[int] = []

    def string(text: str) -> int:
        nonlocal strings
        strings += text.encode() + b"\0"
        return len(strings) - len(text) - 1

    numbers = {"u64": (8, 0), "u32": (4, 0), "u16": (2, 0), "u8": (1, 0), "s32": (4, 1), "char": (1, 3)}
    ids = {name: number for number, name in enumerate(numbers, 1)}
    for name, (size, encoding) in numbers.items():
        words += [string(name), 1 << 24, size, encoding << 24 | 8 * size]
    words += [0, 3 << 24, 0, ids["char"], ids["u32"], 16]  # char[16]
    ids["char[16]"] = len(ids) + 1
    members = [("time", "u64", 0), ("pid", "u32", 64), ("cpu", "u32", 96), ("state", "u32", 106)]
    members += [("priority", "s32", 109), ("urgent", "u32", 122), ("address", "u64", 128)]
    members += [("comm", "char[16]", 192), ("port", "u16", 320), ("kind", "u8", 336)]
    members += [("result", "s32", 352), ("bytes", "u64", 384)]
    words += [string("event"), 1 << 31 | 4 << 24 | len(members), SIZE]
    for name, type_name, offset in members:
        words += [string(name), ids[type_name], WIDTHS.get(name, 0) << 24 | offset]
    types = struct.pack(f"{order}{len(words)}I", *words)
    head = struct.pack(f"{order}HBB5I", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings))
    return head + types + strings


def event_bytes(order: str, count: int) -> bytes:
    """Records with plausible values."""
    chance = random.Random(1)
    few = b"".join(
        struct.pack(
            order + FORMAT,
            chance.getrandbits(50),
            chance.randrange(1 << 22),
            chance.getrandbits(32),
            0xFFFF888000000000 + chance.getrandbits(32),
            b"process",
            chance.getrandbits(16),
            chance.randrange(8),
            -chance.randrange(40),
            chance.getrandbits(20),
        )
        for _ in range(1000)
    )
    return few * (count // 1000)


def shifts(order: str) -> dict[str, int]:
    """How far the bitfields lie above the lowest bit of their word."""
    found, position = {}, 0
    for name, width in WIDTHS.items():
        found[name] = position if order == "<" else 32 - position - width
        position += width
    return found


def unpacked(order: str, data: bytes) -> Iterator[dict[str, Any]]:
    """Dicts by `struct.iter_unpack` and shifts by hand."""
    cpu, state, priority, urgent = shifts(order).values()
    for time, pid, word, address, comm, port, kind, result, size in struct.iter_unpack(order + FORMAT, data):
        signed = word >> priority & 0x1FFF
        yield {
            "time": time,
            "pid": pid,
            "cpu": word >> cpu & 0x3FF,
            "state": word >> state & 7,
            "priority": signed - 0x2000 if signed & 0x1000 else signed,
            "urgent": word >> urgent & 1,
            "address": address,
            "comm": comm.rstrip(b"\0"),
            "port": port,
            "kind": kind,
            "result": result,
            "bytes": size,
        }


def by_ctypes(made: Any, data: bytes) -> Iterator[dict[str, Any]]:
    """Dicts by the attributes of a `ctypes` class."""
    for record in (made * (len(data) // ctypes.sizeof(made))).from_buffer_copy(data):
        yield {name: getattr(record, name) for name in NAMES}
