"""Labels that are drawn together: thousands of them take as long as a few dozen texts of matplotlib do."""

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
    """Collects texts of ASCII letters, and draws them as one artist."""

    def __init__(self) -> None:
        self._texts: list[tuple[float, float, str, tuple[float, float], float]] = []
        self._path: Any = None

    def add(self, x: float, y: float, text: str, size: tuple[float, float], points: float) -> None:
        """Add a text.

        Args:
            x: Its left end.
            y: Its middle; y rises downwards.
            text: The text.
            size: The size of the font, in the units of x and of y.
            points: The size of the font in points.
        """
        self._texts.append((x, y + size[1] * _HEIGHT / 2, text, size, points))

    def add_to(self, ax: Any, colour: str, line: float) -> None:
        """Add an artist with the texts to axes, whose letters have outlines of a width in points."""
        if not self._texts:
            return
        artists = optional("matplotlib.artist", "plot")
        lettering = self

        class Letters(artists.Artist):  # type: ignore[misc, name-defined]
            def draw(self, renderer: Any) -> None:
                context = renderer.new_gc()
                context.set_foreground(colour)
                context.set_linewidth(renderer.points_to_pixels(line))
                if hasattr(renderer, "basename"):  # SVG, which has an element for text
                    lettering.draw_texts(renderer, context, ax)
                else:
                    renderer.draw_path(context, lettering.path(), ax.transData, context.get_rgb())
                context.restore()

        made = Letters()
        made.set_zorder(4)
        ax.add_artist(made)
        made.set_clip_on(False)

    def draw_texts(self, renderer: Any, context: Any, ax: Any) -> None:
        """Draw each text separately."""
        manager = optional("matplotlib.font_manager", "plot")
        _, height = renderer.get_canvas_width_height()
        places = ax.transData.transform([(x, y) for x, y, _, _, _ in self._texts]).tolist()
        for (x, y), (_, _, text, _, points) in zip(places, self._texts, strict=True):
            properties = manager.FontProperties(family=FAMILY, size=points)
            renderer.draw_text(context, x, height - y, text, properties, 0)

    def path(self) -> Any:
        """Return the outlines of all texts as one `matplotlib.path.Path`."""
        if self._path is None:
            import numpy as np

            glyphs = _Glyphs()
            outlines, places = [], []
            for x, baseline, text, (across, down), _ in self._texts:
                for number, letter in enumerate(text):
                    if letter != " ":
                        outlines.append(glyphs[letter])
                        places.append((x + number * ADVANCE * across, baseline, across, -down))
            counts = [len(codes) for _, codes in outlines]
            moved = np.repeat(np.array(places), counts, axis=0)
            vertices = np.concatenate([vertices for vertices, _ in outlines]) * moved[:, 2:] + moved[:, :2]
            codes = np.concatenate([codes for _, codes in outlines])
            self._path = optional("matplotlib.path", "plot").Path(vertices, codes)
        return self._path


class _Glyphs(dict[str, "tuple[Any, Any]"]):
    """The outlines of letters: vertices and codes."""

    def __missing__(self, letter: str) -> tuple[Any, Any]:
        manager = optional("matplotlib.font_manager", "plot")
        font = manager.get_font(manager.findfont(manager.FontProperties(family=FAMILY)))
        font.set_size(_UNITS, 72)
        font.load_char(ord(letter))
        vertices, codes = font.get_path()
        found = self[letter] = vertices / _UNITS, codes
        return found
