"""The bytes of one or more structs."""

from __future__ import annotations

from ..struct_layout import StructLayout
from ..tables import Table
from .byte_map import HOLE, LETTERS, LINE_BYTES, PADDING, byte_map, extent, in_lines, short_bits
from .canvas import Canvas, label, text_width
from .palette import HATCH, OF_CATEGORIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from matplotlib.axes import Axes

    from ..struct_layout import LayoutMember
    from ..tables import I64, U32, Text
    from .byte_map import Box, ByteMap, Row

_ONE = 16.0  # width of a single struct in inches
_SEVERAL = 8.0
_LANE = 0.3  # height of a row
_HALF_LANE = 0.19  # of each of several lanes
_GAP = 0.3  # between structs
_KEY = 0.3
_HATCHES = {HOLE: "////", PADDING: "xxxx"}
_CHANGED = "*"
_NEW = "+"


class StructBoxes(Table):
    """The members, holes and padding of a struct, by position."""

    member: I64
    """Index in `StructLayout.members`. Holes and padding have -1, -2, ... by position."""
    name: Text
    """The name of the member; empty for holes and padding."""
    category: Text
    """ "pointer", "integer", "float", "enum", "struct", "union", "array", "other", "hole" or "padding"."""
    start: I64
    """First bit, counted from the start of the struct."""
    end: I64
    """The bit after the last one."""
    group: I64
    """What shares bytes, directly or through others, has the same number."""
    lane: U32
    """Which of the lanes of its group it takes."""


def struct_map_data(layout: StructLayout) -> StructBoxes:
    """Return what the map of a struct shows.

    Args:
        layout: The layout, from `Btf.layout`.

    Returns:
        A row for each member with a size, hole and padding. At most 4,096 members, and 300 at one place, have
        one.

    Raises:
        FormatError: See `StructLayout.members`.

    Example:
        >>> boxes = btfmmap.pictures.struct_map_data(btf.layout("list"))
        >>> boxes.name.tolist(), boxes.start.tolist(), boxes.category.tolist()
        (['next', 'prev'], [0, 64], ['pointer', 'pointer'])
    """
    import numpy as np

    members = layout.members
    boxes = byte_map(layout, members).boxes
    columns = {
        name: np.array([getattr(box, name) for box in boxes], dtype)
        for name, dtype in (("member", "i8"), ("start", "i8"), ("end", "i8"), ("group", "i8"), ("lane", "u4"))
    }
    names = [members[box.member].name if box.member >= 0 else "" for box in boxes]
    found: dict[str, Any] = {**columns, "name": names, "category": [box.category for box in boxes]}
    made: StructBoxes = StructBoxes.of({name: found[name] for name in StructBoxes.__annotations__})
    return made


def struct_map(
    layouts: StructLayout | Iterable[StructLayout],
    *,
    names: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the bytes of a struct, or those of several beside each other, such as one of several kernels.

    A row is a cache line of 64 bytes, whose first byte is written on the left. Members have a colour and a
    letter for their kind, holes and padding are hatched. What shares bytes lies in lanes. With several
    structs, "*" marks members that have another place or size than in the struct to the left, and "+" those
    that it lacks.

    Args:
        layouts: The layout, or the layouts.
        names: A title for each; by default the name of the type.
        ax: The axes to draw into; by default new ones.

    Returns:
        The axes.

    Raises:
        FormatError: See `StructLayout.members`.
        NotSupportedError: matplotlib is not installed.
        ValueError: There is no layout, or not a name for each.

    Example:
        >>> ax = btfmmap.pictures.struct_map(btf.layout("flow"))
    """
    shown = [layouts] if isinstance(layouts, StructLayout) else [*layouts]
    titles = [each.type.name or "(anon)" for each in shown] if names is None else [*names]
    if not shown or len(titles) != len(shown):
        raise ValueError(f"expected layouts and a name for each, got {len(shown)} and {len(titles)}")
    maps = []
    for layout in shown:
        members = layout.members
        maps.append((byte_map(layout, members), members))
    row_bytes = min(LINE_BYTES, max(16, *(layout.size for layout in shown)))
    width = (_ONE if len(shown) == 1 else _SEVERAL) * row_bytes / LINE_BYTES
    gutter = text_width(max(len(str(layout.size)) for layout in shown) + 1)
    whole = len(shown) * (gutter + width + _GAP) - _GAP
    height = max(sum(map(_height, drawn.rows)) for drawn, _ in maps) or _LANE
    canvas = Canvas(ax, whole, height + _KEY + _LANE)
    _draw_key(canvas, {box.category for drawn, _ in maps for box in drawn.boxes}, len(shown) > 1)
    before: Sequence[LayoutMember] | None = None
    for number, (drawn, members) in enumerate(maps):
        left = number * (gutter + width + _GAP)
        size = f"{label(titles[number])}, {shown[number].size:,} bytes" + ", cut" * drawn.cut
        canvas.fit(_LANE)
        canvas.text(left + gutter, _KEY + _LANE / 2, size[: canvas.letters(width)], bold=True)
        marks = {} if before is None else _marks(before, members)
        _Panel(canvas, drawn, members, marks, row_bytes).draw(left + gutter, _KEY + _LANE, width)
        before = members
    return canvas.finish()  # type: ignore[no-any-return]


class _Panel:
    """One struct."""

    def __init__(
        self,
        canvas: Canvas,
        drawn: ByteMap,
        members: Sequence[LayoutMember],
        marks: dict[int, str],
        row_bytes: int,
    ) -> None:
        self.row_bytes = row_bytes
        self.canvas, self.drawn, self.members, self.marks = canvas, drawn, members, marks
        self.corners: dict[str, list[tuple[float, float, float, float]]] = {}
        self.backgrounds: list[tuple[float, float, float, float]] = []  # of labels on hatches

    def draw(self, left: float, top: float, width: float) -> None:
        row_bits = self.drawn.row_bits
        scale = width / (8 * self.row_bytes)
        for row in self.drawn.rows:
            height = _boxes_height(row)
            if self.canvas.fit(_HALF_LANE):
                offset = str(row.line * row_bits // 8)
                self.canvas.text(left - 0.05, top + _HALF_LANE / 2, offset, align="right")
            for piece in row.pieces:
                box = self.drawn.boxes[piece.box]
                part = height / piece.lanes
                place = (
                    left + piece.start * scale,
                    top + piece.lane * part,
                    left + piece.end * scale,
                    top + (piece.lane + 1) * part,
                )
                self.corners.setdefault(box.category, []).append(place)
                if piece.labelled:
                    self.write(box, place)
            top += height
            if row.lines > 1:
                if self.canvas.fit(_HALF_LANE):
                    self.canvas.text(
                        left, top + _HALF_LANE / 2, f": {row.lines - 1:,} more rows like this one"
                    )
                top += _HALF_LANE
        for category, corners in self.corners.items():
            _draw_boxes(self.canvas, category, corners)
        self.canvas.boxes(self.backgrounds, facecolors="white", linewidths=0, zorder=3)

    def write(self, box: Box, place: tuple[float, float, float, float]) -> None:
        """Write the label of a box, if it fits."""
        left, top, right, bottom = place
        if not self.canvas.fit(_HALF_LANE):
            return
        height = bottom - top
        lines = in_lines(self.label(box), self.canvas.letters(right - left), self.canvas.lines(height))
        if lines:
            if box.member < 0:
                width = text_width(max(map(len, lines))) + 0.06
                self.backgrounds.append((left + 0.02, top + 0.04, min(left + width, right), bottom - 0.04))
            self.canvas.text(left + 0.03, top + height / 2, "\n".join(lines))

    def label(self, box: Box) -> str:
        if box.member < 0:
            return f"{'hole' if box.category == HOLE else 'pad'} {short_bits(box.end - box.start)}"
        mark = self.marks.get(box.member, "")
        return f"{LETTERS[box.category]} {mark}{label(self.members[box.member].name)}"


def _marks(before: Sequence[LayoutMember], members: Sequence[LayoutMember]) -> dict[int, str]:
    """Return which members are new or changed."""
    places: dict[str, set[tuple[int, int]]] = {}
    for member in before:
        places.setdefault(member.name, set()).add(extent(member))
    marks = {}
    for number, member in enumerate(members):
        if member.name not in places:
            marks[number] = _NEW
        elif extent(member) not in places[member.name]:
            marks[number] = _CHANGED
    return marks


def _draw_boxes(canvas: Canvas, category: str, corners: list[tuple[float, float, float, float]]) -> None:
    if category in _HATCHES:
        canvas.boxes(corners, facecolors="white", hatch=_HATCHES[category], edgecolors=HATCH)
    else:
        canvas.boxes(corners, facecolors=OF_CATEGORIES[category])


def _draw_key(canvas: Canvas, categories: set[str], has_marks: bool) -> None:
    left = 0.0
    canvas.fit(_LANE)
    for category, letter in LETTERS.items():
        if category not in categories:
            continue
        _draw_boxes(canvas, category, [(left, 0.02, left + 0.25, 0.2)])
        canvas.text(left + 0.1, 0.11, letter)
        word = f"{category}, in bytes" if category in _HATCHES else category
        canvas.text(left + 0.3, 0.11, word)
        left += 0.45 + text_width(len(word))
    if has_marks:
        canvas.text(left + 0.1, 0.11, f"{_CHANGED} moved or resized   {_NEW} not in the one to the left")


def _height(row: Row) -> float:
    return _boxes_height(row) + (_HALF_LANE if row.lines > 1 else 0)


def _boxes_height(row: Row) -> float:
    return _LANE if row.lanes == 1 else row.lanes * _HALF_LANE
