"""A table in pyarrow and polars: what it costs beyond the table itself. Skipped without them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from support.harness import MANY, Comparison, Run, Skipped, Workload, compare, repeated
from support.kernel_btf import KernelBtf
from support.report import report

import btfmmap


def measure(btf: KernelBtf) -> Comparison | Skipped:
    """`pyarrow.table` and `polars.DataFrame` of the members, beside the table of a fresh `Btf`."""
    try:
        pyarrow, polars = (import_module(name) for name in ("pyarrow", "polars"))
    except ImportError as error:
        return Skipped("Members in Arrow", f"not installed: {error.name}")
    opened = btfmmap.open(btf.path)

    def fresh() -> Run:
        again = btfmmap.open(btf.path)
        return lambda: again.members

    def converted(convert: Any) -> Run:
        return lambda: convert(opened.members)

    return compare(
        "Members in Arrow",
        Workload("`members` of an open `Btf`", fresh, MANY),
        [
            repeated("`pyarrow.table(btf.members)` beyond it", converted(pyarrow.table), MANY),
            repeated("`polars.DataFrame(btf.members)` beyond it", converted(polars.DataFrame), MANY),
            repeated("`btf.members.with_names(btf)` beyond it", lambda: opened.members.with_names(opened), 5),
        ],
    )


if __name__ == "__main__":
    report([measure])
