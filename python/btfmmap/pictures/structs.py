"""The bytes of one or more structs."""

from __future__ import annotations

from ..struct_layout import StructLayout
from ..tables import Table
from .byte_map import (
    HOLE,
    LETTERS,
    LINE_BYTES,
    PADDING,
    byte_map,
    extent,
    in_lines,
    label_lines,
    short_bits,
    shortened,
)
from .canvas import Canvas, label, letters_in, lines_in, text_width
from .palette import HATCH, OF_CATEGORIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from matplotlib.axes import Axes

    from ..struct_layout import LayoutMember
    from ..tables import I64, U32, Text
    from .byte_map import Box, ByteMap, Row

_ONE = 16.0  # width of a single struct in inches
_SEVERAL = 11.0
_LANE = 0.3  # height of a row
_HALF_LANE = 0.19  # of each of several lanes
_GAP = 0.3  # between structs
_KEY = 0.3
_ENTRY = 0.13  # height of a line in the list of names
_MAX_ENTRIES = 600
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
    letter for their kind, holes and padding are hatched. What shares bytes lies in lanes. Names that do not
    fit into their boxes are listed below, each after its first byte and bit. With several structs, "*" marks
    members that have another place or size than in the struct to the left, and "+" those that it lacks.

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
    row_bytes = min(LINE_BYTES, max(16, *(layout.size for layout in shown)))
    width = (_ONE if len(shown) == 1 else _SEVERAL) * row_bytes / LINE_BYTES
    panels: list[_Panel] = []
    for layout, title in zip(shown, titles, strict=True):
        members = layout.members
        marks = _marks(panels[-1].members, members) if panels else {}
        drawn = byte_map(layout, members)
        said = f"{label(title)}, {layout.size:,} bytes" + ", cut" * drawn.cut
        panels.append(_Panel(said, drawn, members, marks, width / row_bytes))
    gutter = text_width(max(len(str(layout.size)) for layout in shown) + 1)
    whole = sum(gutter + panel.width(width) + _GAP for panel in panels) - _GAP
    height = max(panel.height(width) for panel in panels) or _LANE
    canvas = Canvas(ax, whole, height + _KEY + _LANE)
    _draw_key(canvas, {box.category for panel in panels for box in panel.drawn.boxes}, len(shown) > 1)
    left = 0.0
    for panel in panels:
        panel.draw(canvas, left + gutter, _KEY, width)
        left += gutter + panel.width(width) + _GAP
    return canvas.finish()  # type: ignore[no-any-return]


class _Panel:
    """One struct."""

    def __init__(
        self,
        title: str,
        drawn: ByteMap,
        members: Sequence[LayoutMember],
        marks: dict[int, str],
        byte: float,
    ) -> None:
        """Prepare a panel; `byte` is the width of a byte in inches."""
        self.title, self.drawn, self.members, self.marks = title, drawn, members, marks
        self.scale = byte / 8
        self.entries = [*self.listed()]
        self.corners: dict[str, list[tuple[float, float, float, float]]] = {}
        self.backgrounds: list[tuple[float, float, float, float]] = []  # of labels on hatches

    def listed(self) -> Iterator[str]:
        """Yield the names that do not fit into their boxes."""
        left_out = 0
        for row in self.drawn.rows:
            for piece in row.pieces:
                box = self.drawn.boxes[piece.box]
                if not piece.labelled or box.member < 0 or not self.members[box.member].name:
                    continue
                wanted = self.label(box)
                room = letters_in((piece.end - piece.start) * self.scale)
                lines = in_lines(wanted, room, lines_in(_boxes_height(row) / piece.lanes))
                if "".join(lines).replace(" ", "") == wanted.replace(" ", ""):
                    continue
                left_out += 1
                if left_out <= _MAX_ENTRIES:
                    bit = f":{box.start % 8}" if box.start % 8 else ""
                    yield f"{box.start // 8}{bit} {wanted[2:]}"
        if left_out > _MAX_ENTRIES:
            yield f"and {left_out - _MAX_ENTRIES:,} more"

    def width(self, rows: float) -> float:
        """The width that the rows, the title and the list need."""
        return max(rows, *(text_width(len(text) + 1) for text in (self.title, *self.entries)))

    def column(self) -> float:
        """The width of a column of the list."""
        return text_width(max(map(len, self.entries)) + 2)

    def height(self, rows: float) -> float:
        """The height that the rows and the list need."""
        height = sum(map(_height, self.drawn.rows))
        if self.entries:
            columns = max(1, int(self.width(rows) / self.column()))
            height += _ENTRY * (-(-len(self.entries) // columns) + 2)
        return height

    def draw(self, canvas: Canvas, left: float, top: float, width: float) -> None:
        self.canvas = canvas
        canvas.fit(_LANE)
        title = shortened(self.title, canvas.letters(self.width(width) + 0.05))
        canvas.text(left, top + _LANE / 2, title, bold=True)
        top += _LANE
        row_bits = self.drawn.row_bits
        scale = self.scale
        for row in self.drawn.rows:
            height = _boxes_height(row)
            if canvas.fit(_HALF_LANE):
                offset = str(row.line * row_bits // 8)
                canvas.text(left - 0.05, top + _HALF_LANE / 2, offset, align="right")
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
                self.write(box, piece.labelled, place)
            top += height
            if row.lines > 1:
                if canvas.fit(_HALF_LANE):
                    canvas.text(left, top + _HALF_LANE / 2, f": {row.lines - 1:,} more rows like this one")
                top += _HALF_LANE
        for category, corners in self.corners.items():
            _draw_boxes(canvas, category, corners)
        canvas.boxes(self.backgrounds, facecolors="white", linewidths=0, zorder=3)
        if self.entries and canvas.fit(_ENTRY):
            self.write_list(left, top + _ENTRY, max(1, int(self.width(width) / self.column())))

    def write_list(self, left: float, top: float, columns: int) -> None:
        """Write the names that do not fit into their boxes, column by column."""
        self.canvas.text(left, top + _ENTRY / 2, "Names without room, by byte and bit", bold=True)
        lines = -(-len(self.entries) // columns)
        for number, entry in enumerate(self.entries):
            x, y = left + number // lines * self.column(), top + (number % lines + 1.5) * _ENTRY
            self.canvas.text(x, y, entry)

    def write(self, box: Box, labelled: bool, place: tuple[float, float, float, float]) -> None:
        """Write the label of a part of a box, if it fits."""
        left, top, right, bottom = place
        if not self.canvas.fit(_HALF_LANE):
            return
        height = bottom - top
        room = self.canvas.letters(right - left)
        lines = label_lines(self.label(box), labelled, room, self.canvas.lines(height))
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
