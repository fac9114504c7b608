"""The map of a struct's bytes as SVG."""

from __future__ import annotations

from ..html.text import escaped, printable
from ..pictures.byte_map import HOLE, LETTERS, label_lines, short_bits
from .document import HATCH_PATTERN
from .style import LONE_STYLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ..pictures.byte_map import Box, ByteMap, Row

_BYTE = 18  # width of a byte, unless the row is short
_LEAST_WIDTH = 288
_BIT_ROW = 896  # width of a row of eight bits
_GUTTER = 62  # for offsets
_HEADER = 58  # for a title and a key
_LANE = 30  # height of two lines of text
_HALF_LANE = 20  # of one line
_LETTER = 6.4  # width of a character
_LINE = 12


def map_svg(
    drawn: ByteMap, names: Sequence[str], tips: Mapping[int, str], label: str, *, linked: bool = True
) -> str:
    """Return a map as an `svg` element.

    Args:
        drawn: The map.
        names: The names of the members.
        tips: A text for each member, hole and padding, by `Box.member`.
        label: What the picture shows.
        linked: Whether members have their numbers, which rows of a table have too.
    """
    width, height = _size(drawn)
    parts = _parts(drawn, names, tips, _row_width(drawn) / drawn.row_bits, linked)
    return (
        f'<svg role="img" aria-label="{escaped(label, 400)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{HATCH_PATTERN}{"".join(parts)}</svg>'
    )


def standalone(
    drawn: ByteMap,
    names: Sequence[str],
    tips: Mapping[int, str],
    title: str,
    keys: Sequence[tuple[str, str]],
) -> str:
    """Return a map as a document with a title and a key.

    Args:
        drawn: The map.
        names: The names of the members.
        tips: A text for each member, hole and padding, by `Box.member`.
        title: What the picture shows.
        keys: The categories in the key, and a word for each.
    """
    key = []
    left = _GUTTER
    for category, word in keys:
        key.append(
            f'<g class="{category}"><rect x="{left}" y="32" width="20" height="14"/>'
            f'<text x="{left + 7}" y="43">{LETTERS[category]}</text></g>'
            f'<text class="out" x="{left + 25}" y="43">{word}</text>'
        )
        left += 45 + int(_LETTER * len(word))
    width, height = _size(drawn)
    label = escaped(title, 400)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{max(width, left)}" height="{height + _HEADER}">'
        f'<title>{label}</title><style>{LONE_STYLE}</style><rect class="back" width="100%" height="100%"/>'
        f'<text class="out" x="{_GUTTER}" y="18">{label}</text>{"".join(key)}'
        f'<g transform="translate(0 {_HEADER})">{map_svg(drawn, names, tips, title)}</g></svg>\n'
    )


def _size(drawn: ByteMap) -> tuple[int, int]:
    return _GUTTER + _row_width(drawn) + 2, 4 + sum(map(_height, drawn.rows))


def _row_width(drawn: ByteMap) -> int:
    return _BIT_ROW if drawn.row_bits == 8 else max(_BYTE * drawn.row_bits // 8, _LEAST_WIDTH)


def _height(row: Row) -> int:
    return _boxes_height(row) + (_HALF_LANE if row.lines > 1 else 0)


def _boxes_height(row: Row) -> int:
    return _LANE if row.lanes == 1 else row.lanes * _HALF_LANE


def _parts(
    drawn: ByteMap, names: Sequence[str], tips: Mapping[int, str], scale: float, linked: bool
) -> Iterator[str]:
    top = 1
    for row in drawn.rows:
        height = _boxes_height(row)
        offset = row.line * drawn.row_bits // 8
        yield f'<text class="out" x="{_GUTTER - 6}" y="{top + 14}" text-anchor="end">{offset}</text>'
        for piece in row.pieces:
            box = drawn.boxes[piece.box]
            part = height / piece.lanes
            yield _piece(
                box,
                (
                    _GUTTER + piece.start * scale,
                    top + piece.lane * part,
                    (piece.end - piece.start) * scale,
                    part,
                ),
                _label(box, names),
                piece.labelled,
                tips[box.member],
                f' data-m="{box.member}"' if linked else "",
            )
        top += height
        if row.lines > 1:
            again = f"\N{VERTICAL ELLIPSIS} {row.lines - 1:,} more rows like this one"
            yield f'<text class="out" x="{_GUTTER + 4}" y="{top + 14}">{again}</text>'
            top += _HALF_LANE


def _piece(
    box: Box, place: tuple[float, float, float, float], label: str, labelled: bool, tip: str, data: str
) -> str:
    left, top, width, height = place
    lines = label_lines(label, labelled, int((width - 4) / _LETTER), int(height // _LINE))
    baseline = top + height / 2 + 4 - (len(lines) - 1) * _LINE / 2
    text = "".join(
        f'<text x="{left + 3:.1f}" y="{baseline + number * _LINE:.1f}">{escaped(line, 400)}</text>'
        for number, line in enumerate(lines)
    )
    return (
        f'<g class="{box.category}"{data}><title>{tip}</title>'
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>{text}</g>\n'
    )


def _label(box: Box, names: Sequence[str]) -> str:
    if box.member < 0:
        return f"{'hole' if box.category == HOLE else 'pad'} {short_bits(box.end - box.start)}"
    name = printable(names[box.member])
    return f"{LETTERS[box.category]} {name}"
