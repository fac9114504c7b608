"""Fingerprints of all entities of a kernel in three depths, against opening it."""

from __future__ import annotations

from support.harness import MANY, Comparison, Workload, compare
from support.kernel_btf import KernelBtf
from support.report import report

import btfmmap


def measure(btf: KernelBtf) -> Comparison:
    """From the file; `open` alone is what the bound of 20 times is counted in."""
    return compare(
        "Fingerprints of a kernel",
        Workload(
            "`btfmmap.open` and `fingerprints`", lambda: lambda: btfmmap.open(btf.path).fingerprints, MANY
        ),
        [
            Workload("`btfmmap.open`", lambda: lambda: btfmmap.open(btf.path), MANY),
            Workload("`btfmmap.open` and `layouts`", lambda: lambda: btfmmap.open(btf.path).layouts, MANY),
        ],
    )


if __name__ == "__main__":
    report([measure])
