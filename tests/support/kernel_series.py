"""Seeded variants of a BTF: kernels of one series, of which each differs a little from the one before."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
from collections.abc import Callable, Iterable, Iterator
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
    """An input that does not open: one of 30 kinds, by the seed."""
    good = small_kernel(seed)
    first = 24  # the first record: name_off, info, size_or_type, each of four bytes
    kinds: list[Callable[[], bytes]] = [
        lambda: b"",
        lambda: b"\x9f\xeb",
        lambda: good[:40],
        lambda: good[: len(good) // 2],
        lambda: b"\x7fELF" + good,
        lambda: b"not a kernel at all",
        lambda: good[:24] + bytes(len(good) - 24),
        lambda: b"\xfd7zXZ\x00\x00\x04" + good,
        lambda: bytes([good[0], good[1], 7]) + good[3:],
        lambda: good[:-8] + b"\xff" * 8,
        lambda: good[1::-1] + good[2:],  # the other byte order's magic
        lambda: _patched(good, 4, 8),  # hdr_len
        lambda: _patched(good, 4, 1 << 31),
        lambda: _patched(good, 8, 2),  # type_off
        lambda: _patched(good, 12, 0xFFFFFFF0),  # type_len
        lambda: _patched(good, 16, len(good)),  # str_off
        lambda: _patched(good, 20, 0),  # str_len
        lambda: good[: 24 + _word(good, 16)] + b"x" + good[25 + _word(good, 16) :],  # no empty first name
        lambda: _patched(good, first, 1 << 30),  # name_off
        lambda: _patched(good, first + 4, 31 << 24),  # a kind that there is not
        lambda: _patched(good, first + 4, 4 << 24 | 0xFFFF),  # more members than there are bytes
        lambda: _patched(good, first + 4, 8 << 24)[: first + 8] + b"\xff" * 4 + good[first + 12 :],
        lambda: lzma.compress(good)[:-20],
        lambda: gzip.compress(good, mtime=0)[:-8] + bytes(8),  # a wrong checksum
        lambda: bz2.compress(good)[: len(good) // 8],
        lambda: lzma.compress(b"no kernel either"),
        lambda: lzma.compress(_archive({"README": b"nothing"})),
        lambda: lzma.compress(_archive({"6.1.btf": good[:30]})),
        lambda: gzip.compress(bytes(16 << 20), mtime=0) * 80,  # more than 1 GiB of zeros
        lambda: _archive({"6.1.btf": good})[:600],
    ]
    return kinds[seed % len(kinds)]()


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _patched(data: bytes, at: int, word: int) -> bytes:
    return data[:at] + word.to_bytes(4, "little") + data[at + 4 :]


def _archive(files: dict[str, bytes]) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return output.getvalue()


def write_btfhub(folder: Path, seeds: Iterable[int]) -> list[Path]:
    """Write kernels as BTFHub's archive has them: distro/release/arch/VERSION.btf.tar.xz."""
    paths = []
    for seed in seeds:
        name = f"5.{seed}.0-{seed + 10}-generic"
        path = folder / "ubuntu" / "20.04" / "x86_64" / f"{name}.btf.tar.xz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lzma.compress(_archive({f"{name}.btf": small_kernel(seed)})))
        paths.append(path)
    return paths


def write_series(folder: Path, count: int, bad: int) -> Iterator[Path]:
    """Write inputs, `bad` of which do not open."""
    step = max(1, count // bad) if bad else count + 1
    for number in range(count):
        is_bad = bad > 0 and number % step == step - 1 and number // step < bad
        path = folder / f"6.{number}.{'bad.' if is_bad else ''}0.btf"
        path.write_bytes(broken(number // step) if is_bad else small_kernel(number))
        yield path
