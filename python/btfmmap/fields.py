"""The members of a struct as C code accesses them: anonymous structs and unions are flattened."""

from __future__ import annotations

from .close_names import close_names
from .errors import FormatError, NotFoundError
from .kind_numbers import ARRAY, PTR, UNION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NamedTuple

    from .btf import Btf
    from .types import Type
else:
    from .named_tuples import NamedTuple

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

    @property
    def size(self) -> int:
        """The size of the member's type in bytes; 0 if it has none.

        Example:
            >>> btf.find_member("flow.link").size
            16
        """
        return max(self.type.btf._size(self.type.id), 0)


class MemberAt(NamedTuple):
    """A member at a byte of a type, from `Btf.members_at`.

    Attributes:
        path: The path of the member in the type, such as "headers.transport_header".
        type: The type of the member.
        bit_offset: The offset from the start of the type, in bits.
        bitfield_size: The size of a bitfield in bits; 0 for other members.
        size: The size of the member's type in bytes; 0 if it has none.

    Example:
        >>> btf.members_at("flow", 20)[1]
        MemberAt(path='from.words[1]', type=<Type [9] TYPEDEF __u32>, bit_offset=160, bitfield_size=0, size=4)
    """

    path: str
    type: Type
    bit_offset: int
    bitfield_size: int
    size: int

    @property
    def offset(self) -> int:
        """The offset in bytes, rounded down for a bitfield.

        Example:
            >>> btf.members_at("flow", 22)[0].offset
            22
        """
        return self.bit_offset // 8


def resolved(type_: Type) -> Type:
    """The type below typedefs and qualifiers; the type itself if they form a cycle."""
    (type_id,) = type_.btf._core_layout.resolve([type_.id])
    return type_ if type_id < 0 else type_.btf._type(type_id)


def composite(type_: Type) -> Type:
    """The STRUCT or UNION below typedefs and qualifiers.

    Raises:
        ValueError: It is of another kind.
    """
    btf = type_.btf
    return btf._type(btf._core_layout.composite(type_.id))


def fields(type_: Type) -> Iterator[Field]:
    """The members of a STRUCT or UNION in order. Anonymous structs and unions are replaced by their members.

    Raises:
        FormatError: an anonymous struct contains itself or is too deep, or there are too many members.
    """
    btf = type_.btf
    return (_field(btf, *row[:8]) for row in btf._core_layout.fields(type_.id))


def _field(
    btf: Btf,
    name: str,
    type_id: int,
    bit_offset: int,
    bitfield_size: int,
    depth: int,
    in_union: bool,
    parent: int,
    number: int,
) -> Field:
    return Field(
        name, btf._type(type_id), bit_offset, bitfield_size, depth, in_union, btf._type(parent), number
    )


def split_path(path: str) -> tuple[str, str]:
    """The name of the type that a path starts with, and the path in it."""
    dot, arrow = path.find("."), path.find("->")
    if arrow > 0 and (dot < 0 or arrow < dot):
        return path[:arrow], path[arrow + 2 :]
    name, _, rest = path.partition(".")
    return name, rest


def find_field(btf: Btf, type_id: int, name: str, path: str) -> Field | None:
    """The member at a path in the type `name`, a struct or union; see `Btf.find_member`."""
    try:
        found = btf._core_layout.find_member(type_id, path)
    except FormatError:
        raise
    except ValueError:  # the type is not a struct, or an index is wrong
        raise ValueError(str(_no_member(btf, type_id, name, path))) from None
    return None if found is None else _field(btf, *found)


def required_field(btf: Btf, type_id: int, name: str, path: str) -> Field:
    """Like `find_field`, for a path in the type `name`.

    Raises:
        NotFoundError: There is no such member. The message says which part of the path fails, and why.
        FormatError: as in `Btf.find_member`.
    """
    try:
        field = find_field(btf, type_id, name, path)
    except FormatError:
        raise
    except ValueError as error:
        raise NotFoundError(str(error)) from None
    if field is None:
        raise _no_member(btf, type_id, name, path)
    return field


def _no_member(btf: Btf, type_id: int, name: str, path: str) -> NotFoundError:
    try:
        reason, before, part, found = btf._core_layout.why_no_member(type_id, path)
    except ValueError as error:  # the type is not a struct
        return NotFoundError(str(error))
    holder = f"{name}.{before}" if before else name
    if reason == "past end":
        part = f"{part}]"
    if reason == "not pointer":
        return NotFoundError(f"{holder}{part}: {_why(reason, holder, part, btf._type(found))}")
    is_index = reason in ("past end", "not array", "bad index")
    separator = "[" if is_index else "->" if before and path.startswith("->", len(before)) else "."
    whole = f"{holder}{separator}{part}"
    return NotFoundError(f"{whole}: {_why(reason, holder, part, btf._type(found))}")


def _why(reason: str, holder: str, part: str, type_: Type) -> str:
    found = resolved(type_)
    if reason == "no member":
        whose = f"{found.kind.name.lower()} {found.name or f'[{found.id}]'}"
        return f"{whose} has no member {part!r}{close_names(part, (field.name for field in fields(found)))}"
    c_name = type_.c_name
    if reason == "past end":
        return f"index {part[:-1]} is past the end of {c_name}"
    if reason == "bad index":
        return f"{'[' + part!r} is not an index"
    what = {PTR: "a pointer", ARRAY: "an array"}.get(found.kind)
    wanted = {"not array": "an array", "not pointer": "a pointer"}.get(reason, "a struct or union")
    return f"{holder} is {f'{what} ({c_name})' if what else f'of type {c_name}'}, not {wanted}"


def members_at(btf: Btf, type_id: int, offset: int) -> list[MemberAt]:
    """The innermost members at a byte; see `Btf.members_at`."""
    return [
        MemberAt(path, btf._type(found), *others)
        for path, found, *others in btf._core_layout.members_at(type_id, offset)
    ]


def first_and_last(type_: Type) -> tuple[int, int]:
    """The numbers of the members with the lowest and highest offsets.

    Rust's compiler reorders members, so these may be anywhere in a STRUCT's record. For a UNION they are the
    first and last of the record.

    Raises:
        ValueError: There are none.
    """
    (offsets,) = type_._children("members", "bit_offset")
    if type_.kind == UNION and offsets:
        return 0, len(offsets) - 1
    numbers = range(len(offsets))
    return min(numbers, key=offsets.__getitem__), max(numbers, key=lambda number: (offsets[number], number))
