"""What `Builder.add_tables` makes of the columns that it is given, before the core writes the records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .._core import Btf as CoreBtf
from ..kinds import Kind
from .record_methods import MAX_ENCODING

if TYPE_CHECKING:
    import numpy.typing as npt

    from .._core import Buffer, Draft
    from ..btf import Btf
    from ..tables import Table

    Columns: TypeAlias = Table | Mapping[str, Any]
    Array = npt.NDArray[Any]
    U32 = npt.NDArray[np.uint32]

# The kinds of the types that the rows of a table belong to.
_PARENTS = {
    "members": (Kind.STRUCT, Kind.UNION),
    "params": (Kind.FUNC_PROTO,),
    "enumerators": (Kind.ENUM, Kind.ENUM64),
    "secinfos": (Kind.DATASEC,),
}
_KINDS = {
    "arrays": Kind.ARRAY,
    "ints": Kind.INT,
    "funcs": Kind.FUNC,
    "vars": Kind.VAR,
    "decl_tags": Kind.DECL_TAG,
}
# The columns that the core takes: those that a table must have, and those that it may have.
_REQUIRED: dict[str, dict[str, Any]] = {
    "types": {"kind": np.uint8, "size_or_type": np.uint32},
    "members": {"type": np.uint32, "bit_offset": np.uint32},
    "params": {"type": np.uint32},
    "enumerators": {"value": np.int64},
    "secinfos": {"type": np.uint32, "offset": np.uint32, "size": np.uint32},
    "arrays": {"type": np.uint32, "index_type": np.uint32, "nelems": np.uint32},
    "ints": {"encoding": np.uint8, "bit_offset": np.uint8, "nr_bits": np.uint8},
    "funcs": {"linkage": np.uint32},
    "vars": {"linkage": np.uint32},
    "decl_tags": {"component_idx": np.int32},
}
_OPTIONAL: dict[str, dict[str, Any]] = {
    "types": {"id": np.uint32, "kind_flag": np.uint8, "vlen": np.uint32},
    "members": {"bitfield_size": np.uint8},
    "enumerators": {"signed": np.uint8},
}
_NAMED = {"types", "members", "params", "enumerators"}  # whose names are written
# Columns that repeat one of `types`.
_REPEATED = {"size": "size_or_type", "type": "size_or_type"}


def written_tables(
    draft: Draft, tables: Mapping[str, Columns], strings: Buffer | Array | None, base: Btf | None
) -> U32:
    """Write tables to a draft.

    Returns:
        The new ID of each row of `types`.

    Raises:
        ValueError: Columns are missing, do not fit, or contradict each other.
        TypeError: A column is not of integers, or a name not a `str`.
    """
    columns = {name: _columns(name, table) for name, table in tables.items()}
    section = None if strings is None else _section(draft, strings, split=base is not None)
    sources: dict[str, Any] = {}
    for name in _NAMED & columns.keys():
        start = 0 if base is None else sum(len(level.string_section) for level in base._levels())
        source = _add_names(name, tables[name], columns[name], section, start, verbatim=strings is not None)
        if source is not None:
            sources[name] = source
    types = columns["types"]
    if "id" not in types:
        types["id"] = _next_ids(types["kind"], draft.next_id)
    rows = _Rows(types)
    for name in columns.keys() - {"types"}:
        if name in _PARENTS:
            _group(name, tables[name], columns[name], rows)
        else:
            _order(name, tables[name], columns[name], rows)
    if "ints" in columns:
        columns["ints"] = {"word": _int_words(columns["ints"])}
    found: U32 = np.asarray(draft.add_columns(columns, sources, None if base is None else base._core))
    return found


def _columns(name: str, table: Columns) -> dict[str, Array]:
    """The columns of a table, of the types that the core takes, with equal lengths."""
    if not hasattr(table, "keys"):
        raise TypeError(f"{name} is {table!r}, must be a table or a mapping of columns")
    given = {*table.keys()}
    found: dict[str, Array] = {}
    for column, dtype in (_REQUIRED[name] | _OPTIONAL.get(name, {})).items():
        if column in given:
            found[column] = _converted(f"{name}.{column}", table[column], dtype)
        elif column in _REQUIRED[name]:
            raise ValueError(f"{name}: the column {column!r} is missing")
    lengths = {column: len(array) for column, array in found.items()}
    for column in given & {"name", "name_off", "parent", "id"}:
        lengths[column] = len(table[column])
    if len({*lengths.values()}) > 1:
        raise ValueError(f"{name}: the columns have different lengths: {lengths}")
    return found


def _converted(name: str, column: Any, dtype: Any) -> Array:
    """A column as a contiguous array of a type in native byte order, if all values fit."""
    array = np.asarray(column)
    if array.ndim != 1:
        raise ValueError(f"{name} has {array.ndim} dimensions, must have 1")
    if array.dtype == object or not len(array):
        array = _of_objects(name, array)
    if array.dtype == np.uint64 and dtype is np.int64:
        array = array.view(np.int64)  # an unsigned value keeps its bits
    if array.dtype == dtype or (array.dtype == bool and dtype is np.uint8):
        return np.ascontiguousarray(array).view(dtype)
    if array.dtype.kind not in "biu":
        raise TypeError(f"{name} is of {array.dtype}, must be of integers")
    limits = np.iinfo(dtype)
    if len(array):
        for value in (int(array.min()), int(array.max())):
            if not limits.min <= value <= limits.max:
                raise ValueError(f"{name} has the value {value}, must be {limits.min} to {limits.max}")
    return np.ascontiguousarray(array, dtype)


def _of_objects(name: str, array: Array) -> Array:
    """An array of integers of an array of objects."""
    items = array.tolist()
    if not all(isinstance(item, int | np.integer) for item in items):
        raise TypeError(f"{name} is not of integers")
    unsigned = bool(items) and max(items) >= 1 << 63
    try:
        return np.array(items, np.uint64 if unsigned else np.int64)
    except OverflowError:
        raise ValueError(f"{name} has a value that does not fit 64 bits") from None


def _section(draft: Draft, strings: Buffer | Array, *, split: bool) -> bytes | None:
    """The string section, unless the draft takes it over as it is."""
    section = bytes(strings)
    if not split and section[:1] != b"\0":
        raise ValueError(
            "strings: the section does not start with a NUL byte, as only that of a split BTF may"
        )
    if section and section[-1]:
        raise ValueError("strings: the section does not end with a NUL byte")
    return None if draft.adopt_strings(section) else section


def _add_names(
    name: str, table: Columns, columns: dict[str, Array], section: bytes | None, start: int, *, verbatim: bool
) -> bytes | CoreBtf | None:
    """Add the offsets of names to the columns. Returns what they refer to; None for the draft's strings.

    `start` is the size of the strings of the base, which precede those of a split BTF.
    """
    given = {*table.keys()}
    if "name" in given:
        blob, columns["name_off"] = _pooled(f"{name}.name", table["name"], start)
        return blob
    if "name_off" not in given:
        return None
    offsets = table["name_off"]
    columns["name_off"] = _converted(f"{name}.name_off", offsets, np.uint32)
    return section if verbatim else _owner(offsets)


def _pooled(name: str, texts: Any, start: int) -> tuple[bytes, U32]:
    """Names as the offset of each in a string section that starts at an offset."""
    pool: dict[str, int] = {"": 0}
    parts = [b"\0"]
    end = start + 1
    offsets = []
    for text in texts:
        offset = pool.get(text) if isinstance(text, str) else None
        if offset is None:
            if not isinstance(text, str):
                raise TypeError(f"{name} has {text!r}, must be of str")
            encoded = text.encode("utf-8", "surrogateescape")
            if b"\0" in encoded:
                raise ValueError(f"{name} has {text!r}, which contains a NUL byte")
            offset = pool[text] = end
            parts += (encoded, b"\0")
            end += len(encoded) + 1
        offsets.append(offset)
    return b"".join(parts), np.array(offsets, np.uint32)


def _owner(column: Any) -> CoreBtf | None:
    """The BTF whose memory an array, or an array that it is a part of, is a view of."""
    while isinstance(column, np.ndarray):
        column = column.base
    return column if isinstance(column, CoreBtf) else None


def _next_ids(kinds: Array, next_id: int) -> U32:
    """Consecutive IDs for the types. Void, in the first row, has the ID 0."""
    leading = int(len(kinds) > 0 and kinds[0] == Kind.VOID)
    ids = np.arange(len(kinds), dtype=np.int64) + next_id - leading
    if leading:
        ids[0] = 0
    return ids.astype(np.uint32)


class _Rows:
    """Finds the rows of types by their IDs."""

    def __init__(self, types: dict[str, Array]) -> None:
        self.types = types
        self.kinds = types["kind"]
        self.ids = types["id"].astype(np.int64)
        self._consecutive = bool((self.ids == np.arange(len(self.ids)) + self.ids[:1]).all())
        self._order = None if self._consecutive else np.argsort(self.ids, kind="stable")
        if self._order is not None:
            ids = self.ids[self._order]
            if (same := ids[1:] == ids[:-1]).any():
                raise ValueError(f"types: the ID {ids[np.argmax(same)]} is there twice")

    def of(self, name: str, ids: Array, kinds: tuple[Kind, ...]) -> Array:
        """The row of each ID. `name` is the column that has them, whose types must be of these kinds."""
        wanted = ids.astype(np.int64)
        if not len(self.ids):
            known = np.zeros(len(wanted), bool)
            rows = np.zeros(len(wanted), np.int64)
        elif self._order is None:
            rows = wanted - self.ids[0]
            known = (rows >= 0) & (rows < len(self.ids))
        else:
            sorted_ids = self.ids[self._order]
            at = np.minimum(np.searchsorted(sorted_ids, wanted), len(sorted_ids) - 1)
            rows, known = self._order[at], sorted_ids[at] == wanted
        if not known.all():
            row = int(np.argmin(known))
            raise ValueError(f"{name}: row {row} has the type [{ids[row]}], which is not among the types")
        fits = np.isin(self.kinds[rows], kinds)
        if not fits.all():
            row = int(np.argmin(fits))
            kind = Kind(int(self.kinds[rows[row]]) & 127).name
            raise ValueError(f"{name}: row {row} has the type [{ids[row]}], which is a {kind}")
        return rows


def _group(name: str, table: Columns, columns: dict[str, Array], rows: _Rows) -> None:
    """Put the elements in the order of the types, and add `indptr` and `row`."""
    if "parent" not in {*table.keys()}:
        raise ValueError(f"{name}: the column 'parent' is missing")
    parents = _converted(f"{name}.parent", table["parent"], np.uint32)
    at = rows.of(f"{name}.parent", parents, _PARENTS[name])
    if (at[1:] < at[:-1]).any():
        order = np.argsort(at, kind="stable")
        for column, array in columns.items():
            columns[column] = array[order]
    counts = np.bincount(at, minlength=len(rows.ids))
    columns["indptr"] = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)
    columns["row"] = parents  # the core reads the number of rows from it


def _order(name: str, table: Columns, columns: dict[str, Array], rows: _Rows) -> None:
    """Put the rows in the order of the types, and check what they repeat of `types`."""
    given = {*table.keys()}
    if "id" not in given:
        return
    ids = _converted(f"{name}.id", table["id"], np.uint32)
    at = rows.of(f"{name}.id", ids, (_KINDS[name],))
    for column, of_types in _REPEATED.items():
        if column in given and name != "arrays":
            own = _converted(f"{name}.{column}", table[column], np.uint32)
            same = own == rows.types[of_types][at]
            if not same.all():
                row = int(np.argmin(same))
                raise ValueError(
                    f"{name}: row {row} of type [{ids[row]}] has the {column} {own[row]}, but types has "
                    f"{rows.types[of_types][at[row]]}"
                )
    if (at[1:] <= at[:-1]).any():
        order = np.argsort(at, kind="stable")
        if (np.diff(at[order]) == 0).any():
            row = int(np.argmin(np.diff(at[order])))
            raise ValueError(f"{name}: type [{ids[order[row]]}] has several rows")
        for column, array in columns.items():
            columns[column] = array[order]


def _int_words(columns: dict[str, Array]) -> U32:
    """The word after the head of an INT."""
    encoding = columns["encoding"].astype(np.uint32)
    if len(encoding) and encoding.max() > MAX_ENCODING:
        raise ValueError(f"ints.encoding has the value {encoding.max()}, must be 0 to {MAX_ENCODING}")
    words: Array = encoding << 24 | columns["bit_offset"].astype(np.uint32) << 16 | columns["nr_bits"]
    return words.astype(np.uint32, copy=False)
