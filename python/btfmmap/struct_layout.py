"""`Btf.layout`: one struct member by member, and its text as pahole prints it."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, NamedTuple

from .c_names import function, padded_name, type_name, untagged
from .fields import fields, resolved
from .kinds import Kind

if TYPE_CHECKING:
    from .types import Member, Type

CACHE_LINE = 64
_TYPE_WIDTH, _NAME_WIDTH = 26, 23
_COMPOSITE = (Kind.STRUCT, Kind.UNION)
_MAX_DEPTH = 64


class LayoutMember(NamedTuple):
    """A member, flattened out of anonymous structs and unions.

    Attributes:
        name: its own; "" for a bitfield that only fills.
        type: its type.
        offset: in bytes from the struct's start; a bitfield's is that of its integer.
        bit_position: of a bitfield, its first bit in that integer, from the lowest (in a big-endian file from
            the highest); 0 otherwise.
        bitfield_size: in bits; 0 where it is no bitfield.
        size: of its type, in bytes; 0 where it has none.
        depth: how many anonymous structs and unions it lies in.
        hole: free bytes before it.
        bit_hole: free bits before it.
        cacheline: the number of the cache line that it starts in.
    """

    name: str
    type: Type
    offset: int
    bit_position: int
    bitfield_size: int
    size: int
    depth: int
    hole: int
    bit_hole: int
    cacheline: int


class StructLayout:
    """How one struct or union uses its bytes. `members` is flat, `summary` has the columns of `Btf.layouts`,
    and `str` is pahole's text."""

    def __init__(self, type_: Type) -> None:
        self.type = type_
        self.summary = _summary(type_)

    @property
    def size(self) -> int:
        """In bytes."""
        return self.type.size or 0

    @property
    def members(self) -> list[LayoutMember]:
        """Those of anonymous structs and unions in the place of these."""
        flat: list[LayoutMember] = []
        places: dict[int, list[tuple[int, int, int, int]]] = {}
        for field in fields(self.type):
            parent = field.parent
            if parent.id not in places:
                places[parent.id] = _places(parent)
            offset, size, hole, bit_hole = places[parent.id][field.number]
            offset += (field.bit_offset - parent.members[field.number].bit_offset) // 8
            position = field.bit_offset - 8 * offset if field.bitfield_size else 0
            line = field.offset // CACHE_LINE
            flat.append(
                LayoutMember(
                    field.name,
                    field.type,
                    offset,
                    position,
                    field.bitfield_size,
                    size,
                    field.depth,
                    hole,
                    bit_hole,
                    line,
                )
            )
        return flat

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the summary, and the members with the names of their types."""
        return {
            "name": self.type.name,
            "kind": self.type.kind.name,
            **self.summary,
            "member": [
                member._replace(type=None)._asdict()  # type: ignore[arg-type]
                | {"type": type_name(member.type), "type_id": member.type.id}
                for member in self.members
            ],
        }

    def text(self, *, expand: bool = False) -> str:
        """As pahole prints it; with `expand` members of named structs are opened too."""
        return _Printer(expand).composite(self.type, self.summary)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<StructLayout {self.type.name or '(anon)'}: {self.size} bytes>"


def _summary(type_: Type) -> dict[str, Any]:
    columns = type_.btf._layout_columns()
    row = bisect_left(columns["id"], type_.id)
    return {name: column[row] for name, column in columns.items()}


def _places(type_: Type) -> list[tuple[int, int, int, int]]:
    return type_.btf._layout.members(type_.id)


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


class _Printer:
    """pahole's text: declarations, offsets and sizes in columns, holes and cache lines as comments."""

    def __init__(self, expand: bool) -> None:
        self.expand = expand
        self.cacheline = 0
        self.open: list[int] = []  # the types that are being written
        self.unions = 0  # how many of those are unions

    def composite(self, type_: Type, summary: dict[str, Any]) -> str:
        return f"{self.body(type_, summary, 1, 0, _TYPE_WIDTH, outermost=True)};\n"

    def body(
        self,
        type_: Type,
        summary: dict[str, Any],
        indent: int,
        base: int,
        width: int,
        *,
        outermost: bool = False,
    ) -> str:
        """From the keyword to the closing brace and its attributes."""
        union = type_.kind == Kind.UNION
        lines = [f"{'union' if union else 'struct'}{' ' if type_.name else ''}{type_.name} {{"]
        self.open.append(type_.id)
        self.unions += union
        tabs = "\t" * indent
        places = _places(type_)
        alignments, own_alignment = _alignments(type_, places)
        cacheline = self.cacheline
        comments = _holes(*places[0][2:], tabs) if places else []
        paddings: list[int] = []
        before = _Before(0, 0, 0)
        for number, (member, place) in enumerate(zip(type_.members, places, strict=True)):
            offset, size, _, bit_hole = place
            lines += ["", *comments] if comments else []
            if not union and before.size:
                filler = _filler(member, offset, before, bit_hole, tabs, width)
                combined = _combined(member, offset, before, tabs)
                lines += filler
                lines += ["", combined] if combined and not comments else [combined] if combined else []
                comments = [*comments, combined] if combined else comments
            lines += [""] if comments else []
            flexible = not self.unions and number + 1 == len(places) != 1
            lines.append(self.member(member, offset, size, indent, base, width, alignments[number], flexible))
            if union:
                self.cacheline = cacheline
                comments = []
                continue
            comments = []
            if member.type.kind == Kind.STRUCT and (padding := _summary(member.type)["padding"]):
                paddings.append(padding)
                comments.append(f"{tabs}/* XXX last struct has {_plural(padding, 'byte')} of padding */")
            if number + 1 < len(places):
                comments += _holes(*places[number + 1][2:], tabs)
            before = before.after(member, offset, size)
        lines += ["", *comments] if comments else []
        if outermost:
            lines += self.stats(type_, summary, places, paddings, alignments, tabs)
        self.open.pop()
        self.unions -= union
        attribute = ""
        if summary["packed"]:
            attribute = " __attribute__((__packed__))"
        elif own_alignment and not union:
            attribute = f" __attribute__((__aligned__({own_alignment})))"
        return "\n".join([*lines, f"{tabs[1:]}}}{attribute}"])

    def member(
        self,
        member: Member,
        offset: int,
        size: int,
        indent: int,
        base: int,
        width: int,
        alignment: int,
        flexible: bool,
    ) -> str:
        """`flexible`: an array without elements ends the struct, and is written [] and not [0]."""
        start = base + offset
        tabs = "\t" * indent
        lead = ""
        if start // CACHE_LINE > self.cacheline:
            self.cacheline = start // CACHE_LINE
            past = start % CACHE_LINE
            ago = f" was {_plural(past, 'byte')} ago" if past else ""
            lead = f"{tabs}/* --- cacheline {self.cacheline} boundary ({start - past} bytes){ago} --- */\n"
        bits = f":{member.bitfield_size}" if member.bitfield_size else ""
        position = f":{member.bit_offset - 8 * offset:2}" if bits else ""
        numbers = f"/* {start:>5}{position} {size:>{2 if bits else 5}} */"
        aligned = f" __attribute__((__aligned__({alignment})))" if alignment else ""
        inner, name = _inner(member.type, member.name, flexible)
        qualifiers, qualified = _unwrapped(inner, Kind.CONST)
        const = "const " if qualifiers and qualified.kind in _COMPOSITE and not qualified.name else ""
        if self.expand or const:
            inner = resolved(inner)
        if self.opens(inner):
            in_place = inner == member.type or self.expand or bool(const)
            pointed_to = member.type.kind == Kind.PTR and not in_place
            # pahole narrows the columns of what is pointed to once more.
            text = (
                self.opened(inner, indent, 0, width - 8)
                if pointed_to
                else self.opened(inner, indent, start, width)
            )
            taken = len(aligned) + (len(member.name) if member.name else -1)
            if inner.kind == Kind.STRUCT and _summary(inner)["packed"]:
                taken += len("__attribute__((__packed__))") + 1  # pahole counts the NUL too
            room = max(1, abs(width + _NAME_WIDTH - taken - 3)) if in_place else 1
            text = f"{const}{text}{' ' if name else ''}{name}{bits}{aligned};"
        else:
            text = f"{_declaration(member.type, member.name, width, flexible)}{bits}{aligned};"
            room = max(1, width + _NAME_WIDTH - len(text))
        return f"{lead}{tabs}{text}{' ' * room}{numbers}"

    def opens(self, inner: Type) -> bool:
        """Whether a type is written out where it is used."""
        if inner.kind in (Kind.ENUM, Kind.ENUM64):
            return not inner.name
        may = inner.kind in _COMPOSITE and inner.id not in self.open and len(self.open) < _MAX_DEPTH
        return may and (not inner.name or self.expand)

    def opened(self, inner: Type, indent: int, start: int, width: int) -> str:
        if inner.kind in _COMPOSITE:
            return self.body(inner, _summary(inner), indent + 1, start, width - 8)
        tabs = "\t" * indent
        longest = max((len(value.name) for value in inner.enumerators), default=0)
        values = [f"{tabs}\t{value.name:<{longest}} = {value.value}," for value in inner.enumerators]
        return "\n".join(["enum {", *values, f"{tabs}}}"])

    def stats(
        self,
        type_: Type,
        summary: dict[str, Any],
        places: list[tuple[int, int, int, int]],
        paddings: list[int],
        alignments: list[int],
        tabs: str,
    ) -> list[str]:
        size = summary["size"]
        lines = [
            f"size: {size}, cachelines: {summary['cachelines']}, members: {summary['members']}",
        ]
        if type_.kind == Kind.STRUCT:
            holes, bit_holes = summary["hole_bytes"], summary["bit_hole_bits"]
            bits = sum(member.bitfield_size for member in type_.members)
            plain = sum(
                place[1]
                for member, place in zip(type_.members, places, strict=True)
                if not member.bitfield_size
            )
            if (holes or bit_holes) and plain:
                more = f", holes: {summary['holes']}, sum holes: {holes}" if holes else ""
                lines.append(f"sum members: {plain}{more}")
            if (holes or bit_holes) and bits:
                more = f" ({bits // 8} bytes)"
                if bit_holes:
                    more = f", bit holes: {summary['bit_holes']}, sum bit holes: {bit_holes} bits"
                lines.append(f"sum bitfield members: {bits} bits{more}")
            if summary["padding"]:
                lines.append(f"padding: {summary['padding']}")
            if paddings:
                lines.append(f"paddings: {len(paddings)}, sum paddings: {sum(paddings)}")
            if summary["bit_padding"]:
                lines.append(f"bit_padding: {summary['bit_padding']} bits")
            forced = [place[2] for place, alignment in zip(places, alignments, strict=True) if alignment]
            if forced:
                gaps = [hole for hole in forced if hole]
                more = f", forced holes: {len(gaps)}, sum forced holes: {sum(gaps)}" if gaps else ""
                lines.append(f"forced alignments: {len(forced)}{more}")
        if size % CACHE_LINE:
            lines.append(f"last cacheline: {size % CACHE_LINE} bytes")
        return ["", *(f"{tabs}/* {line} */" for line in lines)]


class _Before(NamedTuple):
    """What pahole remembers of the member before."""

    size: int
    offset: int
    bitfield_size: int

    def after(self, member: Member, offset: int, size: int) -> _Before:
        moved = self.size == 0 or self.offset != offset or (not self.bitfield_size and member.bitfield_size)
        return _Before(size if moved else self.size, offset, member.bitfield_size)


def _holes(hole: int, bit_hole: int, tabs: str) -> list[str]:
    found = [_plural(bit_hole, "bit")] if bit_hole else []
    found += [_plural(hole, "byte")] if hole else []
    return [f"{tabs}/* XXX {text} hole, try to pack */" for text in found]


def _filler(member: Member, offset: int, before: _Before, bit_hole: int, tabs: str, width: int) -> list[str]:
    """The unnamed bitfield that makes a hole of bits before a bitfield."""
    if not bit_hole or not member.bitfield_size:
        return []
    lines = []
    if before.offset != offset:
        lines = ["", f"{tabs}/* Force alignment to the next boundary: */"]
        bit_hole = 0
    return [*lines, f"{tabs}{_declaration(member.type, '', width)}:{bit_hole};"]


def _combined(member: Member, offset: int, before: _Before, tabs: str) -> str:
    into_bits = offset == before.offset and not before.bitfield_size and member.bitfield_size
    if offset < before.offset or into_bits:
        return f"{tabs}/* Bitfield combined with previous fields */"
    return (
        f"{tabs}/* Bitfield combined with next fields */" if 0 < offset - before.offset < before.size else ""
    )


def _alignments(type_: Type, places: list[tuple[int, int, int, int]]) -> tuple[list[int], int]:
    """Of each member and of the type, the alignment that its place needs beyond its own, as pahole's
    `class__infer_alignment` guesses it from the gap before; 0 where there is none to guess."""
    layout = type_.btf._layout
    guessed = []
    end = 0
    for member, (offset, size, _, _) in zip(type_.members, places, strict=True):
        natural = layout.natural_alignment(member.type.id)
        guessed.append(_alignment(offset, natural, end) if size else 0)
        if size:
            end = offset + size
    return guessed, _alignment(type_.size or 0, layout.natural_alignment(type_.id), end)


def _alignment(offset: int, natural: int, end: int) -> int:
    gap = offset - end
    if gap <= 0 or offset % 2:
        return 0
    alignment = 1 << gap.bit_length()
    if alignment <= natural:
        return 0
    if alignment < CACHE_LINE and offset % CACHE_LINE == 0:
        return CACHE_LINE
    return alignment


def _unwrapped(type_: Type, *kinds: Kind) -> tuple[list[Type], Type]:
    """The types of these kinds around another, and that one."""
    around: list[Type] = []
    while type_.kind in kinds and type_.type is not None and len(around) < _MAX_DEPTH:
        around.append(type_)
        type_ = type_.type
    return around, type_


def _dimensions(types: list[Type], flexible: bool) -> str:
    arrays = (type_ for type_ in types if type_.kind == Kind.ARRAY)
    return "".join(f"[{array.nelems}]" if array.nelems or not flexible else "[]" for array in arrays)


def _inner(type_: Type, name: str, flexible: bool) -> tuple[Type, str]:
    """What arrays are made of, with their dimensions behind the name; or what a pointer points to."""
    arrays, type_ = _unwrapped(type_, Kind.ARRAY)
    name += _dimensions(arrays, flexible)
    if type_.kind == Kind.PTR and type_.type is not None and type_.type.kind in (*_COMPOSITE, Kind.ENUM):
        return type_.type, f"* {name}"
    return type_, name


def _declaration(type_: Type, name: str, width: int, flexible: bool = False) -> str:
    """A member's type and name, the type padded to `width`."""
    around, type_ = _unwrapped(type_, Kind.ARRAY, Kind.CONST, Kind.TYPE_TAG)
    # Of a constant array of constant elements pahole writes both, but for one of no elements.
    pairs = zip([type_, *around], around, strict=False)
    prefix = "const " * sum(
        each.kind == Kind.CONST and not (outer.kind == Kind.ARRAY and not outer.nelems)
        for outer, each in pairs
    )
    suffix = _dimensions(around, flexible)
    width -= len(prefix)
    proto = _prototype(type_)
    if proto is not None:
        return f"{prefix}{function(proto, name, pointer=type_.kind == Kind.PTR, spacing=width)}{suffix}"
    return f"{prefix}{padded_name(type_, width)} {name}{suffix}"


def _prototype(type_: Type) -> Type | None:
    """The FUNC_PROTO that this is, or points to."""
    if type_.kind == Kind.PTR:
        target = untagged(type_.type)
        return target if target is not None and target.kind == Kind.FUNC_PROTO else None
    return type_ if type_.kind == Kind.FUNC_PROTO else None
