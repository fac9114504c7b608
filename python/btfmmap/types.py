"""`Type`: one type as an object. For queries over many types, use the tables."""

from __future__ import annotations

from bisect import bisect_left

from . import kind_numbers as kinds
from .errors import BtfError, NotFoundError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, NamedTuple, SupportsIndex, TypeVar, overload

    from .btf import Btf
    from .kinds import IntEncoding, Kind

    _Item = TypeVar("_Item", bound="Member | Param | Enumerator")
else:
    from .named_tuples import NamedTuple

    _Item = object


class Member(NamedTuple):
    """A member of a struct or union.

    Attributes:
        name: The name; empty for an anonymous member or a padding bitfield.
        type: The type of the member.
        bit_offset: The offset from the start of the parent, in bits.
        bitfield_size: The size of a bitfield in bits; 0 for other members.

    Example:
        >>> btf["flow"].members["protocol"]
        Member(name='protocol', type=<Type [9] TYPEDEF __u32>, bit_offset=384, bitfield_size=8)
    """

    name: str
    type: Type
    bit_offset: int
    bitfield_size: int

    @property
    def offset(self) -> int:
        """The offset from the start of the parent, in whole bytes.

        Example:
            >>> btf["flow"].members["seen"].offset
            50
        """
        return self.bit_offset // 8


class Param(NamedTuple):
    """A parameter of a function prototype.

    The last one is `("", void)` for a variable number of arguments.

    Attributes:
        name: The name, which may be empty.
        type: The type of the parameter.

    Example:
        >>> btf["judge"].params["size"]
        Param(name='size', type=<Type [36] INT long>)
    """

    name: str
    type: Type


class Enumerator(NamedTuple):
    """A named value of an enum.

    Attributes:
        name: The name.
        value: The value; values of unsigned enums are never negative.

    Example:
        >>> btf["limit"].enumerators["LIMIT_MOST"].value
        18446744073709551615
    """

    name: str
    value: int


class Secinfo(NamedTuple):
    """A variable in a DATASEC.

    Attributes:
        type: The VAR; in the BTF of a BPF program also a FUNC.
        offset: The offset from the start of the section, in bytes.
        size: The size in bytes.

    Example:
        >>> btf[".data.flows"].secinfos[0].type
        <Type [45] VAR latest>
    """

    type: Type
    offset: int
    size: int


class NamedItems(tuple[_Item, ...]):
    """The members, parameters or enumerators of a type: a tuple whose items can also be found by name.

    `items["pid"]` is the first item of that name, and `"pid" in items` tests whether there is one. The
    members of an anonymous struct or union are not among those of the enclosing type.
    `btf["task_struct.pid"]` and `Btf.find_member` search them too.

    Example:
        >>> btf["list"].members["prev"].offset
        8
        >>> "packets" in btf["flow"].members
        False
    """

    _owner: Type

    def __new__(cls, items: Iterable[_Item], owner: Type) -> NamedItems[_Item]:
        """Make the tuple; messages of errors name the type that owns the items."""
        made = super().__new__(cls, items)
        made._owner = owner
        return made

    def __getnewargs__(self) -> tuple[tuple[_Item, ...], Type]:
        return tuple(self), self._owner

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, key: SupportsIndex | str, /) -> _Item: ...
        @overload
        def __getitem__(self, key: slice, /) -> tuple[_Item, ...]: ...

    def __getitem__(self, key: SupportsIndex | str | slice, /) -> _Item | tuple[_Item, ...]:
        """Return an item by position or name, or a tuple of the items in a slice.

        Raises:
            IndexError: There is no item at this position.
            NotFoundError: There is no item of this name. The message suggests similar names.
        """
        if not isinstance(key, str):
            return super().__getitem__(key)
        item = self._named(key)
        if item is None:
            raise self._not_found(key)
        return item

    def __contains__(self, key: object, /) -> bool:
        return self._named(key) is not None if isinstance(key, str) else super().__contains__(key)

    def _ipython_key_completions_(self) -> list[str]:
        return [*dict.fromkeys(item.name for item in self if item.name)]

    def _named(self, name: str) -> _Item | None:
        return next((item for item in self if item.name == name), None) if name else None

    def _not_found(self, name: str) -> NotFoundError:
        from .close_names import close_names

        owner, kind = self._owner, self._owner.kind
        if not (kind.is_composite or kind.is_enum or kind in (kinds.FUNC, kinds.FUNC_PROTO)):
            shown = owner.name or f"type [{owner.id}]"
            return NotFoundError(
                f"{shown} is of kind {kind.name}, without members, parameters or enumerators"
            )
        what = "member" if kind.is_composite else "enumerator" if kind.is_enum else "parameter"
        whose = f"{kind.name.lower()} {owner.name or f'[{owner.id}]'}"
        near = close_names(name, (item.name for item in self))
        if kind.is_composite and any(not item.name for item in self):
            near += "; Btf.find_member also searches its anonymous members"
        return NotFoundError(f"{whose} has no {what} {name!r}{near}")


_SIZED = {kinds.INT, kinds.STRUCT, kinds.UNION, kinds.ENUM, kinds.ENUM64, kinds.FLOAT, kinds.DATASEC}
_REFERRING = {
    kinds.PTR,
    kinds.TYPEDEF,
    kinds.VOLATILE,
    kinds.CONST,
    kinds.RESTRICT,
    kinds.FUNC,
    kinds.FUNC_PROTO,
    kinds.VAR,
    kinds.DECL_TAG,
    kinds.TYPE_TAG,
}
_MAX_SHOWN = 80  # characters of a name
_LINKAGE = {kinds.FUNC: "funcs", kinds.VAR: "vars"}


class Type:
    """One type of a `Btf`.

    Two `Type` objects are equal if they have the same ID and the same `Btf`. A property that does not apply
    to the kind of the type is None, or an empty tuple if its value is a tuple for other kinds.

    Attributes:
        btf: The BTF that records the type. For a split BTF, this is the BTF itself or one of its bases,
            whichever has the ID in its own range.
        id: The type ID.

    Example:
        >>> btf["flow"]
        <Type [2] STRUCT flow>
    """

    __slots__ = ("btf", "id")

    def __init__(self, btf: Btf, type_id: int) -> None:
        self.btf: Btf = btf
        self.id: int = type_id

    def _cell(self, column: str) -> int:
        return self.btf._columns("types")[column][self.id - self.btf.first_id]

    def _extra(self, table: str, column: str) -> int:
        """Return a cell of a table that has a row per type of one kind, sorted by `id`."""
        columns = self.btf._columns(table)
        return columns[column][bisect_left(columns["id"], self.id)]

    def _children(self, table: str, *names: str) -> list[list[int]]:
        """Return the rows of this type in a child table, as a list for each column.

        Other modules of this package use it too.
        """
        columns = self.btf._columns(table)
        columns.build(("indptr", *names))
        row = self.id - self.btf.first_id
        rows = slice(columns["indptr"][row], columns["indptr"][row + 1])
        return [columns[name][rows] for name in names]

    def _items(self, item: type[_Item], table: str, *names: str) -> NamedItems[_Item]:
        """Return the rows of this type in a child table as named tuples: the name, then the other columns.

        Type IDs become `Type` objects.
        """
        from ._core import named_tuples

        name_off, *others = self._children(table, "name_off", *names)
        columns: list[list[Any]] = [self.btf.strings(name_off), *others]
        if "type" in names:
            position = 1 + names.index("type")
            columns[position] = self.btf._types(columns[position])
        return NamedItems(named_tuples(item, columns), self)

    @property
    def _kind(self) -> int:
        """The number of the kind: making a `Kind` takes longer."""
        return self._cell("kind")

    @property
    def kind(self) -> Kind:
        """The kind of the type.

        Example:
            >>> btf["flow"].kind
            <Kind.STRUCT: 4>
        """
        return _kind_class()(self._cell("kind"))

    @property
    def name(self) -> str:
        """The name; empty if the type has none.

        Example:
            >>> btf["struct flow"].name
            'flow'
        """
        return self.btf.name(self.id)

    @property
    def c_name(self) -> str:
        """The type as C spells it, such as "struct sock *" or "const char *".

        An array has its dimensions, as in "char[16]" or "int (*)[4]". "{...}" stands for the name of an
        anonymous type. "..." replaces types that are nested more than 64 deep, as in a cycle, and text after
        the first 4,096 characters. The qualifiers of pointers are written before the type, as pahole does, so
        that an `int *const` is a "const int *"; those of pointers to functions, arrays and pointers to these,
        and of pointers that others point to, are where C has them: "int (*const)(void)". `Btf.c_names` spells
        many types.

        Example:
            >>> btf["flow"].members["users"].type.c_name
            'volatile int'
        """
        return self.btf._core.c_name(self.id)

    @property
    def kind_flag(self) -> bool:
        """Bit 31 of the record's `info`. See `tables.Types.kind_flag` for its meaning.

        Example:
            >>> btf["flow"].kind_flag
            True
        """
        return bool(self._cell("kind_flag"))

    @property
    def vlen(self) -> int:
        """The number of members, parameters, enumerators or variables; the linkage of a FUNC.

        Example:
            >>> btf["flow"].vlen
            16
        """
        return self._cell("vlen")

    @property
    def size(self) -> int | None:
        """The recorded size of an INT, STRUCT, UNION, ENUM, ENUM64, FLOAT or DATASEC, in bytes.

        `Btf.sizeof` returns the sizes of other kinds too.

        Example:
            >>> btf["flow"].size
            112
        """
        return self._cell("size_or_type") if self._kind in _SIZED else None

    @property
    def type(self) -> Type | None:
        """The type that this type refers to.

        For a PTR it is the target, for an ARRAY the type of the elements, for a FUNC_PROTO the return type,
        and for a FUNC the prototype. For a VAR, typedef, qualifier or tag, it is the type that the record
        names.

        Example:
            >>> btf["bool"].type
            <Type [13] INT _Bool>
        """
        if self._kind == kinds.ARRAY:
            return self.btf._type(self._extra("arrays", "type"))
        return self.btf._type(self._cell("size_or_type")) if self._kind in _REFERRING else None

    @property
    def index_type(self) -> Type | None:
        """The index type of an ARRAY.

        Example:
            >>> btf[7].index_type
            <Type [8] INT __ARRAY_SIZE_TYPE__>
        """
        return self.btf._type(self._extra("arrays", "index_type")) if self._kind == kinds.ARRAY else None

    @property
    def nelems(self) -> int | None:
        """The number of elements of an ARRAY; 0 for a flexible array.

        Example:
            >>> btf["address"].members["words"].type.nelems
            4
        """
        return self._extra("arrays", "nelems") if self._kind == kinds.ARRAY else None

    @property
    def encoding(self) -> IntEncoding | None:
        """The encoding of an INT.

        Example:
            >>> btf["int"].encoding == btfmmap.IntEncoding.SIGNED
            True
        """
        from .kinds import IntEncoding

        return IntEncoding(self._extra("ints", "encoding")) if self._kind == kinds.INT else None

    @property
    def nr_bits(self) -> int | None:
        """The number of bits of an INT that hold its value.

        Example:
            >>> btf["long"].nr_bits
            64
        """
        return self._extra("ints", "nr_bits") if self._kind == kinds.INT else None

    @property
    def bit_offset(self) -> int | None:
        """The offset of the value of an INT, in bits.

        Example:
            >>> btf["int"].bit_offset
            0
        """
        return self._extra("ints", "bit_offset") if self._kind == kinds.INT else None

    @property
    def signed(self) -> bool | None:
        """Whether the values of an ENUM or ENUM64 are signed.

        They are if the kind flag is set, or if a value does not fit in an unsigned integer of the enum's
        size. See `tables.Enumerators.signed`.

        Example:
            >>> btf["verdict"].signed, btf["limit"].signed
            (True, False)
        """
        if self._kind not in kinds.ENUMS:
            return None
        columns = self.btf._columns("enumerators")
        row = self.id - self.btf.first_id
        first, end = columns["indptr"][row], columns["indptr"][row + 1]
        return bool(columns["signed"][first]) if first != end else self.kind_flag

    @property
    def linkage(self) -> int | None:
        """The linkage of a FUNC or VAR: 0 static, 1 global, 2 extern.

        Example:
            >>> btf["judge"].linkage, btf["now"].linkage
            (0, 2)
        """
        return self._extra(_LINKAGE[self._kind], "linkage") if self._kind in _LINKAGE else None

    @property
    def component_idx(self) -> int | None:
        """The index of the member or parameter that a DECL_TAG tags; -1 for the whole declaration.

        Example:
            >>> btf["counted"].component_idx
            11
        """
        return self._extra("decl_tags", "component_idx") if self._kind == kinds.DECL_TAG else None

    @property
    def members(self) -> NamedItems[Member]:
        """The members of a STRUCT or UNION in order, also accessible by name.

        Example:
            >>> [member.name for member in btf["list"].members]
            ['next', 'prev']
        """
        return self._items(Member, "members", "type", "bit_offset", "bitfield_size")

    @property
    def params(self) -> NamedItems[Param]:
        """The parameters of a FUNC_PROTO in order, also accessible by name.

        For a FUNC, those of its prototype.

        Example:
            >>> btf["judge"].params["flow"].type.c_name
            'struct flow *'
        """
        if self._kind == kinds.FUNC:
            prototype = self.btf._type(self._cell("size_or_type"))
            # Checked, because the bytes may have changed after `open`.
            return NamedItems(prototype.params if prototype._kind == kinds.FUNC_PROTO else (), self)
        return self._items(Param, "params", "type")

    @property
    def enumerators(self) -> NamedItems[Enumerator]:
        """The values of an ENUM or ENUM64 in order, also accessible by name.

        Example:
            >>> btf["verdict"].enumerators["DENY"]
            Enumerator(name='DENY', value=-1)
        """
        values = self._items(Enumerator, "enumerators", "value")
        if self._kind != kinds.ENUM64 or self.signed:
            return values
        return NamedItems((Enumerator(name, value % 2**64) for name, value in values), self)

    @property
    def secinfos(self) -> tuple[Secinfo, ...]:
        """The variables of a DATASEC.

        Example:
            >>> btf[".data.flows"].secinfos
            (Secinfo(type=<Type [45] VAR latest>, offset=0, size=8),)
        """
        from ._core import named_tuples

        ids, *others = self._children("secinfos", "type", "offset", "size")
        return tuple(named_tuples(Secinfo, [self.btf._types(ids), *others]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Type) and self.id == other.id and self.btf is other.btf

    def __hash__(self) -> int:
        return hash((self.id, id(self.btf)))

    def _repr_html_(self) -> str | None:
        from .html.reprs import type_html

        try:
            return type_html(self)
        except (BtfError, ValueError):  # notebooks then show the repr, which says why
            return None

    def __repr__(self) -> str:
        if self.btf.closed:
            return f"<Type [{self.id}] of a closed Btf>"
        try:
            return f"<Type [{self.id}] {self.kind.name} {_shown(self.name or self.c_name)}>"
        except (BtfError, ValueError) as error:  # a base is closed, or the bytes have changed
            return f"<Type [{self.id}]: {_shown(str(error))}>"


_class_of_kinds: type[Kind] | None = None


def _kind_class() -> type[Kind]:
    """Import `Kind` on first use. An import statement in each call would take longer than the call."""
    global _class_of_kinds
    if _class_of_kinds is None:
        from .kinds import Kind

        _class_of_kinds = Kind
    return _class_of_kinds


def _shown(text: str) -> str:
    """Return text for a repr: on one line, without control characters, and shortened if long."""
    text = text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."
    return text if text.isprintable() else repr(text)[1:-1]
