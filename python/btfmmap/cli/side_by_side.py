"""Short texts side by side, as `ls` prints the names of files."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_GAP = 3


def side_by_side(entries: Sequence[str], width: int) -> Iterator[str]:
    """Yield the lines of columns that are read from top to bottom: as few lines of the width as possible.

    Columns are as wide as their entries. If not even two entries fit, each has a line of its own.
    """
    lengths = [len(entry) for entry in entries]
    for rows in range(_fewest_rows(lengths, width), len(entries) + 1):
        starts = range(0, len(entries), rows)
        widths = [max(lengths[start : start + rows]) for start in starts]
        if len(widths) > 1 and sum(widths) + _GAP * (len(widths) - 1) > width:
            continue
        for row in range(rows):
            cells = (
                entries[start + row].ljust(size)
                for start, size in zip(starts, widths, strict=True)
                if start + row < len(entries)
            )
            yield (" " * _GAP).join(cells).rstrip()
        return


def _fewest_rows(lengths: Sequence[int], width: int) -> int:
    """A number of rows that is not too large: that of columns as narrow as the shortest entry."""
    if not lengths:
        return 1
    shortest = min(lengths)
    if shortest + _GAP + max(lengths) > width:
        return len(lengths)
    columns = (width + _GAP) // (shortest + _GAP)
    return -(-len(lengths) // columns)
