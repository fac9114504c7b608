"""The reference graph of a kernel, forward and reverse."""

from __future__ import annotations

from harness import MANY, Comparison, Run, Workload, compare
from kernel_btf import KernelBtf
from report import report

import btfmmap


def measure(btf: KernelBtf) -> Comparison:
    """Ours alone: no peer has one."""

    def opened() -> Run:
        fresh = btfmmap.open(btf.path)
        return lambda: fresh.graph

    return compare("Reference graph", Workload("`graph` of an open `Btf`, both ways", opened, MANY), [])


if __name__ == "__main__":
    report([measure])
