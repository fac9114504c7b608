"""`Btf.records`: bytes as records whose fields, bitfields among them, are arrays."""

from __future__ import annotations

import operator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .dtype import Bitfield, Plan, flexible_fields, plan_of
from .errors import FormatError, NotSupportedError
from .fields import MAX_FIELDS
from .iteration import run
from .kinds import IntEncoding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

    import pandas as pd

    from ._core import Buffer
    from .iteration import Calls
    from .types import Type

_SHOWN = 6


class Records:
    """Records of one struct or union as arrays: `records.field`, or `records["field"]` where the name is also
    one of those below. A member that is a struct gives `Records` again. Read in place; only bitfields are
    computed: as `uint64`, `int64` where they are signed, or `bool`.

    `len` counts records, iteration gives them one by one, and a slice, mask or array of numbers selects some.
    One record, `records[0]`, has values where many have arrays, and no `len`.
    """

    def __init__(self, plan: Plan, values: npt.NDArray[Any]) -> None:
        self._plan = plan
        self._values = values

    @property
    def fields(self) -> tuple[str, ...]:
        """The members' names in order, those of anonymous structs included."""
        names: tuple[str, ...] = self._values.dtype.names or ()
        covered = {bitfield.covering: name for name, bitfield in self._plan.bitfields.items()}
        return tuple(covered.get(name, name) for name in names)

    @property
    def shape(self) -> tuple[int, ...]:
        """`(n,)`, `()` of a single record, more where arrays of structs lie in others."""
        return self._values.shape

    def __iter__(self) -> Iterator[Records]:
        return (self[number] for number in range(len(self)))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a single record has no length")
        return self.shape[0]

    def __bool__(self) -> bool:
        return not self.shape or self.shape[0] != 0

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.fields})

    def __getattr__(self, name: str) -> Any:
        if name in ("_plan", "_values"):  # not yet there, while it is being copied
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __getitem__(self, key: Any) -> Any:
        """A field by name, or the records that a number, slice, mask or array of numbers selects."""
        if not isinstance(key, str):
            if not self.shape:
                raise TypeError(f"a single record has fields by name, not by {key!r}")
            return Records(self._plan, self._values[key])
        if key in self._plan.bitfields:
            return self._bits(self._plan.bitfields[key])
        if key not in self._plan.members:
            raise KeyError(f"no member {key!r} in {self._plan.type.name or 'this record'}")
        plan = self._plan.members[key]
        values = self._values[key]
        return Records(plan, values) if plan.type.kind.is_composite else values

    def _bits(self, field: Bitfield) -> Any:
        raw = self._values[field.covering]
        big = field.type.btf.source.byte_order == "big"
        count = raw.shape[-1]
        # Bytes from the lowest to the highest; a field of 64 bits may lie in nine.
        order = range(count - 1, -1, -1) if big else range(count)
        skipped = 8 * count - field.shift - field.bits if big else field.shift
        value = np.zeros(raw.shape[:-1], np.uint64)
        for number, byte in enumerate(order):
            shift = 8 * number - skipped
            part = raw[..., byte].astype(np.uint64)
            value |= part << np.uint64(shift) if shift >= 0 else part >> np.uint64(-shift)
        unused = np.uint64(64 - field.bits)
        value <<= unused
        if field.signed:
            return (value.view(np.int64) >> np.int64(64 - field.bits))[()]
        value >>= unused
        encoding = field.type.encoding
        boolean = encoding is not None and IntEncoding.BOOL in encoding
        return (value.astype(np.bool_) if boolean else value)[()]

    def enum_names(self, name: str) -> Any:
        """The enumerators' names of a field of an enum type, as `str` (in an array of objects); the number's
        text where it has none.

        Raises:
            KeyError: there is no such field.
            TypeError: the field's type is no enum, or one of a size that no integer has.
        """
        values = self[name]
        enum = self._type_of(name)
        if not enum.kind.is_enum:
            raise TypeError(f"{name!r} is of kind {enum.kind.name}, no enum")
        values = np.asarray(values)
        if values.dtype.kind == "V":
            raise TypeError(f"{name!r} is an enum of {enum.size} bytes, which has no values")
        names = {enumerator.value: enumerator.name for enumerator in reversed(enum.enumerators)}
        numbers, places = np.unique(values, return_inverse=True)
        texts = np.array([names.get(int(number), str(number)) for number in numbers], object)
        return texts[places.reshape(values.shape)]

    def _type_of(self, name: str) -> Type:
        """Below typedefs, qualifiers and arrays."""
        bitfield = self._plan.bitfields.get(name)
        return self._plan.members[name].type if bitfield is None else bitfield.type

    def to_dict(self, *, enum_names: bool = False) -> dict[str, Any]:
        """Every field by name: arrays, and dicts for members that are structs; of a single record what JSON
        has, and `bytes`. `enum_names` gives enums as names."""
        return run(self._as_dict(enum_names))

    def _as_dict(self, enum_names: bool) -> Calls[dict[str, Any]]:
        plain = {}
        for name in self.fields:
            plain[name] = yield self._plain(name, enum_names)
        return plain

    def _plain(self, name: str, enum_names: bool) -> Calls[Any]:
        value = self.enum_names(name) if enum_names and self._type_of(name).kind.is_enum else self[name]
        if isinstance(value, Records):
            return (yield value._nested(self.shape, enum_names))
        return value if self.shape or not hasattr(value, "tolist") else value.tolist()

    def _nested(self, outer: tuple[int, ...], enum_names: bool) -> Calls[Any]:
        if outer or not self.shape:
            return (yield self._as_dict(enum_names))
        nested = []
        for each in self:
            nested.append((yield each._nested((), enum_names)))
        return nested

    def to_pandas(self) -> pd.DataFrame:
        """A `pandas.DataFrame` with a row for each record (one for a single record) and a column for each
        member: those of structs by dotted names, "addr.port". Numbers are copied, in native byte order;
        char arrays are `bytes`. Of an array, and of members in an array of structs, each cell is a numpy
        array.

        Raises:
            NotSupportedError: without the extra `btfmmap[pandas]`, and for more than 65,536 columns.
        """
        from .frames import frame

        records = self if self.shape else Records(self._plan, self._values[np.newaxis])
        columns = list(islice(records._columns(""), MAX_FIELDS + 1))
        if len(columns) > MAX_FIELDS:
            raise NotSupportedError(
                f"{self._plan.type.name or 'a record'} has more than {MAX_FIELDS:,} columns"
            )
        return frame([name for name, _ in columns], [_column(values) for _, values in columns], len(records))

    def _columns(self, prefix: str) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """Every member that is no struct, those of structs under dotted names."""
        for name in self.fields:
            value = self[name]
            if isinstance(value, Records):
                yield from value._columns(f"{prefix}{name}.")
            else:
                yield prefix + name, value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        """Raises `TypeError`: numpy and pandas would make an array of objects, one for each record."""
        from .frames import refuse_array

        refuse_array(
            f"Records of {self._plan.type.name or 'a struct'}",
            "records.field or to_dict() has them by name, to_pandas() makes a DataFrame",
        )

    def __repr__(self) -> str:
        name = self._plan.type.name or "(anon)"
        shown = self.fields[:_SHOWN]
        if self.shape:
            count = " x ".join(map(str, self.shape))
            texts, joint = shown, f": {count} with "
        else:
            texts, joint = tuple(f"{field}={run(self._plain(field, False))!r}" for field in shown), ": "
        more = ", ..." if len(self.fields) > _SHOWN else ""
        return f"<Records {name}{joint}{', '.join(texts)}{more}>"


def _column(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """As pandas takes it: one-dimensional, in native byte order, text and what is no number as objects."""
    native = values.astype(values.dtype.newbyteorder("="))
    if native.ndim == 1:
        return native.astype(object) if native.dtype.kind in "SV" else native
    cells = np.empty(len(native), object)
    for row, cell in enumerate(native):
        cells[row] = cell
    return cells


def records_of(type_: Type, buffer: Buffer | npt.NDArray[Any], size: int | None) -> Records:
    """What `Btf.records` gives."""
    name = type_.name or "records"
    flexible = flexible_fields(type_)
    if size is None and flexible:
        raise NotSupportedError(
            f"{name}.{flexible[0]} is a flexible array, and how long it is only the data tell: say how many "
            "bytes a record has, size=..."
        )
    if size is not None and size < (type_.size or 0):
        raise ValueError(f"size is {size}, but {name} has {type_.size} bytes")
    plan = plan_of(type_, None if size is None else operator.index(size))
    raw = np.frombuffer(buffer, np.uint8)  # type: ignore[arg-type]
    each = plan.dtype.itemsize
    if each == 0 or raw.size % each:
        raise FormatError(f"{raw.size:,} bytes are no whole number of {name} ({each:,} bytes each)")
    return Records(plan, raw.view(plan.dtype) if raw.size else np.empty(0, plan.dtype))
