"""Shortens the cells of a table that is too wide for the terminal."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_MIN_WIDTH = 16
_GAP = 2  # between columns


def narrowed(
    rows: Sequence[tuple[str, ...]], widths: list[int], columns: Sequence[int]
) -> tuple[Sequence[tuple[str, ...]], list[int]]:
    """Shorten cells of some columns in their middle, so that the rows fit, if they can.

    Args:
        rows: The cells.
        widths: The width of each column.
        columns: The numbers of the columns to shorten; the widest first.

    Returns:
        The cells and widths.
    """
    try:
        available = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        return rows, widths
    excess = sum(widths) + _GAP * (len(widths) - 1) - available
    if not available or excess <= 0:
        return rows, widths
    widths = list(widths)
    while excess > 0:
        widest = max(columns, key=widths.__getitem__)
        if widths[widest] <= _MIN_WIDTH:
            break
        widths[widest] -= 1
        excess -= 1
    return [
        tuple(
            shortened(cell, widths[number]) if number in columns else cell for number, cell in enumerate(row)
        )
        for row in rows
    ], widths


def shortened(text: str, width: int) -> str:
    """A text with "..." in place of its middle, if it is longer than `width`."""
    if len(text) <= width:
        return text
    kept = width - 3
    return f"{text[: kept - kept // 2]}...{text[len(text) - kept // 2 :]}"
