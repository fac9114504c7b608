"""Formats bytes as C initialisers, in the format of libbpf's `btf_dump__dump_type_data`.

Differs from libbpf only where libbpf omits values that are not zero or prints values that do not exist;
`docs/dumps.md` lists these cases.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .dumping import c_type_name
from .errors import FormatError, NotSupportedError
from .fields import MAX_FIELDS, resolved
from .iteration import run
from .kinds import IntEncoding, Kind

if TYPE_CHECKING:
    from typing import Literal

    from ._core import Buffer
    from .iteration import Calls
    from .types import Member, Type

_SCALARS = (Kind.INT, Kind.PTR, Kind.FLOAT, Kind.ENUM, Kind.ENUM64)
_FLOATS = {2: "e", 4: "f", 8: "d"}
_LINKAGES = {0: "static ", 2: "extern "}
_MAX_DEPTH = 100
# Limits on the number of values shown. A union shows its bytes once for each member, so the text of nested
# unions may be exponentially long.
_STEPS_PER_BYTE = 64
_MIN_STEPS = 1 << 16


def format_data(
    type_: Type,
    data: Buffer,
    *,
    compact: bool,
    skip_names: bool,
    emit_zeroes: bool,
    emit_strings: bool,
    indent: str,
    indent_level: int,
) -> str:
    """Implement `Btf.format`."""
    content = bytes(memoryview(data).cast("B"))
    sized = type_.type if type_.kind == Kind.VAR else type_
    assert sized is not None
    size = sized.btf._size(sized.id)
    if size < 0:
        raise ValueError(f"type [{type_.id}] is of kind {type_.kind.name} and has no size")
    if len(content) < size:
        raise FormatError(
            f"{type_.name or f'type [{type_.id}]'} has {size} bytes, but data has {len(content)}",
            type_id=type_.id,
        )
    printer = _Printer(type_, content, compact, skip_names, emit_zeroes, emit_strings, indent, indent_level)
    run(printer.show(type_, 0))
    return "".join(printer.pieces)


@dataclass
class _Printer:
    """Writes the values of types at bit offsets of the data, and decides which zeroes to omit."""

    root: Type
    data: bytes
    compact: bool
    skip_names: bool
    emit_zeroes: bool
    emit_strings: bool
    indent: str
    level: int
    depth: int = 0
    steps: int = 0
    pieces: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._order: Literal["big", "little"] = (
            "big" if self.root.btf.source.byte_order == "big" else "little"
        )
        self._resolved: dict[int, Type] = {}
        self._members: dict[int, tuple[Member, ...]] = {}
        self._casts: dict[int, str] = {}
        self._values: dict[int, dict[int, str]] = {}

    # -- text

    def show(
        self, type_: Type, at: int, *, name: str = "", bitfield_size: int = 0, in_array: bool = False
    ) -> Calls[None]:
        """Write a value, with its designator and cast unless it is an element of an array.

        Writes nothing for a zero that may be omitted. As in libbpf, members of an element have no casts and
        are never omitted.
        """
        found = self._below_typedefs(type_)
        self._step(found, self.depth)
        omissible = self.depth > 0 and not self.emit_zeroes and not in_array
        if omissible and (yield self._is_zero(found, at, bitfield_size, self.depth)):
            return
        self._indent()
        if not self.skip_names:
            if name:
                self.pieces.append(f".{name} = ")
            if not in_array and found.kind not in (Kind.VAR, Kind.DATASEC):
                self.pieces.append(f"({self._cast(type_)})")
        if found.kind.is_composite:
            self._open("{")
            for member in self._members_of(found):
                yield self.show(
                    member.type,
                    at + member.bit_offset,
                    name=member.name,
                    bitfield_size=member.bitfield_size,
                    in_array=in_array,
                )
            self._close("}")
        elif found.kind == Kind.ARRAY:
            yield self._array(found, at)
        elif found.kind == Kind.VAR:
            yield self._variable(found, at)
        elif found.kind == Kind.DATASEC:
            self._end(f'SEC("{found.name}") ')
            for variable in found.secinfos:
                yield self.show(variable.type, at + 8 * variable.offset)
                self.pieces.append(";")
        else:
            self._end(self._scalar(found, at, bitfield_size))

    def _variable(self, variable: Type, at: int) -> Calls[None]:
        assert variable.type is not None
        linkage = _LINKAGES.get(variable.linkage or 0, "")
        self.pieces.append(f"{linkage}{self._cast(variable.type)} {variable.name} = ")
        yield self.show(variable.type, at)

    def _array(self, array: Type, at: int) -> Calls[None]:
        element, count, size = self._elements(array)
        characters = self._is_character(element)
        if characters and self.emit_strings:
            text = self._bytes(array, at, count)
            if 0 in text:
                self._end('"' + "".join(map(_in_string, text[: text.index(0)])) + '"')
                return
        self._open("[")
        if characters:
            self._characters(element, self._bytes(array, at, count))
        elif size > 0:
            for number in range(count):
                yield self.show(element, at + 8 * size * number, in_array=True)
        self._close("]")

    def _characters(self, element: Type, text: bytes) -> None:
        """Write characters without the zeroes at the end. With `emit_zeroes`, one zero represents them."""
        shown = text.rstrip(b"\0")
        signed = IntEncoding.SIGNED in (element.encoding or IntEncoding(0))
        for byte in shown + (b"\0" if self.emit_zeroes and len(shown) < len(text) else b""):
            self._step(element, self.depth)
            self._indent()
            if byte == 0:
                self._end("'\\0'")
            elif _is_printable(byte):
                self._end(f"'{chr(byte)}'")
            else:
                self._end(str(byte - 256 if signed and byte > 127 else byte))

    def _open(self, bracket: str) -> None:
        self.depth += 1
        self.pieces.append(bracket if self.compact else bracket + "\n")

    def _close(self, bracket: str) -> None:
        self.depth -= 1
        self._indent()
        self._end(bracket)

    def _indent(self) -> None:
        if not self.compact:
            self.pieces.append(self.indent * (self.level + self.depth))

    def _end(self, text: str) -> None:
        self.pieces.append(text)
        if self.depth:
            self.pieces.append("," if self.compact else ",\n")

    # -- values

    def _scalar(self, type_: Type, at: int, bitfield_size: int) -> str:
        if type_.kind == Kind.INT and not bitfield_size:
            at, bitfield_size = self._old_bitfield(type_, at)
        if type_.kind.is_enum:
            return self._enumerator(type_, at, bitfield_size)
        if bitfield_size:
            return f"{self._bits(type_, at, bitfield_size):#x}"
        raw = self._bytes(type_, at, self._size(type_))
        if type_.kind == Kind.PTR:
            return f"{self._integer(raw):#x}"
        if type_.kind == Kind.FLOAT:
            return self._float(type_, raw)
        if type_.kind != Kind.INT:
            raise NotSupportedError(f"type [{type_.id}] is of kind {type_.kind.name}, which has no values")
        if len(raw) > 8:
            return f"{self._integer(raw):#x}"
        return str(self._integer(raw, signed=IntEncoding.SIGNED in (type_.encoding or IntEncoding(0))))

    def _old_bitfield(self, type_: Type, at: int) -> tuple[int, int]:
        """The bit offset and size of a value. Before Linux 5.0, an INT could be a bitfield of its own."""
        size, bits = self._size(type_), type_.nr_bits or 0
        return (at + (type_.bit_offset or 0), bits) if 0 < bits < 8 * size else (at, 0)

    def _enumerator(self, enum: Type, at: int, bitfield_size: int) -> str:
        signed = bool(enum.signed)
        if bitfield_size:
            value = self._bits(enum, at, bitfield_size)
            if signed and value >> (bitfield_size - 1):
                value -= 1 << bitfield_size
        else:
            value = self._integer(self._bytes(enum, at, self._size(enum)), signed=signed)
        if enum.id not in self._values:
            self._values[enum.id] = {each.value: each.name for each in reversed(enum.enumerators)}
        suffix = "" if enum.kind == Kind.ENUM else "LL" if signed else "ULL"
        return self._values[enum.id].get(value) or f"{value}{suffix}"

    def _float(self, type_: Type, raw: bytes) -> str:
        if len(raw) not in _FLOATS:
            raise NotSupportedError(
                f"type [{type_.id}] is a float of {len(raw)} bytes, whose format BTF does not record"
            )
        value: float
        (value,) = struct.unpack((">" if self._order == "big" else "<") + _FLOATS[len(raw)], raw)
        if math.isnan(value):
            return "-nan" if math.copysign(1, value) < 0 else "nan"
        return f"{value:f}"

    def _is_zero(self, type_: Type, at: int, bitfield_size: int, depth: int) -> Calls[bool]:
        """Whether all values that would be shown are zero. Bytes between members are ignored."""
        self._step(type_, depth)
        if type_.kind == Kind.INT and not bitfield_size:
            at, bitfield_size = self._old_bitfield(type_, at)
        if bitfield_size:
            return self._bits(type_, at, bitfield_size) == 0
        if type_.kind in _SCALARS:
            return not any(self._bytes(type_, at, self._size(type_)))
        if type_.kind.is_composite:
            for member in self._members_of(type_):
                inner, place = self._below_typedefs(member.type), at + member.bit_offset
                if not (yield self._is_zero(inner, place, member.bitfield_size, depth + 1)):
                    return False
            return True
        if type_.kind != Kind.ARRAY:
            return False
        element, count, size = self._elements(type_)
        raw = self._bytes(type_, at, count * size)
        if self.emit_strings and self._is_character(element) and 0 in raw:
            return raw[0] == 0
        if not any(raw) or element.kind in _SCALARS:
            return not any(raw)
        for number in range(count):
            if not (yield self._is_zero(element, at + 8 * size * number, 0, depth + 1)):
                return False
        return True

    # -- data

    def _bytes(self, type_: Type, at: int, size: int) -> bytes:
        start = at // 8
        if start + size > len(self.data):
            raise FormatError(
                f"type [{type_.id}] ends at byte {start + size}, but data has {len(self.data)} bytes",
                type_id=type_.id,
            )
        return self.data[start : start + size]

    def _integer(self, raw: bytes, *, signed: bool = False) -> int:
        return int.from_bytes(raw, self._order, signed=signed)

    def _bits(self, type_: Type, at: int, count: int) -> int:
        """The value of a bitfield. Bits count from a byte's low end, or in a big-endian BTF its high end."""
        covering = (at % 8 + count + 7) // 8
        value = self._integer(self._bytes(type_, at, covering))
        after = 8 * covering - at % 8 - count
        return value >> (after if self._order == "big" else at % 8) & ((1 << count) - 1)

    # -- types

    def _step(self, type_: Type, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise NotSupportedError(
                f"type [{type_.id}] is nested more than {_MAX_DEPTH} types deep, too deep to format"
            )
        self.steps += 1
        if self.steps > _MIN_STEPS + _STEPS_PER_BYTE * len(self.data):
            raise NotSupportedError(
                f"type [{self.root.id}] has too many members to format for {len(self.data)} bytes"
            )

    def _below_typedefs(self, type_: Type) -> Type:
        if type_.id not in self._resolved:
            self._resolved[type_.id] = resolved(type_)
        return self._resolved[type_.id]

    def _members_of(self, type_: Type) -> tuple[Member, ...]:
        if type_.id not in self._members:
            if type_.vlen > MAX_FIELDS:
                raise FormatError(f"type [{type_.id}] has more than {MAX_FIELDS:,} members", type_id=type_.id)
            self._members[type_.id] = type_.members
        return self._members[type_.id]

    def _cast(self, type_: Type) -> str:
        if type_.id not in self._casts:
            self._casts[type_.id] = c_type_name(self.root.btf, type_.id)
        return self._casts[type_.id]

    def _elements(self, array: Type) -> tuple[Type, int, int]:
        """The element type of an array, the number of elements, and the size of each."""
        assert array.type is not None
        element = self._below_typedefs(array.type)
        return element, array.nelems or 0, max(0, self._size(element))

    def _is_character(self, element: Type) -> bool:
        return element.kind == Kind.INT and self._size(element) == 1

    def _size(self, type_: Type) -> int:
        return type_.btf._size(type_.id)


def _is_printable(byte: int) -> bool:
    return 0x20 <= byte < 0x7F


def _in_string(byte: int) -> str:
    return chr(byte) if _is_printable(byte) else f"\\x{byte:02x}"
