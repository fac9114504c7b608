"""The rules of the kernel and `lint` on a whole kernel, against opening it."""

from __future__ import annotations

from pathlib import Path

from support.harness import Comparison, Workload, compare
from support.kernel_btf import KernelBtf
from support.report import report

import btfmmap

ROUNDS = 60


def measure(btf: KernelBtf) -> Comparison:
    """From bytes in memory; `open` alone is what the bound of 10 times is counted in."""
    blob = Path(btf.path).read_bytes()
    return compare(
        "Judge a kernel by the kernel's rules",
        Workload(
            '`btfmmap.lint(data=, rules="kernel")`',
            lambda: lambda: btfmmap.lint(data=blob, rules="kernel"),
            ROUNDS,
        ),
        [
            Workload("`btfmmap.open(data=)`", lambda: lambda: btfmmap.open(data=blob), ROUNDS),
            Workload("`btfmmap.lint(data=)`", lambda: lambda: btfmmap.lint(data=blob), ROUNDS),
        ],
    )


if __name__ == "__main__":
    report([measure])
