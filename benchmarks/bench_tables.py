"""All ten tables of a kernel, from the file to columns or rows, and a few columns.

Every round opens the file again, because a `Btf` keeps the columns it has built.
"""

from __future__ import annotations

from collections.abc import Callable

from support.harness import MANY, Comparison, Run, Workload, compare, repeated
from support.kernel_btf import KernelBtf
from support.peers import bpftool_json, pure_python
from support.report import report
from support.ten_tables import ten_tables, three_columns

import btfmmap


def _of_open(btf: KernelBtf, act: Callable[[btfmmap.Btf], object]) -> Callable[[], Run]:
    def prepare() -> Run:
        already_open = btfmmap.open(btf.path)
        return lambda: act(already_open)

    return prepare


def measure(btf: KernelBtf) -> Comparison:
    """Ours from an open `Btf` and from the file, and the Python peers, which start from the file."""

    from_the_file = repeated(
        "`btfmmap.open` and ten tables", lambda: ten_tables(btfmmap.open(btf.path)), MANY
    )
    return compare(
        "All ten tables",
        Workload("ten tables of an open `Btf`", _of_open(btf, ten_tables), MANY),
        [from_the_file, bpftool_json(btf), pure_python(btf)],
    )


def measure_columns(btf: KernelBtf) -> Comparison:
    """Three columns, against all."""
    return compare(
        "Three columns",
        Workload("`types.kind`, `members.name_off`, `funcs.name_off`", _of_open(btf, three_columns), MANY),
        [Workload("all columns of all tables", _of_open(btf, ten_tables), MANY)],
    )


if __name__ == "__main__":
    report([measure, measure_columns])
