"""Names to type ids: one by one from Python, and many at once.

libbpf searches one name after another too, from C. From 1.8 on it bisects types that are sorted by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from support.harness import FEW, MANY, MICROSECONDS, Comparison, Workload, compare, repeated
from support.kernel_btf import STAND_IN, KernelBtf, unpacked
from support.names import Named, absent_names, is_sorted, some_names
from support.peers import bisects, libbpf_find
from support.report import report

import btfmmap

COUNT = 10_000
LINEAR = 50
"""The number of names that a linear search finds in tens of milliseconds."""


def _searches(btf: btfmmap.Btf, names: Iterable[Named]) -> list[Workload]:
    texts = [named.name for named in names]
    pairs = [(named.name, named.kind) for named in names]
    find = btf.find
    for text in texts[:10]:
        find(text)  # the first ones may go without an index

    def one_by_one() -> None:
        for text in texts:
            find(text)

    def one_by_one_with_kind() -> None:
        for text, kind in pairs:
            find(text, kind)

    return [
        repeated("`find(name)`", one_by_one, MANY, len(texts)),
        repeated("`find(name, kind)`", one_by_one_with_kind, MANY, len(texts)),
        repeated(f"`lookup` of {len(texts):,} names", lambda: btf.lookup(texts), MANY, len(texts)),
    ]


def _compare(title: str, btf: KernelBtf, names: Sequence[Named], opened: btfmmap.Btf) -> Comparison:
    order = "sorted by name" if is_sorted(opened) else "unsorted"
    few, rounds = (names, MANY) if is_sorted(opened) and bisects() else (names[:LINEAR], FEW)
    ours, *others = _searches(opened, names)
    peers = [libbpf_find(btf, few, by_kind=by_kind, rounds=rounds) for by_kind in (False, True)]
    return compare(f"{title} {btf.origin}, types {order}, each", ours, [*others, *peers], MICROSECONDS)


def measure_hits(btf: KernelBtf) -> Comparison:
    """Names that types have."""
    opened = btfmmap.open(btf.path)
    return _compare("Find random names in", btf, some_names(opened, COUNT), opened)


def measure_misses(btf: KernelBtf) -> Comparison:
    """Names that no type has."""
    opened = btfmmap.open(btf.path)
    return _compare("Find names that are not in", btf, absent_names(opened, COUNT), opened)


def measure_sorted(_btf: KernelBtf) -> Comparison:
    """Names of a kernel whose types are sorted by name."""
    with unpacked(STAND_IN) as path:
        return measure_hits(KernelBtf(path, STAND_IN.name, False))


if __name__ == "__main__":
    report([measure_hits, measure_misses, measure_sorted])
