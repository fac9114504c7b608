"""`Type`: one type as an object, for looking at a few of them; the tables serve those who look at all."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple, TypeVar, overload

from .errors import BtfError, NotFoundError
from .kinds import IntEncoding, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, SupportsIndex

    from .btf import Btf


class Member(NamedTuple):
    """A member of a struct or union; `bitfield_size` is 0 where it is no bitfield."""

    name: str
    type: Type
    bit_offset: int
    bitfield_size: int

    @property
    def offset(self) -> int:
        """In whole bytes from the parent's start."""
        return self.bit_offset // 8


class Param(NamedTuple):
    """A parameter of a prototype. The last one may be `("", void)`: a variable number of arguments."""

    name: str
    type: Type


class Enumerator(NamedTuple):
    """A value of an enum; unsigned 64-bit values come right."""

    name: str
    value: int


class Secinfo(NamedTuple):
    """An entry of a DATASEC; offset and size in bytes."""

    type: Type
    offset: int
    size: int


_Item = TypeVar("_Item", bound="Member | Param | Enumerator")


class NamedItems(tuple[_Item, ...]):
    """The members, parameters or enumerators of a type, in order: a tuple whose items also go by name.

    `items["pid"]` is the first one of that name, and `"pid" in items` says whether there is one. What lies in
    an anonymous struct or union is not among the members of the outer one: `btf["task_struct.pid"]` and
    `Btf.find_member` look through those.
    """

    _owner: Type

    def __new__(cls, items: Iterable[_Item], owner: Type) -> NamedItems[_Item]:
        made = super().__new__(cls, items)
        made._owner = owner
        return made

    def __getnewargs__(self) -> tuple[tuple[_Item, ...], Type]:
        return tuple(self), self._owner

    @overload
    def __getitem__(self, key: SupportsIndex | str, /) -> _Item: ...
    @overload
    def __getitem__(self, key: slice, /) -> tuple[_Item, ...]: ...
    def __getitem__(self, key: SupportsIndex | str | slice, /) -> _Item | tuple[_Item, ...]:
        """An item by position or name, or a tuple of those in a slice. Raises `IndexError`, or
        `NotFoundError` with names that are close."""
        if not isinstance(key, str):
            return super().__getitem__(key)
        item = self._named(key)
        if item is None:
            raise self._not_found(key)
        return item

    def __contains__(self, key: object, /) -> bool:
        return self._named(key) is not None if isinstance(key, str) else super().__contains__(key)

    def _named(self, name: str) -> _Item | None:
        return next((item for item in self if item.name == name), None) if name else None

    def _not_found(self, name: str) -> NotFoundError:
        from .close_names import close_names

        owner, kind = self._owner, self._owner.kind
        what = "member" if kind.is_composite else "enumerator" if kind.is_enum else "parameter"
        whose = f"{kind.name.lower()} {owner.name or f'[{owner.id}]'}"
        near = close_names(name, (item.name for item in self))
        if kind.is_composite and any(not item.name for item in self):
            near += "; Btf.find_member looks into its anonymous members, too"
        return NotFoundError(f"{whose} has no {what} {name!r}{near}")


_SIZED = {Kind.INT, Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64, Kind.FLOAT, Kind.DATASEC}
_REFERRING = {
    Kind.PTR,
    Kind.TYPEDEF,
    Kind.VOLATILE,
    Kind.CONST,
    Kind.RESTRICT,
    Kind.FUNC,
    Kind.FUNC_PROTO,
    Kind.VAR,
    Kind.DECL_TAG,
    Kind.TYPE_TAG,
}
_MAX_SHOWN = 80  # characters of a name
_LINKAGE = {Kind.FUNC: "funcs", Kind.VAR: "vars"}


class Type:
    """One type of a `Btf`. Equal to another of the same id and `Btf`.

    What a kind does not have is None, or an empty tuple where there could be many.
    """

    __slots__ = ("btf", "id")

    def __init__(self, btf: Btf, type_id: int) -> None:
        self.btf: Btf = btf
        self.id: int = type_id

    def _cell(self, column: str) -> int:
        return self.btf._columns("types")[column][self.id - self.btf.first_id]  # type: ignore[no-any-return]

    def _extra(self, table: str, column: str) -> int:
        """From a table with a row for each type of one kind, sorted by `id`."""
        columns = self.btf._columns(table)
        return columns[column][bisect_left(columns["id"], self.id)]  # type: ignore[no-any-return]

    def _children(self, table: str, *names: str) -> list[memoryview[Any]]:
        """Its rows of a child table: a slice of each column. Other modules of the package use this too."""
        columns = self.btf._columns(table)
        row = self.id - self.btf.first_id
        rows = slice(columns["indptr"][row], columns["indptr"][row + 1])
        return [columns[name][rows] for name in names]

    def _named_children(self, table: str, *names: str) -> Iterator[tuple[Any, ...]]:
        """Its rows of a child table: the name, then the other columns."""
        name_off, *others = self._children(table, "name_off", *names)
        return zip(self.btf.strings(name_off), *others, strict=True)

    @property
    def kind(self) -> Kind:
        return Kind(self._cell("kind"))

    @property
    def name(self) -> str:
        """Empty if it has none."""
        return self.btf.name(self.id)

    @property
    def c_name(self) -> str:
        """In C's spelling: "struct sock *", "const char *"; of an array what it is made of. "..." stands for
        what lies more than 64 types deep, as where a type leads to itself, and for what follows the first
        4,096 characters."""
        from .c_names import type_name

        return type_name(self).replace("  ", " ").rstrip()

    @property
    def kind_flag(self) -> bool:
        """Bit 31 of the info word; see `tables.Types.kind_flag`."""
        return bool(self._cell("kind_flag"))

    @property
    def vlen(self) -> int:
        return self._cell("vlen")

    @property
    def size(self) -> int | None:
        """In bytes, where the record says it: INT, STRUCT, UNION, ENUM, ENUM64, FLOAT, DATASEC."""
        return self._cell("size_or_type") if self.kind in _SIZED else None

    @property
    def type(self) -> Type | None:
        """What it refers to: a pointer's target, an array's element, a prototype's return type, a
        function's prototype, what is aliased, qualified or tagged."""
        if self.kind == Kind.ARRAY:
            return self.btf._type(self._extra("arrays", "type"))
        return self.btf._type(self._cell("size_or_type")) if self.kind in _REFERRING else None

    @property
    def index_type(self) -> Type | None:
        """Of an ARRAY."""
        return self.btf._type(self._extra("arrays", "index_type")) if self.kind == Kind.ARRAY else None

    @property
    def nelems(self) -> int | None:
        """Of an ARRAY: how many elements, 0 for a flexible one."""
        return self._extra("arrays", "nelems") if self.kind == Kind.ARRAY else None

    @property
    def encoding(self) -> IntEncoding | None:
        """Of an INT."""
        return IntEncoding(self._extra("ints", "encoding")) if self.kind == Kind.INT else None

    @property
    def nr_bits(self) -> int | None:
        """Of an INT."""
        return self._extra("ints", "nr_bits") if self.kind == Kind.INT else None

    @property
    def bit_offset(self) -> int | None:
        """Of an INT."""
        return self._extra("ints", "bit_offset") if self.kind == Kind.INT else None

    @property
    def signed(self) -> bool | None:
        """Of an ENUM or ENUM64: whether its values are signed, which the kind flag says, or a value that no
        unsigned integer of its size has. See `tables.Enumerators.signed`."""
        if not self.kind.is_enum:
            return None
        columns = self.btf._columns("enumerators")
        row = self.id - self.btf.first_id
        first, end = columns["indptr"][row], columns["indptr"][row + 1]
        return bool(columns["signed"][first]) if first != end else self.kind_flag

    @property
    def linkage(self) -> int | None:
        """Of a FUNC or VAR: 0 static, 1 global, 2 extern."""
        return self._extra(_LINKAGE[self.kind], "linkage") if self.kind in _LINKAGE else None

    @property
    def component_idx(self) -> int | None:
        """Of a DECL_TAG: the member or parameter that is tagged, -1 for the whole."""
        return self._extra("decl_tags", "component_idx") if self.kind == Kind.DECL_TAG else None

    @property
    def members(self) -> NamedItems[Member]:
        """Of a STRUCT or UNION, in order; also by name: `members["pid"]`."""
        members = (
            Member(name, self.btf._type(type_id), bit_offset, bitfield_size)
            for name, type_id, bit_offset, bitfield_size in self._named_children(
                "members", "type", "bit_offset", "bitfield_size"
            )
        )
        return NamedItems(members, self)

    @property
    def params(self) -> NamedItems[Param]:
        """Of a FUNC_PROTO, in order; also by name. A FUNC has its prototype's."""
        if self.kind == Kind.FUNC:
            prototype = self.btf._type(self._cell("size_or_type"))
            # Checked again, since the bytes may have changed.
            return NamedItems(prototype.params if prototype.kind == Kind.FUNC_PROTO else (), self)
        params = (
            Param(name, self.btf._type(type_id)) for name, type_id in self._named_children("params", "type")
        )
        return NamedItems(params, self)

    @property
    def enumerators(self) -> NamedItems[Enumerator]:
        """Of an ENUM or ENUM64, in order; also by name."""
        wrap = 2**64 if self.kind == Kind.ENUM64 and not self.signed else None
        enumerators = (
            Enumerator(name, value % wrap if wrap else value)
            for name, value in self._named_children("enumerators", "value")
        )
        return NamedItems(enumerators, self)

    @property
    def secinfos(self) -> tuple[Secinfo, ...]:
        """Of a DATASEC."""
        return tuple(
            Secinfo(self.btf._type(type_id), offset, size)
            for type_id, offset, size in zip(
                *self._children("secinfos", "type", "offset", "size"), strict=True
            )
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Type) and self.id == other.id and self.btf is other.btf

    def __hash__(self) -> int:
        return hash((self.id, id(self.btf)))

    def __repr__(self) -> str:
        if self.btf.closed:
            return f"<Type [{self.id}] of a closed Btf>"
        try:
            return f"<Type [{self.id}] {self.kind.name} {_shown(self.name or self.c_name)}>"
        except (BtfError, ValueError) as error:  # a base is closed, or the bytes have changed
            return f"<Type [{self.id}]: {_shown(str(error))}>"


def _shown(text: str) -> str:
    """Text for a repr: on one line, without control characters, and not long."""
    text = text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."
    return text if text.isprintable() else repr(text)[1:-1]
