"""Text as outlines of letters: thousands of labels take as long as a few dozen texts of matplotlib do."""

from __future__ import annotations

from ..optional import optional

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

FAMILY = "DejaVu Sans Mono"  # comes with matplotlib
ADVANCE = 0.602
"""The width of a letter of that font, over its size."""
_HEIGHT = 0.73  # of a capital letter
_UNITS = 100  # size of the outlines


class Lettering:
    """Collects texts of ASCII letters, and makes one path of them."""

    def __init__(self) -> None:
        manager = optional("matplotlib.font_manager", "plot")
        self._font: Any = manager.get_font(manager.findfont(manager.FontProperties(family=FAMILY)))
        self._glyphs: dict[str, tuple[Any, Any]] = {}
        self._letters: list[str] = []
        self._places: list[tuple[float, float, float, float]] = []

    def add(self, x: float, y: float, text: str, size: tuple[float, float]) -> None:
        """Add a text.

        Args:
            x: Its left end.
            y: Its middle; y rises downwards.
            text: The text.
            size: The size of the font, in the units of x and of y.
        """
        across, down = size
        baseline = y + down * _HEIGHT / 2
        for number, letter in enumerate(text):
            if letter != " ":
                self._letters.append(letter)
                self._places.append((x + number * ADVANCE * across, baseline, across, -down))

    def path(self) -> Any:
        """Return all texts as one `matplotlib.path.Path`, or None if there are none."""
        import numpy as np

        if not self._letters:
            return None
        paths = optional("matplotlib.path", "plot")
        glyphs = [*map(self._glyph, self._letters)]
        places = np.repeat(np.array(self._places), [len(codes) for _, codes in glyphs], axis=0)
        vertices = np.concatenate([vertices for vertices, _ in glyphs])
        return paths.Path(
            vertices * places[:, 2:] + places[:, :2], np.concatenate([each for _, each in glyphs])
        )

    def _glyph(self, letter: str) -> tuple[Any, Any]:
        found = self._glyphs.get(letter)
        if found is None:
            self._font.set_size(_UNITS, 72)
            self._font.load_char(ord(letter))
            vertices, codes = self._font.get_path()
            found = self._glyphs[letter] = vertices / _UNITS, codes
        return found
