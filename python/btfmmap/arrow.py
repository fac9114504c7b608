"""Hands tables over to other libraries, through the PyCapsule interface of Apache Arrow.

Needs none of these libraries. Columns of numbers are not copied.
Source: https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from ._core import ArrowColumn, arrow_schema, arrow_stream, arrow_string_views
from .arrow_export import ArrowExport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    import numpy.typing as npt

    from .btf import Btf
    from .kernel import Kernel
    from .tables import Table

    LookUp = Callable[[Btf], Callable[[Any], list[str]]]

_FORMATS = {
    "u1": "C",
    "u2": "S",
    "u4": "I",
    "u8": "L",
    "i1": "c",
    "i2": "s",
    "i4": "i",
    "i8": "l",
    "f8": "g",
}
"""The format strings of Arrow's C data interface, by numpy's type codes."""

_ENDS = ("source", "target")  # of an edge
_MAX_WORDS = 256  # of a dictionary that is extended by numbers without a name


class ArrowTable(ArrowExport):
    """Columns for Arrow: any object with `__arrow_c_stream__` is a table for the libraries that read Arrow.

    Example:
        >>> btf.vars.with_names(btf)
        <ArrowTable of 2 rows: id, name_off, type, linkage, name, kind_name, type_name>
    """

    def __init__(self, columns: Mapping[str, ArrowColumn], rows: int) -> None:
        self._columns = columns
        self._rows = rows

    def __len__(self) -> int:
        """The number of rows."""
        return self._rows

    def __repr__(self) -> str:
        return f"<ArrowTable of {self._rows} rows: {', '.join(self._columns)}>"

    def __arrow_c_schema__(self) -> object:
        """Return a capsule with the schema: a struct type whose fields are the columns."""
        return arrow_schema([*self._columns.values()])

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return a capsule with a stream of one batch.

        Args:
            requested_schema: Ignored, as the interface permits.

        Returns:
            A capsule "arrow_array_stream".
        """
        return arrow_stream([*self._columns.values()], self._rows)


def arrow_columns(
    columns: Mapping[str, npt.NDArray[Any]], words: Mapping[str, Sequence[str]]
) -> dict[str, ArrowColumn]:
    """Convert the columns of a table.

    Args:
        columns: Arrays of one dimension and equal length.
        words: For columns whose values are numbers with a name, the names.

    Returns:
        Dictionary columns for those in `words`, bit-packed booleans, strings, and numbers without a copy.
    """
    return {name: _column(name, array, words.get(name)) for name, array in columns.items()}


def text_column(name: str, texts: Sequence[str], numbers: npt.NDArray[Any] | None = None) -> ArrowColumn:
    """Make a dictionary column: texts repeat.

    Args:
        name: Its name.
        texts: The texts.
        numbers: For each row the number of its text; None for one row a text.

    Returns:
        The column. Its dictionary has each text once, and all of them, whether a row has them or not.
    """
    numbers_of = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    indices = np.fromiter(map(numbers_of.__getitem__, texts), np.int32, len(texts))
    if numbers is not None:
        indices = indices[numbers]
    return ArrowColumn(name, "i", len(indices), [indices], _strings("", [*numbers_of]))


def name_columns(table: Table, source: Btf | Kernel) -> dict[str, ArrowColumn]:
    """Look up the names that a table refers to.

    Args:
        table: A table of `source`.
        source: The `Btf`, or the `Kernel` whose tables have a column `module`.

    Returns:
        The columns `name`, `kind_name`, `parent_name` and `type_name`: those that the table has IDs or
        offsets for. Edges of a graph get the names and the kinds of both types.

    Raises:
        NotFoundError: An ID or offset of the table is not in `source`.
        TypeError: `source` is neither of them.
    """
    made: dict[str, ArrowColumn] = {}
    for name, (key, look_up) in _names(table, source).items():
        if key == "name_off" and not hasattr(source, "modules"):
            made[name] = arrow_string_views(source._core, name, dict(table)[key])
        else:
            made[name] = text_column(name, _texts(table, source, key, look_up))
    return made


def name_texts(table: Table, source: Btf | Kernel) -> dict[str, list[str]]:
    """Look up the names that a table refers to, as `name_columns` does."""
    return {name: _texts(table, source, *how) for name, how in _names(table, source).items()}


def _names(table: Table, source: Btf | Kernel) -> dict[str, tuple[str, LookUp]]:
    """Return the columns of names that a table gets: which column's values are looked up, and how."""
    # Results have columns of texts with these names.
    columns = {name for name, column in dict(table).items() if column.dtype.kind in "iu"}
    if ("module" in columns) != hasattr(source, "modules") or not hasattr(source, "types"):
        raise TypeError(f"names= takes the Btf or Kernel that the table is from, not {source!r}")
    own = "id" if "id" in columns else "parent" if "parent" in columns else None
    found: dict[str, tuple[str, LookUp]] = {}
    if "name_off" in columns:
        found["name"] = "name_off", lambda btf: btf.strings
    elif "id" in columns:
        found["name"] = "id", lambda btf: btf.names
    if own is not None and "kind" not in columns:
        found["kind_name"] = own, lambda btf: btf.kind_names
    if "parent" in columns:
        found["parent_name"] = "parent", lambda btf: btf.names
    if "type" in columns:
        found["type_name"] = "type", lambda btf: btf.c_names
    if columns >= {*_ENDS}:
        for end in _ENDS:
            found[f"{end}_name"] = end, lambda btf: btf.names
            found[f"{end}_kind_name"] = end, lambda btf: btf.kind_names
    return found


def _texts(table: Table, source: Btf | Kernel, key: str, look_up: LookUp) -> list[str]:
    """Look up a text for each row, in the BTF that the row belongs to."""
    columns = dict(table)
    if "module" not in columns:
        return look_up(cast("Btf", source))(columns[key])
    texts = [""] * len(table)
    for number, btf in enumerate(cast("Kernel", source)._btfs()):
        rows = (columns["module"] == number).nonzero()[0]
        for row, text in zip(rows.tolist(), look_up(btf)(columns[key][rows]), strict=True):
            texts[row] = text
    return texts


def _column(name: str, array: npt.NDArray[Any], words: Sequence[str] | None) -> ArrowColumn:
    rows = len(array)
    if array.dtype == object:
        return text_column(name, array.tolist())
    if array.dtype == bool:
        return ArrowColumn(name, "b", rows, [np.packbits(array, bitorder="little")], None)
    dictionary = None if words is None else _dictionary(words, int(array.max()) if rows else 0)
    return ArrowColumn(name, _FORMATS[array.dtype.str[1:]], rows, [np.ascontiguousarray(array)], dictionary)


def _dictionary(words: Sequence[str], highest: int) -> ArrowColumn | None:
    """The words, and after them the numbers up to `highest`; None if these are too many."""
    if highest >= _MAX_WORDS:
        return None
    return _strings("", [*words, *map(str, range(len(words), highest + 1))])


def _strings(name: str, texts: Sequence[str]) -> ArrowColumn:
    """A column of UTF-8, or of bytes if a text has bytes that are not UTF-8."""
    try:
        parts, binary = [text.encode() for text in texts], False
    except UnicodeEncodeError:
        parts, binary = [text.encode(errors="surrogateescape") for text in texts], True
    offsets = np.zeros(len(parts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)), out=offsets[1:])
    large = offsets[-1] > np.iinfo(np.int32).max
    letter = "z" if binary else "u"
    buffers = [offsets if large else offsets.astype(np.int32), b"".join(parts)]
    return ArrowColumn(name, letter.upper() if large else letter, len(parts), buffers, None)
