"""The layout of one struct, member by member, and its text in pahole's format."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, NamedTuple

from .c_names import function, padded_name, untagged
from .errors import FormatError
from .fields import MAX_DEPTH, MAX_FIELDS, spelled
from .iteration import run
from .kinds import Kind

if TYPE_CHECKING:
    from .iteration import Calls
    from .types import Member, Type

CACHE_LINE = 64
_TYPE_WIDTH = 26
_INT_SIZE = 4
_PACKED = " __attribute__((__packed__))"


class LayoutMember(NamedTuple):
    """A member of a `StructLayout`, with members of anonymous structs and unions flattened.

    Attributes:
        name: member name; empty for a padding bitfield.
        type: member type.
        offset: offset from the start of the struct, in bytes. For a bitfield, the offset of its
            storage unit, which has the size of its type.
        bit_position: position of a bitfield's first bit in its storage unit, from the lowest bit (in a
            big-endian file from the highest); 0 if it is not a bitfield.
        bitfield_size: size of a bitfield in bits; 0 if it is not a bitfield.
        size: size of the type in bytes; 0 if it has none.
        depth: number of anonymous structs and unions around it.
        hole: free bytes before it. Members are taken in the order of offsets, not of the record.
        bit_hole: free bits before it, with members taken in the order of offsets.
        cacheline: index of the cache line in which it starts.

    Example:
        >>> member = btf.layout("flow").members[5]
        >>> member.name, member.offset, member.bit_position, member.bitfield_size
        ('priority', 48, 9, 3)
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
    """How one struct or union uses its bytes.

    `str` gives the same text as `text()`.

    Attributes:
        type: the STRUCT or UNION.
        summary: the row of the type in `Btf.layouts`, as a dict of column names to values.

    Example:
        >>> layout = btf.layout("flow")
        >>> layout.summary["holes"], layout.summary["hole_bytes"]
        (2, 5)
    """

    def __init__(self, type_: Type) -> None:
        self.type: Type = type_
        self.summary: dict[str, Any] = _summary(type_)

    @property
    def size(self) -> int:
        """The size of the type in bytes.

        Example:
            >>> btf.layout("flow").size
            112
        """
        return self.type.size or 0

    @property
    def distilled(self) -> bool:
        """Whether the type belongs to a distilled base: its size is known, its members are not recorded.

        Example:
            >>> btf.layout("flow").distilled
            False
        """
        return self.type.btf.distilled

    @property
    def members(self) -> list[LayoutMember]:
        """The members in the order of the record, with anonymous structs and unions flattened.

        Raises:
            FormatError: an anonymous struct contains itself or is nested too deeply, or there are more than
                65,536 members.

        Example:
            >>> [(member.name, member.offset) for member in btf.layout("list").members]
            [('next', 0), ('prev', 8)]
        """
        from ._core import named_tuples

        btf = self.type.btf
        names, type_ids, offsets, *others = btf._core_layout.layout_members(self.type.id)
        lines = [offset // CACHE_LINE for offset in offsets]
        return named_tuples(LayoutMember, [names, btf._types(type_ids), offsets, *others, lines])

    def to_dict(self) -> dict[str, Any]:
        """Convert to a dict that can be serialised as JSON.

        Returns:
            A dict with `kind`, `name`, `distilled`, and the columns of `Btf.layouts`. Its `vlen` is the
            number of members in the type's record. Its `members` is a list of dicts with the attributes of
            `LayoutMember` and with `type_id`; `type` is the C name of the type.

        Raises:
            FormatError: see `members`.

        Example:
            >>> btf.layout("list").to_dict()["members"][0]["type"]
            'struct list *'
        """
        facts: dict[str, Any] = {"id": self.type.id, "kind": self.type.kind.name, "name": self.type.name}
        facts |= {"vlen" if name == "members" else name: value for name, value in self.summary.items()}
        facts["distilled"] = self.distilled
        facts["members"] = [
            member._asdict() | {"type": spelled(member.type), "type_id": member.type.id}
            for member in self.members
        ]
        return facts

    def text(self, *, expand: bool = False) -> str:
        r"""Format the layout as pahole does.

        Args:
            expand: whether to write out members whose types are named structs or unions.

        Returns:
            The C declaration with offsets, sizes, holes and cache lines in comments. It ends with a newline.

        Raises:
            FormatError: more than 65,536 members would be written.

        Example:
            >>> btf.layout("list").text().splitlines()[1].split()
            ['struct', 'list', '*', 'next;', '/*', '0', '8', '*/']
        """
        return _Printer(expand).composite(self.type, self.summary)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<StructLayout {self.type.name or '(anon)'}: {self.size} bytes>"


def _summary(type_: Type) -> dict[str, Any]:
    columns = type_.btf._layout_columns()
    row = bisect_left(columns["id"], type_.id)
    return {name: column[row] for name, column in columns.items()}


# A member's offset and size in bytes, the free bytes and bits before it, and the number of the member before
# that free space (-1 at the start of the struct).
_Place = tuple[int, int, int, int, int]


def _places(type_: Type) -> list[_Place]:
    return type_.btf._core_layout.members(type_.id)


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"


class _Printer:
    """Writes pahole's text: declarations, offsets and sizes in columns, holes and cache lines as comments."""

    def __init__(self, expand: bool) -> None:
        self.expand = expand
        self.name_width = 0
        self.cacheline = 0
        self.written = 0  # number of members
        self.open: list[int] = []  # ids of the types being written, outermost first
        self.unions = 0  # number of unions among them

    def composite(self, type_: Type, summary: dict[str, Any]) -> str:
        self.name_width = 55 if self.expand else 21 if type_.kind == Kind.UNION else 23
        return f"{run(self.body(type_, summary, _Column(1, 0, _TYPE_WIDTH), outermost=True))};\n"

    def body(
        self,
        type_: Type,
        summary: dict[str, Any],
        column: _Column,
        declarator: str = "",
        *,
        outermost: bool = False,
    ) -> Calls[str]:
        """The text from the keyword to the closing brace, then the declarator and the attributes."""
        self.written += summary["members"]
        if self.written > MAX_FIELDS:
            raise FormatError(
                f"more than {MAX_FIELDS:,} members, reached in type [{type_.id}]", type_id=type_.id
            )
        union = type_.kind == Kind.UNION
        lines = [f"{'union' if union else 'struct'}{' ' if type_.name else ''}{type_.name} {{"]
        self.open.append(type_.id)
        self.unions += union
        tabs = column.tabs
        places = _places(type_)
        members = type_.members
        order = _by_offset(type_, members)
        alignments, own_alignment = _alignments(type_, members, places, order)
        cacheline = self.cacheline
        holes = {place[4]: place[2:4] for place in places if place[2] or place[3]}
        comments = _holes(*holes.get(-1, (0, 0)), tabs)
        lines_before = None if order is None else _lines_before(order, places, column)
        paddings: list[int] = []
        before = _Before(0, 0, 0)
        for number, (member, place) in enumerate(zip(members, places, strict=True)):
            offset, size, _, bit_hole, follows = place
            lines += ["", *comments] if comments else []
            if lines_before is not None:
                self.cacheline = lines_before[number]
            in_turn = number > 0 and member.bit_offset >= members[number - 1].bit_offset
            if not union and before.size and (in_turn or order is None):
                if bit_hole and member.bitfield_size and follows == number - 1:
                    lines += yield self.filler(member, bit_hole if before.offset == offset else 0, column)
                combined = _combined(member, offset, before, tabs)
                lines += ["", combined] if combined and not comments else [combined] if combined else []
                comments = [*comments, combined] if combined else comments
            lines += [""] if comments else []
            last = number if order is None else order[-1]
            flexible = not self.unions and number + 1 == len(places) != 1 and last == number
            lines.append((yield self.member(member, offset, size, column, alignments[number], flexible)))
            comments = []
            if union:
                self.cacheline = cacheline
                continue
            if member.type.kind == Kind.STRUCT and (padding := _summary(member.type)["padding"]):
                paddings.append(padding)
                comments.append(f"{tabs}/* XXX last struct has {_plural(padding, 'byte')} of padding */")
            comments += _holes(*holes.get(number, (0, 0)), tabs)
            before = before.after(member, offset, size)
        lines += ["", *comments] if comments else []
        if type_.btf.distilled:
            own_alignment = 0
            lines += ["", f"{tabs}/* size: {summary['size']}, a distilled base: no members recorded */"]
        elif outermost and not union:
            lines += self.stats(members, summary, places, paddings, alignments, tabs)
        self.open.pop()
        self.unions -= union
        closing = f"{tabs[1:]}}}"
        if summary["packed"]:
            closing += _PACKED
        if declarator:
            closing += f" {declarator}"
        if own_alignment and not summary["packed"] and not union:
            closing += _aligned(own_alignment)
        return "\n".join([*lines, closing])

    def member(
        self, member: Member, offset: int, size: int, column: _Column, alignment: int, flexible: bool
    ) -> Calls[str]:
        """One member with its comment.

        `flexible`: the member ends the struct, so an array of zero elements is written [] rather than [0].
        """
        start = offset + (column.base or 0)
        lead = ""
        if start // CACHE_LINE > self.cacheline:
            self.cacheline = start // CACHE_LINE
            past = start % CACHE_LINE
            ago = f" was {_plural(past, 'byte')} ago" if past else ""
            line = f"cacheline {self.cacheline} boundary ({start - past} bytes){ago}"
            lead = f"{column.tabs}/* --- {line} --- */\n"
        bits = f":{member.bitfield_size}" if member.bitfield_size else ""
        position = f":{member.bit_offset - 8 * offset:2}" if bits else ""
        numbers = f"/* {start:>5}{position} {size:>{2 if bits else 5}} */"
        within = column if column.base is None else column._replace(base=start)
        kind = member.type.kind
        unnamed = (kind.is_composite or kind.is_enum) and not member.type.name
        if self.opens(member.type):
            # The name of a member that has a struct as its type follows the attributes of that struct. If the
            # type is a typedef or an array of a struct, the name precedes the attributes.
            text = yield self.declared(member.type, "", within, flexible)
            text += f"{' ' if unnamed and member.name else ''}{member.name}"
        else:
            text = yield self.declared(member.type, member.name, within, flexible)
        aligned = _aligned(alignment) if alignment else ""
        text += f"{bits}{aligned};"
        room = column.width + self.name_width
        if unnamed:
            taken = len(aligned) + (len(member.name) if member.name else -1)
            if member.type.kind == Kind.STRUCT and _summary(member.type)["packed"]:
                taken += len(_PACKED)
            room = abs(room - taken - 3)
        else:
            room -= len(text)
        return f"{lead}{column.tabs}{text}{' ' * max(1, room)}{numbers}"

    def filler(self, member: Member, bits: int, column: _Column) -> Calls[list[str]]:
        """The unnamed bitfield that creates a bit hole before a bitfield.

        Its size is 0 if `member`, the bitfield after it, starts the next storage unit.
        """
        lines = [] if bits else ["", f"{column.tabs}/* Force alignment to the next boundary: */"]
        declared = yield self.declared(member.type, "", column, False)
        return [*lines, f"{column.tabs}{declared}:{bits};"]

    def opens(self, type_: Type) -> bool:
        """Whether the definition of a type is written where the type is used."""
        if type_.kind.is_enum:
            return not type_.name
        allowed = type_.kind.is_composite and type_.id not in self.open and len(self.open) < MAX_DEPTH
        return allowed and (not type_.name or self.expand)

    def declared(self, type_: Type, name: str, column: _Column, flexible: bool) -> Calls[str]:
        """A type and the name declared with it. The type is padded to the column's width."""
        lead = dimensions = ""
        comment = self.expand
        for _ in range(MAX_DEPTH):
            if comment and type_.kind == Kind.TYPEDEF:
                aliases, type_ = _unwrapped(type_, Kind.TYPEDEF)
                lead += f"/* typedef {' -> '.join(alias.name for alias in aliases)} */ "
            inner = type_.type
            if inner is None:
                break
            if type_.kind == Kind.ARRAY:
                dimensions += f"[{type_.nelems}]" if type_.nelems or not flexible else "[]"
                comment = self.expand
                if not type_.nelems and inner.kind == Kind.CONST and inner.type is not None:
                    inner = inner.type  # pahole omits const here
            elif type_.kind == Kind.CONST:
                lead += "const "
                column = column._replace(width=column.width - len("const "))
                comment = False
            elif type_.kind == Kind.PTR and not inner.name and self.opens(inner):
                name = f"* {name}"
                column = column._replace(base=None, width=column.width - 8)
            elif type_.kind != Kind.TYPE_TAG:
                break
            type_ = inner
        proto = _prototype(type_)
        if not self.opens(type_):
            if proto is not None:
                pointer = type_.kind == Kind.PTR
                text = function(proto, name, pointer=pointer, spacing=column.width)
            else:
                text = f"{padded_name(type_, column.width)} {name}"
        elif type_.kind.is_composite:
            text = yield self.body(type_, _summary(type_), column.inner(), name)
        else:
            text = _enumeration(type_, name, column.tabs)
        return f"{lead}{text}{dimensions}"

    def stats(
        self,
        members: tuple[Member, ...],
        summary: dict[str, Any],
        places: list[_Place],
        paddings: list[int],
        alignments: list[int],
        tabs: str,
    ) -> list[str]:
        size = summary["size"]
        lines = [
            f"size: {size}, cachelines: {summary['cachelines']}, members: {summary['members']}",
        ]
        holes, bit_holes = summary["hole_bytes"], summary["bit_hole_bits"]
        bits = sum(member.bitfield_size for member in members)
        plain = sum(
            place[1] for member, place in zip(members, places, strict=True) if not member.bitfield_size
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


class _Column(NamedTuple):
    """The position of text: the number of tabs before it and the width of types.

    `base` is added to members' offsets. It is None in a struct that is written as the target of a pointer:
    its offsets start at 0.
    """

    indent: int
    base: int | None
    width: int

    @property
    def tabs(self) -> str:
        return "\t" * self.indent

    def inner(self) -> _Column:
        return self._replace(indent=self.indent + 1, width=self.width - 8)


class _Before(NamedTuple):
    """The state that pahole keeps about the previous member."""

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


def _combined(member: Member, offset: int, before: _Before, tabs: str) -> str:
    into_bits = offset == before.offset and not before.bitfield_size and member.bitfield_size
    if offset < before.offset or into_bits:
        return f"{tabs}/* Bitfield combined with previous fields */"
    return (
        f"{tabs}/* Bitfield combined with next fields */" if 0 < offset - before.offset < before.size else ""
    )


def _by_offset(type_: Type, members: tuple[Member, ...]) -> list[int] | None:
    """The numbers of a struct's members in the order of their offsets.

    None if the record has that order already, or the type is a union.
    """
    offsets = [member.bit_offset for member in members]
    order = sorted(range(len(offsets)), key=offsets.__getitem__)
    return None if type_.kind == Kind.UNION or order == list(range(len(offsets))) else order


def _lines_before(order: list[int], places: list[_Place], column: _Column) -> list[int]:
    """For each member, the cache line in which the previous member (by offset) starts."""
    lines = [0] * len(order)
    line = (column.base or 0) // CACHE_LINE
    for number in order:
        lines[number] = line
        line = (places[number][0] + (column.base or 0)) // CACHE_LINE
    return lines


def _alignments(
    type_: Type, members: tuple[Member, ...], places: list[_Place], order: list[int] | None
) -> tuple[list[int], int]:
    """The alignment attribute of each member and of the type; 0 if the natural alignment explains the offset.

    Inferred from the gap before each member in the order of offsets, as by pahole's `class__infer_alignment`.
    """
    layout = type_.btf._core_layout
    inferred = [0] * len(places)
    end = end_bit = 0
    for number in range(len(places)) if order is None else order:
        member, (offset, size, *_) = members[number], places[number]
        overlaps = type_.kind == Kind.STRUCT and member.bit_offset < end_bit
        if size:
            natural = layout.natural_alignment(member.type.id)
            inferred[number] = 0 if overlaps else _alignment(offset, natural, end)
            end = max(end, offset + size) if overlaps else offset + size
        end_bit = max(end_bit, member.bit_offset + (member.bitfield_size or 8 * size))
    return inferred, _alignment(type_.size or 0, layout.natural_alignment(type_.id), end)


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


def _aligned(alignment: int) -> str:
    return f" __attribute__((__aligned__({alignment})))"


def _unwrapped(type_: Type, *kinds: Kind) -> tuple[list[Type], Type]:
    """The wrappers of these kinds around a type, outermost first, and the type below them."""
    wrappers: list[Type] = []
    while type_.kind in kinds and type_.type is not None and len(wrappers) < MAX_DEPTH:
        wrappers.append(type_)
        type_ = type_.type
    return wrappers, type_


def _enumeration(type_: Type, name: str, tabs: str) -> str:
    longest = max((len(value.name) for value in type_.enumerators), default=0)
    values = [f"{tabs}\t{value.name:<{longest}} = {value.value}," for value in type_.enumerators]
    packed = _PACKED if type_.size != _INT_SIZE else ""
    return "\n".join(["enum {", *values, f"{tabs}}}{packed}{' ' if name else ''}{name}"])


def _prototype(type_: Type) -> Type | None:
    """The FUNC_PROTO that a type is or points to; None for other types."""
    if type_.kind == Kind.PTR:
        target = untagged(type_.type)
        return target if target is not None and target.kind == Kind.FUNC_PROTO else None
    return type_ if type_.kind == Kind.FUNC_PROTO else None
