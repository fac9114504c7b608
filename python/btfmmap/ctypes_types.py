"""Converts types to `ctypes` classes, for code that calls into C."""

from __future__ import annotations

import ctypes
import sys
from itertools import count
from typing import TYPE_CHECKING, Any

from .errors import NotSupportedError
from .fields import MAX_DEPTH, resolved
from .iteration import run
from .kinds import IntEncoding, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import SupportsIndex

    from .btf import Btf
    from .iteration import Calls
    from .types import Member, Type

    # Name, type, and the size in bits of a bitfield.
    _CField = tuple[str, Any] | tuple[str, Any, int]

_SIGNED = {1: ctypes.c_int8, 2: ctypes.c_int16, 4: ctypes.c_int32, 8: ctypes.c_int64}
_UNSIGNED = {1: ctypes.c_uint8, 2: ctypes.c_uint16, 4: ctypes.c_uint32, 8: ctypes.c_uint64}
_FLOATS = {4: ctypes.c_float, 8: ctypes.c_double}
_CLASS_COST = 8  # of a class without its fields, in fields


def ctype_of(btf: Btf, type_: SupportsIndex | str | Type) -> Any:
    """Implement `Btf.ctypes`."""
    made = btf._kept("ctypes", type_, None)
    return btf._keep("ctypes", type_, None, _ctype) if made is None else made


def _ctype(type_: Type, _: None) -> tuple[Any, int]:
    """Return the class for a type, and its cost for a `BoundedCache`."""
    maker = _Maker(type_)
    try:
        made = run(maker.make(type_, "", 0))
    except OverflowError as error:  # an array larger than the address space
        raise maker.refuse("", f"cannot be a ctypes class: {error}") from None
    return made, maker.cost


class _Maker:
    def __init__(self, root: Type) -> None:
        source = root.btf.source
        self.native = source.byte_order == sys.byteorder
        self.pointer_size = source.pointer_size
        big = source.byte_order == "big"
        self.structure: Any = ctypes.BigEndianStructure if big else ctypes.LittleEndianStructure
        # Unions of the other byte order exist since Python 3.11.
        other = getattr(ctypes, "BigEndianUnion" if big else "LittleEndianUnion", None)
        self.union: Any = ctypes.Union if self.native else other
        self.counterpart = "__ctype_be__" if big else "__ctype_le__"
        self.root = root.name or f"type [{root.id}]"
        self.finished: dict[int, Any] = {}
        self.cost = 1
        # The visible names of each class: its fields, with anonymous fields replaced by their own fields.
        self.visible: dict[Any, set[str]] = {}

    def refuse(self, path: str, why: str) -> NotSupportedError:
        return NotSupportedError(f"{self.root}{'.' if path else ''}{path} {why}")

    def make(self, type_: Type, path: str, depth: int) -> Calls[Any]:
        if depth > MAX_DEPTH:
            raise self.refuse(path, f"is nested in more than {MAX_DEPTH} structs and arrays")
        found = resolved(type_)
        if found.kind == Kind.ARRAY and found.type is not None:
            return (yield self.make(found.type, path, depth + 1)) * (found.nelems or 0)
        if found.kind.is_composite:
            if found.id not in self.finished:
                self.finished[found.id] = yield self.composite(found, path, depth)
            return self.finished[found.id]
        return self.scalar(found, path)

    def scalar(self, type_: Type, path: str) -> Any:
        size = type_.size or 0
        made: Any = None
        if type_.kind == Kind.PTR:
            host = self.native and self.pointer_size == ctypes.sizeof(ctypes.c_void_p)
            made = ctypes.c_void_p if host else _UNSIGNED.get(self.pointer_size)
        elif type_.kind == Kind.INT and type_.encoding is not None:
            if IntEncoding.BOOL in type_.encoding and size == 1:
                made = ctypes.c_bool if self.native else ctypes.c_uint8  # c_bool has no counterpart
            elif type_.name == "char":
                made = ctypes.c_char
            else:
                made = (_SIGNED if IntEncoding.SIGNED in type_.encoding else _UNSIGNED).get(size)
        elif type_.kind.is_enum:
            made = (_SIGNED if type_.signed else _UNSIGNED).get(size)
        elif type_.kind == Kind.FLOAT:
            made = _FLOATS.get(size)
        if made is None:
            raise self.refuse(
                path, f"is of kind {type_.kind.name} and {size} bytes, which ctypes does not have"
            )
        return made

    def composite(self, type_: Type, path: str, depth: int) -> Calls[Any]:
        """A class that has every member at its offset.

        Tries the natural alignment first, then a packed struct with explicit gaps. The fields of a struct are
        sorted by offset; at equal offsets, those without a size come first.
        """
        members = []
        for member in type_.members:
            if member.name or not member.bitfield_size:
                where = f"{path}.{member.name}" if path else member.name
                members.append((member, (yield self.make(member.type, where, depth + 1))))
        if type_.kind == Kind.STRUCT:
            members.sort(key=lambda each: (each[0].bit_offset, ctypes.sizeof(each[1]) != 0))
        names, anonymous, visible = self.names(members)
        named = list(zip(names, (member for member, _ in members), strict=True))
        declared = [
            (name, ctype, member.bitfield_size) if member.bitfield_size else (name, ctype)
            for name, (member, ctype) in zip(names, members, strict=True)
        ]
        made = self.made(type_, declared, anonymous, packed=False)
        wrong = _misplaced(type_, made, named)
        if wrong is not None and type_.kind == Kind.STRUCT:
            made = self.made(type_, _filled(members, names, type_.size or 0), anonymous, packed=True)
            wrong = _misplaced(type_, made, named)
        if wrong is not None:
            where = f"{path}.{wrong}" if path and wrong else path or wrong
            raise self.refuse(where, "has an offset or size that ctypes cannot reproduce")
        self.visible[made] = visible
        self.cost += len(members) + _CLASS_COST
        return made

    def names(self, members: Sequence[tuple[Member, Any]]) -> tuple[list[str], set[str], set[str]]:
        """The names of the fields, the anonymous ones among them, and all visible names.

        An unnamed scalar or array, as Rust writes, stays a field with a generated name. The name of an
        anonymous field differs from all names in it, as ctypes crashes otherwise.
        """
        inner_names = [None if member.name else self.visible.get(ctype) for member, ctype in members]
        visible = {member.name for member, _ in members if member.name}.union(*filter(None, inner_names))
        free = (name for number in count() if (name := f"_anonymous_{number}") not in visible)
        names = [member.name or next(free) for member, _ in members]
        anonymous = {name for name, inner in zip(names, inner_names, strict=True) if inner is not None}
        return names, anonymous, visible.union(names) - anonymous

    def made(self, type_: Type, fields: Sequence[_CField], anonymous: set[str], *, packed: bool) -> Any:
        body: dict[str, Any] = {"_anonymous_": sorted(anonymous), "__module__": __name__}
        if packed:
            body["_pack_"] = 1
            if sys.version_info >= (3, 14):
                body["_layout_"] = "ms"
        parent = self.union if type_.kind == Kind.UNION else self.structure
        if parent is None:
            raise self.refuse("", "has a union of the other byte order, which requires Python 3.11")
        made: Any = type(type_.name or "anonymous", (parent,), body)
        if not self.native:
            # ctypes looks up the counterpart of a field's type in this byte order. Before Python 3.12, unions
            # do not have one.
            setattr(made, self.counterpart, made)
        try:
            made._fields_ = list(fields)
        except (TypeError, ValueError, AttributeError) as error:
            raise self.refuse("", f"cannot be a ctypes class: {error}") from None
        return made


def _filled(members: Sequence[tuple[Member, Any]], names: Sequence[str], size: int) -> list[_CField]:
    """The fields of a packed struct, with explicit gaps between them.

    Bitfields share units of any size that fits: C lets other members use the rest of the declared type's
    bytes, ctypes does not.
    """
    fields: list[_CField] = []
    plain = [member for member, _ in members]
    end = number = 0
    while number < len(members):
        member, ctype = members[number]
        if not member.bitfield_size:
            _skip(fields, end, member.offset)
            fields.append((names[number], ctype))
            end = member.offset + ctypes.sizeof(ctype)
            number += 1
            continue
        stop, start, unit = _unit(plain, number, end, size)
        _skip(fields, end, start)
        position = 8 * start
        for name, (each, declared) in zip(names[number:stop], members[number:stop], strict=True):
            if each.bit_offset > position:
                fields.append((f"_bits_{position}", _UNSIGNED[unit], each.bit_offset - position))
            types = _SIGNED if declared in _SIGNED.values() else _UNSIGNED
            same = unit == ctypes.sizeof(declared)
            fields.append((name, declared if same else types[unit], each.bitfield_size))
            position = each.bit_offset + each.bitfield_size
        end, number = start + unit, stop
        if position < 8 * end:
            fields.append((f"_bits_{position}", _UNSIGNED[unit], 8 * end - position))
    _skip(fields, end, size)
    return fields


def _skip(fields: list[_CField], start: int, end: int) -> None:
    if start < end:
        fields.append((f"_gap_{start}", ctypes.c_uint8 * (end - start)))


def _unit(members: Sequence[Member], number: int, end: int, size: int) -> tuple[int, int, int]:
    """The unit for a bitfield and as many of the following ones as fit.

    Returns the number of the first member after the unit, the unit's first byte, and its size. If there is no
    room, the result is arbitrary, and `_misplaced` detects it.
    """
    first = members[number].offset
    found = number + 1, first, 8
    for stop in range(number + 1, min(number + 64, len(members)) + 1):
        last = members[stop - 1]
        last_byte = (last.bit_offset + last.bitfield_size - 1) // 8
        if not last.bitfield_size or last_byte - first >= 8:
            break
        room = members[stop].offset if stop < len(members) else size
        for unit in _UNSIGNED:
            starts = range(max(end, last_byte + 1 - unit), min(first, room - unit) + 1)
            if starts:
                found = stop, starts[0], unit
                break
    return found


def _misplaced(type_: Type, made: Any, named: list[tuple[str, Member]]) -> str | None:
    """Return the first member whose offset or size differs from the BTF.

    "" if only the size of the type differs, None if nothing does.
    """
    big = type_.btf.source.byte_order == "big"
    for name, member in named:
        field = vars(made).get(name)
        if field is None:  # ctypes overrides the name
            return member.name
        start = 8 * field.offset
        if member.bitfield_size:
            bits, low = field.size >> 16, field.size & 0xFFFF
            if bits != member.bitfield_size:
                return member.name
            unit = 8 * ctypes.sizeof({item[0]: item[1] for item in made._fields_}[name])
            start += unit - low - bits if big else low
        if start != member.bit_offset:
            return member.name
    return None if ctypes.sizeof(made) == type_.size else ""
