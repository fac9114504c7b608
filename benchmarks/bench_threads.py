"""Two threads of Python that read one BTF, against one thread. Without a global lock, they run at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from hashlib import sha256
from threading import Thread

from support.harness import FEW, SECONDS, Comparison, compare, repeated
from support.kernel_btf import KernelBtf
from support.report import report
from support.ten_tables import ten_tables

import btfmmap

Work = Callable[[btfmmap.Btf, Sequence[int]], None]
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


def _find_and_show(btf: btfmmap.Btf, type_ids: Sequence[int]) -> None:
    """What `btfmmap find` and `btfmmap show` ask for each struct."""
    for name in btf.names(type_ids):
        for type_id in btf.find_all(name):
            assert btf[type_id].c_name
        assert btf.layout(name).text()


def _open(btf: btfmmap.Btf, rounds: Sequence[int]) -> None:
    """Opens with the tables of types, members and parameters."""
    for _ in rounds:
        with btfmmap.open(btf.source.path) as opened:
            for table in (opened.types, opened.members, opened.params):
                assert dict(table)


def _open_with_tables(btf: btfmmap.Btf, rounds: Sequence[int]) -> None:
    """Opens with all tables. The core works without the global lock."""
    for _ in rounds:
        with btfmmap.open(btf.source.path) as opened:
            assert ten_tables(opened)


def _graph_and_layouts(btf: btfmmap.Btf, rounds: Sequence[int]) -> None:
    """The same for the graph in both directions, and the layouts of all structs."""
    for _ in rounds:
        with btfmmap.open(btf.source.path) as opened:
            assert len(opened.graph.indices) == len(opened.graph.reverse.indices)
            assert len(opened.layouts) > 0


def _hash(btf: btfmmap.Btf, rounds: Sequence[int]) -> None:
    """Code in C that needs no memory and no lock."""
    for _ in rounds:
        sha256(btf.raw.data)


def _add(_: btfmmap.Btf, rounds: Sequence[int]) -> None:
    """Shares nothing: what two threads can gain on this machine, at this moment."""
    for _round in rounds:
        total = 0
        for number in range(30_000):
            total += number


def _in_threads(work: Work, shares: Sequence[tuple[btfmmap.Btf, Sequence[int]]]) -> None:
    threads = [Thread(target=work, args=share) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _threads(title: str, btf: btfmmap.Btf, work: Work, items: Sequence[int]) -> Comparison:
    halves = items[::2], items[1::2]
    other = btfmmap.open(btf.source.path)
    work(other, items)
    return compare(
        f"{title}, Python {LOCK} the global lock",
        repeated("one thread", lambda: _in_threads(work, [(btf, items)]), FEW),
        [
            repeated(
                "two threads, half of them each",
                lambda: _in_threads(work, [(btf, half) for half in halves]),
                FEW,
            ),
            repeated(
                "two threads, each with a Btf of its own",
                lambda: _in_threads(work, list(zip((btf, other), halves, strict=True))),
                FEW,
            ),
        ],
        SECONDS,
    )


def _of_structs(title: str, kernel: KernelBtf, work: Work) -> Comparison:
    btf = btfmmap.open(kernel.path)
    return _threads(title, btf, work, btf.match("*", kind=btfmmap.Kind.STRUCT)[:4000])


def measure_machine(kernel: KernelBtf) -> Comparison:
    """A control: threads that share nothing."""
    return _threads("A million additions in threads", btfmmap.open(kernel.path), _add, range(40))


def measure_members(kernel: KernelBtf) -> Comparison:
    """Members as Python objects."""
    return _of_structs("Members of 4,000 structs, read in threads", kernel, _read_members)


def measure_layouts(kernel: KernelBtf) -> Comparison:
    """Layouts, one call each."""
    return _of_structs("Layouts of 4,000 structs, asked for in threads", kernel, _read_layouts)


def measure_finds(kernel: KernelBtf) -> Comparison:
    """Types by name, and their layouts as text."""
    return _of_structs("4,000 structs found and shown in threads", kernel, _find_and_show)


def measure_opens(kernel: KernelBtf) -> Comparison:
    """Opens with tables."""
    return _threads("40 opens with three tables in threads", btfmmap.open(kernel.path), _open, range(40))


def measure_core(kernel: KernelBtf) -> Comparison:
    """A control: threads that run outside Python."""
    return _threads("SHA-256 of 16 kernels in threads", btfmmap.open(kernel.path), _hash, range(16))


def measure_opens_with_tables(kernel: KernelBtf) -> Comparison:
    """Opens with all tables. The bound is 1.7 times as fast as one thread."""
    btf = btfmmap.open(kernel.path)
    return _threads("16 opens with ten tables in threads", btf, _open_with_tables, range(16))


def measure_graphs(kernel: KernelBtf) -> Comparison:
    """Graphs and layouts. The bound is 1.9 times as fast as one thread."""
    btf = btfmmap.open(kernel.path)
    return _threads("16 graphs and layouts in threads", btf, _graph_and_layouts, range(16))


if __name__ == "__main__":
    report(
        [
            measure_machine,
            measure_members,
            measure_layouts,
            measure_finds,
            measure_opens,
            measure_core,
            measure_opens_with_tables,
            measure_graphs,
        ]
    )
