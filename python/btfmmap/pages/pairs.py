"""Structs of two kernels as maps beside each other."""

from __future__ import annotations

from ..diffing.kinds import EntityKind
from ..html.text import escaped, isolated
from ..pictures.byte_map import bits_text, map_of
from .document import scrolled
from .structs import key
from .svg import map_svg

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ..diffing.comparison import ChangedEntity
    from ..diffing.result import DiffMember, DiffResult
    from ..pictures.byte_map import ByteMap

    _Extent = tuple[int, int]

_ROW_BYTES = 32  # two rows of cache lines would not fit beside each other
_MAX_HOPS = 64  # typedefs of a type
_CONTAINERS = (EntityKind.STRUCT, EntityKind.UNION)
_CATEGORIES = {
    EntityKind.STRUCT: "struct",
    EntityKind.UNION: "union",
    EntityKind.ENUM: "enum",
}
_FLOATS = ("float", "double")
MAX_PAIRS = 40
"""Structs of a page that have maps."""


class Side:
    """A struct in one of the kernels."""

    def __init__(self, result: DiffResult, entity: int, kernel: int) -> None:
        self.size: int = result._size(entity, kernel)
        self.members: list[DiffMember] = _outermost(result.members(entity, kernel))
        self.places: list[_Extent] = [_extent(member) for member in self.members]
        self.by_path: dict[str, _Extent] = dict(
            zip((member.path for member in self.members), self.places, strict=True)
        )
        self.drawn: ByteMap = map_of(
            self.size, self.places, _categories(result, self.members, kernel), _ROW_BYTES
        )

    def marks(self, other: Side, absent: str) -> list[str]:
        """Return a mark for each member: `absent` if the other kernel lacks it, "*" if it moved there."""
        return [
            absent if member.path not in other.by_path else "*" * (other.by_path[member.path] != place)
            for member, place in zip(self.members, self.places, strict=True)
        ]


def has_pair(result: DiffResult, entity: ChangedEntity, old: int, new: int) -> bool:
    """Return whether an entity has maps: a struct or union of both kernels that differ in layout."""
    return (
        entity.layout
        and entity.kind in _CONTAINERS
        and result._size(entity.entity, old) >= 0
        and result._size(entity.entity, new) >= 0
    )


def pairs(
    result: DiffResult, entities: Sequence[ChangedEntity], old: int, new: int, names: Sequence[str]
) -> Iterator[str]:
    """Yield the maps of structs in two kernels, beside each other.

    Args:
        result: The result.
        entities: The structs and unions, for which `has_pair` holds.
        old: Row of the one kernel.
        new: Row of the other.
        names: The names of all kernels.
    """
    found = [(each, Side(result, each.entity, old), Side(result, each.entity, new)) for each in entities]
    if not found:
        return
    yield f"<h2>{isolated(f'Maps of structs in {names[old]} and {names[new]}', 400)}</h2>\n"
    yield (
        f"<p>A row is {_ROW_BYTES} bytes. * marks a member with another place or size, + one that is new, "
        "- one that is gone.</p>\n"
    )
    yield key({box.category for _, *sides in found for side in sides for box in side.drawn.boxes})
    for entity, before, after in found:
        marks = before.marks(after, "-"), after.marks(before, "+")
        moved, added, removed = marks[1].count("*"), marks[1].count("+"), marks[0].count("-")
        title = f"{entity.kind.name.lower()} {entity.name or '(anon)'}"
        sizes = f"{before.size:,}" + f" \N{RIGHTWARDS ARROW} {after.size:,}" * (before.size != after.size)
        said = f": {sizes} bytes; members: {moved:,} moved or resized, {added:,} new, {removed:,} gone"
        is_open = " open" * (len(found) == 1)
        yield f'<details data-m="{entity.entity}"{is_open}><summary>{isolated(title)}{said}</summary>'
        maps = "".join(
            f"<div><p>{isolated(names[kernel])}, {side.size:,} bytes</p>"
            f"{_map(side, of_side, f'map of {title} in {names[kernel]}')}</div>"
            for kernel, side, of_side in ((old, before, marks[0]), (new, after, marks[1]))
        )
        label = f"maps of {title}, from {names[old]} to {names[new]}"
        yield f"{scrolled(label, maps, 'pair')}</details>\n"


def _map(side: Side, marks: Sequence[str], label: str) -> str:
    names = [f"{mark}{member.path}" for member, mark in zip(side.members, marks, strict=True)]
    tips = {}
    for box in side.drawn.boxes:
        place = f"{bits_text(box.end - box.start)} at byte {box.start // 8}"
        place += f" bit {box.start % 8}" if box.start % 8 else ""
        if box.member >= 0:
            member = side.members[box.member]
            place = f"{names[box.member] or '(anon)'}: {member.type}, {place}"
        else:
            place = f"{box.category}: {place}"
        tips[box.member] = escaped(place, 400)
    return map_svg(side.drawn, names, tips, label, linked=False)


def _outermost(members: Sequence[DiffMember]) -> list[DiffMember]:
    """Return members without those of a struct that a named member consists of, which follow it."""
    found: list[DiffMember] = []
    inner: tuple[str, ...] = ()
    for member in members:
        if not member.path.startswith(inner):
            found.append(member)
            inner = f"{member.path}.", f"{member.path}[]."
    return found


def _extent(member: DiffMember) -> _Extent:
    start = max(member.bit_offset, 0)
    return start, start + (member.bits or 8 * max(member.size, 0))


def _categories(result: DiffResult, members: Sequence[DiffMember], kernel: int) -> Callable[[int], str]:
    return lambda number: _category(result, members[number], kernel)


def _category(result: DiffResult, member: DiffMember, kernel: int) -> str:
    """Return which category of boxes a member belongs to, below typedefs."""
    for _ in range(_MAX_HOPS):
        type_ = member.type
        if "(*" in type_:
            return "pointer"
        if type_.endswith("]"):
            return "array"
        if "*" in type_:
            return "pointer"
        if member.embedded < 0:
            return next((word for word in ("struct", "union", "enum") if type_.startswith(word)), "other")
        kind, name = result.name(member.embedded)
        if kind == EntityKind.BASE:
            return "float" if any(word in name for word in _FLOATS) else "integer"
        below = result.members(member.embedded, kernel) if kind == EntityKind.TYPEDEF else []
        if not below:
            return _CATEGORIES.get(kind, "other")
        if below[0].path:  # the typedef of a struct, union or enum without a name
            return _nameless(below)
        member = below[0]
    return "other"


def _nameless(members: Sequence[DiffMember]) -> str:
    """Return the category of what has these members or enumerators."""
    if members[0].bit_offset < 0:
        return "enum"
    return "union" if len(members) > 1 and not any(member.bit_offset for member in members) else "struct"
