"""Types as numpy dtypes: for reading bytes that the kernel or a BPF program wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .errors import FormatError, NotSupportedError
from .fields import Field, fields, resolved
from .kinds import IntEncoding, Kind

if TYPE_CHECKING:
    from .types import Type

_MAX_DEPTH = 200
_MAX_DIMENSIONS = 32
_COMPOSITE = (Kind.STRUCT, Kind.UNION)


class Bitfield(NamedTuple):
    """Where a bitfield is in its struct, and how to read it.

    Attributes:
        covering: the name of the dtype's field with the bytes that it lies in, `uint8[size]`.
        shift: how many bits of those come before it: lower ones, in a big-endian file higher ones.
        bits: its size.
        signed: whether its first bit is a sign.
        boolean: whether it is a `bool`.
    """

    covering: str
    shift: int
    bits: int
    signed: bool
    boolean: bool


class Plan(NamedTuple):
    """How to read a type: a dtype, and what a dtype cannot say.

    Attributes:
        dtype: of one value; an array's has a shape.
        type: the INT, PTR, ENUM, STRUCT, ... below typedefs, qualifiers and arrays.
        bitfields: of a STRUCT or UNION, by name.
        members: plans of the other members, by name.
    """

    dtype: np.dtype[Any]
    type: Type
    bitfields: dict[str, Bitfield]
    members: dict[str, Plan]


def dtype_of(type_: Type, bitfields: str) -> np.dtype[Any]:
    """What `Btf.dtype` gives."""
    if bitfields not in ("error", "omit"):
        raise ValueError(f"bitfields is {bitfields!r}, must be 'error' or 'omit'")
    return _without_covers(_Planner(type_, refuse_bitfields=bitfields == "error").plan(type_, "", 0))


def plan_of(type_: Type) -> Plan:
    """Of a type with its bitfields."""
    return _Planner(type_, refuse_bitfields=False).plan(type_, "", 0)


def _without_covers(plan: Plan) -> np.dtype[Any]:
    """Bitfields' bytes are for `records` only."""
    if not plan.members and not plan.bitfields:
        return plan.dtype
    base, shape = plan.dtype.base, plan.dtype.shape
    assert base.fields is not None
    names = list(plan.members)
    struct = np.dtype(
        {
            "names": names,
            "formats": [_without_covers(plan.members[name]) for name in names],
            "offsets": [base.fields[name][1] for name in names],
            "itemsize": base.itemsize,
        }
    )
    return np.dtype((struct, shape)) if shape else struct


class _Planner:
    def __init__(self, root: Type, *, refuse_bitfields: bool) -> None:
        source = root.btf.source
        self.order = "<" if source.byte_order == "little" else ">"
        self.pointer_size = source.pointer_size
        self.refuse_bitfields = refuse_bitfields
        self.root = root.name or f"type [{root.id}]"
        self.finished: dict[int, Plan] = {}

    def refuse(self, path: str, why: str) -> NotSupportedError:
        return NotSupportedError(f"{self.root}{'.' if path else ''}{path} {why}")

    def plan(self, type_: Type, path: str, depth: int) -> Plan:
        if depth > _MAX_DEPTH:
            raise self.refuse(path, f"lies in more than {_MAX_DEPTH} structs")
        inner, shape = self.without_arrays(type_, path)
        is_text = bool(shape) and inner.kind == Kind.INT and inner.name == "char" and shape[-1] > 0
        if is_text:
            dtype, shape = np.dtype(f"S{shape[-1]}"), shape[:-1]
            plan = Plan(dtype, inner, {}, {})
        elif inner.kind in _COMPOSITE:
            plan = self.finished.get(inner.id) or self.struct(inner, path, depth)
            self.finished[inner.id] = plan
        else:
            plan = Plan(self.scalar(inner, path), inner, {}, {})
        try:
            return plan._replace(dtype=np.dtype((plan.dtype, tuple(shape)))) if shape else plan
        except ValueError as error:
            raise self.refuse(path, f"is too large for numpy: {error}") from None

    def without_arrays(self, type_: Type, path: str) -> tuple[Type, list[int]]:
        shape: list[int] = []
        found = resolved(type_)
        while found.kind == Kind.ARRAY and found.type is not None:
            if len(shape) == _MAX_DIMENSIONS:
                raise self.refuse(path, "has more dimensions than a numpy array may")
            shape.append(found.nelems or 0)
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
        elif type_.kind in (Kind.ENUM, Kind.ENUM64):
            letter = "i" if type_.kind_flag else "u"
        elif type_.kind == Kind.FLOAT:
            letter = "f"
        else:
            raise self.refuse(path, f"is of kind {type_.kind.name}, which has no values")
        known = (2, 4, 8) if letter == "f" else (1, 2, 4, 8)
        # Others, such as __int128, come as the bytes they are.
        try:
            return np.dtype(f"{self.order}{letter}{size}" if size in known else f"V{size}")
        except TypeError:
            raise self.refuse(path, f"has {size:,} bytes, more than numpy takes") from None

    def struct(self, type_: Type, path: str, depth: int) -> Plan:
        names: list[str] = []
        formats: list[np.dtype[Any]] = []
        offsets: list[int] = []
        members: dict[str, Plan] = {}
        bitfields: dict[str, Bitfield] = {}

        def add(name: str, dtype: np.dtype[Any], offset: int) -> None:
            if offset + dtype.itemsize > (type_.size or 0):
                raise self.refuse(path, f"has the member {name!r} past its {type_.size} bytes")
            names.append(name)
            formats.append(dtype)
            offsets.append(offset)

        for field in fields(type_):
            where = f"{path}.{field.name}" if path else field.name
            if not field.name:
                continue  # a bitfield that only fills, or something that C cannot name
            if field.name in members or field.name in bitfields:
                raise self.refuse(where, "is there twice")
            if field.bitfield_size:
                bitfield, first, size = self.bitfield(field, where)
                bitfields[field.name] = bitfield
                add(bitfield.covering, np.dtype(("u1", (size,))), first)
            elif field.bit_offset % 8:
                raise self.refuse(where, f"starts at bit {field.bit_offset}, within a byte")
            else:
                plan = self.plan(field.type, where, depth + 1)
                members[field.name] = plan
                add(field.name, plan.dtype, field.offset)
        try:
            dtype = np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": type_.size})  # type: ignore[call-overload]
        except ValueError as error:
            raise self.refuse(path, f"makes no numpy dtype: {error}") from None
        return Plan(dtype, type_, bitfields, members)

    def bitfield(self, field: Field, path: str) -> tuple[Bitfield, int, int]:
        """Also its first byte, and how many it lies in."""
        if self.refuse_bitfields:
            raise self.refuse(
                path,
                f"is a bitfield of {field.bitfield_size} bits, which a dtype cannot have: use records(), or "
                "dtype(..., bitfields='omit')",
            )
        if field.bitfield_size > 64:
            raise self.refuse(path, f"is a bitfield of {field.bitfield_size} bits, more than 64")
        inner = resolved(field.type)
        signed = boolean = False
        if inner.kind == Kind.INT and inner.encoding is not None:
            signed = IntEncoding.SIGNED in inner.encoding
            boolean = IntEncoding.BOOL in inner.encoding
        elif inner.kind in (Kind.ENUM, Kind.ENUM64):
            signed = inner.kind_flag
        else:
            raise self.refuse(path, f"is a bitfield of kind {inner.kind.name}")
        first, shift = divmod(field.bit_offset, 8)
        size = (shift + field.bitfield_size + 7) // 8
        bitfield = Bitfield(
            f"{field.name}:{field.bitfield_size}", shift, field.bitfield_size, signed, boolean
        )
        return bitfield, first, size


def check_size(type_: Type, dtype: np.dtype[Any], size: int) -> None:
    """Raises `FormatError` where a buffer does not hold whole records."""
    if dtype.itemsize == 0 or size % dtype.itemsize:
        raise FormatError(
            f"{size:,} bytes are no whole number of {type_.name or 'records'} ({dtype.itemsize} bytes each)"
        )
