"""Matrices with a column for each kernel: their data, and how they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..labels import distinct
from .canvas import Canvas, label, text_width

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

_ROW = 0.15  # height in inches
_LABEL_LETTERS = 72
_KEY = 0.25
_GAP = 0.1
_TALL = 50  # rows of a matrix that has the names of kernels below too
MAX_ROWS = 1000
"""Rows that are drawn with labels."""


class KernelMatrix(NamedTuple):
    """Rows of what was asked, with a column for each kernel.

    Attributes:
        labels: What each row is.
        kernels: The names of the kernels.
        values: The cells, an array of integers, `[rows, kernels]`.
        words: What a value means: `words[value]`. Empty if values are numbers.

    Example:
        >>> btfmmap.pictures.verdicts_data(btfmmap.check([], btf)).values.shape
        (0, 1)
    """

    labels: list[str]
    kernels: list[str]
    values: npt.NDArray[Any]
    words: tuple[str, ...] = ()


def draw_matrix(
    ax: Any,
    data: KernelMatrix,
    marks: npt.NDArray[Any],
    colours: Sequence[tuple[str, str]],
    text: Callable[[int, int], str],
) -> Any:
    """Draw a matrix.

    Args:
        ax: The axes, or None.
        data: What to draw. Rows above `MAX_ROWS` are left out.
        marks: For each cell the index of its colour, `[rows, kernels]`.
        colours: For each mark the colour and a word for the key, empty for none.
        text: The text of a cell.
    """
    rows, kernels = min(len(data.labels), MAX_ROWS), len(data.kernels)
    labels = distinct([label(each, _LABEL_LETTERS) for each in data.labels[:rows]])
    texts = [[text(row, kernel) for kernel in range(kernels)] for row in range(rows)]
    heads = distinct([label(name, _LABEL_LETTERS) for name in data.kernels])
    left = text_width(max(map(len, labels), default=0)) + _GAP
    top = text_width(max(map(len, heads), default=0)) + _KEY + _GAP
    cell = max(text_width(max((len(each) for row in texts for each in row), default=0)) + _GAP, 1.5 * _ROW)
    key = [
        (colour, word) for number, (colour, word) in enumerate(colours) if word and (marks == number).any()
    ]
    width = max(left + cell * kernels, sum(0.5 + text_width(len(word)) for _, word in key))
    more = len(data.labels) - rows
    bottom = top + _ROW * rows
    below = top - _KEY if rows > _TALL else 0.0
    canvas = Canvas(ax, max(width, 3.0), bottom + below + _ROW * 2 * bool(more) + _GAP)
    at = 0.0
    for colour, word in key:
        canvas.boxes([(at, 0, at + 0.18, 0.15)], facecolors=colour)
        canvas.text(at + 0.23, 0.075, word)
        at += 0.5 + text_width(len(word))
    for number, (colour, _) in enumerate(colours):
        places = np.argwhere(marks[:rows] == number).tolist()
        corners = [
            (left + cell * kernel, top + _ROW * row, left + cell * (kernel + 1), top + _ROW * (row + 1))
            for row, kernel in places
        ]
        canvas.boxes(corners, facecolors=colour, edgecolors="#bbbbbb", linewidths=0.3)
    for kernel, head in enumerate(heads):
        canvas.upwards(left + cell * (kernel + 0.5), top - 0.05, head)
        if below:
            canvas.upwards(left + cell * (kernel + 0.5), bottom + 0.05 + text_width(len(head)), head)
    if canvas.fit(_ROW):
        for row, name in enumerate(labels):
            middle = top + _ROW * (row + 0.5)
            canvas.text(0, middle, name)
            for kernel, shown in enumerate(texts[row]):
                canvas.text(left + cell * (kernel + 0.5), middle, shown, align="middle")
        if more:
            canvas.text(0, bottom + below + _ROW, f"and {more:,} more rows")
    return canvas.finish()
