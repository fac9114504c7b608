"""The types of some parts in memory, as columns whose names and types are numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FormatError
from ..kinds import Kind
from .parts import KIND_WORDS
from .schema import TABLES, part_of, row_of, unescaped
from .words import ELEMENTS, LAYOUT, UNKNOWN_SIZE, RecordColumns, refers

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from .files import Files
    from .manifest import Part

    Array = npt.NDArray[Any]


class Lineage:
    """The types of some parts. The type with the number n is row n - 1 of `records`; void is 0.

    Attributes:
        names: The names, by number.
        records: The types as columns.
        ids: The ID of each type, by number.
        keys: A number for each kind, name and ordinal, by number of the type: a reference and what it refers
            to have the same.
    """

    def __init__(self, files: Files, parts: Sequence[Part]) -> None:
        self._numbers: dict[str, int] = {"": 0}
        self._starts: dict[int, int] = {}
        self._counts: dict[int, int] = {}
        total = 0
        for part in parts:
            self._starts[part.number] = total + 1
            self._counts[part.number] = part.files["types"].rows if "types" in part.files else 0
            total += self._counts[part.number]
        tables = {
            name: [files.whole(part, name) for part in parts] for name in ("types", "layouts", *ELEMENTS)
        }
        try:
            self.records: RecordColumns = self._read(tables)
        except (IndexError, ValueError, OverflowError, KeyError) as error:
            raise FormatError(f"the tables of the corpus contradict each other: {error}") from None
        self.names: list[str] = [*map(unescaped, self._numbers)]
        self.ids: Array = np.concatenate(
            [np.zeros(1, np.int64), *(each["id"].to_numpy() for each in tables["types"])]
        )
        self.keys: Array = self._keys()

    def numbers_of(self, ids: Array) -> Array:
        """The numbers of types.

        Raises:
            FormatError: A type is in none of the parts.
        """
        ids = np.asarray(ids, np.int64)
        parts, inverse = np.unique(part_of(ids), return_inverse=True)
        starts, counts = np.zeros(len(parts), np.int64), np.ones(len(parts), np.int64)
        for row, part in enumerate(parts.tolist()):
            if part == 0:
                continue
            if part not in self._starts:
                raise FormatError(f"a table of the corpus refers to the part {part}, which it does not name")
            starts[row], counts[row] = self._starts[part], self._counts[part]
        rows = row_of(ids)
        if (rows >= counts[inverse]).any():
            bad = int(ids[np.argmax(rows >= counts[inverse])])
            raise FormatError(f"a table of the corpus refers to the type {bad}, which does not exist")
        numbers: Array = starts[inverse] + rows
        return numbers

    def _read(self, tables: dict[str, list[Any]]) -> RecordColumns:
        numeric = [name for name in TABLES["types"] if name not in ("kind", "name", "spelling")]
        types = {name: _joined(tables["types"], name) for name in numeric}
        kinds = _kinds(tables["types"])
        refer = refers(kinds)
        has_size = ~refer & types["defined"]
        target = self.numbers_of(types["type"])
        columns = {
            "defined": types["defined"],
            "kind": kinds,
            "name": self._name_numbers(tables["types"]),
            "ordinal": types["ordinal"],
            "value": np.where(refer, target, np.where(has_size, types["size"], 0)).astype(np.uint32),
            "flag": types["flag"],
            "signed": types["signed"],
            "extra": types["extra"],
            "index_type": self.numbers_of(types["index_type"]).astype(np.uint32),
            "elements": types["elements"],
            "fingerprint": types["fingerprint"],
        }
        layouts = {name: _joined(tables["layouts"], name) for name in LAYOUT}
        layouts["row"] = self._rows(_joined(tables["layouts"], "type"))
        elements = {}
        for table in ELEMENTS:
            of_table = {
                name: _joined(tables[table], name)
                for name in tables[table][0].column_names
                if name not in ("name", "parent")
            }
            if "type" in of_table:
                of_table["type"] = self.numbers_of(of_table["type"]).astype(np.uint32)
            if table != "secinfos":
                of_table["name"] = self._name_numbers(tables[table])
            of_table["row"] = self._rows(_joined(tables[table], "parent"))
            counts = np.bincount(of_table["row"], minlength=len(kinds))
            if (counts != np.where(np.isin(kinds, ELEMENTS[table][0]), columns["elements"], 0)).any():
                raise ValueError(f"a type has another number of {table} than it says")
            if (np.diff(of_table["row"]) < 0).any():
                raise ValueError(f"{table} are not in the order of their types")
            elements[table] = of_table
        return RecordColumns(columns, layouts, elements)

    def _rows(self, ids: Array) -> Array:
        return self.numbers_of(ids) - 1

    def _name_numbers(self, tables: list[Any]) -> Array:
        found = []
        for table in tables:
            column = table["name"].combine_chunks().dictionary_encode()
            numbers = [
                self._numbers.setdefault(name, len(self._numbers)) for name in column.dictionary.to_pylist()
            ]
            found.append(np.array(numbers, np.uint32)[column.indices.to_numpy()])
        return np.concatenate(found)

    def _keys(self) -> Array:
        types = self.records.types
        flag = np.where(types["kind"] == Kind.FWD, types["flag"], False)
        what = types["kind"].astype(np.uint64) | flag.astype(np.uint64) << np.uint64(8)
        columns = (what, types["name"], types["ordinal"])
        order = np.lexsort(columns)
        differs = np.zeros(len(order), bool)
        for column in columns:
            differs[1:] |= column[order][1:] != column[order][:-1]
        keys = np.zeros(len(order) + 1, np.int64)
        keys[order + 1] = np.cumsum(differs)
        return keys


def _joined(tables: list[Any], name: str) -> Array:
    # A column with nulls would become one of floats, which cannot represent IDs.
    null = UNKNOWN_SIZE if name == "size" else 0
    return np.concatenate([_filled(table[name], null).to_numpy() for table in tables])


def _filled(column: Any, value: int) -> Any:
    return column.fill_null(value) if column.null_count else column


def _kinds(tables: list[Any]) -> Array:
    numbers = {word: number for number, word in enumerate(KIND_WORDS.tolist())}
    found = []
    for table in tables:
        column = table["kind"].combine_chunks().dictionary_encode()
        words = np.array([numbers[word] for word in column.dictionary.to_pylist()], np.uint8)
        found.append(words[column.indices.to_numpy()])
    return np.concatenate(found)
