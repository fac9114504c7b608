"""Tables in HTML for notebooks. Colours are those of the notebook, light or dark."""

from __future__ import annotations

from .text import escaped, isolated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_ROWS = 60
"""Rows of a table that is shown whole, as in pandas."""
_SHOWN_ROWS = 10  # of a longer one: the first and the last
_NUMBER = ' style="text-align:right"'
_TEXT = ' style="text-align:left"'


def shown_rows(rows: int) -> list[int | None]:
    """Return the numbers of the rows to show. None stands for those that are left out."""
    if rows <= MAX_ROWS:
        return [*range(rows)]
    half = _SHOWN_ROWS // 2
    return [*range(half), None, *range(rows - half, rows)]


def table(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Sequence[str | int] | None],
    *,
    note: str = "",
) -> str:
    """Return a table.

    Args:
        caption: Its title; all texts are escaped here.
        heads: The titles of the columns.
        rows: The cells of each row; None for rows that are left out. Numbers are aligned to the right.
        note: A line below it.
    """
    return "".join(_parts(caption, heads, rows, note))


def _parts(
    caption: str, heads: Sequence[str], rows: Iterable[Sequence[str | int] | None], note: str
) -> Iterator[str]:
    yield '<div class="btfmmap" style="overflow-x:auto"><table><caption style="text-align:left">'
    yield f"{isolated(caption)}</caption><thead><tr>"
    for head in heads:
        yield f'<th scope="col"{_TEXT}>{isolated(head)}</th>'
    yield "</tr></thead><tbody>"
    for row in rows:
        cells = ["\N{HORIZONTAL ELLIPSIS}"] * len(heads) if row is None else row
        yield "<tr>"
        for cell in cells:
            yield (
                f"<td{_TEXT}>{isolated(cell)}</td>" if isinstance(cell, str) else f"<td{_NUMBER}>{cell}</td>"
            )
        yield "</tr>\n"
    yield "</tbody></table>"
    if note:
        yield f"<p>{escaped(note, 400)}</p>"
    yield "</div>"
