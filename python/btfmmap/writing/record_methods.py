"""The methods of `Builder` that add one record each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from operator import index
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias

from ..kinds import Kind

if TYPE_CHECKING:
    from .._core import Draft

# Names of types that methods have, too.
Integer: TypeAlias = SupportsIndex
TypeId: TypeAlias = int
Members: TypeAlias = "Iterable[tuple[str, SupportsIndex, SupportsIndex] | tuple[str, SupportsIndex, SupportsIndex, SupportsIndex]]"  # noqa: E501
Params: TypeAlias = Iterable[tuple[str, SupportsIndex]]
Values: TypeAlias = "Mapping[str, SupportsIndex] | Iterable[tuple[str, SupportsIndex]]"
Entries: TypeAlias = Iterable[tuple[SupportsIndex, SupportsIndex, SupportsIndex]]

MAX_ENCODING = 15
"""The largest encoding of an INT."""

_U32 = (1 << 32) - 1
_MAX_BITFIELD_OFFSET = (1 << 24) - 1
_MAX_BITFIELD = 255
_SIZES_OF_INT = (1, 2, 4, 8, 16)
_SIZES_OF_FLOAT = (2, 4, 8, 12, 16)
_SIZES_OF_ENUM = (1, 2, 4, 8)
_LINKAGES = range(3)


class RecordMethods:
    """Adds records to a draft, with a method for each kind."""

    __slots__ = ("_draft",)

    def __init__(self, draft: Draft) -> None:
        self._draft = draft

    @property
    def next_id(self) -> TypeId:
        """The type ID of the record that is added next.

        Example:
            >>> btfmmap.Builder().next_id, btfmmap.Builder(base=btf).next_id
            (1, 49)
        """
        return self._draft.next_id

    def int(
        self,
        name: str,
        size: Integer,
        *,
        encoding: Integer = 0,
        bits: Integer | None = None,
        bit_offset: Integer = 0,
    ) -> TypeId:
        """Add an INT.

        Args:
            name: Its name.
            size: In bytes: 1, 2, 4, 8 or 16.
            encoding: An `IntEncoding`; 0 is unsigned.
            bits: Number of bits of the value; by default all of the size.
            bit_offset: The first bit of the value.

        Returns:
            The type ID.

        Raises:
            ValueError: A number is out of range.

        Example:
            >>> btfmmap.Builder().int("unsigned int", 4)
            1
        """
        size, encoding, bit_offset = _number(size), _number(encoding), _number(bit_offset)
        bits = size * 8 if bits is None else _number(bits)
        if size not in _SIZES_OF_INT:
            raise self._refused(Kind.INT, name, f"has {size} bytes, must have 1, 2, 4, 8 or 16")
        if not 0 <= encoding <= MAX_ENCODING:
            raise self._refused(Kind.INT, name, f"has the encoding {encoding}, must be 0 to {MAX_ENCODING}")
        if bits < 0 or bit_offset < 0 or bit_offset + bits > size * 8:
            raise self._refused(Kind.INT, name, f"{bits} bits at bit {bit_offset} are not in {size} bytes")
        return self._add(Kind.INT, name, size, [encoding << 24 | bit_offset << 16 | bits])

    def ptr(self, type_id: Integer) -> TypeId:
        """Add a PTR.

        Args:
            type_id: The type that it refers to; 0 is void.

        Returns:
            The type ID.

        Raises:
            ValueError: `type_id` is out of range.

        Example:
            >>> btfmmap.Builder().ptr(0)
            1
        """
        return self._add(Kind.PTR, "", type_id)

    def array(self, type_id: Integer, nelems: Integer, *, index_type: Integer) -> TypeId:
        """Add an ARRAY.

        Args:
            type_id: The type of its elements.
            nelems: The number of elements.
            index_type: The type of an index, usually an unsigned INT.

        Returns:
            The type ID.

        Raises:
            ValueError: A number is out of range.

        Example:
            >>> builder = btfmmap.Builder()
            >>> builder.array(builder.int("char", 1), 16, index_type=1)
            2
        """
        return self._add(Kind.ARRAY, "", 0, [_number(number) for number in (type_id, index_type, nelems)])

    def struct(self, name: str, size: Integer, members: Members) -> TypeId:
        """Add a STRUCT. It gets the kind flag if it has bitfields.

        Args:
            name: Its name; empty for none.
            size: In bytes.
            members: For each member its name, type ID and offset in bits, and of a bitfield its size in bits.

        Returns:
            The type ID.

        Raises:
            ValueError: A number is out of range: with bitfields, offsets have 24 bits.

        Example:
            >>> builder = btfmmap.Builder()
            >>> int_id = builder.int("unsigned int", 4)
            >>> flags = builder.struct("flags", 4, [("low", int_id, 0, 3), ("rest", int_id, 3, 29)])
            >>> builder.build()["flags"].members[1].bitfield_size
            29
        """
        return self._add_composite(Kind.STRUCT, name, size, members)

    def union(self, name: str, size: Integer, members: Members) -> TypeId:
        """Add a UNION. See `struct`.

        Args:
            name: Its name; empty for none.
            size: In bytes.
            members: As of a struct.

        Returns:
            The type ID.

        Raises:
            ValueError: A number is out of range.

        Example:
            >>> builder = btfmmap.Builder()
            >>> builder.union("either", 4, [("number", builder.int("int", 4), 0)])
            2
        """
        return self._add_composite(Kind.UNION, name, size, members)

    def enum(self, name: str, values: Values, *, size: Integer = 4, signed: bool | None = None) -> TypeId:
        """Add an ENUM, whose values have at most 32 bits.

        Args:
            name: Its name; empty for none.
            values: The name and value of each enumerator.
            size: In bytes: 1, 2, 4 or 8.
            signed: Whether the values are signed, which the kind flag says; by default whether one is
                negative.

        Returns:
            The type ID.

        Raises:
            ValueError: A value does not fit 32 bits of this sign, or the size is another one.

        Example:
            >>> builder = btfmmap.Builder()
            >>> builder.enum("color", {"RED": 0, "GREEN": 1})
            1
        """
        return self._add_enum(Kind.ENUM, name, values, size, signed)

    def enum64(self, name: str, values: Values, *, size: Integer = 8, signed: bool | None = None) -> TypeId:
        """Add an ENUM64, whose values have 64 bits.

        Args:
            name: Its name; empty for none.
            values: The name and value of each enumerator.
            size: In bytes: 1, 2, 4 or 8.
            signed: Whether the values are signed; by default whether one is negative.

        Returns:
            The type ID.

        Raises:
            ValueError: A value does not fit 64 bits of this sign, or the size is another one.

        Example:
            >>> builder = btfmmap.Builder()
            >>> builder.enum64("mask", [("TOP", 1 << 63)])
            1
        """
        return self._add_enum(Kind.ENUM64, name, values, size, signed)

    def fwd(self, name: str, *, union: bool = False) -> TypeId:
        """Add a FWD, a forward declaration.

        Args:
            name: The name of what it declares.
            union: Whether that is a union.

        Returns:
            The type ID.

        Raises:
            ValueError: The name contains a NUL.

        Example:
            >>> btfmmap.Builder().fwd("opaque")
            1
        """
        return self._add(Kind.FWD, name, 0, flag=union)

    def typedef(self, name: str, type_id: Integer) -> TypeId:
        """Add a TYPEDEF.

        Args:
            name: Its name.
            type_id: The type that it names.

        Returns:
            The type ID.

        Raises:
            ValueError: A number is out of range.

        Example:
            >>> builder = btfmmap.Builder()
            >>> builder.typedef("u32", builder.int("unsigned int", 4))
            2
        """
        return self._add(Kind.TYPEDEF, name, type_id)

    def volatile(self, type_id: Integer) -> TypeId:
        """Add a VOLATILE.

        Args:
            type_id: The type that it qualifies.

        Returns:
            The type ID.

        Raises:
            ValueError: `type_id` is out of range.

        Example:
            >>> btfmmap.Builder().volatile(0)
            1
        """
        return self._add(Kind.VOLATILE, "", type_id)

    def const(self, type_id: Integer) -> TypeId:
        """Add a CONST.

        Args:
            type_id: The type that it qualifies.

        Returns:
            The type ID.

        Raises:
            ValueError: `type_id` is out of range.

        Example:
            >>> btfmmap.Builder().const(0)
            1
        """
        return self._add(Kind.CONST, "", type_id)

    def restrict(self, type_id: Integer) -> TypeId:
        """Add a RESTRICT.

        Args:
            type_id: The type that it qualifies.

        Returns:
            The type ID.

        Raises:
            ValueError: `type_id` is out of range.

        Example:
            >>> builder = btfmmap.Builder()
            >>> builder.restrict(builder.ptr(0))
            2
        """
        return self._add(Kind.RESTRICT, "", type_id)

    def func_proto(self, return_type: Integer, params: Params) -> TypeId:
        """Add a FUNC_PROTO.

        Args:
            return_type: The type that it returns; 0 is void.
            params: The name and type ID of each parameter. A last one of ("", 0) is `...`.

        Returns:
            The type ID.

        Raises:
            ValueError: A number is out of range.

        Example:
            >>> builder = btfmmap.Builder()
            >>> builder.func_proto(0, [("value", builder.int("int", 4))])
            2
        """
        pairs = _rows("parameter", params, "a name and a type ID", 2)
        rest: list[str | Integer] = [
            item for name, type_id in pairs for item in (_text(name), _number(type_id))
        ]
        return self._add(Kind.FUNC_PROTO, "", return_type, rest, vlen=len(pairs))

    def func(self, name: str, proto: Integer, *, linkage: Integer = 0) -> TypeId:
        """Add a FUNC.

        Args:
            name: Its name.
            proto: The type ID of its FUNC_PROTO.
            linkage: 0 static, 1 global, 2 extern.

        Returns:
            The type ID.

        Raises:
            ValueError: A number is out of range.

        Example:
            >>> builder = btfmmap.Builder()
            >>> builder.func("main", builder.func_proto(0, []), linkage=1)
            2
        """
        return self._add(Kind.FUNC, name, proto, vlen=self._linkage(Kind.FUNC, name, linkage))

    def var(self, name: str, type_id: Integer, *, linkage: Integer = 0) -> TypeId:
        """Add a VAR.

        Args:
            name: Its name.
            type_id: Its type.
            linkage: 0 static, 1 global, 2 extern.

        Returns:
            The type ID.

        Raises:
            ValueError: A number is out of range.

        Example:
            >>> builder = btfmmap.Builder()
            >>> builder.var("counter", builder.int("int", 4), linkage=1)
            2
        """
        return self._add(Kind.VAR, name, type_id, [self._linkage(Kind.VAR, name, linkage)])

    def datasec(self, name: str, size: Integer, entries: Entries) -> TypeId:
        """Add a DATASEC.

        Args:
            name: The name of the section.
            size: In bytes.
            entries: The type ID of each VAR or FUNC, its offset and its size in bytes.

        Returns:
            The type ID.

        Raises:
            ValueError: A number is out of range.

        Example:
            >>> builder = btfmmap.Builder()
            >>> builder.datasec(".bss", 4, [(builder.var("counter", builder.int("int", 4)), 0, 4)])
            3
        """
        triples = _rows("entry", entries, "a type ID, an offset and a size", 3)
        rest = [_number(number) for triple in triples for number in triple]
        return self._add(Kind.DATASEC, name, size, rest, vlen=len(triples))

    def float(self, name: str, size: Integer) -> TypeId:
        """Add a FLOAT.

        Args:
            name: Its name.
            size: In bytes: 2, 4, 8, 12 or 16.

        Returns:
            The type ID.

        Raises:
            ValueError: The size is another one.

        Example:
            >>> btfmmap.Builder().float("double", 8)
            1
        """
        size = _number(size)
        if size not in _SIZES_OF_FLOAT:
            raise self._refused(Kind.FLOAT, name, f"has {size} bytes, must have 2, 4, 8, 12 or 16")
        return self._add(Kind.FLOAT, name, size)

    def decl_tag(
        self, value: str, type_id: Integer, *, component_idx: Integer = -1, attribute: bool = False
    ) -> TypeId:
        """Add a DECL_TAG.

        Args:
            value: Its text.
            type_id: The STRUCT, UNION, FUNC, VAR or TYPEDEF that it tags.
            component_idx: Index of the tagged member or parameter; -1 for the whole declaration.
            attribute: Whether it is a whole attribute, as the kind flag says.

        Returns:
            The type ID.

        Raises:
            ValueError: A number is out of range.

        Example:
            >>> builder = btfmmap.Builder()
            >>> builder.decl_tag("kptr", builder.var("root", builder.ptr(0)))
            3
        """
        component_idx = _number(component_idx)
        if not -1 <= component_idx < 1 << 31:
            raise self._refused(Kind.DECL_TAG, value, f"has the component {component_idx}")
        return self._add(Kind.DECL_TAG, value, type_id, [component_idx & _U32], flag=attribute)

    def type_tag(self, value: str, type_id: Integer, *, attribute: bool = False) -> TypeId:
        """Add a TYPE_TAG.

        Args:
            value: Its text.
            type_id: The type that it tags.
            attribute: Whether it is a whole attribute, as the kind flag says.

        Returns:
            The type ID.

        Raises:
            ValueError: A number is out of range.

        Example:
            >>> builder = btfmmap.Builder()
            >>> builder.ptr(builder.type_tag("user", builder.int("char", 1)))
            3
        """
        return self._add(Kind.TYPE_TAG, value, type_id, flag=attribute)

    # -- implementation

    def _add(
        self,
        kind: Kind,
        name: str,
        size_or_type: Integer,
        rest: list[Any] | None = None,
        *,
        flag: bool = False,
        vlen: Integer = 0,
    ) -> TypeId:
        return self._draft.add(kind, _text(name), flag, vlen, _number(size_or_type), rest or [])

    def _refused(self, kind: Kind, name: str, problem: str) -> ValueError:
        named = f" {name!r}" if name else ""
        return ValueError(f"type [{self.next_id}] {kind.name}{named}: {problem}")

    def _linkage(self, kind: Kind, name: str, linkage: Integer) -> Any:
        number = _number(linkage)
        if number not in _LINKAGES:
            problem = f"has the linkage {number}, must be 0 (static), 1 (global) or 2 (extern)"
            raise self._refused(kind, name, problem)
        return number

    def _add_composite(self, kind: Kind, name: str, size: Integer, members: Members) -> TypeId:
        given = _rows("member", members, "a name, a type ID, an offset and for a bitfield its size", 3, 4)
        rows = [
            (member, _number(type_id), _number(offset), _number(bits[0]) if bits else 0)
            for member, type_id, offset, *bits in given
        ]
        flag = any(bits for *_, bits in rows)
        limit = _MAX_BITFIELD_OFFSET if flag else _U32
        rest: list[Any] = []
        for member, type_id, offset, bits in rows:
            if not 0 <= bits <= _MAX_BITFIELD:
                problem = f"member {member!r} has {bits} bits, must have at most {_MAX_BITFIELD}"
                raise self._refused(kind, name, problem)
            if not 0 <= offset <= limit:
                problem = f"member {member!r} is at bit {offset}, must be 0 to {limit}"
                raise self._refused(kind, name, problem + " in a type with bitfields" * flag)
            rest += (_text(member), type_id, bits << 24 | offset)
        return self._add(kind, name, size, rest, flag=flag, vlen=len(rows))

    def _add_enum(self, kind: Kind, name: str, values: Values, size: Integer, signed: bool | None) -> TypeId:
        size = _number(size)
        if size not in _SIZES_OF_ENUM:
            raise self._refused(kind, name, f"has {size} bytes, must have 1, 2, 4 or 8")
        items = values.items() if isinstance(values, Mapping) else values
        pairs = [
            (text, _number(value)) for text, value in _rows("enumerator", items, "a name and a value", 2)
        ]
        if signed is None:
            signed = any(value < 0 for _, value in pairs)
        bits = 64 if kind == Kind.ENUM64 else 32
        low, high = (-1 << bits - 1, 1 << bits - 1) if signed else (0, 1 << bits)
        rest: list[Any] = []
        for text, value in pairs:
            if not low <= value < high:
                raise self._refused(
                    kind, name, f"enumerator {text!r} is {value}, must be {low} to {high - 1}"
                )
            rest += (_text(text), value & _U32)
            if bits == 64:
                rest.append(value >> 32 & _U32)
        return self._add(kind, name, size, rest, flag=signed, vlen=len(pairs))


def _rows(what: str, rows: Iterable[Any], parts: str, *lengths: int) -> list[tuple[Any, ...]]:
    """What a record lists, as tuples of one of these lengths.

    Raises:
        TypeError: An item is not such a tuple.
    """
    found: list[tuple[Any, ...]] = []
    for row in rows:
        if not isinstance(row, tuple | list) or len(row) not in lengths:
            raise TypeError(f"{what} {len(found)} is {row!r}, must be a tuple of {parts}")
        found.append(tuple(row))
    return found


def _number(value: Any) -> int:
    try:
        return index(value)
    except TypeError:
        raise TypeError(f"a type ID or another number is an int, not {value!r}") from None


def _text(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a name is a str, not {type(name).__name__}")
    return name
