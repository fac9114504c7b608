"""The bytes of a struct as boxes in rows: what the pictures of a struct draw. Needs no numpy.

A row is a cache line. A box is a member, a hole or padding, with the bits that it takes. Boxes that share
bytes, such as the members of a union, lie in lanes above one another. Rows in which nothing starts or ends
repeat the row before them, and are left out if there are many.
"""

from __future__ import annotations

from bisect import bisect_left

from .. import kind_numbers as kinds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import NamedTuple

    from ..struct_layout import LayoutMember, StructLayout
    from ..types import Type
else:
    from ..named_tuples import NamedTuple

HOLE = "hole"
PADDING = "padding"
CATEGORIES = ("pointer", "integer", "float", "enum", "struct", "union", "array", "other", HOLE, PADDING)
LETTERS = {
    "pointer": "P",
    "integer": "I",
    "float": "F",
    "enum": "E",
    "struct": "S",
    "union": "U",
    "array": "A",
    "other": "?",
    HOLE: "",
    PADDING: "",
}
"""What precedes the name of a member, so that its kind does not depend on colours."""

LINE_BYTES = 64
_MAX_MEMBERS = 4096  # that are drawn
_MAX_LANES = 300
_MAX_ROWS = 1000
_MAX_PIECES = 20_000
_KEPT = 2  # repeated rows that are drawn
_LEAST = 3  # characters of a label without its end
_MAX_HOPS = 64  # modifiers of a type
_KINDS = {
    kinds.PTR: "pointer",
    kinds.INT: "integer",
    kinds.FLOAT: "float",
    kinds.ENUM: "enum",
    kinds.ENUM64: "enum",
    kinds.STRUCT: "struct",
    kinds.UNION: "union",
    kinds.ARRAY: "array",
}
_MODIFIERS = (kinds.TYPEDEF, kinds.CONST, kinds.VOLATILE, kinds.RESTRICT, kinds.TYPE_TAG)


class Box(NamedTuple):
    """A member, a hole or padding.

    Attributes:
        member: Index in `StructLayout.members`. Holes and padding have -1, -2, ... by position.
        category: One of `CATEGORIES`.
        start: First bit, counted from the start of the struct.
        end: The bit after the last one.
        group: What shares bytes, directly or through others, has the same number.
        lane: Which of the lanes of its group it takes, from 0 at the top.
    """

    member: int
    category: str
    start: int
    end: int
    group: int
    lane: int


class Piece(NamedTuple):
    """The part of a box in one row.

    Attributes:
        box: Index of the box.
        start: First bit within the row.
        end: The bit after the last one.
        lane: Which of the lanes it takes, from 0 at the top. Lanes that its group does not use in this row
            are not counted.
        lanes: Number of lanes of its group in this row.
        labelled: Whether the name of the box belongs here: this is the widest of its pieces.
    """

    box: int
    start: int
    end: int
    lane: int
    lanes: int
    labelled: bool


class Row(NamedTuple):
    """A row.

    Attributes:
        line: Its number; the first byte is `line` times the bytes of a row.
        lines: Number of rows that look like this one, and that it stands for: 1, or more.
        lanes: Number of lanes.
        pieces: What lies in it.
    """

    line: int
    lines: int
    lanes: int
    pieces: list[Piece]


class ByteMap(NamedTuple):
    """The bytes of a struct.

    Attributes:
        boxes: What lies in them, by position.
        rows: All rows.
        row_bits: Number of bits of a row.
        omitted: Number of members that are not drawn: too many, or too many at one place.
        cut: Whether there are more rows.
    """

    boxes: list[Box]
    rows: list[Row]
    row_bits: int
    omitted: int
    cut: bool


def byte_map(layout: StructLayout, members: Sequence[LayoutMember]) -> ByteMap:
    """Return the map of a struct: a row is a cache line, or the whole struct if it is smaller."""
    return map_of(
        layout.size, [extent(member) for member in members], lambda number: category(members[number].type)
    )


def map_of(
    size: int,
    extents: Sequence[tuple[int, int]],
    category_of: Callable[[int], str],
    line_bytes: int = LINE_BYTES,
) -> ByteMap:
    """Return the map of something in bytes.

    Args:
        size: Its size in bytes.
        extents: For each member its first bit, and the bit after its last one.
        category_of: Returns the category of the member of a number.
        line_bytes: Bytes of a row, unless it is smaller.
    """
    boxes, omitted = _boxes(size, extents, category_of)
    row_bits = 8 * max(1, min(line_bytes, size))
    rows, cut = _rows(boxes, row_bits, _drawn_lines(boxes, row_bits))
    return ByteMap(boxes, rows, row_bits, omitted, cut)


def bit_map(whole: ByteMap, members: Sequence[LayoutMember]) -> ByteMap:
    """Return the bytes with bitfields of a map, each as a row of eight bits. Other members are left out."""
    lines: set[int] = set()
    boxes: list[Box] = []
    for box in whole.boxes:
        if box.member < 0:
            boxes.append(box)
        elif members[box.member].bitfield_size and len(lines) <= _MAX_ROWS:
            lines.update(range(box.start // 8, (box.end + 7) // 8))
            boxes.append(box)
    placed: list[Box] = []
    extents = ((box.start, box.end, number) for number, box in enumerate(boxes))
    for group, cluster in enumerate(_clusters(extents)):
        lanes, _ = _placed(cluster)
        placed += (boxes[number]._replace(group=group, lane=lane) for (_, _, number), lane in lanes)
    rows, cut = _rows(placed, 8, ((line, 1) for line in sorted(lines)))
    return ByteMap(placed, rows, 8, 0, cut)


def _boxes(
    size: int, all_extents: Sequence[tuple[int, int]], category_of: Callable[[int], str]
) -> tuple[list[Box], int]:
    """Return the boxes by position, and the number of members that have none.

    Members without a size have no box. A member that lies outside of the whole is cut.
    """
    end_of_all = 8 * size
    extents = []
    for number, (start, end) in enumerate(all_extents):
        if start < (end := min(end, end_of_all)):
            extents.append((start, end, number))
    omitted = max(0, len(extents) - _MAX_MEMBERS)
    del extents[_MAX_MEMBERS:]
    extents.sort()
    boxes: list[Box] = []
    holes = 0
    covered = 0  # bits that are known to be taken, or holes
    for group, cluster in enumerate(_clusters(extents)):
        start, end = cluster[0][0], max(each[1] for each in cluster)
        if start > covered:
            holes += 1
            boxes.append(Box(-holes, HOLE, covered, start, -holes, 0))
        covered = end
        placed, left_out = _placed(cluster)
        omitted += left_out
        for (first, after, number), lane in placed:
            boxes.append(Box(number, category_of(number), first, after, group, lane))
    if covered < end_of_all:
        boxes.append(Box(-1 - holes, PADDING, covered, end_of_all, -1 - holes, 0))
    return boxes, omitted


def shortened(label: str, room: int) -> str:
    """Return a label of at most `room` characters: whole, without its end, its first letter, or empty."""
    if len(label) <= room:
        return label
    if room > _LEAST:
        return f"{label[: room - 1]}\N{HORIZONTAL ELLIPSIS}"
    return label[:1] if room > 0 and label[1:2] == " " else ""


def label_lines(label: str, labelled: bool, room: int, lines: int) -> list[str]:
    """Return what a piece says, as at most two lines of `room` characters.

    A piece without the label of its box repeats the name, if there is room for all of it.
    """
    if labelled:
        return in_lines(label, room, lines)
    again = f"\N{HORIZONTAL ELLIPSIS} {label[2:]}"
    return [again] if label[1:2] == " " and len(again) <= room else []


def in_lines(label: str, room: int, lines: int) -> list[str]:
    """Return a label as at most two lines of `room` characters; what does not fit is shortened."""
    if len(label) <= room or lines < 2 or room <= _LEAST:
        return [shown] if (shown := shortened(label, room)) else []
    at = room
    for separator in "_ .":
        at = max((label.rfind(separator, 2, room) + 1) or 0, 0) or at
        if at < room and len(label) - at <= room:
            break
        at = room
    if at == room and label[1:2] == " " and len(label) - 2 <= room:
        at = 2  # after the letter of the kind
    return [label[:at].rstrip(), shortened(label[at:], room)]


def extent(member: LayoutMember) -> tuple[int, int]:
    """Return the first bit of a member, and the bit after its last one."""
    start = 8 * member.offset + member.bit_position
    return start, start + (member.bitfield_size or 8 * member.size)


def category(type_: Type) -> str:
    """Return which of `CATEGORIES` a type belongs to, below typedefs and qualifiers."""
    for _ in range(_MAX_HOPS):
        if type_._kind not in _MODIFIERS or (below := type_.type) is None:
            break
        type_ = below
    return _KINDS.get(type_._kind, "other")


def short_bits(bits: int) -> str:
    """Return a number of bits for a narrow box: whole bytes as a number."""
    return f"{bits // 8:,}" if not bits % 8 else bits_text(bits).replace(" bytes", "B").replace(" byte", "B")


def bits_text(bits: int) -> str:
    """Return a number of bits as bytes and bits: "3 bytes 2 bits"."""
    parts = ((bits // 8, "byte"), (bits % 8, "bit"))
    return " ".join(f"{count:,} {unit}{'s' * (count != 1)}" for count, unit in parts if count) or "0 bytes"


def _clusters(extents: Iterable[tuple[int, int, int]]) -> Iterator[list[tuple[int, int, int]]]:
    """Yield the members that share bits, directly or through others. They are in order of their starts."""
    cluster: list[tuple[int, int, int]] = []
    end = 0
    for each in extents:
        if cluster and each[0] >= end:
            yield cluster
            cluster = []
        cluster.append(each)
        end = max(end, each[1])
    if cluster:
        yield cluster


def _placed(cluster: list[tuple[int, int, int]]) -> tuple[list[tuple[tuple[int, int, int], int]], int]:
    """Return the members of a cluster, each with its lane, and the number of those without one.

    In the order of the record, each takes the first lane that is free, so that a struct in a union stays in
    one lane.
    """
    if len(cluster) == 1:
        return [(cluster[0], 0)], 0
    lanes: list[list[tuple[int, int]]] = []
    placed: list[tuple[tuple[int, int, int], int]] = []
    for each in sorted(cluster, key=lambda each: each[2]):
        start, end, _ = each
        for number, lane in enumerate(lanes):
            at = bisect_left(lane, (start, start))
            if (at == len(lane) or lane[at][0] >= end) and (at == 0 or lane[at - 1][1] <= start):
                lane.insert(at, (start, end))
                placed.append((each, number))
                break
        else:
            if len(lanes) < _MAX_LANES:
                lanes.append([(start, end)])
                placed.append((each, len(lanes) - 1))
    placed.sort()
    return placed, len(cluster) - len(placed)


def _drawn_lines(boxes: Sequence[Box], row_bits: int) -> Iterator[tuple[int, int]]:
    """Yield the rows to draw, each with the number of equal ones that it stands for."""
    lines = {box.start // row_bits for box in boxes} | {(box.end - 1) // row_bits for box in boxes}
    before = -1
    for line in sorted(lines):
        repeated = line - before - 1
        if repeated <= _KEPT:
            yield from ((each, 1) for each in range(before + 1, line))
        else:
            yield before + 1, repeated
        yield line, 1
        before = line


def _rows(boxes: Sequence[Box], row_bits: int, lines: Iterable[tuple[int, int]]) -> tuple[list[Row], bool]:
    """Return the rows, and whether they are cut: there are too many, or too many pieces."""
    order = sorted(range(len(boxes)), key=lambda number: boxes[number].start)
    waiting = iter(order)
    following = next(waiting, None)
    active: list[int] = []
    found: list[tuple[int, int, list[tuple[int, int, int]]]] = []
    widest: dict[int, tuple[int, int]] = {}  # of a box: the width of its widest piece, and the row of that
    pieces = 0
    cut = False
    for line, count in lines:
        start, end = line * row_bits, (line + 1) * row_bits
        while following is not None and boxes[following].start < end:
            active.append(following)
            following = next(waiting, None)
        active = [number for number in active if boxes[number].end > start]
        own = []
        for number in active:
            box = boxes[number]
            first, after = max(box.start, start) - start, min(box.end, end) - start
            if widest.get(number, (0, 0))[0] < after - first:
                widest[number] = after - first, len(found)
            own.append((number, first, after))
        pieces += len(own)
        if len(found) == _MAX_ROWS or pieces > _MAX_PIECES:
            cut = True
            break
        found.append((line, count, own))
    rows = []
    for number, (line, count, own) in enumerate(found):
        used: dict[int, list[int]] = {}  # the lanes of each group
        for at, _, _ in own:
            lanes = used.setdefault(boxes[at].group, [])
            if boxes[at].lane not in lanes:
                lanes.append(boxes[at].lane)
        for lanes in used.values():
            lanes.sort()
        made = []
        for at, first, after in own:
            lanes = used[boxes[at].group]
            lane = lanes.index(boxes[at].lane)
            made.append(Piece(at, first, after, lane, len(lanes), widest[at][1] == number))
        rows.append(Row(line, count, max(map(len, used.values()), default=1), made))
    return rows, cut
