"""Reads bytes as records of a struct, with one array for each field or bitfield."""

from __future__ import annotations

import operator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from .dtype import MAX_SIZE, flexible_fields, plan_of
from .errors import NotSupportedError
from .fields import MAX_FIELDS, composite
from .iteration import run
from .record_readers import names_of, odd_enum, reader_of
from .record_sizes import PASS_SIZE, bytes_text, not_records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn, SupportsIndex

    import numpy.typing as npt
    import pandas as pd

    from ._core import Buffer
    from .btf import Btf
    from .dtype import Bitfield, Plan
    from .iteration import Calls
    from .kinds import Kind
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

    __slots__ = ("__weakref__", "_btf", "_plan", "_values")  # so that a field cannot be assigned

    def __init__(self, btf: Btf, plan: Plan, values: npt.NDArray[Any]) -> None:
        self._btf = btf
        self._plan = plan
        self._values = values

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the members in order, including those of anonymous structs.

        Example:
            >>> btf.records("union address", bytes(32)).fields
            ('bytes', 'words')
        """
        return self._plan.fields

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
        count = len(self)
        return (self[number] for number in range(count))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self.fields

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a single record has no length; its members are in `fields` and `to_dict()`")
        return self.shape[0]

    def __bool__(self) -> bool:
        return not self.shape or self.shape[0] != 0

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.fields})

    def __getattr__(self, name: str) -> Any:
        if name in ("_btf", "_plan", "_values"):  # not yet set while the object is being copied
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
            return Records(self._btf, self._plan, self._values[key])
        plan = self._plan.members.get(key)
        if plan is None:
            bitfield = self._plan.bitfields.get(key)
            if bitfield is None:
                raise KeyError(f"no member {key!r} in {self._plan.name or 'this record'}")
            return self._bits(bitfield)
        values = self._values[key]
        return Records(self._btf, plan, values) if plan.kind.is_composite else values

    def _bits(self, field: Bitfield) -> Any:
        raw = np.asarray(self._values[field.covering])
        return _core.read_bitfield(
            raw, self._plan.big_endian, field.shift, field.bits, field.signed, field.boolean
        )[()]

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
        kind, type_id = self._type_of(name)
        if not kind.is_enum:
            raise TypeError(f"{name!r} is of kind {kind.name}, not an enum")
        values = np.asarray(values)
        if values.dtype.kind == "V":
            raise TypeError(odd_enum(self._btf, name, type_id))
        names = names_of(self._btf, type_id)
        unique, inverse = np.unique(values, return_inverse=True)
        texts = np.array([names.get(int(value), str(value)) for value in unique], object)
        return texts[inverse.reshape(values.shape)]

    def _type_of(self, name: str) -> tuple[Kind, int]:
        """The kind and ID of a field's type, without typedefs, qualifiers and arrays."""
        member = self._plan.members.get(name) or self._plan.bitfields[name]
        return member.kind, member.type_id

    def to_dict(self, *, enum_names: bool = False, text: bool = False) -> dict[str, Any]:
        """Convert to a dict of all fields.

        Args:
            enum_names: Whether to convert enum values to names, as `enum_names()` does.
            text: Whether to convert arrays of `char` to `str`, up to the first NUL. They are decoded as UTF-8
                with surrogateescape, like names. Otherwise they are `bytes` without the NULs at their end.

        Returns:
            A dict of field names to arrays, and to dicts for fields that are structs. For a single record,
            the values are Python objects: numbers, `bool`, `bytes`, `str`, lists and dicts.

        Raises:
            TypeError: `enum_names` is set, and the size of an enum is not that of an integer.
            NotSupportedError: A single record has more than 262,144 values and more than 16 per byte.

        Example:
            >>> btf.records("list", bytes(16))[0].to_dict()
            {'next': 0, 'prev': 0}
        """
        if self.shape:
            return run(self._columns_dict(enum_names, text))
        made: dict[str, Any] = self._objects(enum_names, text)
        return made

    def to_dicts(self, *, enum_names: bool = False, text: bool = False) -> list[Any]:
        """Convert to a list with one dict for each record.

        Args:
            enum_names: Whether to convert enum values to names, as `enum_names()` does.
            text: Whether to convert arrays of `char` to `str`, as in `to_dict`.

        Returns:
            A list of what `to_dict` returns for each record; of one dict for a single record. If the records
            have more than one dimension, lists are nested in the list.

        Raises:
            TypeError: `enum_names` is set, and the size of an enum is not that of an integer.
            NotSupportedError: A record has more than 262,144 values and more than 16 per byte.

        Example:
            >>> btf.records("list", bytes(32)).to_dicts()
            [{'next': 0, 'prev': 0}, {'next': 0, 'prev': 0}]
        """
        made = self._objects(enum_names, text)
        return made if self.shape else [made]

    def _objects(self, enum_names: bool, text: bool) -> Any:
        """A dict for a single record, otherwise nested lists of dicts."""
        values = np.asarray(self._values)
        reader = reader_of(self._btf, self._plan, enum_names=enum_names, text=text)
        if not values.itemsize and values.size > MAX_FIELDS:
            raise NotSupportedError(
                f"{values.size:,} records without bytes, more than the {MAX_FIELDS:,} that become dicts"
            )
        return reader.read(values)

    def _columns_dict(self, enum_names: bool, text: bool) -> Calls[dict[str, Any]]:
        columns: dict[str, Any] = {}
        for name in self.fields:
            value = self._field(name, enum_names, text)
            is_record = isinstance(value, Records)
            columns[name] = (yield value._columns_dict(enum_names, text)) if is_record else value
        return columns

    def _field(self, name: str, enum_names: bool, text: bool) -> Any:
        """A field, with enum values and `char` arrays as texts where asked."""
        member = self._plan.members.get(name)
        if enum_names and self._type_of(name)[0].is_enum:
            return self.enum_names(name)
        if text and member is not None and member.is_text:
            return _texts(self[name])
        return self[name]

    def to_pandas(self, *, enum_names: bool = False, text: bool = False) -> pd.DataFrame:
        """Convert to a pandas DataFrame.

        Needs the extra `btfmmap[pandas]`.

        Args:
            enum_names: Whether enum values become names, as in `enum_names`.
            text: Whether `char` arrays become `str`, as in `to_dict`; they become `bytes` otherwise.

        Returns:
            A `pandas.DataFrame` with one row for each record and one column for each member. Members of
            structs have dotted names such as "addr.port". Numbers are copied in native byte order.
            If a member is another array, or lies in an array of structs, each cell of
            its column is a numpy array.

        Raises:
            NotSupportedError: pandas is not installed, or there are more than 65,536 columns.
            TypeError: `enum_names` is set, and the size of an enum is not that of an integer.

        Example:
            >>> btf.records("list", bytes(32)).to_pandas().shape
            (2, 2)
        """
        from .frames import frame

        records = self if self.shape else Records(self._btf, self._plan, np.asarray(self._values)[np.newaxis])
        columns = list(islice(records._columns("", enum_names, text), MAX_FIELDS + 1))
        if len(columns) > MAX_FIELDS:
            raise NotSupportedError(
                f"{self._plan.name or 'the record'} would have more than {MAX_FIELDS:,} columns"
            )
        return frame([name for name, _ in columns], [_column(values) for _, values in columns], len(records))

    def _columns(self, prefix: str, enum_names: bool, text: bool) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """All members except structs and unions, whose own members get dotted names."""
        for name in self.fields:
            value = self._field(name, enum_names, text)
            if isinstance(value, Records):
                yield from value._columns(f"{prefix}{name}.", enum_names, text)
            else:
                yield prefix + name, value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        """Refuse conversion: numpy and pandas would make an array with one object per record.

        Raises:
            TypeError: always.
        """
        from .frames import refuse_array

        refuse_array(
            f"Records of {self._plan.name or 'a struct'}",
            "use records.field, to_dict() or to_pandas()",
        )

    def _ipython_key_completions_(self) -> list[str]:
        return [*self.fields]

    def __repr__(self) -> str:
        name = self._plan.name or "(anon)"
        shown = self.fields[:_SHOWN]
        if self.shape:
            count = " x ".join(map(str, self.shape))
            texts, joint = shown, f": {count} with "
        else:
            texts, joint = tuple(f"{field}={self._shown(field)}" for field in shown), ": "
        more = ", ..." if len(self.fields) > _SHOWN else ""
        return f"<Records {name}{joint}{', '.join(texts)}{more}>"

    def _shown(self, name: str) -> str:
        """The `repr` of a single record's field."""
        value = self[name]
        if not isinstance(value, Records):
            return repr(value.tolist())
        try:
            return repr(value._objects(enum_names=False, text=False))
        except NotSupportedError:
            return "..."


def _column(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A column for pandas: one-dimensional, in native byte order, with objects for everything but numbers."""
    native = values if values.dtype.kind == "O" else values.astype(values.dtype.newbyteorder("="))
    if native.ndim == 1:
        return native.astype(object) if native.dtype.kind in "SV" else native
    cells = np.empty(len(native), object)
    for row, cell in enumerate(native):
        cells[row] = cell
    return cells


def _texts(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Convert an array of `char` arrays to one of `str`."""
    if values.dtype.kind != "S":  # flexible arrays without elements
        return np.full(values.shape[:-1], "", object)
    texts = np.empty(values.size, object)
    for number, value in enumerate(values.ravel().tolist()):
        texts[number] = value.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    return texts.reshape(values.shape)


def records_of(
    btf: Btf, type_: SupportsIndex | str | Type, buffer: Buffer | npt.NDArray[Any], size: SupportsIndex | None
) -> Records:
    """Implement `Btf.records`."""
    plan = records_plan(btf, type_, size)
    longer = PASS_SIZE if size is None else None
    return Records(btf, plan, records_values(plan, buffer, longer))


def records_plan(btf: Btf, type_: SupportsIndex | str | Type, size: SupportsIndex | None) -> Plan:
    """Return the plan of a type's records, which the Btf keeps. `size` is that of a record, or None."""
    if size is not None:
        size = operator.index(size)
    plan: Plan | None = btf._kept("records", type_, size)
    if plan is None:
        plan = btf._keep("records", type_, size, _plan)
    return plan


def records_values(plan: Plan, buffer: Buffer | npt.NDArray[Any], longer: str | None) -> npt.NDArray[Any]:
    """Return the records in a buffer, without a copy. `longer` is that of `not_records`."""
    try:
        return np.frombuffer(buffer, plan.dtype)  # type: ignore[arg-type]
    except ValueError:
        return _checked(plan, buffer, longer)


def _plan(type_: Type, size: int | None) -> tuple[Plan, int]:
    """Return the plan of a type's records, and its cost for a `BoundedCache`."""
    found = composite(type_)
    name = found.name or "records"
    flexible = flexible_fields(found)
    if size is None and flexible:
        raise NotSupportedError(
            f"{name}.{flexible[0]} is a flexible array, whose length BTF does not record: pass the size of a "
            "record in bytes, size=..."
        )
    if size is not None and size < (found.size or 0):
        raise ValueError(f"size is {size}, but a record of {name} has at least {bytes_text(found.size or 0)}")
    if size is not None and size > MAX_SIZE:
        raise NotSupportedError(f"size is {size}, but a record of numpy has at most {MAX_SIZE} bytes")
    return plan_of(found, size)


def _checked(plan: Plan, buffer: Buffer | npt.NDArray[Any], longer: str | None) -> npt.NDArray[Any]:
    """Return the records of a buffer that numpy refuses; of one without bytes, no records."""
    raw = np.frombuffer(buffer, np.uint8)  # type: ignore[arg-type]
    each = plan.dtype.itemsize
    if each == 0 or raw.size % each:
        raise not_records(plan.name or f"type [{plan.type_id}]", each, raw.size, longer)
    return raw.view(plan.dtype) if raw.size else np.empty(0, plan.dtype)
