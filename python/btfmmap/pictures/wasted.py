"""Sizes of structs, and what they waste."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..tables import Table
from .canvas import FONT, label, new_axes
from .lettering import FAMILY
from .palette import BAD, TEXT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..btf import Btf
    from ..tables import U32, Text

_NAMED = 20
_LETTERS = 40
_NAMES = 1.04  # where they start, in widths of the axes


class Wasted(Table):
    """The sizes of structs and unions, and the bytes that they waste."""

    id: U32
    """Type ID."""
    name: Text
    """The name; empty if it has none."""
    size: U32
    """Size in bytes."""
    waste: U32
    """Bytes in holes and padding."""


def waste_data(btf: Btf) -> Wasted:
    """Return the sizes of all structs and unions, and the bytes that they waste.

    Args:
        btf: The BTF.

    Returns:
        A row for each struct and union, those that waste most first.

    Example:
        >>> data = btfmmap.pictures.waste_data(btf)
        >>> data.name.tolist()[0], data[0]["size"], data[0]["waste"]
        ('flow', 112, 5)
    """
    layouts = btf.layouts
    waste = layouts.hole_bytes + layouts.padding
    order = np.argsort(waste, kind="stable")[::-1]
    ids = layouts.id[order]
    made: Wasted = Wasted.of(
        {"id": ids, "name": btf.names(ids.tolist()), "size": layouts.size[order], "waste": waste[order]}
    )
    return made


def waste(btf: Btf, *, ax: Axes | None = None) -> Axes:
    """Draw the size of each struct and union over the bytes that it wastes, both on logarithmic scales.

    The 20 that waste most are named beside the picture, each with its rank, waste and size.

    Args:
        btf: The BTF.
        ax: The axes to draw into; by default new ones.

    Returns:
        The axes.

    Raises:
        NotSupportedError: matplotlib is not installed.

    Example:
        >>> ax = btfmmap.pictures.waste(btf)
    """
    data = waste_data(btf)
    if ax is None:
        ax = new_axes(11, 6.5, (0.08, 0.1, 0.58, 0.84))
    shown = (data.size > 0) & (data.waste > 0)
    sizes, wastes = data.size[shown].astype(float), data.waste[shown].astype(float)
    ax.scatter(sizes, wastes, s=9, facecolors="none", edgecolors="#0b3c5d", linewidths=0.6)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("size in bytes")
    ax.set_ylabel("bytes in holes and padding")
    ax.set_title(
        f"{len(sizes):,} of {len(data):,} structs and unions waste bytes", loc="left", fontsize=FONT + 3
    )
    places: dict[tuple[float, float], list[int]] = {}
    for number in range(min(_NAMED, len(sizes))):
        places.setdefault((sizes[number], wastes[number]), []).append(number)
    ax.scatter(
        [size for size, _ in places],
        [wasted for _, wasted in places],
        s=26,
        facecolors=BAD,
        edgecolors=TEXT,
        linewidths=0.6,
    )
    names = data.name[shown].tolist()
    wide = [max((len(f"{int(each[axis]):,}") for each in places), default=0) for axis in (0, 1)]
    lines = 1 - (np.arange(len(places)) + 0.5) / (_NAMED + 1)
    for at, ((size, wasted), numbers) in zip(
        _uncrossed(ax, [*places], lines.tolist()), places.items(), strict=True
    ):
        shown_names = ", ".join(label(names[number] or "(anon)", _LETTERS) for number in numbers)
        ax.annotate(
            f"{numbers[0] + 1:>2}. {int(wasted):>{wide[1]},} of {int(size):<{wide[0]},} "
            f"{label(shown_names, _LETTERS)}",
            (size, wasted),
            (_NAMES, at),
            textcoords="axes fraction",
            va="center",
            arrowprops={"arrowstyle": "-", "color": "#888888", "linewidth": 0.5, "relpos": (0, 0.5)},
            annotation_clip=False,
            fontsize=FONT,
            family=FAMILY,
            parse_math=False,
        )
    return ax


def _uncrossed(ax: Any, places: list[tuple[float, float]], lines: list[float]) -> list[float]:
    """Return which line of the list each place has, so that the connections do not cross.

    Of two that cross, exchanging the ends makes the sum of the lengths smaller, so this ends.
    """
    points = ax.transAxes.inverted().transform(ax.transData.transform(places)).tolist() if places else []
    found = [*lines]
    exchanged = True
    while exchanged:
        exchanged = False
        for one, (x1, y1) in enumerate(points):
            for two, (x2, y2) in enumerate(points[:one]):
                ends = found[one], found[two]
                lengths = [
                    np.hypot(_NAMES - x1, first - y1) + np.hypot(_NAMES - x2, second - y2)
                    for first, second in (ends, ends[::-1])
                ]
                if lengths[1] < lengths[0] - 1e-9:
                    found[one], found[two] = ends[::-1]
                    exchanged = True
    return found
