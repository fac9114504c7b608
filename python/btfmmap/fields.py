"""The members of a struct as C code accesses them: anonymous structs and unions are flattened."""

from __future__ import annotations

import operator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from .errors import FormatError
from .kinds import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    import numpy.typing as npt

    from .types import Member, Type

MAX_FIELDS = 1 << 16  # the limit of a struct with a 16-bit vlen
MAX_DEPTH = 64  # of nested structs


class Field(NamedTuple):
    """A member of a struct or union, with its offset in the struct it was looked up in.

    Attributes:
        name: member name; empty for a padding bitfield.
        type: member type.
        bit_offset: offset from the start of the struct it was looked up in, in bits.
        bitfield_size: size of a bitfield in bits; 0 if it is not a bitfield.
        depth: number of anonymous structs and unions around it.
        in_union: whether `parent` or one of the anonymous types around it is a union, so that it may share
            its bytes with other members.
        parent: the struct or union whose record has the member.
        number: index among the members of `parent`, from 0.

    Example:
        >>> field = btf.find_member("flow.rate")
        >>> field.offset, field.depth, field.in_union
        (64, 1, True)
    """

    name: str
    type: Type
    bit_offset: int
    bitfield_size: int
    depth: int
    in_union: bool
    parent: Type
    number: int

    @property
    def offset(self) -> int:
        """The offset in bytes, rounded down for a bitfield.

        Example:
            >>> btf.find_member("flow.is_reply").offset
            49
        """
        return self.bit_offset // 8


def resolved(type_: Type) -> Type:
    """The type below typedefs and qualifiers; the type itself if they form a cycle."""
    (type_id,) = memoryview(type_.btf._core_layout.resolve([type_.id]))
    return type_ if type_id < 0 else type_.btf._type(type_id)


def composite(type_: Type) -> Type:
    """The STRUCT or UNION below typedefs and qualifiers.

    Raises:
        ValueError: It is of another kind.
    """
    found = resolved(type_)
    if not found.kind.is_composite:
        raise _of_another_kind(type_, found, "not a struct or union")
    return found


def _require_parts(type_: Type) -> None:
    found = resolved(type_)
    if not found.kind.is_composite and found.kind != Kind.ARRAY:
        raise _of_another_kind(type_, found, "not a struct, union or array")


def _of_another_kind(type_: Type, found: Type, otherwise: str) -> ValueError:
    what = "is" if found.id == type_.id else "resolves to a type"
    return ValueError(f"{type_.name or f'type [{type_.id}]'} {what} of kind {found.kind.name}, {otherwise}")


def fields(type_: Type) -> Iterator[Field]:
    """The members of a STRUCT or UNION in order. Anonymous structs and unions are replaced by their members.

    Raises:
        FormatError: an anonymous struct contains itself or is too deep, or there are too many members.
    """
    return (field for field, _ in fields_within(type_))


def first_and_last(type_: Type) -> tuple[int, int]:
    """The numbers of the members with the lowest and highest offsets.

    Rust's compiler reorders members, so these may be anywhere in a STRUCT's record. For a UNION they are the
    first and last of the record.

    Raises:
        ValueError: There are none.
    """
    (offsets,) = type_._children("members", "bit_offset")
    if type_.kind == Kind.UNION and offsets:
        return 0, len(offsets) - 1
    numbers = range(len(offsets))
    return min(numbers, key=offsets.__getitem__), max(numbers, key=lambda number: (offsets[number], number))


class Step(NamedTuple):
    """A step of the path to a member: a struct or union, its own bit offset, and the number of its member."""

    parent: Type
    number: int
    bit_offset: int


def fields_within(type_: Type) -> Iterator[tuple[Field, list[Step]]]:
    """`fields`, each with its path through anonymous structs and unions.

    The path is reused: it is valid until the next item.
    """
    count = 0
    stack: list[tuple[Type, int, bool, Iterator[tuple[int, Member]]]] = []
    path: list[Step] = []
    open_ids: set[int] = set()

    def enter(parent: Type, base: int, in_union: bool) -> None:
        nonlocal count
        count += parent.vlen
        if count > MAX_FIELDS:
            raise FormatError(f"type [{type_.id}] has more than {MAX_FIELDS:,} members", type_id=type_.id)
        if len(stack) == MAX_DEPTH:
            raise FormatError(f"type [{type_.id}] nests more than {MAX_DEPTH} deep", type_id=type_.id)
        if parent.id in open_ids:
            raise FormatError(f"type [{parent.id}] contains itself", type_id=parent.id)
        open_ids.add(parent.id)
        stack.append((parent, base, in_union or parent.kind == Kind.UNION, enumerate(parent.members)))

    enter(type_, 0, False)
    while stack:
        parent, base, in_union, members = stack[-1]
        del path[len(stack) - 1 :]
        number, member = next(members, (0, None))
        if member is None:
            stack.pop()
            open_ids.discard(parent.id)
            continue
        path.append(Step(parent, number, base))
        name, member_type, bit_offset, bitfield_size = member
        bit_offset += base
        inner = None if name else resolved(member_type)
        if inner is not None and inner.kind.is_composite:
            enter(inner, bit_offset, in_union)
            continue
        depth = len(path) - 1
        yield Field(name, member_type, bit_offset, bitfield_size, depth, in_union, parent, number), path


def find_field(type_: Type, path: str) -> Field | None:
    """The member at a dotted path with array indices in brackets. The path omits anonymous structs."""
    base, found = 0, None
    for word in path.split("."):
        name, bracket, index = word.partition("[")
        parent = resolved(type_)
        found = (
            next((field for field in fields(parent) if field.name == name), None)
            if name and parent.kind.is_composite
            else None
        )
        if found is None:
            return None
        element = _indexed(found.type, index) if bracket else (found.type, 0)
        if element is None:
            return None
        type_, offset = element
        base += found.bit_offset + offset
        found = found._replace(type=type_, bit_offset=base)
    return found


def _indexed(type_: Type, index: str) -> tuple[Type, int] | None:
    """The element at an index such as `1][2]`, and its bit offset.

    None if it is past the end of the array; a flexible array has no end.
    """
    offset = 0
    for number in index.split("["):
        array = resolved(type_)
        if array.kind != Kind.ARRAY or array.type is None or not number[:-1].isdecimal() or number[-1] != "]":
            raise ValueError(f"[{index} is not an index of an array of that many dimensions")
        position = int(number[:-1])
        if array.nelems and position >= array.nelems:
            return None
        type_ = array.type
        offset += 8 * position * max(0, type_.btf._size(type_.id))
    return type_, offset


def at(type_: Type, offset: int) -> list[str]:
    """The paths of the innermost members at a byte of a type.

    There are several if members of a union or bitfields share the byte, and none in a hole.

    Raises:
        ValueError: The type does not have members or elements.
    """
    _require_parts(type_)
    paths: list[str] = []
    ends = cache(first_and_last)
    offset = operator.index(offset)
    stack = [("", type_, offset, 0)] if offset >= 0 else []
    steps = 0
    while stack:
        path, inner, left, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise FormatError(f"type [{type_.id}] nests more than {MAX_DEPTH} deep", type_id=type_.id)
        found = resolved(inner)
        if found.kind == Kind.ARRAY and found.type is not None:
            size = found.btf._size(found.type.id)
            if size > 0 and (not found.nelems or left < size * found.nelems):
                stack.append((f"{path}[{left // size}]", found.type, left % size, depth + 1))
        elif path and found.kind.is_composite and not found.vlen and found.btf.distilled:
            paths.append(path)  # a distilled base does not record what is inside
        elif found.kind.is_composite and found.size and left < found.size:
            covering = []
            for field in fields(found):
                steps += 1
                if _covers(field, left, ends):
                    name = f"{path}.{field.name}" if path else field.name
                    covering.append((name, field.type, left - field.offset, depth + 1))
            if steps > MAX_FIELDS:
                raise FormatError(
                    f"type [{type_.id}] has too many members at byte {offset}", type_id=type_.id
                )
            stack += reversed(covering)
        elif path:
            paths.append(path)
    return paths


def _covers(field: Field, offset: int, ends: Callable[[Type], tuple[int, int]]) -> bool:
    """Whether a field covers a byte. `ends` is a cached `first_and_last`."""
    if offset < field.offset:
        return False
    if field.bitfield_size:
        return offset <= (field.bit_offset + field.bitfield_size - 1) // 8
    size = field.type.btf._size(field.type.id)
    if offset < field.offset + max(0, size):
        return True
    if size != 0 or resolved(field.type).kind != Kind.ARRAY:
        return False
    return field.parent.kind == Kind.UNION or field.number == ends(field.parent)[1]


def at_each(type_: Type, offsets: Iterable[int] | npt.NDArray[Any]) -> list[list[str]]:
    """`at` for many offsets. Each distinct offset is looked up once."""
    _require_parts(type_)
    wanted = [operator.index(offset) for offset in offsets]
    paths = {offset: at(type_, offset) for offset in set(wanted)}
    return [paths[offset] for offset in wanted]
