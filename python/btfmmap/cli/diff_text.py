"""The changes of one entity as lines of text: the old kernel on the left, the new one on the right."""

from __future__ import annotations

from .. import ChangeKind, EntityKind
from .common import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Literal

    from .. import Change, ChangedEntity

    Depth = Literal["layout", "declaration", "deep"]

# The members of an enum take long to look up.
_SIZE = ChangeKind.SIZE
_ENUMERATOR_VALUE = ChangeKind.ENUMERATOR_VALUE
_MEMBER_MOVED = ChangeKind.MEMBER_MOVED
_MEMBER_EMBEDDED = ChangeKind.MEMBER_EMBEDDED
_MEMBER_NESTED = ChangeKind.MEMBER_NESTED

_INDENT = "    "
_LEAST = 20  # characters of a side
_LEAST_WIDTH = 40
_MEMBERS = {
    ChangeKind.MEMBER_ADDED,
    ChangeKind.MEMBER_REMOVED,
    ChangeKind.MEMBER_RENAMED,
    ChangeKind.MEMBER_MOVED,
    ChangeKind.MEMBER_TYPE,
    ChangeKind.MEMBER_BITS,
    ChangeKind.MEMBER_NESTED,
    ChangeKind.MEMBER_EMBEDDED,
}
_MARKS = {
    ChangeKind.MEMBER_ADDED: "+",
    ChangeKind.MEMBER_REMOVED: "-",
    ChangeKind.ENUMERATOR_ADDED: "+",
    ChangeKind.ENUMERATOR_REMOVED: "-",
    ChangeKind.PARAMETER_ADDED: "+",
    ChangeKind.PARAMETER_REMOVED: "-",
}
_LINKAGES = {0: "static", 1: "global", 2: "extern"}


def label(kind: EntityKind, name: str) -> str:
    """The kind and the name of an entity."""
    return f"{kind.name.lower()} {printable(name)}"


def headline(entity: ChangedEntity) -> str:
    """What follows the name of an entity: the change of its size."""
    for change in entity.changes:
        if change.kind == _SIZE:
            return f", {change.size_old:,} -> {change.size_new:,} bytes"
    return ""


def change_lines(entity: ChangedEntity, width: int) -> Iterator[str]:
    """Yield the lines below the name of an entity."""
    members, renumbered = [], []
    for change in entity.changes:
        kind = change.kind
        if kind in _MEMBERS:
            members.append(change)
        elif kind == _ENUMERATOR_VALUE:
            renumbered.append(change)
        elif kind != _SIZE:
            yield from wrapped(f"{_MARKS.get(kind, ' ')} {_sentence(change, entity.kind)}", width, _INDENT)
    if renumbered:
        yield from _renumbered(renumbered, width)
    if members:
        yield from _side_by_side(members, width)


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """The lines of a text; those after the first one are indented further."""
    if text and len(indent) + len(text) <= max(width, _LEAST_WIDTH):
        return [(indent + text).rstrip()]
    from textwrap import wrap

    inner = " " * (len(text) - len(text.lstrip()))
    return wrap(
        text,
        max(width, _LEAST_WIDTH),
        initial_indent=indent,
        subsequent_indent=f"{indent}{inner}    ",
        break_on_hyphens=False,
    )


# -- everything but members


def _sentence(change: Change, kind: EntityKind) -> str:
    old, new = printable(change.text_old), printable(change.text_new)
    path = printable(change.path_new or change.path_old)
    match change.kind:
        case ChangeKind.ALIGNMENT:
            return f"alignment {change.size_old} -> {change.size_new}"
        case ChangeKind.TAGS:
            return f"tags {old or 'none'} -> {new or 'none'}"
        case ChangeKind.LINKAGE:
            return f"linkage {_linkage(change.value_old)} -> {_linkage(change.value_new)}"
        case ChangeKind.SIGNED if kind == EntityKind.BASE:
            return f"encoding 0x{change.value_old:08x} -> 0x{change.value_new:08x}"
        case ChangeKind.SIGNED:
            return f"{_signed(change.value_old)} -> {_signed(change.value_new)}"
        case ChangeKind.GROUPING:
            return "members are grouped otherwise"
        case ChangeKind.ENUMERATOR_ADDED:
            return f"{path} = {change.value_new}"
        case ChangeKind.ENUMERATOR_REMOVED:
            return f"{path} = {change.value_old}"
        case ChangeKind.ENUMERATOR_RENAMED:
            return f"{printable(change.path_old)} -> {path} = {change.value_new}"
        case ChangeKind.PARAMETER_ADDED:
            return f"{path}: {new}"
        case ChangeKind.PARAMETER_REMOVED:
            return f"{path}: {old}"
        case ChangeKind.PARAMETER_REORDERED:
            return "parameters are in another order"
        case ChangeKind.PARAMETER_RENAMED:
            return f"{printable(change.path_old)} -> {path}: {new}"
        case ChangeKind.PARAMETER_TYPE:
            return f"{path}: {old} -> {new}"
        case ChangeKind.RETURN_TYPE:
            return f"returns {old} -> {new}"
        case ChangeKind.VARIADIC:
            return "takes more arguments" if change.value_new else "takes no more arguments"
        case ChangeKind.TYPE:
            return f"{old} -> {new}"
        case _:
            return f"{path or new}: {new} changed inside" if path else f"{new} changed inside"


def _linkage(value: int) -> str:
    return _LINKAGES.get(value, str(value))


def _signed(value: int) -> str:
    return "signed" if value else "unsigned"


def _renumbered(found: Sequence[Change], width: int) -> Iterator[str]:
    """The enumerators whose value changed; a run that moved by the same distance is one line."""
    start = 0
    while start < len(found):
        end, first = start, found[start]
        distance = first.value_new - first.value_old
        while end < len(found) and found[end].value_new - found[end].value_old == distance:
            end += 1
        text = f"{printable(first.path_old)} {first.value_old} -> {first.value_new}"
        if end - start > 1:
            text += f" ... {printable(found[end - 1].path_old)}: {end - start:,} values by {distance:+}"
        yield from wrapped(f"  {text}", width, _INDENT)
        start = end


# -- members


def _side_by_side(changes: Sequence[Change], width: int) -> Iterator[str]:
    """The members that changed, in the order of their offsets; runs that were only shifted are one line."""
    rows = sorted(_by_member(changes), key=_position)
    digits = max(len(_offset(offset)) for row in rows for offset in (row[0].offset_old, row[0].offset_new))
    side = max((width - len(_INDENT) - 3) // 2, _LEAST)
    start = 0
    while start < len(rows):
        end, shift = start + 1, _shift(rows[start])
        while shift is not None and end < len(rows) and _shift(rows[end]) == shift:
            end += 1
        if end - start > 1:
            yield from wrapped(_shift_text(rows[start:end], digits), width, _INDENT)
            start = end
            continue
        yield from _row_lines(*_sides(rows[start], digits), side, width)
        start += 1


def _row_lines(old: str, new: str, side: int, width: int) -> Iterator[str]:
    """One member: on one line if both sides fit, otherwise below each other."""
    if max(len(old), len(new)) <= side:
        mark = "+" if not old else "-" if not new else "|"
        yield f"{_INDENT}{old:{side}} {mark} {new}".rstrip()
        return
    for mark, text in (("-", old), ("+", new)):
        if text:
            yield from wrapped(f"{mark} {text}", width, _INDENT)


def _by_member(changes: Sequence[Change]) -> list[list[Change]]:
    """The changes of each member."""
    found: dict[tuple[str, str, int, int], list[Change]] = {}
    for change in changes:
        key = change.path_old, change.path_new, change.offset_old, change.offset_new
        found.setdefault(key, []).append(change)
    return [*found.values()]


def _position(row: Sequence[Change]) -> tuple[int, int]:
    change = row[0]
    old, new = change.offset_old, change.offset_new
    return (new if new >= 0 else old, old)


def _shift(row: Sequence[Change]) -> int | None:
    """The distance in bits by which a member was only shifted; None if more happened."""
    change = row[0]
    if len(row) > 1 or change.kind != _MEMBER_MOVED or change.own:
        return None
    return change.offset_new - change.offset_old


def _shift_text(rows: Sequence[Sequence[Change]], digits: int) -> str:
    first, last = rows[0][0], rows[-1][0]
    distance = first.offset_new - first.offset_old
    by = f"{distance // 8:+,} bytes" if distance % 8 == 0 else f"{distance:+,} bits"
    return (
        f"{_offset(first.offset_old):>{digits}} {printable(first.path_old)} ... {printable(last.path_old)}: "
        f"{len(rows):,} members by {by}"
    )


def _sides(row: Sequence[Change], digits: int) -> tuple[str, str]:
    change = row[0]
    kinds = [each.kind for each in row]
    inside = " (inside)" if _MEMBER_EMBEDDED in kinds else ""
    nested = " (nested)" if _MEMBER_NESTED in kinds else ""
    old = _member(change.offset_old, change.text_old, change.path_old, change.bits_old, digits)
    new = _member(change.offset_new, change.text_new, change.path_new, change.bits_new, digits)
    return old, f"{new}{inside}{nested}" if new else ""


def _member(offset: int, type_: str, path: str, bits: int, digits: int) -> str:
    if offset < 0:
        return ""
    width = f":{bits}" if bits > 0 else ""
    name = f"{printable(path)}{width}" if path else "(no name)"
    return f"{_offset(offset):>{digits}} {name}: {printable(type_)}"


def _offset(bits: int) -> str:
    if bits < 0:
        return ""
    return str(bits >> 3) if bits & 7 == 0 else f"{bits >> 3}:{bits & 7}"
