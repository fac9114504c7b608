"""What `import btfmmap` adds to a bare interpreter; numpy is not imported."""

from __future__ import annotations

from support.harness import Comparison, Workload, compare, reported
from support.kernel_btf import KernelBtf
from support.processes import python, self_measured
from support.report import report

ROUNDS = 25


def measure_import(_btf: KernelBtf) -> Comparison:
    """The statement alone; the first fails if it imports numpy."""
    ours, *others = (
        self_measured(f"`import {name}`", "ms", action, name, ROUNDS)
        for name, action in [("btfmmap", "import ours"), ("json", "import"), ("numpy", "import")]
    )
    assert isinstance(ours, Workload)
    return compare("Import", ours, others, reported("ms"))


def measure_process(_btf: KernelBtf) -> Comparison:
    """From start to exit."""
    names = ["pass", "import btfmmap", "import numpy"]
    bare, *others = (python(f"`python -c '{name}'`", name, ROUNDS) for name in names)
    return compare("Import, whole process over a bare interpreter", bare, others)


if __name__ == "__main__":
    report([measure_import, measure_process])
