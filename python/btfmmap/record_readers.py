"""Describes the plan of records to the core, which converts them to dicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _core
from .errors import NotSupportedError
from .iteration import run
from .kinds import Kind

if TYPE_CHECKING:
    from .btf import Btf
    from .dtype import Plan
    from .iteration import Calls

    # Key, offset, dimensions, conversion, size, bits before a bitfield, argument: see record_reader.hpp.
    _Row = tuple[str, int, tuple[int, ...], str, int, int, Any]

# A record of n bytes has at most this number of values plus _VALUES_PER_BYTE * n. Members of unions and
# elements without a size can have any number of values in few bytes.
_MAX_VALUES = 1 << 18
_VALUES_PER_BYTE = 16
_MAX_KEPT_NAMES = 1 << 12  # of enumerators in a reader that is kept
_CONVERSIONS = {"u": "unsigned", "i": "signed", "b": "bool", "f": "float", "V": "bytes", "S": "chars"}


def reader_of(btf: Btf, plan: Plan, *, enum_names: bool, text: bool) -> _core.RecordReader:
    """Return the core's reader of the records of a STRUCT or UNION.

    Args:
        btf: Where the plan's types are found.
        plan: The plan of the records. It keeps the reader.
        enum_names: Whether enum values become names.
        text: Whether arrays of `char` become `str`.

    Raises:
        NotSupportedError: A record would have too many values.
    """
    reader = plan.readers.get((enum_names, text))
    if reader is None:
        maker = _Maker(btf, enum_names=enum_names, text=text)
        run(maker.add(plan))
        maker.check(plan)
        reader = _core.RecordReader(plan.big_endian, maker.records)
        if sum(map(len, maker.names.values())) <= _MAX_KEPT_NAMES:
            reader = plan.readers.setdefault((enum_names, text), reader)
    return reader


def names_of(btf: Btf, type_id: int) -> dict[int, str]:
    """Return the names of the values of an ENUM or ENUM64; of several, the first."""
    return {each.value: each.name for each in reversed(btf._type(type_id).enumerators)}


def odd_enum(btf: Btf, name: str, type_id: int) -> str:
    """Return a message about an enum whose size is not that of an integer."""
    size = btf._type(type_id).size
    return f"{name!r} is an enum of {size} bytes, which is not the size of an integer"


class _Maker:
    def __init__(self, btf: Btf, *, enum_names: bool, text: bool) -> None:
        self.btf = btf
        self.enum_names = enum_names
        self.text = text
        self.records: list[tuple[int, list[_Row]]] = []
        self.numbers: dict[int, int] = {}  # in `records`, by type ID
        self.values: list[int] = []  # of each of `records`
        self.names: dict[int, dict[int, str]] = {}  # of enums, by type ID

    def add(self, plan: Plan) -> Calls[int]:
        """Add a STRUCT or UNION after those inside it; return its number."""
        number = self.numbers.get(plan.type_id)
        if number is not None:
            return number
        rows: list[_Row] = []
        values = 1
        dtype = plan.dtype.base
        places: Any = dtype.fields
        for name in plan.fields:
            bitfield = plan.bitfields.get(name)
            if bitfield is not None:
                conversion = "bitfield"
                if bitfield.boolean or bitfield.signed:
                    conversion = "bool bitfield" if bitfield.boolean else "signed bitfield"
                names = self.names_of(bitfield.kind, bitfield.type_id)
                offset = places[bitfield.covering][1]
                rows.append((name, offset, (), conversion, bitfield.bits, bitfield.shift, names))
                values += 1
                continue
            member = plan.members[name]
            inner = (yield self.add(member)) if member.kind.is_composite else None
            shape, row = self.row(name, places[name][1], member, inner)
            rows.append(row)
            values += _values(shape, 1 if inner is None else self.values[inner])
        number = self.numbers[plan.type_id] = len(self.records)
        self.records.append((dtype.itemsize, rows))
        self.values.append(values)
        return number

    def row(self, name: str, offset: int, plan: Plan, inner: int | None) -> tuple[tuple[int, ...], _Row]:
        shape, base = plan.dtype.shape, plan.dtype.base
        conversion, size = _CONVERSIONS[base.kind], base.itemsize
        argument: Any = None
        if inner is not None:
            conversion, argument = "record", inner
        elif plan.is_text and self.text:
            conversion = "text"
            if base.kind != "S":  # a flexible array without elements
                shape, size = shape[:-1], 0
        elif self.enum_names and plan.kind.is_enum:
            if base.kind == "V":
                conversion, argument = "refused", odd_enum(self.btf, name, plan.type_id)
            else:
                argument = self.names_of(plan.kind, plan.type_id)
        return shape, (name, offset, shape, conversion, size, 0, argument)

    def names_of(self, kind: Kind, type_id: int) -> dict[int, str] | None:
        if not (self.enum_names and kind.is_enum):
            return None
        if type_id not in self.names:
            self.names[type_id] = names_of(self.btf, type_id)
        return self.names[type_id]

    def check(self, plan: Plan) -> None:
        values, size = self.values[-1], self.records[-1][0]
        most = _MAX_VALUES + _VALUES_PER_BYTE * size
        if values > most:
            name = plan.name or f"type [{plan.type_id}]"
            raise NotSupportedError(
                f"{name} has {values:,} values in {size:,} bytes, more than the {most:,} that become objects"
            )


def _values(shape: tuple[int, ...], each: int) -> int:
    """The number of objects of an array: lists and elements."""
    count = total = 1
    for length in shape:
        count *= length
        total += count
    return total - count + count * each if shape else each
