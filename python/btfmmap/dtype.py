"""Converts types to numpy dtypes, for reading bytes written by the kernel or a BPF program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from .errors import NotSupportedError
from .fields import MAX_DEPTH, Field, fields, first_and_last, resolved
from .iteration import run
from .kinds import IntEncoding, Kind

if TYPE_CHECKING:
    from .iteration import Calls
    from .types import Member, Type

    Bitfields = Literal["error", "omit", "cover"]

_MAX_SIZE = 2**31 - 1  # numpy counts the bytes of a dtype with a C int
_MAX_DIMENSIONS = 32
_MAX_LEAVES = 1 << 18  # of one record, not counting array elements; numpy visits each of them to make a view


class Bitfield(NamedTuple):
    """The position of a bitfield in its struct, and how to read it.

    Attributes:
        covering: name of the dtype's field with the bytes that the bitfield occupies, `uint8[size]`.
        shift: number of bits before it in those bytes: lower bits, or in a big-endian file higher bits.
        bits: size in bits.
        signed: whether it has a sign bit.
        type: the INT or ENUM below typedefs and qualifiers.
    """

    covering: str
    shift: int
    bits: int
    signed: bool
    type: Type


class Plan(NamedTuple):
    """How to read a type: its dtype, and what a dtype cannot express.

    Attributes:
        dtype: dtype of one value; the dtype of an array has a shape.
        type: the INT, PTR, ENUM, STRUCT, ... below typedefs, qualifiers and arrays.
        bitfields: bitfields of a STRUCT or UNION, by name.
        members: plans of its other members, by name.
    """

    dtype: np.dtype[Any]
    type: Type
    bitfields: dict[str, Bitfield]
    members: dict[str, Plan]


def dtype_of(type_: Type, bitfields: Literal["error", "omit"]) -> np.dtype[Any]:
    """Implement `Btf.dtype`."""
    if bitfields not in ("error", "omit"):
        raise ValueError(f"bitfields is {bitfields!r}, must be 'error' or 'omit'")
    return run(_Planner(type_, bitfields).plan(type_, "", 0)).dtype


def plan_of(type_: Type, size: int | None) -> Plan:
    """The plan of a STRUCT or UNION, with its bitfields. Its dtype has fields for the bytes they occupy.

    If `size` is given, it is the size of a record: flexible arrays at the end get as many elements as fit.
    """
    return run(_Planner(type_, "cover", size).plan(type_, "", 0))


def flexible_fields(type_: Type) -> list[str]:
    """The flexible arrays at the end (by offset) of a STRUCT or UNION. Several may share a union."""
    names: list[str] = []
    pending = [type_]
    seen = {type_.id}  # visit each type once, even in a cycle
    while pending:
        parent = pending.pop()
        members: tuple[Member, ...] = parent.members
        if parent.kind == Kind.STRUCT and members:
            members = (members[first_and_last(parent)[1]],)
        for member in members:
            inner = resolved(member.type)
            if inner.kind == Kind.ARRAY and inner.nelems == 0:
                names.append(member.name)
            elif inner.kind.is_composite and not member.name and inner.id not in seen:
                seen.add(inner.id)
                pending.append(inner)
    return names


class _Planner:
    def __init__(self, root: Type, bitfields: Bitfields, size: int | None = None) -> None:
        source = root.btf.source
        self.order = "<" if source.byte_order == "little" else ">"
        self.pointer_size = source.pointer_size
        self.bitfields = bitfields
        self.size = size
        self.root = root.name or f"type [{root.id}]"
        self.finished: dict[int, Plan] = {}
        self.leaves: dict[int, int] = {}  # number of leaf members of each finished STRUCT or UNION

    def refuse(self, path: str, why: str) -> NotSupportedError:
        return NotSupportedError(f"{self.root}{'.' if path else ''}{path} {why}")

    def plan(self, type_: Type, path: str, depth: int, room: int | None = None) -> Calls[Plan]:
        """The plan of a type. `room` is the number of bytes available to a flexible array."""
        if depth > MAX_DEPTH:
            raise self.refuse(path, f"is nested in more than {MAX_DEPTH} structs")
        inner, shape = self.without_arrays(type_, path, room)
        is_text = bool(shape) and inner.kind == Kind.INT and inner.name == "char" and shape[-1] > 0
        if is_text:
            plan = Plan(self.of_bytes("S", shape.pop(), path), inner, {}, {})
        elif inner.kind.is_composite:
            plan = self.finished.get(inner.id) or (yield self.struct(inner, path, depth))
            self.finished[inner.id] = plan
        else:
            plan = Plan(self.scalar(inner, path), inner, {}, {})
        return plan._replace(dtype=self.made((plan.dtype, tuple(shape)), path)) if shape else plan

    def made(self, description: Any, path: str) -> np.dtype[Any]:
        """A dtype. Refuses those that numpy cannot make, such as one of more than _MAX_SIZE bytes."""
        try:
            made: np.dtype[Any] = np.dtype(description)
        except (TypeError, ValueError, OverflowError) as error:
            raise self.refuse(path, f"cannot be a numpy dtype: {error}") from None
        return made

    def of_bytes(self, letter: str, size: int, path: str) -> np.dtype[Any]:
        if size > _MAX_SIZE:  # on hosts with a 32-bit C long, numpy would truncate the size silently
            raise self.refuse(path, f"cannot be a numpy dtype: {size} bytes are more than {_MAX_SIZE}")
        return self.made(f"{letter}{size}", path)

    def without_arrays(self, type_: Type, path: str, room: int | None) -> tuple[Type, list[int]]:
        shape: list[int] = []
        found = resolved(type_)
        while found.kind == Kind.ARRAY and found.type is not None:
            if len(shape) == _MAX_DIMENSIONS:
                raise self.refuse(path, f"has more than {_MAX_DIMENSIONS} dimensions")
            element = found.btf._size(found.type.id)
            shape.append(found.nelems or (room or 0) // max(element, 1))
            room = None
            found = resolved(found.type)
        return found, shape

    def scalar(self, type_: Type, path: str) -> np.dtype[Any]:
        size = type_.size
        letter = "V"
        if type_.kind == Kind.PTR:
            letter, size = "u", self.pointer_size
        elif type_.kind == Kind.INT:
            if type_.bit_offset or type_.nr_bits != 8 * (size or 0):
                raise self.refuse(path, f"is an INT of {type_.nr_bits} bits in {size} bytes")
            letter = "i" if type_.encoding and IntEncoding.SIGNED in type_.encoding else "u"
            if type_.encoding and IntEncoding.BOOL in type_.encoding and size == 1:
                return np.dtype("?")
        elif type_.kind.is_enum:
            letter = "i" if type_.signed else "u"
        elif type_.kind == Kind.FLOAT:
            letter = "f"
        else:
            raise self.refuse(path, f"is of kind {type_.kind.name}, which has no values")
        known = (2, 4, 8) if letter == "f" else (1, 2, 4, 8)
        # Other sizes, such as that of __int128, become raw bytes.
        if size in known:
            return self.made(f"{self.order}{letter}{size}", path)
        return self.of_bytes("V", size or 0, path)

    def struct(self, type_: Type, path: str, depth: int) -> Calls[Plan]:
        names: list[str] = []
        formats: list[np.dtype[Any]] = []
        offsets: list[int] = []
        members: dict[str, Plan] = {}
        bitfields: dict[str, Bitfield] = {}
        end = type_.size or 0
        flexible: list[str] = []
        leaves = 0
        if depth == 0 and self.size is not None:
            end, flexible = self.size, flexible_fields(type_)

        def add(name: str, dtype: np.dtype[Any], offset: int) -> None:
            if offset + dtype.itemsize > end:
                raise self.refuse(path, f"has the member {name!r} ending past its {end} bytes")
            names.append(name)
            formats.append(dtype)
            offsets.append(offset)

        for field in fields(type_):
            where = f"{path}.{field.name}" if path else field.name
            if not field.name:
                continue  # a padding bitfield, or a member that C code cannot access
            if field.name in members or field.name in bitfields:
                raise self.refuse(where, "is the name of two members")
            if field.bitfield_size:
                if self.bitfields != "omit":
                    bitfield, first, size = self.bitfield(field, where)
                    bitfields[field.name] = bitfield
                    add(bitfield.covering, np.dtype(("u1", (size,))), first)
            elif field.bit_offset % 8:
                raise self.refuse(where, f"starts at bit {field.bit_offset}, within a byte")
            else:
                room = end - field.offset if field.name in flexible else None
                plan = yield self.plan(field.type, where, depth + 1, room)
                members[field.name] = plan
                leaves += self.leaves.get(plan.type.id, 1)
                if leaves > _MAX_LEAVES:
                    raise self.refuse(path, f"has more than {_MAX_LEAVES:,} members, nested ones included")
                add(field.name, plan.dtype, field.offset)
        self.leaves[type_.id] = leaves
        description = {"names": names, "formats": formats, "offsets": offsets, "itemsize": end}
        return Plan(self.made(description, path), type_, bitfields, members)

    def bitfield(self, field: Field, path: str) -> tuple[Bitfield, int, int]:
        """A bitfield, its first byte, and the number of bytes it occupies."""
        if self.bitfields == "error":
            raise self.refuse(
                path,
                f"is a bitfield of {field.bitfield_size} bits, which a dtype cannot express: use records(), "
                "or dtype(..., bitfields='omit')",
            )
        if field.bitfield_size > 64:
            raise self.refuse(path, f"is a bitfield of {field.bitfield_size} bits, more than 64")
        inner = resolved(field.type)
        if inner.kind == Kind.INT and inner.encoding is not None:
            signed = IntEncoding.SIGNED in inner.encoding
        elif inner.kind.is_enum:
            signed = bool(inner.signed)
        else:
            raise self.refuse(path, f"is a bitfield of kind {inner.kind.name}, not of an INT or ENUM")
        first, shift = divmod(field.bit_offset, 8)
        size = (shift + field.bitfield_size + 7) // 8
        covering = f"{field.name}:{field.bitfield_size}"
        return Bitfield(covering, shift, field.bitfield_size, signed, inner), first, size
