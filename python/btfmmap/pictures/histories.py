"""When definitions appear, change and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .canvas import Canvas, label, text_width
from .kernel_matrix import KernelMatrix, draw_matrix

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

    from ..diffing.result import DiffResult

_ABSENT, _SAME, _CHANGED = range(3)
_COLOURS = ("#ffffff", "#a5d8f3", "#0b3c5d")  # they differ in lightness most of all
_KEY = ("absent", "as in the kernel before", "new or changed")
_LABELLED = 100  # rows that have labels
_HEIGHT = 9.0
_COLUMN = 0.6
_BAND = 0.16


def appearances_data(result: DiffResult, kind: str | None = None) -> KernelMatrix:
    """Return in which kernels each definition is, and where it changed, by first appearance.

    Args:
        result: The result of `diff`.
        kind: The name of an `EntityKind`, such as "struct"; None for all.

    Returns:
        A row for each selected entity, those that the first kernel has first. The values are 0 for absent,
        1 for the version of the kernel before, and 2 for a version that is new there:
        `uint8[entities, kernels]`. A kernel that did not open has nothing. The kernels are in the order of
        `DiffResult.order`, and those before are its `neighbours`.

    Raises:
        ValueError: There is no such kind.

    Example:
        >>> result = btfmmap.diff({"old": btf, "new": btf})
        >>> data = btfmmap.pictures.appearances_data(result, "struct")
        >>> data.labels, data.values.tolist()
        (['struct flow', 'struct list'], [[2, 1], [2, 1]])
    """
    rows = result.match("*", kind)
    selected = result.entities.selected
    rows = [row for row in rows if selected[row]]
    presence = result.presence[rows]
    states = np.where(presence < 0, _ABSENT, _CHANGED).astype(np.uint8)
    for old, new in result.neighbours:
        own = presence[:, new]
        states[(own >= 0) & (own == presence[:, old]), new] = _SAME
    columns = result.order
    states = states[:, columns]
    first = np.where((states > 0).any(axis=1), (states > 0).argmax(axis=1), states.shape[1])
    # Rows with equal states lie beside each other.
    order = np.lexsort(
        (*(-states[:, kernel].astype(np.int8) for kernel in range(states.shape[1] - 1, -1, -1)), first)
    )
    names = [result.name(rows[row]) for row in order.tolist()]
    return KernelMatrix(
        [f"{kind.name.lower()} {name}" for kind, name in names],
        [result.kernel_labels[kernel] for kernel in columns],
        states[order],
        ("absent", "same", "new"),
    )


def appearances(result: DiffResult, kind: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw in which kernels definitions are, and where they changed, by first appearance.

    Up to 100 definitions have a row with a label each. More are drawn to scale, in groups of those that
    appear in the same kernel, with their number.

    Args:
        result: The result of `diff`.
        kind: The name of an `EntityKind`, such as "struct"; None for all.
        ax: The axes to draw into; by default new ones.

    Returns:
        The axes.

    Raises:
        NotSupportedError: matplotlib is not installed.
        ValueError: There is no such kind.

    Example:
        >>> ax = btfmmap.pictures.appearances(btfmmap.diff({"old": btf, "new": btf}))
    """
    data = appearances_data(result, kind)
    values = data.values
    if len(values) > _LABELLED:
        return _draw_groups(ax, data)  # type: ignore[no-any-return]
    signs = "-=+"
    colours = [
        (colour, f"{sign} {word}")
        for colour, sign, word in zip(("#ffffff", "#a5d8f3", "#f5e27a"), signs, _KEY, strict=True)
    ]
    return draw_matrix(  # type: ignore[no-any-return]
        ax, data, values, colours, lambda row, kernel: signs[values[row, kernel]]
    )


def _draw_groups(ax: Any, data: KernelMatrix) -> Any:
    values = data.values
    kernels = values.shape[1]
    heads = [label(name, 48) for name in data.kernels]
    groups = _groups(values)
    texts = [f"{count:,} since {heads[kernel]}" for kernel, _, count in groups]
    left = text_width(max(map(len, texts))) + 0.3
    top = text_width(max(map(len, heads))) + 0.4
    width = max(left + _COLUMN * kernels, sum(0.5 + text_width(len(word)) for word in _KEY))
    canvas = Canvas(ax, width, top + _HEIGHT)
    at = 0.0
    for colour, word in zip(_COLOURS, _KEY, strict=True):
        canvas.boxes([(at, 0, at + 0.18, 0.15)], facecolors=colour)
        canvas.text(at + 0.23, 0.075, word)
        at += 0.5 + text_width(len(word))
    scale = _HEIGHT / len(values)
    places: list[list[tuple[float, float, float, float]]] = [[], [], []]
    for kernel in range(kernels):
        column = values[:, kernel]
        ends = [*(np.flatnonzero(np.diff(column)) + 1).tolist(), len(column)]
        start = 0
        for end in ends:
            x = left + _COLUMN * kernel
            places[int(column[start])].append((x, top + start * scale, x + _COLUMN * 0.92, top + end * scale))
            start = end
    for colour, corners in zip(_COLOURS, places, strict=True):
        canvas.boxes(corners, facecolors=colour, linewidths=0)
    free = top  # where the next label may be
    for text, (_, start, count) in zip(texts, groups, strict=True):
        middle = max(top + (start + count / 2) * scale, free + _BAND / 2)
        free = middle + _BAND / 2
        canvas.text(left - 0.25, middle, text, align="right")
        edge = top + start * scale
        canvas.ax.plot(
            (left - 0.22, left - 0.04), (middle, edge + count * scale / 2), color="#666666", linewidth=0.5
        )
        canvas.ax.plot((left - 0.04, left + _COLUMN * kernels), (edge, edge), color="#666666", linewidth=0.4)
    for kernel, head in enumerate(heads):
        canvas.upwards(left + _COLUMN * (kernel + 0.45), top - 0.06, head)
    return canvas.finish()


def _groups(values: npt.NDArray[Any]) -> list[tuple[int, int, int]]:
    """Return for each kernel in which definitions appear its number, the first row and the number of rows."""
    first = (values > 0).argmax(axis=1)
    kernels, starts, counts = np.unique(first, return_index=True, return_counts=True)
    return [*zip(kernels.tolist(), starts.tolist(), counts.tolist(), strict=True)]
