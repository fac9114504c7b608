"""Reads bytes as records of a struct, with one array for each field or bitfield."""

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
    """Records of one struct or union, with an array for each field.

    `records.field` is the array of a field; its length is the number of records. Use `records["field"]` if
    the name is also an attribute of this class. A field that is a struct or union is another `Records`.

    The arrays are views of the buffer. Bitfields are computed on each access: as `int64` if they are signed,
    as `bool` if their type is boolean, otherwise as `uint64`.

    `len` is the number of records, and iteration yields them one by one. An index, slice, mask or index array
    selects records. A single record, such as `records[0]`, has scalars instead of arrays and has no `len`.

    Example:
        >>> records = btf.records("union address", bytes(range(32)))
        >>> records
        <Records address: 2 with bytes, words>
        >>> records.words[0].tolist()
        [50462976, 117835012, 185207048, 252579084]
    """

    def __init__(self, plan: Plan, values: npt.NDArray[Any]) -> None:
        self._plan = plan
        self._values = values

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the members in order, including those of anonymous structs.

        Example:
            >>> btf.records("union address", bytes(32)).fields
            ('bytes', 'words')
        """
        names: tuple[str, ...] = self._values.dtype.names or ()
        covered = {bitfield.covering: name for name, bitfield in self._plan.bitfields.items()}
        return tuple(covered.get(name, name) for name in names)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the records: `(n,)`, or `()` for a single record.

        A field that is an array of structs has more dimensions.

        Example:
            >>> btf.records("union address", bytes(32)).shape
            (2,)
        """
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
        if name in ("_plan", "_values"):  # not yet set while the object is being copied
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __getitem__(self, key: Any) -> Any:
        """Get a field by name, or the records selected by an index, slice, mask or index array.

        Args:
            key: a field name, or anything that indexes the first axis of a numpy array.

        Returns:
            The array of a field (a scalar for a single record), or `Records`.

        Raises:
            KeyError: there is no member of that name.
            IndexError: there is no such record.
            TypeError: a single record is indexed by something other than a name.

        Example:
            >>> records = btf.records("union address", bytes(range(32)))
            >>> records[1]["words"].tolist()
            [319951120, 387323156, 454695192, 522067228]
        """
        if not isinstance(key, str):
            if not self.shape:
                raise TypeError(f"a single record is indexed by field name, not by {key!r}")
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
        # From the lowest byte to the highest; a bitfield of 64 bits may span nine bytes.
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
        """Get the values of an enum field as names of enumerators.

        Args:
            name: name of the field.

        Returns:
            An object array of `str` with the shape of the field, or one `str` for a single record. A value
            without an enumerator becomes its decimal text.

        Raises:
            KeyError: there is no member of that name.
            TypeError: the field is not an enum, or its size is not that of an integer.

        Example:
            >>> flow = btf.records("flow", bytes(112), size=112)
            >>> flow.enum_names("verdict").tolist()
            ['PASS']
        """
        values = self[name]
        enum = self._type_of(name)
        if not enum.kind.is_enum:
            raise TypeError(f"{name!r} is of kind {enum.kind.name}, not an enum")
        values = np.asarray(values)
        if values.dtype.kind == "V":
            raise TypeError(f"{name!r} is an enum of {enum.size} bytes, which is not the size of an integer")
        names = {enumerator.value: enumerator.name for enumerator in reversed(enum.enumerators)}
        unique, inverse = np.unique(values, return_inverse=True)
        texts = np.array([names.get(int(value), str(value)) for value in unique], object)
        return texts[inverse.reshape(values.shape)]

    def _type_of(self, name: str) -> Type:
        """The type of a field, without typedefs, qualifiers and arrays."""
        bitfield = self._plan.bitfields.get(name)
        return self._plan.members[name].type if bitfield is None else bitfield.type

    def to_dict(self, *, enum_names: bool = False) -> dict[str, Any]:
        """Convert to a dict of all fields.

        Args:
            enum_names: whether to convert enum values to names, as `enum_names()` does.

        Returns:
            A dict of field names to arrays, and to dicts for fields that are structs. For a single record,
            the values are Python objects: numbers, `bool`, `bytes`, `str`, lists and dicts.

        Raises:
            TypeError: `enum_names` is set, and the size of an enum is not that of an integer.

        Example:
            >>> btf.records("list", bytes(16))[0].to_dict()
            {'next': 0, 'prev': 0}
        """
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
        """Convert to a pandas DataFrame.

        Needs the extra `btfmmap[pandas]`.

        Returns:
            A `pandas.DataFrame` with one row for each record and one column for each member. Members of
            structs have dotted names such as "addr.port". Numbers are copied in native byte order, and char
            arrays become `bytes`. If a member is another array, or lies in an array of structs, each cell of
            its column is a numpy array.

        Raises:
            NotSupportedError: pandas is not installed, or there are more than 65,536 columns.

        Example:
            >>> btf.records("list", bytes(32)).to_pandas().shape
            (2, 2)
        """
        from .frames import frame

        records = self if self.shape else Records(self._plan, self._values[np.newaxis])
        columns = list(islice(records._columns(""), MAX_FIELDS + 1))
        if len(columns) > MAX_FIELDS:
            raise NotSupportedError(
                f"{self._plan.type.name or 'the record'} would have more than {MAX_FIELDS:,} columns"
            )
        return frame([name for name, _ in columns], [_column(values) for _, values in columns], len(records))

    def _columns(self, prefix: str) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """All members except structs and unions, whose own members get dotted names."""
        for name in self.fields:
            value = self[name]
            if isinstance(value, Records):
                yield from value._columns(f"{prefix}{name}.")
            else:
                yield prefix + name, value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        """Refuse conversion: numpy and pandas would make an array with one object per record.

        Raises:
            TypeError: always.
        """
        from .frames import refuse_array

        refuse_array(
            f"Records of {self._plan.type.name or 'a struct'}",
            "use records.field, to_dict() or to_pandas()",
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
    """A column for pandas: one-dimensional, in native byte order, with objects for everything but numbers."""
    native = values.astype(values.dtype.newbyteorder("="))
    if native.ndim == 1:
        return native.astype(object) if native.dtype.kind in "SV" else native
    cells = np.empty(len(native), object)
    for row, cell in enumerate(native):
        cells[row] = cell
    return cells


def records_of(type_: Type, buffer: Buffer | npt.NDArray[Any], size: int | None) -> Records:
    """Implement `Btf.records`."""
    name = type_.name or "records"
    flexible = flexible_fields(type_)
    if size is None and flexible:
        raise NotSupportedError(
            f"{name}.{flexible[0]} is a flexible array, whose length BTF does not record: pass the size of a "
            "record in bytes, size=..."
        )
    if size is not None and size < (type_.size or 0):
        raise ValueError(f"size is {size}, but a {name} has at least {type_.size} bytes")
    plan = plan_of(type_, None if size is None else operator.index(size))
    raw = np.frombuffer(buffer, np.uint8)  # type: ignore[arg-type]
    each = plan.dtype.itemsize
    if each == 0 or raw.size % each:
        raise FormatError(f"{raw.size:,} bytes are not a whole number of {name} ({each:,} bytes each)")
    return Records(plan, raw.view(plan.dtype) if raw.size else np.empty(0, plan.dtype))
