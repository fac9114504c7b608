"""Finds the structs that waste the most bytes. Avoids numpy, whose import takes longer than the search."""

from __future__ import annotations

from _operator import add, index

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
    waste = list(map(add, columns["hole_bytes"], columns["padding"]))
    rows = sorted(range(len(waste)), key=waste.__getitem__, reverse=True)[:top]
    names = btf.names([columns["id"][row] for row in rows])
    return [
        {"name": name, "waste": waste[row], **{name: column[row] for name, column in columns.items()}}
        for row, name in zip(rows, names, strict=True)
    ]
