"""Answers questions about the kernels of a corpus, reading only the row groups that matter."""

from __future__ import annotations

import fnmatch
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import FormatError, NotFoundError
from .schema import escaped, part_of, pyarrow, schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from .files import Files
    from .manifest import Part

    Array = npt.NDArray[Any]
    Row = dict[str, Any]

_KEYWORDS = {
    "struct": ("STRUCT",),
    "union": ("UNION",),
    "enum": ("ENUM", "ENUM64"),
    "typedef": ("TYPEDEF",),
    "func": ("FUNC",),
    "function": ("FUNC",),
    "var": ("VAR",),
}
# If a kernel has several types of one name, those of the first of these kinds are meant.
_ORDER = ("STRUCT", "UNION", "ENUM", "ENUM64", "TYPEDEF", "FUNC", "VAR", "INT", "FLOAT", "DATASEC")
_MODIFIERS = ("CONST", "VOLATILE", "RESTRICT", "TYPE_TAG")
_COMPOSITES = ("STRUCT", "UNION")
_TABLE_OF = {"FUNC_PROTO": "params", "ENUM": "enumerators", "ENUM64": "enumerators"}
_OF_TYPES = ("id", "defined", "kind", "name", "ordinal", "spelling", "size", "type")  # columns of a `Row`
_MAX_STEPS = 64
_MAX_MATRIX = 1 << 27  # elements


class CorpusReader:
    """What questions read: the files of parts, and the kernels."""

    def __init__(self, files: Files, parts: list[Part], kernels: Any) -> None:
        self._files = files
        self.parts: list[Part] = parts
        self._by_number = {part.number: part for part in parts}
        self.kernels: Any = kernels
        self.kernel_ids: Array = kernels["id"].to_numpy()
        self._order = np.argsort(self.kernel_ids)
        self._types: dict[int, Row] = {}
        self._named: dict[str, list[Row]] = {}
        self._children: dict[int, list[Row]] = {}

    def named(self, name: str) -> list[Row]:
        """The definitions of a name, as the tables have it."""
        if name not in self._named:
            rows = self._files.where(self.parts, "types", "name", [name], _OF_TYPES).to_pylist()
            self._named[name] = [row for row in rows if row["defined"] and row["kind"] in _ORDER]
            self._types.update((row["id"], row) for row in rows)
        return self._named[name]

    def matching(self, pattern: str, columns: Sequence[str]) -> Any:
        """The rows of definitions whose names match a glob, and whose kind is that of its keyword."""
        pa = pyarrow()
        kinds, name = _kinds_and_name(pattern)
        name = escaped(name)
        prefix = re.split(r"[*?\[]", name)[0]
        limits = prefix, _after(prefix)
        needed = [*dict.fromkeys([*columns, "defined", "kind", "name"])]
        tables = [self._files.between(part, "types", limits, needed) for part in self.parts]
        rows = pa.concat_tables([schema("types").empty_table().select(needed), *tables])
        wanted = pa.array(kinds)
        keep = pa.compute.and_(rows["defined"], pa.compute.is_in(rows["kind"], value_set=wanted))
        rows = rows.filter(pa.compute.and_(keep, pa.compute.not_equal(rows["name"], "")))
        if name == prefix:
            rows = rows.filter(pa.compute.equal(rows["name"], name))
        elif name != f"{prefix}*":
            matches = re.compile(fnmatch.translate(name)).match
            unique = pa.compute.unique(rows["name"])
            found = pa.array([text for text in unique.to_pylist() if matches(text)], pa.string())
            rows = rows.filter(pa.compute.is_in(rows["name"], value_set=found))
        return rows.select([*columns])

    def types(self, ids: Iterable[int]) -> dict[int, Row]:
        """Types by ID; void is none.

        Raises:
            FormatError: There is no such type.
        """
        missing = {each for each in ids if each and each not in self._types}
        for part, of_part in _by_part(missing).items():
            if part in self._by_number:
                rows = self._files.where([self._by_number[part]], "types", "id", of_part, _OF_TYPES)
                self._types.update((row["id"], row) for row in rows.to_pylist())
        for each in missing:
            if each not in self._types:
                raise FormatError(f"a table of the corpus refers to the type {each}, which does not exist")
        return self._types

    def children(self, ids: Iterable[int]) -> dict[int, list[Row]]:
        """The members, parameters or enumerators of types, by ID."""
        missing = {each for each in ids if each not in self._children}
        types = self.types(missing)
        tables: dict[str, list[int]] = {}
        for each in missing:
            self._children[each] = []
            tables.setdefault(_TABLE_OF.get(types[each]["kind"], "members"), []).append(each)
        for table, of_table in tables.items():
            for part, of_part in _by_part(of_table).items():
                rows = self._files.where([self._by_number[part]], table, "parent", of_part)
                for row in rows.to_pylist():
                    self._children[row["parent"]].append(row)
        return self._children

    def presence(self, ids: Array) -> Array:
        """Which kernels have types: rows of ID, first and last kernel; `int64[n, 3]`."""
        ids = np.unique(ids)
        found = [
            self._files.presence(part, ids)
            for part in self.parts
            if len(ids) and ({*np.unique(part_of(ids)).tolist()} & {part.number, *part.needs})
        ]
        return np.concatenate([np.zeros((0, 3), np.int64), *found])

    def pairs(self, ids: Array) -> tuple[Array, Array]:
        """Types with each kernel that has them: IDs, and positions in `kernels`."""
        found = self.presence(ids)
        counts = found[:, 2] - found[:, 1] + 1
        rows = np.repeat(np.arange(len(found)), counts)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        return found[rows, 0], self.positions(found[rows, 1] + within)

    def positions(self, kernel_ids: Array) -> Array:
        """Positions in `kernels`."""
        at = np.searchsorted(self.kernel_ids, kernel_ids, sorter=self._order)
        positions: Array = self._order[np.minimum(at, len(self._order) - 1)]
        return positions


class _Place(NamedTuple):
    """What a path has led to in some kernels.

    Attributes:
        definition: The definition that has the path's first name.
        type_id: The type that the last name stands for.
        row: The member, enumerator or parameter of the last name; None for the definition itself.
        bit_offset: Its offset in bits from the start of the definition.
        kernels: Positions of the kernels.
    """

    definition: int
    type_id: int
    row: Row | None
    bit_offset: int
    kernels: frozenset[int]


def history(source: CorpusReader, paths: Sequence[str]) -> Any:
    """See `Corpus.history`."""
    pa = pyarrow()
    tables = [_history(source, path) for path in paths]
    return pa.concat_tables(tables)


def _history(source: CorpusReader, path: str) -> Any:
    pa = pyarrow()
    kinds, names = _kinds_and_name(path.strip())
    first, *members = names.split(".")
    places = _definitions(source, first, kinds)
    for member in members:
        places = [*_member(source, places, escaped(member))]
    if not places:
        raise NotFoundError(f"no kernel has {path}")
    types = source.types(place.type_id for place in places)
    of_kernel = {kernel: place for place in places for kernel in place.kernels}
    rows = []
    is_kernel = pa.compute.is_null(source.kernels["parent"]).to_pylist()
    columns = [source.kernels[name].to_pylist() for name in ("name", "release", "arch", "flavour")]
    for position, identity in enumerate(zip(*columns, strict=True)):
        if is_kernel[position]:
            rows.append((escaped(path), *identity, *_cells(of_kernel.get(position), types)))
    fields = [pa.field(name, pa.string()) for name in ("path", "kernel", "release", "arch", "flavour")]
    fields += [
        pa.field("present", pa.bool_()),
        pa.field("definition", pa.int64()),
        pa.field("type", pa.string()),
        *(pa.field(name, pa.int64()) for name in ("bit_offset", "bits", "size", "value")),
    ]
    wanted = pa.schema(fields)
    return pa.Table.from_pylist([dict(zip(wanted.names, row, strict=True)) for row in rows], wanted)


def _cells(place: _Place | None, types: dict[int, Row]) -> tuple[Any, ...]:
    if place is None:
        return False, None, None, None, None, None, None
    row, spelling = place.row, types[place.type_id]["spelling"] if place.type_id else "void"
    if row is None:
        return True, place.definition, spelling, None, None, types[place.type_id]["size"], None
    if "value" in row:
        return True, place.definition, None, None, None, None, row["value"]
    if "bit_offset" not in row:
        return True, place.definition, spelling, None, None, None, None
    return True, place.definition, spelling, place.bit_offset, row["bits"], row["size"], None


def _kinds_and_name(text: str) -> tuple[Sequence[str], str]:
    """The kinds that the keyword before a name stands for, all without one; and the name."""
    keyword, _, name = text.rpartition(" ")
    if not keyword:
        return _ORDER, name
    if keyword not in _KEYWORDS:
        raise ValueError(f"{keyword!r} is not one of the keywords {', '.join(_KEYWORDS)}")
    return _KEYWORDS[keyword], name


def _definitions(source: CorpusReader, name: str, kinds: Sequence[str]) -> list[_Place]:
    """The definitions of a name, each with the kernels where it is the one that is meant."""
    rows = [row for row in source.named(escaped(name)) if row["kind"] in kinds]
    rows.sort(key=lambda row: (_ORDER.index(row["kind"]), row["ordinal"]))
    of_types = _kernels_of(source, [row["id"] for row in rows])
    taken: set[int] = set()
    places = []
    for row in rows:
        kernels = of_types.get(row["id"], set()) - taken
        taken |= kernels
        if kernels:
            places.append(_Place(row["id"], row["id"], None, 0, frozenset(kernels)))
    return places


def _kernels_of(source: CorpusReader, ids: Sequence[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    if ids:
        types, positions = source.pairs(np.array(ids, np.int64))
        for each, position in zip(types.tolist(), positions.tolist(), strict=True):
            found.setdefault(each, set()).add(position)
    return found


def _member(source: CorpusReader, places: Sequence[_Place], name: str) -> Iterator[_Place]:
    """Follow a path by one name. A place may lead to several, if a type differs between the kernels."""
    holders = [*_holders(source, places)]
    source.children(holder.type_id for holder in holders)  # read at once
    for holder in holders:
        found = _child(source, holder.type_id, name)
        if found is not None:
            row, offset = found
            yield holder._replace(type_id=row.get("type", 0), row=row, bit_offset=holder.bit_offset + offset)


def _holders(source: CorpusReader, places: Sequence[_Place]) -> Iterator[_Place]:
    """The structs, unions, enums or prototypes of places, below typedefs and qualifiers."""
    pending = places
    for _ in range(_MAX_STEPS):
        following: list[_Place] = []
        types = source.types(each.type_id for each in pending)
        for each in pending:
            row = types.get(each.type_id)
            if row is None:
                continue
            if not row["defined"]:
                following += _resolved(source, each, row)
            elif row["kind"] in (*_MODIFIERS, "TYPEDEF", "ARRAY", "FUNC", "VAR"):
                following.append(each._replace(type_id=row["type"]))
            elif row["kind"] in (*_COMPOSITES, "ENUM", "ENUM64", "FUNC_PROTO"):
                yield each
        if not following:
            return
        pending = following


def _resolved(source: CorpusReader, place: _Place, reference: Row) -> Iterator[_Place]:
    """The definitions that a reference stands for, each with its kernels."""
    rows = [
        row
        for row in source.named(reference["name"])
        if (row["kind"], row["ordinal"]) == (reference["kind"], reference["ordinal"])
    ]
    left = place.kernels
    for each, kernels in _kernels_of(source, [row["id"] for row in rows]).items():
        if left & kernels:
            yield place._replace(type_id=each, kernels=left & kernels)
            left -= kernels


def _child(source: CorpusReader, holder: int, name: str) -> tuple[Row, int] | None:
    """The member, enumerator or parameter of a name, with its offset; in members without a name too."""
    pending = [(holder, 0)]
    seen: set[int] = set()
    for _ in range(_MAX_STEPS):
        following = []
        for type_id, offset in pending:
            if type_id in seen:
                continue
            seen.add(type_id)
            for row in source.children([type_id])[type_id]:
                if row["name"] == name:
                    return row, offset + row.get("bit_offset", 0)
                if "bit_offset" in row and not row["name"]:
                    inner = _unqualified(source, row["type"])
                    if inner is not None:
                        following.append((inner, offset + row["bit_offset"]))
        if not following:
            return None
        pending = following
    return None


def _unqualified(source: CorpusReader, type_id: int) -> int | None:
    """The struct or union without a name that a type is, below qualifiers."""
    for _ in range(_MAX_STEPS):
        row = source.types([type_id]).get(type_id)
        if row is None or not row["defined"]:
            return None
        if row["kind"] in _COMPOSITES:
            return type_id
        if row["kind"] not in _MODIFIERS:
            return None
        type_id = row["type"]
    return None


def presence(source: CorpusReader, pattern: str) -> Any:
    """See `Corpus.presence`."""
    rows = source.matching(pattern, ("id", "kind", "name", "fingerprint", "size"))
    found = _for_each_kernel(source, rows, [("name", "ascending"), ("kind", "ascending")])
    return found.select(["kind", "name", "kernel", "definition", "fingerprint", "size"])


def functions(source: CorpusReader, pattern: str) -> Any:
    """See `Corpus.functions`."""
    pa = pyarrow()
    rows = source.matching(f"func {pattern}", ("id", "name", "extra", "type"))
    prototypes = source.types(rows["type"].to_pylist())
    texts = [
        _named_prototype(name, prototypes[each]["spelling"]) for name, each in _zipped(rows, "name", "type")
    ]
    rows = rows.append_column("prototype", pa.array(texts, pa.string()))
    rows = rows.append_column("linkage", rows["extra"])
    found = _for_each_kernel(source, rows, [("name", "ascending")])
    return found.select(["name", "kernel", "linkage", "definition", "prototype"])


def size_changes(source: CorpusReader, pattern: str) -> Any:
    """See `Corpus.size_changes`."""
    pa = pyarrow()
    keyword, _, name = pattern.rpartition(" ")
    if keyword and keyword not in ("struct", "union"):
        raise ValueError(f"{keyword!r} is not one of the keywords struct, union")
    found: list[Any] = []
    for each in (keyword,) if keyword else ("struct", "union"):
        rows = source.matching(f"{each} {name}", ("id", "kind", "name", "ordinal", "size"))
        rows = rows.filter(pa.compute.equal(rows["ordinal"], 0))
        found += _size_changes(source, rows)
    fields = [pa.field(name, pa.string()) for name in ("kind", "name", "old_kernel", "new_kernel")]
    fields += [pa.field(name, pa.uint32()) for name in ("old_size", "new_size")]
    wanted = pa.schema(fields)
    return pa.concat_tables([wanted.empty_table(), *(each.cast(wanted) for each in found)])


def _size_changes(source: CorpusReader, rows: Any) -> Iterator[Any]:
    pa = pyarrow()
    rows = _of_several_sizes(rows)
    if not len(rows):
        return
    names = rows["name"].combine_chunks().dictionary_encode()
    codes = names.indices.to_numpy()
    ids, sizes = rows["id"].to_numpy(), rows["size"].fill_null(0).to_numpy()
    order = np.argsort(ids)
    kernels, are_neighbours = _neighbours(source)
    values, size_numbers = np.unique(sizes, return_inverse=True)
    column_of = np.full(len(source.kernel_ids), -1)
    column_of[kernels] = np.arange(len(kernels))
    rectangles = source.presence(ids)
    step = max(1, _MAX_MATRIX // max(1, len(kernels)))
    at = order[np.searchsorted(ids[order], rectangles[:, 0])]
    columns = _columns_of(source, column_of)
    for begin in range(0, len(names.dictionary), step):
        matrix = np.full((min(step, len(names.dictionary) - begin), len(kernels)), -1, np.int32)
        rows_of = codes[at] - begin
        within = np.flatnonzero((rows_of >= 0) & (rows_of < len(matrix)))
        for group in _of_same_kernels(rectangles, within):
            _, first_id, last_id = rectangles[group[0]].tolist()
            of_range = columns(first_id, last_id - first_id + 1)
            matrix[rows_of[group][:, None], of_range] = size_numbers[at[group]][:, None]
        old, new = matrix[:, :-1], matrix[:, 1:]
        which, pair = np.nonzero((old != new) & (old >= 0) & (new >= 0) & are_neighbours)
        kernel_names = source.kernels["name"]
        yield pa.table(
            {
                "kind": pa.array([rows["kind"][0].as_py()] * len(which), pa.string()),
                "name": names.dictionary.take(pa.array(which + begin)),
                "old_kernel": kernel_names.take(pa.array(kernels[pair])),
                "new_kernel": kernel_names.take(pa.array(kernels[pair + 1])),
                "old_size": pa.array(values[old[which, pair]]),
                "new_size": pa.array(values[new[which, pair]]),
            }
        )


def _of_several_sizes(rows: Any) -> Any:
    """The rows of names that have several sizes."""
    names = rows["name"].combine_chunks().dictionary_encode()
    codes, sizes = names.indices.to_numpy(), rows["size"].fill_null(0).to_numpy()
    one = np.zeros(len(names.dictionary), np.uint32)
    one[codes] = sizes
    differs = np.zeros(len(one), bool)
    differs[codes[sizes != one[codes]]] = True
    return rows.filter(pyarrow().array(differs[codes]))


def _of_same_kernels(rectangles: Array, rows: Array) -> list[Array]:
    """Rows of `rectangles`, grouped by the range of kernels."""
    if not len(rows):
        return []
    rows = rows[np.lexsort((rectangles[rows, 2], rectangles[rows, 1]))]
    breaks = np.flatnonzero((np.diff(rectangles[rows, 1:], axis=0) != 0).any(axis=1)) + 1
    return np.split(rows, breaks)


def _columns_of(source: CorpusReader, column_of: Array) -> Any:
    """A function from a range of kernel IDs to their columns, without those of modules."""
    known: dict[tuple[int, int], Array] = {}

    def columns(first: int, count: int) -> Array:
        if (first, count) not in known:
            found = column_of[source.positions(np.arange(first, first + count))]
            known[first, count] = found[found >= 0]
        return known[first, count]

    return columns


def _neighbours(source: CorpusReader) -> tuple[Array, Array]:
    """The positions of kernels without modules, and whether each is in the series of the next one."""
    kernels = source.kernels
    rows = np.flatnonzero(pyarrow().compute.is_null(kernels["parent"]).to_numpy())
    series = [*zip(kernels["arch"].to_pylist(), kernels["flavour"].to_pylist(), strict=True)]
    return rows, np.array([series[left] == series[right] for left, right in pairwise(rows.tolist())], bool)


def _for_each_kernel(source: CorpusReader, rows: Any, order: list[tuple[str, str]]) -> Any:
    """Each row once for each kernel that has the type `id`, with the column `kernel`; sorted.

    `id` becomes `definition`. Rows that are equal in `order` have that of the kernels.
    """
    pa = pyarrow()
    ids = rows["id"].to_numpy()
    types, positions = source.pairs(ids)
    by_id = np.argsort(ids)
    at = by_id[np.searchsorted(ids[by_id], types)]
    found = rows.take(pa.array(at, pa.int64())).append_column("definition", pa.array(ids[at], pa.int64()))
    found = found.append_column("kernel", source.kernels["name"].take(pa.array(positions, pa.int64())))
    found = found.append_column("position", pa.array(positions, pa.int64()))
    return found.sort_by([*order, ("position", "ascending")])


def _named_prototype(name: str, prototype: str) -> str:
    """A prototype as C spells it, "int (struct sock * sk)", with the name of the function."""
    depth = 0
    for at in range(len(prototype) - 1, -1, -1):
        depth += (prototype[at] == ")") - (prototype[at] == "(")
        if not depth:
            return f"{prototype[:at]}{name}{prototype[at:]}"
    return f"{prototype} {name}"


def _zipped(table: Any, *columns: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in columns), strict=True)


def _by_part(ids: Iterable[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for each in ids:
        found.setdefault(int(part_of(each)), []).append(each)
    return found


def _after(prefix: str) -> str:
    """The least text that follows all those with a prefix; empty if there is none."""
    for at in range(len(prefix) - 1, -1, -1):
        if ord(prefix[at]) < 0x10FFFF:
            following = ord(prefix[at]) + 1
            return prefix[:at] + chr(0xE000 if 0xD800 <= following < 0xE000 else following)
    return ""
