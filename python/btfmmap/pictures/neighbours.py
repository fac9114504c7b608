"""The types that a type refers to, and those that refer to it."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import NotSupportedError
from ..optional import optional
from ..roles import Role
from ..types import Type
from .canvas import Canvas, label, text_width

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

    from ..btf import Btf

_MOST = 60
_LETTERS = 32
_SECONDS = 60
_LINE = 0.16
_HEAD = 0.11  # length of an arrowhead in inches
_EDGE = "#777777"


class Neighbourhood(NamedTuple):
    """Types around a type.

    Attributes:
        ids: Their type IDs, the type itself first: `uint32[nodes]`.
        names: The kind and name of each, in C.
        source: Index of the type that refers: `uint32[edges]`.
        target: Index of the type that is referred to: `uint32[edges]`.
        role: The `Role` of each reference: `uint8[edges]`.
        omitted: Number of types that were left out.

    Example:
        >>> found = btfmmap.pictures.neighbourhood_data(btf, "list")
        >>> found.names
        ['struct list', 'struct list *', 'struct flow']
    """

    ids: npt.NDArray[np.uint32]
    names: list[str]
    source: npt.NDArray[np.uint32]
    target: npt.NDArray[np.uint32]
    role: npt.NDArray[np.uint8]
    omitted: int


def neighbourhood_data(
    btf: Btf, root: Type | str | int, *, depth: int = 1, most: int = _MOST
) -> Neighbourhood:
    """Return the types within a number of references of a type, in both directions.

    Args:
        btf: The BTF.
        root: The type, its name or ID.
        depth: Number of references.
        most: Number of types to return; the nearest are.

    Returns:
        The types, by distance, and all references between them.

    Raises:
        NotFoundError: There is no such type.
        ValueError: `depth` or `most` is negative.

    Example:
        >>> found = btfmmap.pictures.neighbourhood_data(btf, "list")
        >>> found.source.tolist(), found.target.tolist()
        ([0, 0, 1, 2], [1, 1, 0, 0])
    """
    if depth < 0 or most < 1:
        raise ValueError(f"depth is {depth} and most is {most}; they must not be negative, and most not 0")
    start = root.id if isinstance(root, Type) else btf[root].id
    directions = btf.graph, btf.graph.reverse
    edges = [(graph.indptr, graph.indices) for graph in directions]
    found = {start: 0}
    omitted: set[int] = set()
    frontier = [start]
    for _ in range(depth):
        following: list[int] = []
        for node in frontier:
            for indptr, indices in edges:
                first, after = int(indptr[node]), int(indptr[node + 1])
                for other in indices[first:after].tolist():
                    if other == 0 or other in found:  # void is next to everything
                        continue
                    if len(found) < most:
                        found[other] = len(found)
                        following.append(other)
                    else:
                        omitted.add(other)
        frontier = following
    graph = directions[0]
    indptr, indices, roles = graph.indptr, graph.indices, graph.role
    rows: list[tuple[int, int, int]] = []
    for node, number in found.items():
        for edge in range(int(indptr[node]), int(indptr[node + 1])):
            if (target := found.get(int(indices[edge]))) is not None:
                rows.append((number, target, int(roles[edge])))
    columns = np.array(rows, np.uint32).reshape(len(rows), 3)
    ids = [*found]
    return Neighbourhood(
        np.array(ids, np.uint32),
        [_name(btf, type_id) for type_id in ids],
        columns[:, 0],
        columns[:, 1],
        columns[:, 2].astype(np.uint8),
        len(omitted),
    )


def neighbourhood_dot(btf: Btf, root: Type | str | int, *, depth: int = 1, most: int = _MOST) -> str:
    """Return the types around a type as a graph in DOT, the language of graphviz.

    Args:
        btf: The BTF.
        root: The type, its name or ID.
        depth: Number of references.
        most: Number of types; the nearest are returned.

    Returns:
        The text. References between the same types are one edge, with their roles.

    Raises:
        NotFoundError: There is no such type.
        ValueError: `depth` or `most` is negative.

    Example:
        >>> print(btfmmap.pictures.neighbourhood_dot(btf, "enum limit", depth=0))
        digraph types {
        rankdir=LR; node [shape=box, height=0.3, fontname="DejaVu Sans Mono", fontsize=10]; edge [fontsize=8];
        0 [label="enum limit", penwidth=2];
        }
        <BLANKLINE>
    """
    return _dot(neighbourhood_data(btf, root, depth=depth, most=most))


def neighbourhood(
    btf: Btf,
    root: Type | str | int,
    *,
    depth: int = 1,
    most: int = _MOST,
    ax: Axes | None = None,
) -> Axes:
    """Draw the types around a type, as graphviz places them.

    Args:
        btf: The BTF.
        root: The type, its name or ID.
        depth: Number of references.
        most: Number of types; the nearest are drawn.
        ax: The axes to draw into; by default new ones.

    Returns:
        The axes.

    Raises:
        NotFoundError: There is no such type.
        NotSupportedError: matplotlib or graphviz is not installed, or graphviz failed.
        ValueError: `depth` or `most` is negative.
    """
    data = neighbourhood_data(btf, root, depth=depth, most=most)
    placed = _placed(_dot(data))
    height = placed.height
    canvas = Canvas(ax, placed.width, height + _LINE)
    _draw_edges(canvas, placed)
    corners = [
        (x - wide / 2, height - y - high / 2, x + wide / 2, height - y + high / 2)
        for _, x, y, wide, high in placed.nodes
    ]
    canvas.boxes(
        corners,
        facecolors=["#eeeeee" if number else "#9ad0f2" for number, *_ in placed.nodes],
        linewidths=[0.6 if number else 1.6 for number, *_ in placed.nodes],
        zorder=2,
    )
    for number, x, y, _, _ in placed.nodes:
        if canvas.fit(_LINE):
            canvas.text(x, height - y, label(data.names[number], _LETTERS), align="middle")
    if data.omitted and canvas.fit(_LINE):
        canvas.text(0, height + _LINE / 2, f"{data.omitted:,} more types are left out")
    return canvas.finish()  # type: ignore[no-any-return]


def _draw_edges(canvas: Canvas, placed: _Placed) -> None:
    """Draw the edges, which are Bezier curves, with arrowheads and labels."""
    collections = optional("matplotlib.collections", "plot")
    paths = optional("matplotlib.path", "plot")
    curves, heads, grounds = [], [], []
    for edge in placed.edges:
        points = np.array(edge.points) * (1, -1) + (0, placed.height)
        codes = [paths.Path.MOVETO, *[paths.Path.CURVE4] * (len(points) - 1)]
        curves.append(paths.Path(points, codes))
        tip = points[-1]
        before = next((each for each in points[-2::-1] if not np.allclose(each, tip)), tip + np.array((1, 0)))
        along = (tip - before) / np.hypot(*(tip - before)) * _HEAD
        across = along[::-1] * (-0.35, 0.35)
        heads.append((tip, tip - along + across, tip - along - across))
        if edge.text and canvas.fit(_LINE * 0.8):
            x, y, half = edge.x, placed.height - edge.y, text_width(len(edge.text)) / 2
            grounds.append((x - half, y - 0.06, x + half, y + 0.06))
            canvas.text(x, y, edge.text, align="middle")
    for made in (
        collections.PathCollection(curves, facecolors="none", edgecolors=_EDGE, linewidths=0.7, zorder=1),
        collections.PolyCollection(heads, facecolors=_EDGE, linewidths=0, zorder=2),
    ):
        made.set_clip_on(False)
        canvas.ax.add_collection(made, autolim=False)
    canvas.boxes(grounds, facecolors="white", linewidths=0, alpha=0.85, zorder=3)


def _name(btf: Btf, type_id: int) -> str:
    found = btf[type_id]
    if found.kind.name in ("FUNC", "VAR", "DATASEC", "DECL_TAG"):
        return f"{found.kind.name.lower()} {found.name}"
    return found.c_name


def _dot(data: Neighbourhood) -> str:
    lines = [
        "digraph types {",
        'rankdir=LR; node [shape=box, height=0.3, fontname="DejaVu Sans Mono", fontsize=10]; '
        "edge [fontsize=8];",
    ]
    for number, name in enumerate(data.names):
        bold = ", penwidth=2" if number == 0 else ""
        lines.append(f'{number} [label="{_quoted(name)}"{bold}];')
    roles: dict[tuple[int, int], dict[str, int]] = {}
    words = [role.name.lower().replace("_", " ") for role in Role]
    for source, target, role in zip(
        data.source.tolist(), data.target.tolist(), data.role.tolist(), strict=True
    ):
        counts = roles.setdefault((source, target), {})
        counts[words[role]] = counts.get(words[role], 0) + 1
    for (source, target), counts in roles.items():
        text = ", ".join(f"{word} ({count})" if count > 1 else word for word, count in counts.items())
        lines.append(f'{source} -> {target} [label="{text}"];')
    return "\n".join([*lines, "}", ""])


def _quoted(name: str) -> str:
    return label(name, _LETTERS).replace("\\", "\\\\").replace('"', '\\"')


class _Edge(NamedTuple):
    """The control points of an edge, and its label with the middle of that."""

    points: list[tuple[float, float]]
    text: str
    x: float
    y: float


class _Placed(NamedTuple):
    """What graphviz makes of a graph, in inches: nodes with their number, middle, width and height."""

    width: float
    height: float
    nodes: list[tuple[int, float, float, float, float]]
    edges: list[_Edge]


def _placed(dot: str) -> _Placed:
    program = shutil.which("dot")
    if program is None:
        raise NotSupportedError(
            "needs the program dot of graphviz; neighbourhood_dot returns the graph as text"
        )
    # With its arrowheads, edges would end before the nodes.
    command = [program, "-Tplain", "-Earrowhead=none"]
    try:
        done = subprocess.run(
            command, input=dot, capture_output=True, text=True, check=True, timeout=_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NotSupportedError(f"graphviz failed: {error}") from error
    width, height = 1.0, 1.0
    nodes: list[tuple[int, float, float, float, float]] = []
    edges: list[_Edge] = []
    for line in done.stdout.splitlines():
        words = line.split(" ")
        if words[0] == "graph":
            width, height = float(words[2]), float(words[3])
        elif words[0] == "node":
            x, y, wide, high = map(float, words[2:6])
            nodes.append((int(words[1]), x, y, wide, high))
        elif words[0] == "edge":
            count = int(words[3])
            numbers = [*map(float, words[4 : 4 + 2 * count])]
            points = [*zip(numbers[::2], numbers[1::2], strict=True)]
            *text, x_, y_ = words[4 + 2 * count : -2] or ("", "0", "0")
            edges.append(_Edge(points, " ".join(text).strip('"'), float(x_), float(y_)))
    return _Placed(width, height, nodes, edges)
