"""Two threads of Python that read one BTF, against one thread. Without a global lock, they run at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from threading import Thread

from support.harness import FEW, SECONDS, Comparison, compare, repeated
from support.kernel_btf import KernelBtf
from support.report import report

import btfmmap

LOCK = "with" if getattr(sys, "_is_gil_enabled", lambda: True)() else "without"


def _read_members(btf: btfmmap.Btf, type_ids: Sequence[int]) -> None:
    """Python objects for each member, as a program makes them that looks at types one by one."""
    for type_id in type_ids:
        for member in btf[type_id].members:
            assert member.type is not None


def _read_layouts(btf: btfmmap.Btf, type_ids: Sequence[int]) -> None:
    """The core's work, asked for one struct at a time."""
    for type_id in type_ids:
        assert btf.layout(type_id).members is not None


def _in_threads(work: Callable[[Sequence[int]], None], shares: Sequence[Sequence[int]]) -> None:
    threads = [Thread(target=work, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _threads(title: str, kernel: KernelBtf, work: Callable[[btfmmap.Btf, Sequence[int]], None]) -> Comparison:
    btf = btfmmap.open(kernel.path)
    structs = btf.match("*", kind=btfmmap.Kind.STRUCT)[:4000]
    halves = structs[::2], structs[1::2]
    return compare(
        f"{title}, Python {LOCK} the global lock",
        repeated("one thread", lambda: _in_threads(lambda ids: work(btf, ids), [structs]), FEW),
        [
            repeated(
                "two threads, half of the structs each",
                lambda: _in_threads(lambda ids: work(btf, ids), halves),
                FEW,
            )
        ],
        SECONDS,
    )


def measure_members(kernel: KernelBtf) -> Comparison:
    """Members as Python objects."""
    return _threads("Members of 4,000 structs, read in threads", kernel, _read_members)


def measure_layouts(kernel: KernelBtf) -> Comparison:
    """Layouts, one call each."""
    return _threads("Layouts of 4,000 structs, asked for in threads", kernel, _read_layouts)


if __name__ == "__main__":
    report([measure_members, measure_layouts])
