"""Types as classes of `ctypes`: for those who call into C."""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING, Any

from .errors import NotSupportedError
from .fields import resolved
from .kinds import IntEncoding, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .types import Member, Type

_SIGNED = {1: ctypes.c_int8, 2: ctypes.c_int16, 4: ctypes.c_int32, 8: ctypes.c_int64}
_UNSIGNED = {1: ctypes.c_uint8, 2: ctypes.c_uint16, 4: ctypes.c_uint32, 8: ctypes.c_uint64}
_FLOATS = {4: ctypes.c_float, 8: ctypes.c_double}
_MAX_DEPTH = 200


def ctype_of(type_: Type) -> Any:
    """What `Btf.ctypes` gives."""
    return _Maker(type_).make(type_, "", 0)


class _Maker:
    def __init__(self, root: Type) -> None:
        source = root.btf.source
        self.native = source.byte_order == sys.byteorder
        self.pointer_size = source.pointer_size
        big = source.byte_order == "big"
        self.structure: Any = ctypes.BigEndianStructure if big else ctypes.LittleEndianStructure
        # Unions of the other byte order came with Python 3.11.
        other = getattr(ctypes, "BigEndianUnion" if big else "LittleEndianUnion", None)
        self.union: Any = ctypes.Union if self.native else other
        self.root = root.name or f"type [{root.id}]"
        self.finished: dict[int, Any] = {}

    def refuse(self, path: str, why: str) -> NotSupportedError:
        return NotSupportedError(f"{self.root}{'.' if path else ''}{path} {why}")

    def make(self, type_: Type, path: str, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise self.refuse(path, f"lies in more than {_MAX_DEPTH} structs and arrays")
        found = resolved(type_)
        if found.kind == Kind.ARRAY and found.type is not None:
            return self.make(found.type, path, depth + 1) * (found.nelems or 0)
        if found.kind in (Kind.STRUCT, Kind.UNION):
            if found.id not in self.finished:
                self.finished[found.id] = self.composite(found, path, depth)
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
                made = ctypes.c_bool
            elif type_.name == "char":
                made = ctypes.c_char
            else:
                made = (_SIGNED if IntEncoding.SIGNED in type_.encoding else _UNSIGNED).get(size)
        elif type_.kind in (Kind.ENUM, Kind.ENUM64):
            made = (_SIGNED if type_.kind_flag else _UNSIGNED).get(size)
        elif type_.kind == Kind.FLOAT:
            made = _FLOATS.get(size)
        if made is None:
            raise self.refuse(path, f"is of kind {type_.kind.name} and {size} bytes, which ctypes lacks")
        return made

    def composite(self, type_: Type, path: str, depth: int) -> Any:
        """As C lays it out, else packed with the gaps filled; whichever puts every member in its place."""
        members = [
            (member, self.make(member.type, f"{path}.{member.name}" if path else member.name, depth + 1))
            for member in type_.members
            if member.name or not member.bitfield_size
        ]
        wrong = ""
        for packed in (False, True):
            made, named = self.laid_out(type_, members, packed)
            misplaced = _misplaced(type_, made, named)
            if misplaced is None:
                return made
            wrong = wrong or misplaced
        where = f"{path}.{wrong}" if path and wrong else path or wrong
        raise self.refuse(where, "cannot be put in its place by ctypes")

    def laid_out(
        self, type_: Type, members: Sequence[tuple[Member, Any]], packed: bool
    ) -> tuple[Any, list[tuple[str, Member]]]:
        fields: list[tuple[Any, ...]] = []
        named: list[tuple[str, Member]] = []
        anonymous: list[str] = []
        union = type_.kind == Kind.UNION
        end = 0
        for number, (member, ctype) in enumerate(members):
            name = member.name or f"_anonymous_{number}"
            if not member.name:
                anonymous.append(name)
            if packed and not union and not member.bitfield_size and member.offset > end:
                fields.append((f"_gap_{number}", ctypes.c_uint8 * (member.offset - end)))
            fields.append((name, ctype, member.bitfield_size) if member.bitfield_size else (name, ctype))
            named.append((name, member))
            bits = member.bitfield_size or 8 * ctypes.sizeof(ctype)
            end = (member.bit_offset + bits + 7) // 8
        size = type_.size or 0
        if packed and not union and size > end:
            fields.append(("_gap_end", ctypes.c_uint8 * (size - end)))
        body: dict[str, Any] = {"_anonymous_": anonymous, "__module__": __name__}
        if packed:
            body["_pack_"] = 1
            if sys.version_info >= (3, 14):
                body["_layout_"] = "ms"
        parent = self.union if union else self.structure
        if parent is None:
            raise self.refuse("", "is a union of the other byte order, which this Python's ctypes lacks")
        made: Any = type(type_.name or "anonymous", (parent,), body)
        try:
            made._fields_ = fields
        except (TypeError, ValueError, AttributeError) as error:
            raise self.refuse("", f"makes no ctypes class: {error}") from None
        return made, named


def _misplaced(type_: Type, made: Any, named: list[tuple[str, Member]]) -> str | None:
    """The first member that is not where the BTF has it; "" where only the size differs."""
    big = type_.btf.source.byte_order == "big"
    for name, member in named:
        field = getattr(made, name)
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
