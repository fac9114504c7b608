"""Axes to draw into, and labels that fit."""

from __future__ import annotations

import sys

from ..html.text import printable
from ..optional import optional
from .lettering import ADVANCE, FAMILY, Lettering
from .palette import TEXT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

FONT = 7.0
"""Size of labels in points."""
MARGIN = 0.3
"""Around a picture, in inches."""
_LINE = 1.25  # height of a line, over the size of the font
_LEADING = 1.1  # between the lines of a label
_LEAST_FONT = 3.0
_POINTS = 72
_MAX_INCHES = 300.0  # what a renderer can draw


class Canvas:
    """Axes whose unit is an inch: that of a figure of its own, or scaled to the axes that were given.

    Attributes:
        ax: The axes.
        font: The size of labels in points.
    """

    def __init__(self, ax: Any, width: float, height: float) -> None:
        if ax is None:
            whole_width, whole_height = (min(side, _MAX_INCHES) + 2 * MARGIN for side in (width, height))
            sides = 1 - 2 * MARGIN / whole_width, 1 - 2 * MARGIN / whole_height
            ax = new_axes(whole_width, whole_height, (MARGIN / whole_width, MARGIN / whole_height, *sides))
        self.ax: Any = ax
        ax.set_axis_off()
        ax.set_xlim(0, width)
        ax.set_ylim(height, 0)
        box = ax.get_window_extent()
        self._across: float = box.width / ax.figure.dpi / width
        self._down: float = box.height / ax.figure.dpi / height
        self._largest = FONT * min(1.0, self._across)  # so that no text is wider than in a figure of its own
        self.font: float = self._largest
        self._plain, self._bold = Lettering(), Lettering()

    def letters(self, width: float) -> int:
        """Return how many letters fit into a width."""
        return letters_in(width * self._across, self.font)

    def lines(self, height: float) -> int:
        """Return how many lines fit into a height."""
        return lines_in(height * self._down, self.font)

    def fit(self, height: float) -> bool:
        """Make the font as small as a line of this height needs. Return false if none is small enough."""
        self.font = min(self._largest, height * self._down * _POINTS / _LINE)
        return self.font >= _LEAST_FONT

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        align: Literal["left", "middle", "right"] = "left",
        bold: bool = False,
    ) -> None:
        """Write text, of one or more lines, with its middle at `y`. It is drawn by `finish`."""
        across, down = (self.font / _POINTS / scale for scale in (self._across, self._down))
        lettering = self._bold if bold else self._plain
        lines = text.split("\n")
        for number, line in enumerate(lines):
            width = len(line) * ADVANCE * across
            left = x - {"left": 0.0, "middle": width / 2, "right": width}[align]
            middle = y + (number - (len(lines) - 1) / 2) * _LEADING * down
            lettering.add(left, middle, line, (across, down), self.font)

    def upwards(self, x: float, y: float, text: str) -> None:
        """Write text that runs upwards, with its lower end at `y` and its middle at `x`."""
        self.ax.text(
            x,
            y,
            text,
            rotation=90,
            rotation_mode="anchor",
            va="center",
            fontsize=self.font,
            family=FAMILY,
            parse_math=False,
            clip_on=False,
        )

    def finish(self) -> Any:
        """Draw the texts, and return the axes."""
        self._plain.add_to(self.ax, TEXT, 0.0)
        self._bold.add_to(self.ax, TEXT, 0.5)
        return self.ax

    def boxes(self, corners: list[tuple[float, float, float, float]], **options: Any) -> None:
        """Draw rectangles: left, top, right and bottom of each."""
        collections = optional("matplotlib.collections", "plot")
        made = [((x0, y0), (x1, y0), (x1, y1), (x0, y1)) for x0, y0, x1, y1 in corners]
        self.ax.add_collection(
            collections.PolyCollection(
                made, **({"edgecolors": TEXT, "linewidths": 0.5, "clip_on": False} | options)
            ),
            autolim=False,
        )


def new_axes(width: float, height: float, box: tuple[float, float, float, float]) -> Any:
    """Return axes of a new figure: one of pyplot's if that has been imported, as it then is what shows them.

    Args:
        width: Of the figure, in inches.
        height: Of the figure.
        box: Where the axes are: left, bottom, width and height, as parts of the figure.
    """
    figures = optional("matplotlib.figure", "plot")
    pyplot = sys.modules.get("matplotlib.pyplot")
    make = figures.Figure if pyplot is None else pyplot.figure
    return make(figsize=(width, height)).add_axes(box)


def label(text: str, limit: int = 60) -> str:
    """Return a text of ASCII letters: fonts lack others, and some change the direction of text."""
    return printable(text, limit).encode("ascii", "backslashreplace").decode()


def letters_in(width: float, font: float = FONT) -> int:
    """Return how many letters of a label fit into a width in inches."""
    return max(0, int((width - 0.05) * _POINTS / (font * ADVANCE)))


def lines_in(height: float, font: float = FONT) -> int:
    """Return how many lines fit into a height in inches."""
    return int(height * _POINTS / (font * _LINE))


def text_width(letters: int) -> float:
    """Return the width of a text in inches."""
    return letters * FONT * ADVANCE / _POINTS
