"""What objects show in a notebook: `_repr_html_`."""

from __future__ import annotations

from .tables import shown_rows, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..checking.result import CheckResult
    from ..diffing.result import DiffResult
    from ..graph import Graph
    from ..struct_layout import StructLayout
    from ..tables import Table
    from ..types import Type

    Cells = Sequence[str | int]

_ANONYMOUS = "(anon)"
_TIMES = "\N{MULTIPLICATION SIGN}"


def table_html(shown: Table) -> str:
    """Return the first and the last rows of a table of columns."""
    rows = _elided(len(shown), lambda row: (row, *map(_cell, shown[row].values())))
    size = f"{len(shown):,} rows {_TIMES} {len(shown.columns)} columns"
    return table(type(shown).__name__, ("", *shown.columns), rows, note=size)


def type_html(shown: Type) -> str:
    """Return a type with its members, enumerators, parameters or variables, or the type that it refers to."""
    caption = f"[{shown.id}] {shown.kind.name} {shown.name or _ANONYMOUS}"
    if shown.size is not None:
        caption += f", {shown.size:,} bytes"
    rows: list[Cells | None]
    if members := shown.members:
        heads = ["name", "type", "offset", "bit", "bits"]
        rows = _elided(
            len(members),
            lambda row: (
                members[row].name,
                members[row].type.c_name,
                members[row].offset,
                members[row].bit_offset % 8,
                members[row].bitfield_size,
            ),
        )
        if not any(member.bitfield_size or member.bit_offset % 8 for member in members):
            heads, rows = heads[:3], [None if row is None else row[:3] for row in rows]
    elif enumerators := shown.enumerators:
        heads = ["name", "value"]
        rows = _elided(len(enumerators), lambda row: (enumerators[row].name, enumerators[row].value))
    elif params := shown.params:
        heads = ["parameter", "type"]
        rows = _elided(len(params), lambda row: (params[row].name or "...", params[row].type.c_name))
    elif entries := shown.secinfos:
        heads = ["name", "offset", "size"]
        rows = _elided(
            len(entries), lambda row: (entries[row].type.name, entries[row].offset, entries[row].size)
        )
    else:
        heads, rows = ["type"], [(shown.c_name,)]
        if shown.type is not None:
            heads, rows = ["type", "of"], [(shown.c_name, shown.type.c_name)]
    return table(caption, heads, rows)


def layout_html(shown: StructLayout) -> str:
    """Return the members of a layout, with the holes between them."""
    members = shown.members
    order = sorted(range(len(members)), key=lambda row: (members[row].offset, row))

    def cells(row: int) -> Cells:
        member = members[order[row]]
        bits = f"{member.bit_position}:{member.bitfield_size}" if member.bitfield_size else ""
        hole = ", ".join(
            f"{count} {unit}{'s' * (count != 1)}"
            for count, unit in ((member.hole, "byte"), (member.bit_hole, "bit"))
            if count
        )
        return member.cacheline, member.offset, bits, member.size, member.type.c_name, member.name, hole

    caption = f"{shown.type.kind.name.lower()} {shown.type.name or _ANONYMOUS}, {shown.size:,} bytes"
    heads = ("cache line", "offset", "bits", "size", "type", "member", "hole before it")
    facts = shown.summary
    note = (
        f"{facts['cachelines']:,} cache lines, {facts['holes']:,} holes of {facts['hole_bytes']:,} bytes, "
        f"{facts['padding']:,} bytes of padding"
    )
    return table(caption, heads, _elided(len(members), cells), note=note)


def graph_html(shown: Graph, roles: Sequence[str]) -> str:
    """Return the number of references in each role."""
    import numpy as np

    counts = np.bincount(shown.role, minlength=len(roles)).tolist()
    rows = [(role.lower().replace("_", " "), count) for role, count in zip(roles, counts, strict=True)]
    caption = f"Graph of {len(shown):,} types and {len(shown.indices):,} references"
    return table(caption, ("role", "references"), rows)


def check_html(shown: CheckResult, words: Sequence[str]) -> str:
    """Return the verdict on each object for each kernel.

    Args:
        shown: The result.
        words: The names of the verdicts.
    """
    names = shown.object_labels
    verdicts = shown.verdict
    rows = _elided(
        len(names),
        lambda row: (names[row], *(words[verdict].lower() for verdict in verdicts[:, row].tolist())),
    )
    caption = f"{len(shown.objects):,} objects {_TIMES} {len(shown.kernels):,} kernels"
    counts = ((word, int((verdicts == number).sum())) for number, word in enumerate(words))
    note = ", ".join(f"{count:,} {word.lower().replace('_', ' ')}" for word, count in counts if count)
    return table(caption, ("object", *shown.kernel_labels), rows, note=note)


def diff_html(shown: DiffResult) -> str:
    """Return how many entities each kernel has, and how many differ from the kernel before: `neighbours`."""
    import numpy as np

    presence = shown.presence
    rows: list[Cells] = []
    labels, errors = shown.kernel_labels, shown.errors
    olds = {new: old for old, new in shown.neighbours}
    for number in shown.order:
        label = labels[number]
        if errors[number]:
            rows.append((label, "did not open", "", "", ""))
            continue
        own = presence[:, number]
        counts: tuple[str | int, ...] = ("", "", "")
        if number in olds:
            before = presence[:, olds[number]]
            both = (own >= 0) & (before >= 0)
            found = (own >= 0) & (before < 0), (own < 0) & (before >= 0), both & (own != before)
            counts = tuple(map(int, map(np.count_nonzero, found)))
        rows.append((label, int(np.count_nonzero(own >= 0)), *counts))
    caption = f"{len(presence):,} entities {_TIMES} {len(rows)} kernels"
    heads = ("kernel", "entities", "added", "removed", "changed")
    return table(caption, heads, _elided(len(rows), rows.__getitem__), note="; ".join(shown.notes))


def _elided(rows: int, cells: Callable[[int], Cells]) -> list[Cells | None]:
    return [None if row is None else cells(row) for row in shown_rows(rows)]


def _cell(value: object) -> str | int:
    return value if isinstance(value, int) and not isinstance(value, bool) else str(value)
