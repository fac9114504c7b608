"""Sizes, holes and cache lines of every struct and union."""

from __future__ import annotations

from support.harness import MANY, Comparison, Run, Workload, compare
from support.kernel_btf import KernelBtf
from support.processes import process
from support.report import report

import btfmmap


def measure(btf: KernelBtf) -> Comparison:
    """Ours from an open `Btf` and from the file; pahole, which starts from the file, prints them."""

    def opened() -> Run:
        fresh = btfmmap.open(btf.path)
        return lambda: fresh.layouts

    return compare(
        "Layouts of all structs",
        Workload("`layouts` of an open `Btf`", opened, MANY),
        [
            Workload("`btfmmap.open` and `layouts`", lambda: lambda: btfmmap.open(btf.path).layouts, MANY),
            process("`pahole --sizes`, whole process", ["pahole", "-F", "btf", "--sizes", btf.path]),
        ],
    )


if __name__ == "__main__":
    report([measure])
