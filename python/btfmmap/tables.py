"""The records of a BTF as tables: columns of equal length, read-only numpy arrays in native byte order.

A column is an attribute (`btf.members.bit_offset`) or an item (`btf.members["bit_offset"]`), and
`dict(table)` or `table.to_pandas()` takes them all. Columns are u32 unless stated; the words
are those of the kernel's `include/uapi/linux/btf.h`. `name_off` columns become text with `btf.strings`.
"""

from __future__ import annotations

from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

    import pandas as pd

    Self = TypeVar("Self", bound="Table")
    Scalar = TypeVar("Scalar", bound=np.generic)

    class Column(np.ndarray[Any, np.dtype[Scalar]]):
        """A numpy array whose comparisons have a type. numpy's own `==` gives Any, and so would
        `table[table.kind == Kind.STRUCT]`."""

        def __eq__(self, other: object, /) -> npt.NDArray[np.bool_]: ...  # type: ignore[override]
        def __ne__(self, other: object, /) -> npt.NDArray[np.bool_]: ...  # type: ignore[override]

    U8 = Column[np.uint8]
    U32 = Column[np.uint32]
    I32 = Column[np.int32]
    I64 = Column[np.int64]
    Bool = Column[np.bool_]

_REPR_ROWS = 6


class Table:
    """Columns of equal length. `len` counts rows, iteration and `keys` give the columns' names."""

    module: U32
    """Only in the tables of a `Kernel`: the row's BTF, as a number into `Kernel.names`."""

    def __init__(self, columns: dict[str, npt.NDArray[Any]]) -> None:
        self.__dict__.update(columns, _columns=columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(self.__dict__["_columns"])

    def keys(self) -> tuple[str, ...]:
        """The columns' names, which makes `dict(table)` work."""
        return self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    __reversed__ = None

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Of a copy or what was pickled: its arrays are read-only as well."""
        self.__dict__.update(state)
        for value in state.values():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    def __len__(self) -> int:
        return len(next(iter(self.__dict__["_columns"].values())))

    @overload
    def __getitem__(self, key: str) -> npt.NDArray[Any]: ...
    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> dict[str, int | bool]: ...
    @overload
    def __getitem__(self: Self, key: slice | npt.NDArray[Any] | list[int] | list[bool]) -> Self: ...
    def __getitem__(self, key: Any) -> Any:
        """A column by name, a row as a dict by number, or a table of the rows that a slice, a boolean
        mask or an array of row numbers selects (a slice is a view, the others copy)."""
        columns = self.__dict__["_columns"]
        if isinstance(key, str):
            return columns[key]
        if isinstance(key, tuple) or (isinstance(key, list) and any(isinstance(item, str) for item in key)):
            raise _refused(key)
        if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
            return {name: column[key].item() for name, column in columns.items()}
        selected = {name: column[key] for name, column in columns.items()}
        for column in selected.values():
            if np.ndim(column) != 1:
                raise _refused(key)
            column.flags.writeable = False
        return self._selected(selected)

    def to_pandas(self) -> pd.DataFrame:
        """A `pandas.DataFrame` of the columns, its index the row numbers from 0. It shares the table's
        arrays, so it is read-only like them: columns can be added, and its `copy()` be written to. Needs the
        extra `btfmmap[pandas]`: `NotSupportedError`."""
        from .frames import frame

        columns = self.__dict__["_columns"]
        return frame(list(columns), list(columns.values()), len(self))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        """Raises `TypeError`: numpy and pandas would take the columns' names for the data."""
        from .frames import refuse_array

        refuse_array(
            f"the table {type(self).__name__}",
            "dict(table) has them by name, to_pandas() makes a DataFrame",
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
        lines = [["", *self.columns]]
        for row in shown:
            if shown[-1] == rows - 1 and row == rows - 2 and rows > _REPR_ROWS:
                lines.append(["..."] + [""] * len(self.columns))
            lines.append([str(row), *(str(value) for value in self[row].values())])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        body = "\n".join(
            "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )
        return f"{type(self).__name__}: {rows} rows\n{body}"


def _refused(key: object) -> IndexError:
    return IndexError(f"rows are selected by one slice, mask or array of numbers, not by {key!r}")


class ChildTable(Table):
    """A table whose rows belong to types: those of type row r are `table[indptr[r]:indptr[r + 1]]`."""

    def __init__(self, columns: dict[str, npt.NDArray[Any]]) -> None:
        self.__dict__["_indptr"] = columns.pop("indptr", None)
        Table.__init__(self, columns)

    @property
    def indptr(self) -> U32:
        """`uint32[len(btf.types) + 1]`. A selection of rows has none: `AttributeError`."""
        indptr: U32 | None = self.__dict__["_indptr"]
        if indptr is None:
            raise AttributeError("a selection of rows has no indptr; the whole table does")
        return indptr


class Types(Table):
    """Every record in id order, row = type id - `btf.first_id`. Where there is no base, row 0 is void, which
    has no record: all its columns are 0."""

    id: U32
    kind: U8
    """A `Kind` number, or one that only the file's layout section knows."""
    kind_flag: Bool
    """Bit 31 of the info word. On a STRUCT or UNION: its members may be bitfields; on an ENUM or ENUM64:
    its values are signed (without it they may be too, see `Enumerators.signed`); on a FWD: it is of a union;
    on a DECL_TAG or TYPE_TAG: it is an attribute."""
    vlen: U32
    """How many members, parameters, values or entries follow; a FUNC's linkage."""
    name_off: U32
    size_or_type: U32
    """A size in bytes (INT, STRUCT, UNION, ENUM, ENUM64, DATASEC, FLOAT), 0 (ARRAY, FWD), else a type id."""
    offset: U32
    """Byte offset of the record in the type section."""


class Members(ChildTable):
    """The members of every STRUCT and UNION, in id order."""

    parent: U32
    """Type id of the struct or union."""
    name_off: U32
    type: U32
    bit_offset: U32
    """In bits from the parent's start."""
    bitfield_size: U8
    """In bits; 0 for a member that is no bitfield. Producers before the kind flag (2018) left it 0 and
    told the size by an INT of that many bits."""


class Params(ChildTable):
    """The parameters of every FUNC_PROTO, in id order. A last one with name and type 0 stands for `...`."""

    parent: U32
    """Type id of the prototype."""
    name_off: U32
    type: U32


class Enumerators(ChildTable):
    """The values of every ENUM and ENUM64, in id order."""

    parent: U32
    """Type id of the enum."""
    name_off: U32
    value: I64
    """i64. An unsigned 64-bit value is kept bit for bit: `value.view("u8")` where not `signed`."""
    signed: Bool
    """Whether the enum's values are signed: it has the kind flag, or one of its values does not fit into an
    unsigned integer of its size. Producers that do not know the flag write -1 as 0xffffffff, which an enum of
    one or two bytes cannot hold; in one of four bytes it is taken for 4294967295."""


class Arrays(Table):
    """Every ARRAY."""

    id: U32
    type: U32
    """Type id of an element."""
    index_type: U32
    nelems: U32
    """Number of elements, 0 for a flexible array."""


class Ints(Table):
    """Every INT."""

    id: U32
    size: U32
    """In bytes."""
    encoding: U8
    """`IntEncoding` bits: signed 1, char 2, bool 4."""
    bit_offset: U8
    nr_bits: U8


class Funcs(Table):
    """Every FUNC."""

    id: U32
    name_off: U32
    type: U32
    """Type id of its FUNC_PROTO."""
    linkage: U8
    """0 static, 1 global, 2 extern; 255 for anything from 255 up, which no producer writes."""


class Vars(Table):
    """Every VAR."""

    id: U32
    name_off: U32
    type: U32
    linkage: U32
    """0 static, 1 global, 2 extern."""


class Secinfos(ChildTable):
    """The entries of every DATASEC, in id order."""

    parent: U32
    """Type id of the section."""
    type: U32
    """Type id of the VAR (or, in a program's BTF, a FUNC)."""
    offset: U32
    """In bytes from the section's start."""
    size: U32
    """In bytes."""


class DeclTags(Table):
    """Every DECL_TAG."""

    id: U32
    name_off: U32
    """The tag's text."""
    type: U32
    """Type id of what is tagged."""
    component_idx: I32
    """i32: which member or parameter is tagged; -1 for the whole."""


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
"""Of each table that a `Btf` has by that name."""
