"""Finds the structs that waste the most bytes. Avoids numpy, whose import takes longer than the search."""

from __future__ import annotations

from _operator import index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .btf import Btf


def wasteful(btf: Btf, top: int) -> list[dict[str, int | str]]:
    """Implement `Btf.wasteful`."""
    top = index(top)
    if top < 0:
        raise ValueError(f"top is {top}, must not be negative")
    if btf.distilled:
        return []
    columns = btf._layout_columns()
    rows = btf._core_layout.wasteful_rows(min(top, len(btf)))
    names = btf.names([columns["id"][row] for row in rows])
    return [
        {
            "name": name,
            "waste": columns["hole_bytes"][row] + columns["padding"][row],
            **{column: values[row] for column, values in columns.items()},
        }
        for row, name in zip(rows, names, strict=True)
    ]
