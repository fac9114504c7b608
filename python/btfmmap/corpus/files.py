"""Reads the files of parts: whole tables, or only the row groups that may have what is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FormatError
from .schema import TABLES, first_id, parquet, part_of, pyarrow, schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeAlias

    import numpy.typing as npt

    from .manifest import Part
    from .storage import Storage

    Array = npt.NDArray[Any]
    Limits: TypeAlias = tuple[Any, Any]
    Mark: TypeAlias = tuple[str, int, int]  # path, size and time of modification of a file


class Files:
    """The files of a corpus. Footers are read once."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._open: dict[str, Any] = {}
        self._limits: dict[tuple[str, str], list[Limits | None]] = {}

    def whole(self, part: Part, table: str, columns: Sequence[str] | None = None) -> Any:
        """A table of a part.

        Raises:
            FormatError: A file is damaged.
            OSError: It cannot be read.
        """
        if table not in part.files:
            return self._empty(table, columns)
        return self._read(part, table, None, columns)

    def where(
        self,
        parts: Iterable[Part],
        table: str,
        column: str,
        values: Iterable[Any],
        columns: Sequence[str] | None = None,
    ) -> Any:
        """The rows of some parts whose `column` has one of these values.

        Row groups are skipped by the limits that the footer has of them: tables are sorted.

        Raises:
            FormatError: A file is damaged.
            OSError: It cannot be read.
        """
        pa = pyarrow()
        wanted = sorted({*values})
        found = [self._empty(table, columns)]
        needed = columns and [*dict.fromkeys([*columns, column])]
        value_set = pa.array(wanted, schema(table).field(column).type)
        for part in parts:
            groups = self._groups(part, table, column, wanted)
            if groups:
                rows = self._read(part, table, groups, needed)
                rows = rows.filter(pa.compute.is_in(rows[column], value_set=value_set))
                found.append(rows.select(columns) if columns else rows)
        return pa.concat_tables(found)

    def between(
        self, part: Part, table: str, limits: tuple[str, str], columns: Sequence[str] | None = None
    ) -> Any:
        """The rows of a table that is sorted by name, whose name is at least one and below another."""
        pa = pyarrow()
        low, high = limits
        groups = [
            number
            for number, found in enumerate(self._of_column(part, table, "name"))
            if found is None or (found[1] >= low and (not high or found[0] < high))
        ]
        if not groups:
            return self._empty(table, columns)
        rows = self._read(part, table, groups, columns)
        keep = pa.compute.greater_equal(rows["name"], low)
        if high:
            keep = pa.compute.and_(keep, pa.compute.less(rows["name"], high))
        return rows.filter(keep)

    def kernels(self, part: Part, columns: Sequence[str] | None = None) -> Any:
        """The kernels and modules of a part.

        Raises:
            FormatError: Their IDs are not those of the part.
        """
        rows = self.whole(part, "kernels", columns)
        if (rows["id"].to_numpy() != first_id(part.number) + np.arange(len(rows))).any():
            path = self._storage.path(f"kernels/{part.files['kernels'].name}")
            raise FormatError(f"{path}: a kernel has an ID of another row")
        return rows

    def sources(self, part: Part) -> dict[Mark, str | None]:
        """The input files of a part: the SHA-256 of the kernel, or None if there was none."""
        rows = self.whole(part, "sources").to_pylist()
        return {(row["path"], row["size"], row["mtime_ns"]): row["sha256"] for row in rows}

    def failures(self, part: Part) -> dict[str, str]:
        """The inputs of a part that did not open: the error by path."""
        return {row["path"]: row["error"] for row in self.whole(part, "failures").to_pylist()}

    def presence(self, part: Part, ids: Array) -> Array:
        """Which kernels of a part have types: rows of ID, first and last kernel; `int64[n, 3]`.

        Args:
            part: The part.
            ids: IDs of types, sorted.
        """
        limits = zip(
            self._of_column(part, "presence", "start"),
            self._of_column(part, "presence", "stop"),
            strict=True,
        )
        groups = [
            number
            for number, (starts, stops) in enumerate(limits)
            if starts is None
            or stops is None
            or np.searchsorted(ids, starts[0]) < np.searchsorted(ids, stops[1])
        ]
        if not groups:
            return np.zeros((0, 3), np.int64)
        start, stop, first, last = self.rectangles(part, groups)
        lower, upper = np.searchsorted(ids, start), np.searchsorted(ids, stop)
        counts = upper - lower
        rows_of = np.repeat(np.arange(len(start)), counts)
        within = np.arange(len(rows_of)) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.stack([ids[lower[rows_of] + within], first[rows_of], last[rows_of]], axis=1)

    def rectangles(self, part: Part, groups: list[int] | None = None) -> list[Array]:
        """The columns of the table `presence` of a part, or of some row groups of it.

        Raises:
            FormatError: A range is invalid, or has the ID of a kernel that the part lacks.
        """
        if "presence" not in part.files:
            return [np.zeros(0, np.int64)] * len(TABLES["presence"])
        rows = self._read(part, "presence", groups, None)
        start, stop, first, last = found = [rows[name].to_numpy() for name in TABLES["presence"]]
        kernels = part.files["kernels"].rows if "kernels" in part.files else 0
        is_range = (start >= 0) & (start < stop) & (part_of(start) == part_of(stop - 1))
        least = first_id(part.number)
        if not (is_range & (least <= first) & (first <= last) & (last < least + kernels)).all():
            path = self._storage.path(f"presence/{part.files['presence'].name}")
            raise FormatError(f"{path}: a row is not a range of types and of kernels of the part")
        return found

    def _empty(self, table: str, columns: Sequence[str] | None) -> Any:
        empty = schema(table).empty_table()
        return empty.select(columns) if columns else empty

    def _groups(self, part: Part, table: str, column: str, wanted: list[Any]) -> list[int]:
        from bisect import bisect_left, bisect_right

        return [
            number
            for number, found in enumerate(self._of_column(part, table, column))
            if found is None or bisect_left(wanted, found[0]) < bisect_right(wanted, found[1])
        ]

    def _of_column(self, part: Part, table: str, column: str) -> list[Limits | None]:
        """The least and the greatest value of a column in each row group; None if a text is too long."""
        if table not in part.files:
            return []
        name = f"{table}/{part.files[table].name}"
        if (name, column) not in self._limits:
            metadata = self._file(part, table).metadata
            at = [*TABLES[table]].index(column)
            found: list[Limits | None] = []
            for number in range(metadata.num_row_groups):
                try:
                    statistics = metadata.row_group(number).column(at).statistics
                    is_known = statistics is not None and statistics.has_min_max
                    found.append((statistics.min, statistics.max) if is_known else None)
                except (ValueError, OSError) as error:  # not UTF-8, among others
                    path = self._storage.path(name)
                    raise FormatError(f"{path}: the statistics of {column} are damaged: {error}") from None
            self._limits[name, column] = found
        return self._limits[name, column]

    def _file(self, part: Part, table: str) -> Any:
        name = f"{table}/{part.files[table].name}"
        if name not in self._open:
            pa = pyarrow()
            path = self._storage.path(name)
            try:
                file = parquet().ParquetFile(self._storage.open(name))
                found = file.schema_arrow
            except (pa.ArrowException, ValueError) as error:
                raise FormatError(f"{path}: the file is damaged: {error}") from None
            if not found.equals(schema(table)):
                raise FormatError(f"{path}: the file does not have the columns of {table}")
            if file.metadata.num_rows != part.files[table].rows:
                raise FormatError(
                    f"{path}: the file has {file.metadata.num_rows} rows, but the manifest says "
                    f"{part.files[table].rows}"
                )
            self._open[name] = file
        return self._open[name]

    def _read(self, part: Part, table: str, groups: list[int] | None, columns: Sequence[str] | None) -> Any:
        file = self._file(part, table)
        try:
            wanted = [*columns] if columns else None
            every = range(file.metadata.num_row_groups)
            rows = file.read_row_groups([*every] if groups is None else groups, wanted, use_threads=False)
            rows.validate(full=True)  # texts are UTF-8, among others
        except (pyarrow().ArrowException, OSError, ValueError) as error:
            name = self._storage.path(f"{table}/{part.files[table].name}")
            raise FormatError(f"{name}: the file is damaged: {error}") from None
        return rows.select(columns) if columns else rows


def follow_failures(
    failed: dict[str, str], sources: Mapping[Mark, str | None], failures: Mapping[str, str]
) -> None:
    """Change which inputs failed, of some parts, to what it is with the next part."""
    for (path, _, _), digest in sources.items():
        if digest is not None:
            failed.pop(path, None)
    failed.update(failures)
