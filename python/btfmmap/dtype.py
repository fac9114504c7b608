"""Converts types to numpy dtypes, for reading bytes written by the kernel or a BPF program."""

from __future__ import annotations

from . import _core
from .errors import NotSupportedError
from .fields import MAX_DEPTH, first_and_last, resolved
from .iteration import run
from .kinds import IntEncoding, Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Literal, NamedTuple, SupportsIndex

    import numpy as np

    from ._core import RecordReader
    from .btf import Btf
    from .iteration import Calls
    from .types import Type

    Bitfields = Literal["error", "omit", "cover"]
else:
    from .named_tuples import NamedTuple

MAX_SIZE = 2**31 - 1  # numpy counts the bytes of a dtype with a C int
_MAX_LEAVES = 1 << 18  # of one record, not counting array elements; numpy visits each of them to make a view


class Bitfield(NamedTuple):
    """The position of a bitfield in its struct, and how to read it.

    Attributes:
        covering: name of the dtype's field with the bytes that the bitfield occupies, `uint8[size]`.
        shift: number of bits before it in those bytes: lower bits, or in a big-endian file higher bits.
        bits: size in bits.
        signed: whether it has a sign bit.
        boolean: whether its values are `bool`.
        kind: the kind of its type below typedefs and qualifiers: INT, ENUM or ENUM64.
        type_id: the ID of that type.
    """

    covering: str
    shift: int
    bits: int
    signed: bool
    boolean: bool
    kind: Kind
    type_id: int


class Readers(dict[tuple[bool, bool], "RecordReader"]):
    """The core's readers of a plan, by their options. They are not pickled with it."""

    __slots__ = ()

    def __reduce__(self) -> tuple[type[Readers], tuple[()]]:
        return Readers, ()


class Plan(NamedTuple):
    """How to read a type: its dtype, and what a dtype cannot express.

    A plan refers to types by ID, so that a `Btf` can keep it without a reference cycle.

    Attributes:
        dtype: dtype of one value; the dtype of an array has a shape.
        kind: the kind of the type below typedefs, qualifiers and arrays.
        type_id: the ID of that type.
        name: the name of a STRUCT or UNION, otherwise empty.
        is_text: whether the type is an array of `char`.
        big_endian: the byte order.
        fields: the names of the members of a STRUCT or UNION, bitfields included, in order.
        bitfields: its bitfields, by name.
        members: plans of its other members, by name.
        readers: readers of its records that were made on demand.
    """

    dtype: np.dtype[Any]
    kind: Kind
    type_id: int
    name: str
    is_text: bool
    big_endian: bool
    fields: tuple[str, ...]
    bitfields: dict[str, Bitfield]
    members: dict[str, Plan]
    readers: Readers


class KeptDtype(NamedTuple):
    """A dtype that a `Btf` keeps.

    Attributes:
        dtype: the dtype.
        structs: all structured dtypes in it, each with its names.
    """

    dtype: np.dtype[Any]
    structs: list[tuple[np.dtype[Any], tuple[str, ...] | None]]

    def is_unchanged(self) -> bool:
        """Whether nobody has assigned other names to the dtype or a part of it, which numpy allows."""
        return all(dtype.names is names for dtype, names in self.structs)


def dtype_of(
    btf: Btf, type_: SupportsIndex | str | Type, bitfields: Literal["error", "omit"]
) -> np.dtype[Any]:
    """Implement `Btf.dtype`."""
    check_bitfields(bitfields)
    kept: KeptDtype | None = btf._kept("dtype", type_, bitfields)
    if kept is None or not kept.is_unchanged():
        kept = btf._keep("dtype", type_, bitfields, _dtype, kept)
    return kept.dtype


def check_bitfields(bitfields: str) -> None:
    """Raise `ValueError` if it is not one of the values that users may pass."""
    if bitfields not in ("error", "omit"):
        raise ValueError(f"bitfields is {bitfields!r}, must be 'error' or 'omit'")


def described(type_: Type, bitfields: Bitfields, make: Callable[[Any], Any]) -> Any:
    """Make the dtype of a type by a function in place of `numpy.dtype`."""
    return run(_Planner(type_, bitfields, make).plan(type_.id, "", 0)).dtype


def _dtype(type_: Type, bitfields: Literal["error", "omit"]) -> tuple[KeptDtype, int]:
    import numpy as np

    planner = _Planner(type_, bitfields, np.dtype)
    dtype = run(planner.plan(type_.id, "", 0)).dtype
    structs = [plan.dtype for plan in planner.finished.values()]
    return KeptDtype(dtype, [(each, each.names) for each in structs]), planner.cost


def plan_of(type_: Type, size: int | None) -> tuple[Plan, int]:
    """Return the plan of a STRUCT or UNION, with its bitfields, and its cost for a `BoundedCache`.

    Its dtype has fields for the bytes that the bitfields occupy. If `size` is given, it is the size of a
    record: flexible arrays at the end get as many elements as fit.
    """
    import numpy as np

    planner = _Planner(type_, "cover", np.dtype, size)
    return run(planner.plan(type_.id, "", 0)), planner.cost


def flexible_fields(type_: Type) -> list[str]:
    """The flexible arrays at the end (by offset) of a STRUCT or UNION. Several may share a union."""
    btf = type_.btf
    names: list[str] = []
    pending = [type_]
    seen = {type_.id}  # visit each type once, even in a cycle
    while pending:
        parent = pending.pop()
        type_ids, name_offsets = parent._children("members", "type", "name_off")
        numbers: Iterable[int] = range(len(type_ids))
        if parent.kind == Kind.STRUCT and type_ids:
            numbers = [first_and_last(parent)[1]]
        ends = [btf._type(type_ids[number]) for number in numbers]
        for number, inner in zip(numbers, map(resolved, ends), strict=True):
            if inner.kind == Kind.ARRAY and inner.nelems == 0:
                names.append(btf.string(name_offsets[number]))
            elif inner.kind.is_composite and inner.id not in seen and not btf.string(name_offsets[number]):
                seen.add(inner.id)
                pending.append(inner)
    return names


class _Value(NamedTuple):
    """How values of a type are read, as the core's `value_types` returns it.

    Attributes:
        type_id: the type below typedefs, qualifiers and arrays; an ARRAY if there are too many dimensions.
        kind: its kind.
        size: its size in bytes, 0 if it has none.
        encoding: of an INT, as recorded.
        bit_offset: of an INT.
        bits: of an INT.
        signed: whether it is a signed INT or enum.
        is_char: whether it is an INT that is named "char".
        dimensions: the number of elements (0 for a flexible array) and the size of an element.
    """

    type_id: int
    kind: int
    size: int
    encoding: int
    bit_offset: int
    bits: int
    signed: bool
    is_char: bool
    dimensions: tuple[tuple[int, int], ...]


class _Planner:
    def __init__(
        self, root: Type, bitfields: Bitfields, make: Callable[[Any], Any], size: int | None = None
    ) -> None:
        self.make = make  # numpy.dtype, or a function with the same arguments
        self.btf = root.btf
        self.big_endian = self.btf.source.byte_order == "big"
        self.order = ">" if self.big_endian else "<"
        self.bitfields = bitfields
        self.size = size
        self.root = root.name or f"type [{root.id}]"
        self.values: dict[int, _Value] = {}
        self.known: dict[int, Plan] = {}  # plans that do not depend on the room for them
        self.finished: dict[int, Plan] = {}
        self.leaves: dict[int, int] = {}  # number of leaf members of each finished STRUCT or UNION
        self.cost = 1

    def refuse(self, path: str, why: str) -> NotSupportedError:
        return NotSupportedError(f"{self.root}{'.' if path else ''}{path} {why}")

    def learn(self, type_ids: Iterable[int]) -> None:
        """Ask the core for several types at once."""
        missing = {type_id for type_id in type_ids if type_id not in self.values}
        found = _core.value_types(self.btf._core_layout, missing)
        self.values.update(zip(missing, (_Value(*value) for value in found), strict=True))

    def plan(self, type_id: int, path: str, depth: int, room: int | None = None) -> Calls[Plan]:
        """The plan of a type. `room` is the number of bytes available to a flexible array."""
        if depth > MAX_DEPTH:
            raise self.refuse(path, f"is nested in more than {MAX_DEPTH} structs")
        if type_id not in self.values:
            self.learn([type_id])
        value = self.values[type_id]
        if value.kind == Kind.ARRAY:
            raise self.refuse(path, f"has more than {len(value.dimensions)} dimensions")
        shape: list[int] = []
        flexible = False
        for count, size in value.dimensions:
            flexible = flexible or not count
            shape.append(count or (room or 0) // max(size, 1))
            room = None
        is_text = bool(shape) and value.is_char
        if is_text and shape[-1] > 0:
            plan = self.leaf(value, self.of_bytes("S", shape.pop(), path), is_text=True)
        elif value.kind in (Kind.STRUCT, Kind.UNION):
            finished = self.finished.get(value.type_id)
            plan = (yield self.struct(value, path, depth)) if finished is None else finished
            self.finished[value.type_id] = plan
        else:
            plan = self.leaf(value, self.scalar(value, path), is_text=is_text)
        if shape:
            plan = plan._replace(dtype=self.made((plan.dtype, tuple(shape)), path))
        if not flexible:
            self.known[type_id] = plan
        return plan

    def leaf(self, value: _Value, dtype: np.dtype[Any], *, is_text: bool) -> Plan:
        kind = Kind(value.kind)
        return Plan(dtype, kind, value.type_id, "", is_text, self.big_endian, (), {}, {}, Readers())

    def made(self, description: Any, path: str) -> np.dtype[Any]:
        """A dtype. Refuses those that numpy cannot make, such as one of more than MAX_SIZE bytes."""
        try:
            made: np.dtype[Any] = self.make(description)
        except (TypeError, ValueError, OverflowError) as error:
            raise self.refuse(path, f"cannot be a numpy dtype: {error}") from None
        return made

    def of_bytes(self, letter: str, size: int, path: str) -> np.dtype[Any]:
        if size > MAX_SIZE:  # on hosts with a 32-bit C long, numpy would truncate the size silently
            raise self.refuse(path, f"cannot be a numpy dtype: {size} bytes are more than {MAX_SIZE}")
        return self.made(f"{letter}{size}", path)

    def scalar(self, value: _Value, path: str) -> np.dtype[Any]:
        kind, size = value.kind, value.size
        if kind == Kind.PTR:
            letter = "u"
        elif kind == Kind.INT:
            if value.bit_offset or value.bits != 8 * size:
                raise self.refuse(path, f"is an INT of {value.bits} bits in {size} bytes")
            letter = "i" if value.signed else "u"
            if value.encoding & IntEncoding.BOOL and size == 1:
                letter = "?"
        elif kind in (Kind.ENUM, Kind.ENUM64):
            letter = "i" if value.signed else "u"
        elif kind == Kind.FLOAT:
            letter = "f"
        else:
            raise self.refuse(path, f"is of kind {Kind(kind).name}, which has no values")
        if letter == "?":
            return self.made("?", path)
        # Other sizes, such as that of __int128, become raw bytes.
        if size in ((2, 4, 8) if letter == "f" else (1, 2, 4, 8)):
            return self.made(f"{self.order}{letter}{size}", path)
        return self.of_bytes("V", size, path)

    def struct(self, value: _Value, path: str, depth: int) -> Calls[Plan]:
        names: list[str] = []
        formats: list[np.dtype[Any]] = []
        offsets: list[int] = []
        members: dict[str, Plan] = {}
        bitfields: dict[str, Bitfield] = {}
        end = value.size
        type_ = self.btf._type(value.type_id)
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

        fields = self.btf._core_layout.fields(value.type_id)
        self.learn(type_id for _, type_id, *_ in fields)
        for name, type_id, bit_offset, bitfield_size, *_ in fields:
            where = f"{path}.{name}" if path else name
            if not name:
                continue  # a padding bitfield, or a member that C code cannot access
            if name in members or name in bitfields:
                raise self.refuse(where, "is the name of two members")
            if bitfield_size:
                if self.bitfields != "omit":
                    first, shift = divmod(bit_offset, 8)
                    bitfield = self.bitfield(name, type_id, shift, bitfield_size, where)
                    bitfields[name] = bitfield
                    size = (shift + bitfield_size + 7) // 8
                    add(bitfield.covering, self.made(("u1", (size,)), where), first)
            elif bit_offset % 8:
                raise self.refuse(where, f"starts at bit {bit_offset}, within a byte")
            else:
                offset = bit_offset // 8
                room = end - offset if name in flexible else None
                known = self.known.get(type_id) if depth < MAX_DEPTH else None
                plan = (yield self.plan(type_id, where, depth + 1, room)) if known is None else known
                members[name] = plan
                leaves += self.leaves.get(plan.type_id, 1)
                if leaves > _MAX_LEAVES:
                    raise self.refuse(path, f"has more than {_MAX_LEAVES:,} members, nested ones included")
                add(name, plan.dtype, offset)
        self.leaves[value.type_id] = leaves
        self.cost += len(names) + 1
        description = {"names": names, "formats": formats, "offsets": offsets, "itemsize": end}
        covered = {bitfield.covering: name for name, bitfield in bitfields.items()}
        return Plan(
            dtype=self.made(description, path),
            kind=Kind(value.kind),
            type_id=value.type_id,
            name=type_.name,
            is_text=False,
            big_endian=self.big_endian,
            fields=tuple([covered.get(name, name) for name in names] if covered else names),
            bitfields=bitfields,
            members=members,
            readers=Readers(),
        )

    def bitfield(self, name: str, type_id: int, shift: int, bits: int, path: str) -> Bitfield:
        if self.bitfields == "error":
            raise self.refuse(
                path,
                f"is a bitfield of {bits} bits, which a dtype cannot express: use records(), "
                "or dtype(..., bitfields='omit')",
            )
        if bits > 64:
            raise self.refuse(path, f"is a bitfield of {bits} bits, more than 64")
        value = self.values[type_id]
        kind = Kind.ARRAY if value.dimensions else Kind(value.kind)
        if kind != Kind.INT and not kind.is_enum:
            raise self.refuse(path, f"is a bitfield of kind {kind.name}, not of an INT or ENUM")
        boolean = kind == Kind.INT and bool(value.encoding & IntEncoding.BOOL) and not value.signed
        return Bitfield(f"{name}:{bits}", shift, bits, value.signed, boolean, kind, value.type_id)
