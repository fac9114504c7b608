"""The cost of hostile files: each is made at two sizes, and every question should take time in proportion.

    python benchmarks/bench_hostile.py [MEGABYTES]

The larger file has MEGABYTES, 16 by default. Times are CPU seconds, so that other load does not show.
"""

from __future__ import annotations

import io
import os
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import btfmmap

INT, PTR, ARRAY, STRUCT, TYPEDEF, FWD, FUNC_PROTO, DECL_TAG = 1, 2, 3, 4, 8, 7, 13, 17
MOST_RATIO, MOST_SECONDS = 2.5, 2.0
NOISE_SECONDS = 0.02  # what takes less is not compared
THREAD_STACK = 128 << 10
TRIES = 5


def blob(types: bytes, strings: bytes) -> bytes:
    header = struct.pack("<HBB5I", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings))
    return header + types + strings


def record(kind: int, name: int = 0, size_or_type: int = 0, *extra: int, vlen: int = 0) -> bytes:
    return struct.pack(f"<{3 + len(extra)}I", name, kind << 24 | vlen, size_or_type, *extra)


def one_long_name(size: int) -> bytes:
    """Types that share one name, as long as a quarter of the file."""
    length = size // 4
    return blob(record(FWD, 1) * ((size - length) // 12), b"\0" + b"a" * (length - 2) + b"\0")


def tails_of_one_name(size: int) -> bytes:
    """Types whose names start a letter apart in one string: the lengths of the names add up to the square of
    their number."""
    count = size // 13
    return blob(b"".join(record(FWD, place) for place in range(1, count)), b"\0" + b"e" * count + b"\0")


def one_short_name(size: int) -> bytes:
    """Types of one name."""
    return blob(record(FWD, 1) * (size // 12), b"\0same\0")


def chain(kind: int) -> Callable[[int], bytes]:
    def typedefs(size: int) -> bytes:
        count = size // 12
        words = b"".join(record(kind, 1, number + 1) for number in range(1, count))
        return blob(words + record(kind, 1, 0), b"\0link\0")

    return typedefs


def cycles(size: int) -> bytes:
    """Typedefs in cycles of a thousand."""
    count = size // 12
    types = bytearray()
    for first in range(1, count, 1000):
        last = min(first + 999, count)
        types += b"".join(record(TYPEDEF, 1, number + 1) for number in range(first, last))
        types += record(TYPEDEF, 1, first)
    return blob(bytes(types), b"\0ring\0")


def self_holders(size: int) -> bytes:
    """Structs that each contain themselves and the next one."""
    count = size // 36
    return blob(
        b"".join(
            record(STRUCT, 1, 8, 1, number, 0, 1, number % count + 1, 0, vlen=2)
            for number in range(1, count + 1)
        ),
        b"\0own\0",
    )


def arrays(size: int) -> bytes:
    """A tree of arrays: each has two elements of the type before it."""
    count = size // 24 - 1
    types = record(INT, 1, 4, 32) + b"".join(
        record(ARRAY, 0, 0, number, 1, 2) for number in range(1, count + 1)
    )
    return blob(types, b"\0int\0")


def prototypes(size: int) -> bytes:
    """Prototypes that each take the next one as both parameters."""
    count = size // 28
    return blob(
        b"".join(
            record(FUNC_PROTO, 0, 0, 0, number % count + 1, 0, number % count + 1, vlen=2)
            for number in range(1, count + 1)
        ),
        b"\0",
    )


def one_struct(size: int) -> bytes:
    """One struct whose members share one name."""
    count = min(size // 12, 0xFFFFFF)
    members = struct.pack("<3I", 1, 0, 0) * count
    return blob(record(STRUCT, 1, 8, vlen=count) + members, b"\0many\0")


FILES: dict[str, Callable[[int], bytes]] = {
    "types of one long name": one_long_name,
    "tails of one long name": tails_of_one_name,
    "types of one short name": one_short_name,
    "a chain of typedefs": chain(TYPEDEF),
    "a chain of pointers": chain(PTR),
    "cycles of 1000 typedefs": cycles,
    "structs that hold themselves": self_holders,
    "a tree of arrays": arrays,
    "prototypes of prototypes": prototypes,
    "one struct": one_struct,
}


LONG_NAMES = (one_long_name, tails_of_one_name)


class Discarding(io.BytesIO):
    """A file that discards what is written."""

    def write(self, data: object) -> int:
        return len(memoryview(data))  # type: ignore[arg-type]


QUESTIONS: dict[str, Callable[[btfmmap.Btf], object]] = {
    "tables": lambda btf: [getattr(btf, name) for name in ("types", "members", "params", "arrays")],
    "find": lambda btf: (btf.find("no such name"), btf.find("same"), btf.find_all("link")),
    "names": lambda btf: len(btf.names()),
    "strings": lambda btf: len(btf.strings(btf.types.name_off)),
    "C names": lambda btf: len(btf.c_names(btf.types.id)),
    "match": lambda btf: len(btf.match("*e*")),
    "users": lambda btf: len(btf.users(len(btf) - 1)),
    "graph": lambda btf: (len(btf.graph.indices), len(btf.graph.reverse.reachable([1]))),
    "sizes": lambda btf: (btf.sizeof([1]), btf.alignof([len(btf) - 1]), btf.resolve([1])),
    "layouts": lambda btf: len(btf.layouts),
    "layout": lambda btf: str(btf.layout(len(btf) - 1)),
    "expanded layout": lambda btf: btf.layout(len(btf) - 1).text(expand=True),
    "dtype": lambda btf: btf.dtype(len(btf) - 1),
    "format": lambda btf: btf.format(len(btf) - 1, bytes(8)),
    "lint": lambda btf: len(btfmmap.lint(data=bytes(btf.raw))),
    "raw dump": lambda btf: btf.dump("raw", file=Discarding()),
    "C dump": lambda btf: btf.dump("c", file=Discarding()),
}


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    with suppress(btfmmap.BtfError, ValueError):
        work()
    return time.process_time() - start


def asked(question: Callable[[btfmmap.Btf], object], content: bytes) -> float:
    """CPU seconds of a question to a fresh `Btf`, so that caches of earlier questions do not count."""
    with btfmmap.open(data=content) as btf:
        return seconds(lambda: question(btf))


def costs(contents: list[bytes], no_dump: bool, tries: int) -> Iterator[tuple[str, list[float]]]:
    """Yield each question with its least CPU seconds per content. Contents take turns, so that noise hits all
    of them alike."""

    def least(cost: Callable[[bytes], float]) -> list[float]:
        took = [[cost(content) for content in contents] for _ in range(tries)]
        return [min(of_one) for of_one in zip(*took, strict=True)]

    yield "open", least(lambda content: seconds(lambda: btfmmap.open(data=content)))
    for name, question in QUESTIONS.items():
        # A dump's cost is in proportion to its output: terabytes here.
        if not (no_dump and name == "raw dump"):
            yield name, least(partial(asked, question))


def compare(size: int) -> bool:
    good = True
    print(f"{'file':30} {'question':10} {'seconds':>9} {'at twice the size':>18} {'ratio':>6}")
    for name, make in FILES.items():
        contents = [make(size // 2), make(size)]
        for question, (half, whole) in costs(contents, make in LONG_NAMES, TRIES):
            ratio = whole / max(half, 1e-9)
            bad = whole > MOST_SECONDS or (ratio > MOST_RATIO and whole > NOISE_SECONDS)
            good &= not bad
            mark = "  <--" if bad else ""
            print(f"{name:30} {question:10} {half:9.4f} {whole:18.4f} {ratio:6.2f}{mark}", flush=True)
    return good


# Keep freed memory in the process, so that glibc reuses it.
KEEPS_MEMORY = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}


def main() -> None:
    """Run all comparisons on a thread with a small stack: nothing recurses over types. The first try of each
    pays for fresh memory, which on virtual machines can cost ten times as much as usual."""
    if not KEEPS_MEMORY.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **KEEPS_MEMORY})
    size = int(sys.argv[1] if len(sys.argv) > 1 else "16") << 20
    threading.stack_size(THREAD_STACK)
    results: list[bool] = []
    thread = threading.Thread(target=lambda: results.append(compare(size)))
    thread.start()
    thread.join()
    sys.exit(results != [True])


if __name__ == "__main__":
    main()
