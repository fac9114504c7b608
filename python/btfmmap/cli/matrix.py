"""Text tables with a column per kernel, as wide as the terminal allows."""

from __future__ import annotations

import os
import sys

from .common import printable
from .side_by_side import side_by_side

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Row = tuple[str, Sequence[str]]

_WIDTH = 80  # of output that is not a terminal
_GAP = 2
_MIN_LABEL = 16
_OUTLIER = 3  # times the median length of the labels
_SEPARATORS = " /."


def output_width() -> int:
    """The width of standard output: that of `COLUMNS`, or of the terminal, or 80."""
    try:
        columns = int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        columns = 0
    if columns > 0:
        return columns
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or _WIDTH
    except (OSError, ValueError):
        return _WIDTH


class Matrix:
    """Rows of words, with a column per kernel.

    If the names of the kernels do not fit, columns have numbers. If the words do not fit either, they become
    letters. `legend` and `letters` explain them. If letters do not fit, there are several blocks of columns.
    """

    def __init__(self, kernels: Sequence[str], width: int) -> None:
        self._kernels = [printable(name) for name in kernels]
        self._width = width
        self._letters: Mapping[str, str] = {}
        self._words: set[str] = set()  # that were printed
        self.is_numbered: bool = False

    def lines(
        self, rows: Sequence[Row], letters: Mapping[str, str], *, numeric: bool = False
    ) -> Iterator[str]:
        """Yield the lines. `letters` has the letter for each word; numbers are aligned to the right."""
        labels = [printable(label) for label, _ in rows]
        cells = [[*words] for _, words in rows]
        self._words.update(*cells)
        lengths = sorted(map(len, labels)) or [0]
        # A few very long labels are folded: they would pad all rows.
        longest = min(lengths[-1], max(_OUTLIER * lengths[(len(lengths) - 1) // 2], _MIN_LABEL))
        room = self._width - longest
        word = max((len(each) for row in cells for each in row), default=0)
        heads, gap = self._kernels, _GAP
        if self.is_numbered or sum(max(len(head), word) + gap for head in heads) > room:
            self.is_numbered = True
            heads = [str(number) for number in range(1, len(heads) + 1)]
            if (max(word, len(heads[-1])) + gap) * len(heads) > room:
                gap = 1
                self._letters = letters
                cells = [[letters.get(each, each) for each in row] for row in cells]
        widths = [max(map(len, (head, *column))) for head, *column in zip(heads, *cells, strict=True)]
        wanted = max(self._width - sum(widths) - gap * len(widths), self._width // 2, _MIN_LABEL)
        label = min(longest, wanted)
        for start, end in _blocks(widths, gap, self._width - label):
            yield _line("", heads[start:end], widths[start:end], label, gap, numeric)
            for name, row in zip(labels, cells, strict=True):
                first, *rest = _folded(name, label)
                yield _line(first, row[start:end], widths[start:end], label, gap, numeric)
                yield from rest

    def letters(self) -> Iterator[str]:
        """Yield the lines that explain the letters that were printed; none if there are none."""
        line = ""
        for word, letter in self._letters.items():
            if word not in self._words:
                continue
            longer = f"{line}   {letter} {word}" if line else f"{letter} {word}"
            if line and len(longer) > self._width:
                yield line
                longer = f"{letter} {word}"
            line = longer
        if line:
            yield line

    def legend(self) -> Iterator[str]:
        """Yield the lines that explain the numbers of columns: names side by side, each unbroken."""
        if self.is_numbered:
            digits = len(str(len(self._kernels)))
            numbered = [f"{number:{digits}}  {name}" for number, name in enumerate(self._kernels, 1)]
            yield from side_by_side(numbered, self._width)

    def names(self, kernels: Sequence[int]) -> str:
        """The names of some kernels, as a reader of the table knows them."""
        if len(kernels) == len(self._kernels) > 2:
            return f"all {len(kernels)} kernels"
        if not self.is_numbered:
            return ", ".join(self._kernels[kernel] for kernel in kernels)
        return f"kernel{'s' * (len(kernels) != 1)} {', '.join(_ranges(kernels))}"


def _blocks(widths: Sequence[int], gap: int, room: int) -> Iterator[tuple[int, int]]:
    start, used = 0, 0
    for number, width in enumerate(widths):
        if number > start and used + gap + width > room:
            yield start, number
            start, used = number, 0
        used += gap + width
    if start < len(widths):
        yield start, len(widths)


def _line(
    label: str, cells: Sequence[str], widths: Sequence[int], label_width: int, gap: int, numeric: bool
) -> str:
    padded = (
        " " * gap + (cell.rjust(width) if numeric else cell.ljust(width))
        for cell, width in zip(cells, widths, strict=True)
    )
    return (label.ljust(label_width) + "".join(padded)).rstrip()


def _folded(text: str, width: int) -> list[str]:
    """The lines of a label of at most that width, folded after a character that separates its parts."""
    lines: list[str] = []
    indent = " " * (len(text) - len(text.lstrip()) + _GAP)
    while len(text) > width:
        start = len(indent) if lines else 0
        ends = (text.rfind(separator, start + width // 3, width) + 1 for separator in _SEPARATORS)
        end = max(ends) or width
        lines.append(text[:end].rstrip())
        text = indent + text[end:].lstrip()
    return [*lines, text]


def _ranges(kernels: Sequence[int]) -> Iterator[str]:
    """The numbers of columns, from 1, as "1", "3-5"."""
    start = end = kernels[0]
    for kernel in (*kernels[1:], -1):
        if kernel == end + 1:
            end = kernel
            continue
        yield f"{start + 1}" if start == end else f"{start + 1}-{end + 1}"
        start = end = kernel
