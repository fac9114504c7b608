"""Seeded variants of a BTF: kernels of one series, of which each differs a little from the one before."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import btfmmap

NAMES = [f"type_{number}" for number in range(40)]


def small_kernel(seed: int) -> bytes:
    """A BTF of some fifty types: structs with pointers to one another, enums, functions."""
    common, own = random.Random(0), random.Random(seed)
    builder = btfmmap.Builder(byte_order="little")
    number = builder.int("int", 4, encoding=btfmmap.IntEncoding.SIGNED)
    builder.int("long int", 8, encoding=btfmmap.IntEncoding.SIGNED)
    first = builder.next_id
    sizes: list[int] = []
    for place, name in enumerate(NAMES):
        # Each type comes in a few variants; which one a kernel has is its own.
        variant = random.Random(f"{name} {own.randrange(3) if own.random() < 0.1 else 0}")
        pointer = first + 2 * common.randrange(len(NAMES)) + 1
        members: list[tuple[str, int, int]] = [("next", pointer, 0)]
        offset = 64
        for each in range(variant.randrange(1, 6)):
            members.append((f"field_{each}", number, offset))
            offset += 32
        if place % 3 == 2:
            members.append(("inner", first + 2 * (place - 1), offset))
            offset += 8 * sizes[place - 1]
        sizes.append((offset + 63) // 64 * 8)
        builder.struct(name, sizes[-1], members)
        builder.ptr(first + 2 * place)
    proto = builder.func_proto(number, [("self", first + 1), ("count", number)])
    for each in range(5 + seed % 3):
        builder.func(f"function_{each}", proto)
    builder.enum(f"state_{seed}", [("OLD", 0), ("NEW", seed)])
    return bytes(builder.build().raw)


def broken(seed: int) -> bytes:
    """An input that does not open: cut off, with wrong references, or none at all."""
    good = small_kernel(seed)
    kinds = [
        b"",
        b"\x9f\xeb",
        good[:40],
        good[: len(good) // 2],
        b"\x7fELF" + good,
        b"not a kernel at all",
        good[:24] + bytes(len(good) - 24),
        b"\xfd7zXZ\x00\x00\x04" + good,
        bytes([good[0], good[1], 7]) + good[3:],
        good[:-8] + b"\xff" * 8,
    ]
    return kinds[seed % len(kinds)]


def write_series(folder: Path, count: int, bad: int) -> Iterator[Path]:
    """Write inputs, `bad` of which do not open."""
    step = max(1, count // bad) if bad else count + 1
    for number in range(count):
        is_bad = bad > 0 and number % step == step - 1 and number // step < bad
        path = folder / f"6.{number}.{'bad.' if is_bad else ''}0.btf"
        path.write_bytes(broken(number // step) if is_bad else small_kernel(number))
        yield path
