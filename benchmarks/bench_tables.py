"""All ten tables of a kernel, from the file to columns or rows.

Every round opens the file again, because a `Btf` keeps the tables it has built.
"""

from __future__ import annotations

from support.harness import MANY, Comparison, Run, Workload, compare, repeated
from support.kernel_btf import KernelBtf
from support.peers import bpftool_json, pure_python
from support.report import report
from support.ten_tables import ten_tables

import btfmmap


def measure(btf: KernelBtf) -> Comparison:
    """Ours from an open `Btf` and from the file, and the Python peers, which start from the file."""

    def opened() -> Run:
        already_open = btfmmap.open(btf.path)
        return lambda: ten_tables(already_open)

    from_the_file = repeated(
        "`btfmmap.open` and ten tables", lambda: ten_tables(btfmmap.open(btf.path)), MANY
    )
    return compare(
        "All ten tables",
        Workload("ten tables of an open `Btf`", opened, MANY),
        [from_the_file, bpftool_json(btf), pure_python(btf)],
    )


if __name__ == "__main__":
    report([measure])
