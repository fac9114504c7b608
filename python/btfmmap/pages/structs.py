"""The page of a struct."""

from __future__ import annotations

from .. import kind_numbers as kinds
from ..html.text import escaped
from ..pictures.byte_map import LETTERS, bit_map, bits_text, byte_map
from .document import FILTER, HATCH_PATTERN, MAX_ROWS, code, document, left_out, number, scrolled, table, text
from .svg import map_svg, standalone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..pictures.byte_map import Box, ByteMap
    from ..struct_layout import LayoutMember, StructLayout

_KEYS = {"hole": "hole, in bytes", "padding": "padding, in bytes"}
_HEADS = ("offset", "member", "type", "size", "bits", "kind")


def struct_page(layout: StructLayout) -> str:
    """Return a page with the layout of a struct or union: a map of its bytes, and a table of its members.

    Args:
        layout: The layout, from `Btf.layout`.

    Returns:
        A whole document in HTML. A row of the map is a cache line of 64 bytes, and each box a member, with a
        letter for its kind. Members that share bytes lie above one another.

    Raises:
        FormatError: An anonymous struct contains itself or is nested too deeply, or there are more than
            65,536 members.

    Example:
        >>> page = btfmmap.pages.struct_page(btf.layout("flow"))
        >>> page.startswith("<!DOCTYPE html>"), "priority" in page
        (True, True)
    """
    members = layout.members
    name = layout.type.name or "(anon)"
    return document(
        f"{'union' if layout.type._kind == kinds.UNION else 'struct'} {name}",
        _parts(layout, members, name),
    )


def struct_svg(layout: StructLayout) -> str:
    """Return the map of `struct_page` alone, as a document in SVG. It needs no matplotlib.

    Args:
        layout: The layout, from `Btf.layout`.

    Returns:
        The document. It has a white background.

    Raises:
        FormatError: See `struct_page`.

    Example:
        >>> btfmmap.pages.struct_svg(btf.layout("flow")).startswith("<svg")
        True
    """
    members = layout.members
    drawn = byte_map(layout, members)
    tips = _tips(drawn, members, [member.type.c_name for member in members])
    name = layout.type.name or "(anon)"
    names = [member.name for member in members]
    return standalone(
        drawn, names, tips, f"{name}, {layout.size:,} bytes", _keys({box.category for box in drawn.boxes})
    )


def _parts(layout: StructLayout, members: Sequence[LayoutMember], name: str) -> Iterator[str]:
    drawn = byte_map(layout, members)
    types = [member.type.c_name for member in members]
    names = [member.name for member in members]
    tips = _tips(drawn, members, types)
    free = sum(box.end - box.start for box in drawn.boxes if box.member < 0)
    lines = (layout.size + 63) // 64
    yield (
        f"<p>{layout.size:,} bytes, {lines:,} cache line{'s' * (lines != 1)}, {len(members):,} members. "
        f"Unused: {bits_text(free)}.</p>\n"
    )
    yield key({box.category for box in drawn.boxes})
    yield FILTER
    yield scrolled(
        f"map of {name}",
        map_svg(drawn, names, tips, f"map of the bytes of {name}; the table has the same facts"),
    )
    if drawn.cut:
        yield "<p>The map is cut: the struct has more rows.</p>\n"
    if drawn.omitted:
        yield f"<p>{drawn.omitted:,} members are not in the map, as too many share their bytes.</p>\n"
    bits = bit_map(drawn, members)
    if bits.rows:
        order = "highest" if layout.type.btf._core.byte_order == "big" else "lowest"
        yield f"<h2>Bytes with bitfields</h2>\n<p>A row is one byte, its {order} bit on the left.</p>\n"
        yield scrolled(f"bitfields of {name}", map_svg(bits, names, tips, f"bits of the bitfields of {name}"))
    yield table(f"Members of {name}", _HEADS, _rows(drawn, members, types))
    yield left_out(len(members))


def key(categories: set[str]) -> str:
    """Return the key of maps with boxes of some categories."""
    items = []
    for category, word in _keys(categories):
        swatch = (
            '<svg width="22" height="16" aria-hidden="true">'
            f'{HATCH_PATTERN}<g class="{category}"><rect x="1" y="1" width="20" height="14"/>'
            f'<text x="8" y="12">{LETTERS[category]}</text></g></svg>'
        )
        items.append(f"<li>{swatch} {word}</li>")
    return f'<ul class="key">{"".join(items)}</ul>\n'


def _keys(found: set[str]) -> list[tuple[str, str]]:
    """Return the categories that occur, and what the key says of each."""
    return [(category, _KEYS.get(category, category)) for category in LETTERS if category in found]


def _tips(drawn: ByteMap, members: Sequence[LayoutMember], types: Sequence[str]) -> dict[int, str]:
    return {box.member: escaped(_tip(box, members, types), 400) for box in drawn.boxes}


def _tip(box: Box, members: Sequence[LayoutMember], types: Sequence[str]) -> str:
    bits = bits_text(box.end - box.start)
    at = f"at byte {box.start // 8}" + (f" bit {box.start % 8}" if box.start % 8 else "")
    if box.member < 0:
        return f"{box.category}: {bits} {at}"
    member = members[box.member]
    return f"{member.name or '(anon)'}: {types[box.member]}, {bits} {at}"


def _rows(
    drawn: ByteMap, members: Sequence[LayoutMember], types: Sequence[str]
) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield the members and the free space, by position. Members without a box come after those with one."""
    boxed = {box.member for box in drawn.boxes}
    rows: list[tuple[int, int, int]] = [
        (box.start, number, box.member) for number, box in enumerate(drawn.boxes)
    ]
    rows += [
        (8 * member.offset, len(drawn.boxes), number)
        for number, member in enumerate(members)
        if number not in boxed
    ]
    rows.sort()
    for start, at, member in rows[:MAX_ROWS]:
        if member < 0:
            box = drawn.boxes[at]
            bits = box.end - box.start
            bit = f"{start % 8}:{bits}" if bits % 8 else ""
            cells = [number(start // 8), text(""), text(""), number(bits // 8), text(bit), text(box.category)]
        else:
            shown = members[member]
            bit = f"{shown.bit_position}:{shown.bitfield_size}" if shown.bitfield_size else ""
            kind = drawn.boxes[at].category if at < len(drawn.boxes) else "no bytes"
            cells = [
                number(shown.offset),
                code(shown.name),
                code(types[member]),
                number(shown.size),
                text(bit),
                text(kind),
            ]
        yield member, cells
