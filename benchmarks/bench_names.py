"""Build the index of names, and list all names."""

from __future__ import annotations

from support.harness import MANY, Comparison, Run, Workload, compare
from support.kernel_btf import KernelBtf
from support.names import some_names
from support.report import report

import btfmmap

ENOUGH = 100
"""Searches after which an index exists; fewer may do without one."""


def measure(btf: KernelBtf) -> Comparison:
    """Ours alone: libbpf keeps no such index."""
    with btfmmap.open(btf.path) as opened:
        names = [named.name for named in some_names(opened, ENOUGH)]

    def index() -> Run:
        fresh = btfmmap.open(btf.path)
        return lambda: fresh.lookup(names)

    def all_names() -> Run:
        fresh = btfmmap.open(btf.path)
        return fresh.names

    return compare(
        "Index of names",
        Workload(f"`lookup` of {ENOUGH} names, index included", index, MANY),
        [Workload("`names()`, all as `str`", all_names, MANY)],
    )


if __name__ == "__main__":
    report([measure])
