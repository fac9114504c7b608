"""Tables: columns of equal length, which are read-only numpy arrays. First of all, the records of a BTF.

A column is an attribute (`btf.members.bit_offset`) or an item (`btf.members["bit_offset"]`). `dict(table)`
and `table.to_pandas()` return all columns. The columns of a BTF's records are built when they are first asked
for: all in one pass with `dict(table)`, one pass per column as attributes. The tables of a `Kernel` are built
whole.

Columns are `uint32` in native byte order, unless their annotation says otherwise: `U8` is `uint8`, `U64` is
`uint64`, `I32` is `int32`, `I64` is `int64`, `Bool` is `bool`, and `Text` is an array of `str` objects. The
columns of records are named as in the kernel's `include/uapi/linux/btf.h`. `Btf.strings` looks up the names
of a `name_off` column.
"""

from __future__ import annotations

from typing import Any, TypeVar, overload

import numpy as np

from . import kind_numbers
from .arrow_export import ArrowExport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import ClassVar, NoReturn

    import numpy.typing as npt
    import pandas as pd
    import polars as pl
    from pyarrow import Table as PyArrowTable

    from .arrow import ArrowTable
    from .btf import Btf
    from .kernel import Kernel

    Self = TypeVar("Self", bound="Table")
    Scalar = TypeVar("Scalar", bound=np.generic)

    class Column(np.ndarray[Any, np.dtype[Scalar]]):
        """A numpy array whose comparisons are typed.

        The annotation of numpy's own `==` is Any, which `table[table.kind == Kind.STRUCT]` would then be as
        well.
        """

        def __eq__(self, other: object, /) -> npt.NDArray[np.bool_]: ...  # type: ignore[override]
        def __ne__(self, other: object, /) -> npt.NDArray[np.bool_]: ...  # type: ignore[override]

    U8 = Column[np.uint8]
    U32 = Column[np.uint32]
    U64 = Column[np.uint64]
    I32 = Column[np.int32]
    I64 = Column[np.int64]
    Bool = Column[np.bool_]
    Text = Column[np.object_]

_LINKAGES = "static", "global", "extern"

_REPR_ROWS = 6
_REPR_CHARACTERS = 40  # of a text


class Table(ArrowExport):
    """Columns of equal length, as read-only numpy arrays.

    `len` counts rows. Iteration and `keys` return the names of the columns. Libraries that read Apache
    Arrow, such as pyarrow, polars, duckdb and pandas, take a table as it is: `polars.DataFrame(btf.members)`.

    Example:
        >>> btf.vars
        Vars: 2 rows
           id  name_off  type  linkage
        0  44       565    24        0
        1  45       575     1        1
    """

    module: U32
    """Index of the row's BTF in `Kernel.names`. Only the tables of a `Kernel` have this column."""

    _words: ClassVar[Mapping[str, Sequence[str]]] = {}
    """The names of the numbers in some columns. In Arrow, these columns have the names instead."""

    def __init__(self, columns: dict[str, npt.NDArray[Any]]) -> None:
        self.__dict__.update(columns, _column_names=(*columns,))

    @classmethod
    def _built_on_demand(
        cls: type[Self],
        names: tuple[str, ...],
        count: Callable[[], int],
        build: Callable[[Sequence[str]], Mapping[str, npt.NDArray[Any]]],
    ) -> Self:
        """Make a table whose columns are built when they are first asked for.

        Args:
            names: The names of the columns.
            count: Returns the number of rows.
            build: Returns columns by name, with those of one call built together.
        """
        table = cls.__new__(cls)
        table.__dict__.update(_column_names=names, _count=count, _build=build)
        return table

    @classmethod
    def of(cls: type[Self], columns: Mapping[str, npt.NDArray[Any] | Sequence[str]]) -> Self:
        """Make a table of arrays and of lists of strings.

        Args:
            columns: The columns by name. Arrays are not copied. A sequence of `str` becomes an array of
                objects.

        Returns:
            The table, whose columns are read-only views.

        Raises:
            ValueError: The columns have more than one dimension or differ in length, there are none, or the
                name of one starts with "_".

        Example:
            >>> from btfmmap.tables import Table
            >>> Table.of({"name": ["a", "b"], "size": np.array([4, 8])})
            Table: 2 rows
               name  size
            0  a        4
            1  b        8
        """
        made: dict[str, npt.NDArray[Any]] = {}
        for name, column in columns.items():
            if name.startswith("_"):
                raise ValueError(f"the name of a column must not start with '_': {name!r}")
            array = column if isinstance(column, np.ndarray) else np.array([*column, None], object)[:-1]
            made[name] = array.view()
            made[name].flags.writeable = False
        shapes = {name: array.shape for name, array in made.items()}
        if len(set(shapes.values())) != 1 or any(len(shape) != 1 for shape in shapes.values()):
            raise ValueError(f"the columns of a table have one dimension and equal lengths, not {shapes}")
        return cls(made)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns.

        Example:
            >>> btf.vars.columns
            ('id', 'name_off', 'type', 'linkage')
        """
        names: tuple[str, ...] = self.__dict__["_column_names"]
        return names

    def keys(self) -> tuple[str, ...]:
        """Return the names of the columns, so that `dict(table)` works. Builds those that are missing.

        Example:
            >>> list(dict(btf.vars))
            ['id', 'name_off', 'type', 'linkage']
        """
        self._all()
        return self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    __reversed__ = None

    if not TYPE_CHECKING:  # which knows the columns by their annotations

        def __getattr__(self, name: str) -> Any:
            """Build a column that was not asked for before."""
            if name in self.__dict__.get("_column_names", ()):
                return self._built([name])[name]
            return object.__getattribute__(self, name)  # raises the error that there was without this method

    def __dir__(self) -> list[str]:
        return sorted({*dir(type(self)), *self.columns})

    def _built(self, names: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
        """Return columns. Those that are missing are built together."""
        columns = self.__dict__
        missing = [name for name in names if name not in columns]
        if missing:
            for name, column in columns["_build"](missing).items():
                columns.setdefault(name, column)
        return {name: columns[name] for name in names}

    def _all(self) -> dict[str, npt.NDArray[Any]]:
        return self._built(self.columns)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy or a pickled table has: all columns."""
        self._all()
        known = self.__dict__.copy()
        return {name: value for name, value in known.items() if name not in ("_build", "_count")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a copy or a pickled table, with read-only arrays."""
        self.__dict__.update(state)
        for value in state.values():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    def __len__(self) -> int:
        known = self.__dict__
        count = known.get("_count")
        return len(known[known["_column_names"][0]]) if count is None else count()

    @overload
    def __getitem__(self, key: str) -> npt.NDArray[Any]: ...
    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> dict[str, Any]: ...
    @overload
    def __getitem__(self: Self, key: slice | npt.NDArray[Any] | list[int] | list[bool]) -> Self: ...
    def __getitem__(self, key: Any) -> Any:
        """Return a column, a row, or a selection of rows.

        Args:
            key: The name of a column, the number of a row, or a slice, a boolean mask or an array of row
                numbers.

        Returns:
            An array for a name, a dict for a row number, otherwise a table of the selected rows. A slice
            selects without a copy.

        Raises:
            KeyError: There is no column of this name.
            IndexError: There is no such row, or `key` does not select rows.

        Example:
            >>> btf.vars[0]
            {'id': 44, 'name_off': 565, 'type': 24, 'linkage': 0}
            >>> btf.vars[btf.vars.linkage == 1].id.tolist()
            [45]
        """
        if isinstance(key, str):
            known = self.__dict__
            if key not in known["_column_names"]:
                raise KeyError(f"no column {key!r}; there are {', '.join(self.columns)}")
            return known[key] if key in known else self._built([key])[key]
        if isinstance(key, list) and any(isinstance(item, str) for item in key):
            raise IndexError(f"table[{key[0]!r}] is one column, dict(table) has all; not table[{key}]")
        if isinstance(key, (float, tuple)):
            raise _refused(key)
        columns = self._all()
        if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
            return {name: _plain(column[key]) for name, column in columns.items()}
        selected = {name: column[key] for name, column in columns.items()}
        for column in selected.values():
            if np.ndim(column) != 1:
                raise _refused(key)
            column.flags.writeable = False
        return self._selected(selected)

    def to_pandas(self, names: Btf | Kernel | None = None) -> pd.DataFrame:
        """Return the columns as a `pandas.DataFrame`, indexed by the row numbers from 0.

        The DataFrame shares the table's arrays, so its columns are read-only. Columns can be added to it, and
        its `copy()` is writable.

        Args:
            names: The object that the table is from. Its names are added, see `with_names`, as `str`.

        Returns:
            The DataFrame.

        Raises:
            NotFoundError: An ID or offset of the table is not in `names`.
            NotSupportedError: pandas is not installed. The extra `btfmmap[pandas]` installs it.

        Example:
            >>> btf.vars.to_pandas().shape
            (2, 4)
            >>> btf.vars.to_pandas(names=btf).name.tolist()
            ['decisions', 'latest']
        """
        from .frames import frame

        columns = self._all()
        if names is not None:
            from .arrow import name_texts

            columns |= {name: np.array(texts, object) for name, texts in name_texts(self, names).items()}
        return frame(list(columns), list(columns.values()), len(self))

    def to_arrow(self, names: Btf | Kernel | None = None) -> PyArrowTable:
        """Return the columns as a `pyarrow.Table`.

        It shares the arrays of numbers, which stay valid after the `Btf` is closed. Booleans are copied.
        Kinds, roles and linkages become dictionary columns with their names.

        Args:
            names: The object that the table is from. Its names are added, see `with_names`.

        Returns:
            The table.

        Raises:
            NotFoundError: An ID or offset of the table is not in `names`.
            NotSupportedError: pyarrow is not installed. The extra `btfmmap[arrow]` installs it.

        Example:
            >>> btf.vars.to_arrow(names=btf)["name"].to_pylist()
            ['decisions', 'latest']
        """
        return self._with_names(names).to_arrow()

    def to_polars(self, names: Btf | Kernel | None = None) -> pl.DataFrame:
        """Return the columns as a `polars.DataFrame`, as `to_arrow` does.

        Args:
            names: The object that the table is from. Its names are added, see `with_names`.

        Returns:
            The DataFrame.

        Raises:
            NotFoundError: An ID or offset of the table is not in `names`.
            NotSupportedError: polars is not installed. The extra `btfmmap[polars]` installs it.

        Example:
            >>> btf.vars.to_polars().shape
            (2, 4)
        """
        return self._with_names(names).to_polars()

    def with_names(self, source: Btf | Kernel) -> ArrowTable:
        """Add columns with the names that the table refers to, for libraries that read Arrow.

        The columns are `name`; `kind_name`, the kind of the type in `id` or `parent`; `parent_name`; and
        `type_name`, the type in C. A table has those for which it has the IDs or offsets. Names are UTF-8. A
        column with a name that is not valid UTF-8 has bytes.

        Args:
            source: The object that the table is from. Another one gives wrong names, mostly without an error.

        Returns:
            An object that libraries take as they take a table.

        Raises:
            NotFoundError: An ID or offset of the table is not in `source`.

        Example:
            >>> btf.members.with_names(btf)
            <ArrowTable of 22 rows: parent, name_off, ..., name, kind_name, parent_name, type_name>
        """
        from .arrow import ArrowTable, name_columns

        return ArrowTable(self._arrow_columns() | name_columns(self, source), len(self))

    def _arrow_table(self) -> ArrowTable:
        return self._with_names(None)

    def _arrow_columns(self) -> dict[str, Any]:
        from .arrow import arrow_columns

        return arrow_columns(self._all(), self._words)

    def _with_names(self, source: Btf | Kernel | None) -> ArrowTable:
        from .arrow import ArrowTable

        return self.with_names(source) if source is not None else ArrowTable(self._arrow_columns(), len(self))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        """Raise `TypeError`: numpy and pandas would convert the names of the columns, not the data."""
        from .frames import refuse_array

        refuse_array(
            f"the table {type(self).__name__}",
            "use dict(table) or to_pandas()",
        )

    def _selected(self: Self, columns: dict[str, npt.NDArray[Any]]) -> Self:
        return type(self)(columns)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a table is read-only; {name!r} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a table is read-only; {name!r} cannot be deleted")

    def __repr__(self) -> str:
        rows = len(self)
        shown = [*range(rows)] if rows <= _REPR_ROWS else [0, 1, 2, rows - 2, rows - 1]
        texts = [column.dtype == object for column in self._all().values()]
        lines = [["", *self.columns]]
        for row in shown:
            if shown[-1] == rows - 1 and row == rows - 2 and rows > _REPR_ROWS:
                lines.append(["..."] + [""] * len(self.columns))
            lines.append([str(row), *map(_shown, self[row].values())])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        body = "\n".join(
            "  ".join(
                cell.ljust(width) if is_text else cell.rjust(width)
                for cell, width, is_text in zip(line, widths, [False, *texts], strict=True)
            ).rstrip()
            for line in lines
        )
        return f"{type(self).__name__}: {rows} rows\n{body}"

    def _repr_html_(self) -> str:
        from .html.reprs import table_html

        return table_html(self)

    def _ipython_key_completions_(self) -> list[str]:
        return [*self.columns]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _shown(value: Any) -> str:
    """A value in one line without control characters, as names of a BTF may have."""
    text = str(value)
    if len(text) > _REPR_CHARACTERS:
        half = (_REPR_CHARACTERS - 3) // 2
        text = f"{text[:half]}...{text[-half:]}"  # paths differ at their end
    return text if text.isprintable() else repr(text)[1:-1]


def _refused(key: object) -> IndexError:
    return IndexError(f"rows are selected with a slice, a mask or an array of row numbers, not {key!r}")


class ChildTable(Table):
    """A table whose rows belong to types.

    The rows of the type in row `r` of `Btf.types` are `table[indptr[r]:indptr[r + 1]]`.
    """

    def __init__(self, columns: dict[str, npt.NDArray[Any]]) -> None:
        self.__dict__["_indptr"] = columns.pop("indptr", None)
        Table.__init__(self, columns)

    @property
    def indptr(self) -> U32:
        """The rows where the children of each type start: `uint32[len(btf.types) + 1]`.

        Raises:
            AttributeError: This table is a selection of rows.

        Example:
            >>> first, end = btf.members.indptr[2:4]
            >>> btf.strings(btf.members[first:end].name_off)[:2]
            ['link', 'from']
        """
        known = self.__dict__
        if "_indptr" not in known:
            known.setdefault("_indptr", known["_build"](["indptr"])["indptr"])
        indptr: U32 | None = known["_indptr"]
        if indptr is None:
            raise AttributeError("a selection of rows has no indptr, only the whole table has")
        return indptr

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy or a pickled table has: all columns, and `indptr`."""
        if "_indptr" not in self.__dict__:
            _ = self.indptr
        return super().__getstate__()


class Types(Table):
    """All types in ID order, at row `id - btf.first_id`.

    Without a base, row 0 is void. It has no record, and all of its columns are 0.
    """

    _words: ClassVar = {"kind": kind_numbers.NAMES}

    id: U32
    """Type ID."""
    kind: U8
    """The `Kind`, or the number of a kind that only the file's layout section describes."""
    kind_flag: Bool
    """Bit 31 of the record's `info`. Its meaning depends on the kind. STRUCT or UNION: members may be
    bitfields. ENUM or ENUM64: the values are signed; they may also be if it is not set, see
    `Enumerators.signed`. FWD: it declares a union. DECL_TAG or TYPE_TAG: it is an attribute."""
    vlen: U32
    """Number of members, parameters, enumerators or variables; the linkage of a FUNC."""
    name_off: U32
    """Offset of the name in the string section; 0 without a name."""
    size_or_type: U32
    """Size in bytes of an INT, STRUCT, UNION, ENUM, ENUM64, DATASEC or FLOAT. 0 for an ARRAY or FWD.
    A type ID for other kinds."""
    offset: U32
    """Byte offset of the record in the type section."""


class Members(ChildTable):
    """The members of all STRUCT and UNION types, in ID order."""

    parent: U32
    """Type ID of the struct or union."""
    name_off: U32
    """Offset of the name in the string section; 0 without a name."""
    type: U32
    """Type ID of the member."""
    bit_offset: U32
    """Offset from the start of the parent, in bits."""
    bitfield_size: U8
    """Size of a bitfield in bits; 0 for other members. Producers that predate the kind flag (2018) leave it 0
    for bitfields too: the type of such a bitfield is an INT with that number of bits."""


class Params(ChildTable):
    """The parameters of all FUNC_PROTO types, in ID order.

    A last parameter with name and type 0 is the `...` of a variadic function.
    """

    parent: U32
    """Type ID of the prototype."""
    name_off: U32
    """Offset of the name in the string section; 0 without a name."""
    type: U32
    """Type ID of the parameter."""


class Enumerators(ChildTable):
    """The values of all ENUM and ENUM64 types, in ID order."""

    parent: U32
    """Type ID of the enum."""
    name_off: U32
    """Offset of the name in the string section."""
    value: I64
    """The value. An unsigned 64-bit value keeps its bits: use `value.view("u8")` if `signed` is false."""
    signed: Bool
    """Whether the enum's values are signed: its kind flag is set, or a value does not fit in an unsigned
    integer of its size. Producers that predate the flag write -1 as 0xffffffff. An enum of one or two bytes
    cannot hold that number, so its values are signed. In an enum of four bytes it means 4294967295."""


class Arrays(Table):
    """All ARRAY types."""

    id: U32
    """Type ID."""
    type: U32
    """Type ID of the elements."""
    index_type: U32
    """Type ID of the index, which C does not use."""
    nelems: U32
    """Number of elements; 0 for a flexible array."""


class Ints(Table):
    """All INT types."""

    id: U32
    """Type ID."""
    size: U32
    """Size in bytes."""
    encoding: U8
    """The bits of an `IntEncoding`: signed 1, char 2, bool 4."""
    bit_offset: U8
    """Offset of the value from the start of the INT, in bits. Not 0 only in BTF that predates the kind flag
    (2018)."""
    nr_bits: U8
    """Size of the value in bits."""


class Funcs(Table):
    """All FUNC types."""

    _words: ClassVar = {"linkage": _LINKAGES}

    id: U32
    """Type ID."""
    name_off: U32
    """Offset of the name in the string section."""
    type: U32
    """Type ID of the FUNC_PROTO."""
    linkage: U8
    """0 static, 1 global, 2 extern; 255 for recorded values of 255 or more, which no producer writes."""


class Vars(Table):
    """All VAR types."""

    _words: ClassVar = {"linkage": _LINKAGES}

    id: U32
    """Type ID."""
    name_off: U32
    """Offset of the name in the string section."""
    type: U32
    """Type ID of the variable."""
    linkage: U32
    """0 static, 1 global, 2 extern."""


class Secinfos(ChildTable):
    """The variables of all DATASEC types, in ID order."""

    parent: U32
    """Type ID of the DATASEC."""
    type: U32
    """Type ID of the VAR; in the BTF of a BPF program also a FUNC."""
    offset: U32
    """Offset from the start of the section, in bytes."""
    size: U32
    """Size in bytes."""


class DeclTags(Table):
    """All DECL_TAG types."""

    id: U32
    """Type ID."""
    name_off: U32
    """Offset of the tag's text in the string section."""
    type: U32
    """Type ID of the tagged declaration."""
    component_idx: I32
    """Index of the tagged member or parameter; -1 for the whole declaration."""


CLASSES: dict[str, type[Table]] = {
    "types": Types,
    "members": Members,
    "params": Params,
    "enumerators": Enumerators,
    "arrays": Arrays,
    "ints": Ints,
    "funcs": Funcs,
    "vars": Vars,
    "secinfos": Secinfos,
    "decl_tags": DeclTags,
}
"""The class of each table, by the name of its property in `Btf`."""
