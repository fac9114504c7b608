"""All ten tables of a kernel, from the file to columns or rows.

Every round opens anew, for a `Btf` keeps the tables it has built.
"""

from __future__ import annotations

from harness import MANY, Comparison, Run, Workload, compare, repeated
from kernel_btf import KernelBtf
from peers import bpftool_json, pure_python
from report import report

import btfmmap


def measure(btf: KernelBtf) -> Comparison:
    """Ours from the file, the part of it that is not opening, and the Python peers."""

    def opened() -> Run:
        already_open = btfmmap.open(btf.path)
        return lambda: ten_tables(already_open)

    return compare(
        "All ten tables",
        repeated("`btfmmap.open` and ten tables", lambda: ten_tables(btfmmap.open(btf.path)), MANY),
        [Workload("ten tables of an open `Btf`", opened, MANY), bpftool_json(btf), pure_python(btf)],
    )


def ten_tables(btf: btfmmap.Btf) -> tuple[object, ...]:
    """Build every table."""
    return (
        btf.types,
        btf.members,
        btf.params,
        btf.enumerators,
        btf.arrays,
        btf.ints,
        btf.funcs,
        btf.vars,
        btf.secinfos,
        btf.decl_tags,
    )


if __name__ == "__main__":
    report([measure])
