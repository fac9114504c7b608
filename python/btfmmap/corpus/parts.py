"""Makes the tables of a part, and their files, of the records of a catalog."""

from __future__ import annotations

import hashlib
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..kinds import Kind
from .manifest import File, Part, content_name
from .names import CatalogNames
from .schema import TABLES, first_id, parquet, part_of, pyarrow, schema
from .words import ELEMENTS, UNKNOWN_SIZE, decoded, heads, refers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from .._core import CorpusCatalog
    from .files import Mark
    from .storage import Storage
    from .type_sets import TypeSet

    Array = npt.NDArray[Any]

_ROW_GROUP = 1 << 14
_MASK_BITS = 64
KIND_WORDS = np.array([kind.name for kind in Kind], object)
_KEYWORDS = {
    Kind.STRUCT: "struct ",
    Kind.FWD: "struct ",
    Kind.UNION: "union ",
    Kind.ENUM: "enum ",
    Kind.ENUM64: "enum ",
}
_DELTA_COLUMNS = ("id", "parent", "number", "start", "stop")
_DICTIONARY_COLUMNS = ("kind", "size", "elements", "bits")  # others are larger so, and slower to write


class Stored(NamedTuple):
    """A kernel or module that a part is made of.

    Attributes:
        row: Its row of `kernels`, without `id`.
        types: Its types.
        numbers: The number in the catalog of each number in `types`.
    """

    row: dict[str, Any]
    types: TypeSet
    numbers: Array


class Batch(NamedTuple):
    """What a part is made of.

    Attributes:
        kernels: The kernels and modules.
        sources: The input files: the SHA-256 of the kernel, or None if it is not valid.
        failures: The inputs that did not open: the error by path.
    """

    kernels: list[Stored]
    sources: dict[Mark, str | None]
    failures: dict[str, str]


class MadePart(NamedTuple):
    """A part that is not published yet.

    Attributes:
        number: Its number.
        needs: The parts that its rows refer to, itself excluded.
        tables: Its tables.
        new: The numbers in the catalog of the rows of `types`.
    """

    number: int
    needs: tuple[int, ...]
    tables: dict[str, Any]
    new: Array


def make_part(
    catalog: CorpusCatalog,
    ids: Array,
    spell: Callable[[Array], list[str]],
    batch: Batch,
    is_taken: Callable[[int], bool],
) -> MadePart:
    """Make the tables of a part.

    Args:
        catalog: The types.
        ids: The ID of each type of the catalog that a part has already; 0 for others, `int64`.
        spell: Returns the types with these numbers as C spells them, escaped.
        batch: The kernels, sources and failures.
        is_taken: Whether a part has this number already.
    """
    pa = pyarrow()
    masks = _masks(catalog.size(), batch.kernels)
    present = np.flatnonzero(masks.any(axis=0))
    new = _unstored(catalog, present, ids)
    number = _number(batch, is_taken)
    ids = ids.copy()
    new = _sorted(catalog, new)
    ids[new] = first_id(number) + np.arange(len(new))
    ids[0] = 0
    tables = _type_tables(catalog, new, ids, spell)
    tables["presence"] = _presence(masks, ids, number)
    kernel_ids = first_id(number) + np.arange(len(batch.kernels))
    rows = [{"id": int(each), **kernel.row} for each, kernel in zip(kernel_ids, batch.kernels, strict=True)]
    for row in rows:
        if isinstance(row["parent"], tuple):  # of the same batch
            row["parent"] = int(kernel_ids[row["parent"][0]])
    tables["kernels"] = pa.Table.from_pylist(rows, schema("kernels"))
    sources = [(*mark, digest) for mark, digest in batch.sources.items()]
    for table, cells in (("sources", sources), ("failures", batch.failures.items())):
        records = [dict(zip(TABLES[table], row, strict=True)) for row in cells]
        tables[table] = pa.Table.from_pylist(records, schema(table))
    used = [ids[present], np.array([row["parent"] or 0 for row in rows], np.int64)]
    used += [
        tables[name][column].fill_null(0).to_numpy()
        for name in ("types", *ELEMENTS)
        for column in ("type", "index_type")
        if column in TABLES[name]
    ]
    parts = [part_of(each) for each in used]
    others = np.concatenate([each[(each != 0) & (each != number)] for each in parts])
    needs = tuple(np.unique(others).tolist())
    return MadePart(number, needs, tables, new)


def write_part(storage: Storage, made: MadePart) -> Part:
    """Write the files of a part. It counts when a manifest lists it."""
    files = {}
    for name, table in made.tables.items():
        if len(table):
            content = _content(name, table)
            file = File(content_name(content), len(table), len(content))
            storage.write(f"{name}/{file.name}", content)
            files[name] = file
    return Part(made.number, made.needs, files)


def _content(name: str, table: Any) -> bytes:
    sink = pyarrow().BufferOutputStream()
    deltas = {column: "DELTA_BINARY_PACKED" for column in _DELTA_COLUMNS if column in TABLES[name]}
    if name == "presence":
        deltas |= {"first": "DELTA_BINARY_PACKED", "last": "DELTA_BINARY_PACKED"}
    dictionaries = [column for column in _DICTIONARY_COLUMNS if column in TABLES[name]]
    parquet().write_table(
        table,
        sink,
        compression="zstd",
        row_group_size=_ROW_GROUP,
        use_dictionary=dictionaries,
        column_encoding=deltas or None,
        store_schema=True,
    )
    return bytes(sink.getvalue())


def _number(batch: Batch, is_taken: Callable[[int], bool]) -> int:
    """A number for a part, which follows from what it is made of."""
    parts = [f"{kernel.row['sha256']} {kernel.row['path']}" for kernel in batch.kernels]
    parts += [str(row) for row in (*batch.sources.items(), *batch.failures.items())]
    content = "\n".join(parts).encode(errors="surrogateescape")
    for salt in range(1000):
        digest = hashlib.sha256(content + salt.to_bytes(2, "little")).digest()
        number = int.from_bytes(digest[:4], "little") >> 1
        if number and not is_taken(number):
            return number
    raise AssertionError("no number is free")


def _masks(size: int, kernels: Sequence[Stored]) -> Array:
    """Which kernels have each type: `uint64[groups of 64 kernels, types]`."""
    masks = np.zeros((max(1, -(-len(kernels) // _MASK_BITS)), size), np.uint64)
    # Kernels that were read together have the same numbers, which are looked up once for all.
    together = groupby(enumerate(kernels), lambda each: (each[0] // _MASK_BITS, id(each[1].numbers)))
    for (group, _), found in together:
        of_group = [*found]
        mask = np.zeros(len(of_group[0][1].numbers), np.uint64)
        for number, kernel in of_group:
            kernel.types.mark(mask, 1 << number % _MASK_BITS)
        masks[group, of_group[0][1].numbers] |= mask
    masks[:, 0] = 0  # void
    return masks


def _records(catalog: CorpusCatalog, numbers: Array) -> tuple[Array, Array]:
    words, starts = catalog.records(numbers)
    return np.asarray(words), np.asarray(starts)


def _unstored(catalog: CorpusCatalog, present: Array, ids: Array) -> Array:
    """The types, and references, that no part has yet."""
    new = present[ids[present] == 0]
    wanted = np.zeros(len(ids), bool)
    wanted[new] = True
    wanted[np.asarray(catalog.references(new))] = True
    return np.flatnonzero(wanted & (ids == 0))


def _sorted(catalog: CorpusCatalog, new: Array) -> Array:
    """The numbers of records in the order of the table: by name, kind and ordinal."""
    words, starts = _records(catalog, new)
    types = heads(words, starts)
    names = CatalogNames(catalog, [types["name"]])
    ranks = np.zeros(len(names.texts), np.int64)
    ranks[pyarrow().compute.array_sort_indices(names.texts).to_numpy()] = np.arange(len(ranks))
    order = np.lexsort(
        (types["ordinal"], types["defined"], types["kind"], ranks[names.places(types["name"])])
    )
    sorted_numbers: Array = new[order]
    return sorted_numbers


def _type_tables(
    catalog: CorpusCatalog, new: Array, ids: Array, spell: Callable[[Array], list[str]]
) -> dict[str, Any]:
    pa = pyarrow()
    records = decoded(*_records(catalog, new))
    types = records.types
    own = ids[new]
    refer = refers(types["kind"]) & types["defined"]
    is_array = types["kind"] == Kind.ARRAY
    names = CatalogNames(
        catalog, [types["name"], *(each["name"] for each in records.elements.values() if "name" in each)]
    )
    texts = names.column(types["name"])
    columns = {
        "id": own,
        "defined": types["defined"],
        "kind": pa.array(KIND_WORDS.tolist()).take(pa.array(types["kind"].astype(np.int32))),
        "name": texts,
        "ordinal": types["ordinal"],
        "spelling": _spellings(types, texts, new, spell),
        "size": pa.array(types["value"], mask=refer | ~types["defined"]),
        "type": pa.array(np.where(refer, ids[np.where(refer, types["value"], 0)], 0), mask=~refer),
        "flag": types["flag"],
        "signed": types["signed"],
        "extra": types["extra"],
        "index_type": pa.array(ids[types["index_type"]], mask=~(is_array & types["defined"])),
        "elements": types["elements"],
        "fingerprint": types["fingerprint"],
    }
    tables = {"types": _table("types", columns)}
    layouts = {**records.layouts, "type": own[records.layouts["row"]]}
    for name in ("packed", "flexible"):
        layouts[name] = layouts[name].astype(bool)
    tables["layouts"] = _table("layouts", layouts)
    for name, element in records.elements.items():
        found: dict[str, Any] = {**element, "parent": own[element["row"]]}
        if "type" in element:
            found["type"] = ids[element["type"]]
        if "name" in element:
            found["name"] = names.column(element["name"])
        if name == "members":
            found["bits"] = element["bits"].astype(np.uint8)
            found["size"] = pa.array(element["size"], mask=element["size"] == UNKNOWN_SIZE)
        tables[name] = _table(name, found)
    return tables


def _table(name: str, columns: Mapping[str, Any]) -> Any:
    pa = pyarrow()
    wanted = schema(name)
    return pa.Table.from_arrays(
        [pa.array(columns[field.name], field.type) for field in wanted], schema=wanted
    )


def _spellings(
    types: Mapping[str, Array], names: Any, numbers: Array, spell: Callable[[Array], list[str]]
) -> Any:
    """Each type as C spells it: those with a name by their name, others in full."""
    pa = pyarrow()
    kinds = np.where((types["kind"] == Kind.FWD) & types["flag"], Kind.UNION, types["kind"])
    keywords = pa.array([_KEYWORDS.get(kind, "") for kind in Kind])
    found = pa.compute.binary_join_element_wise(keywords.take(pa.array(kinds.astype(np.int32))), names, "")
    others = types["defined"] & ((types["name"] == 0) | (types["kind"] == Kind.TYPE_TAG))
    texts = pa.array(spell(numbers[others]), pa.string())
    return pa.compute.replace_with_mask(found, pa.array(others), texts)


def _presence(masks: Array, ids: Array, number: int) -> Any:
    """Which kernels have which types, as rectangles: ranges of types, and ranges of kernels."""
    found: list[tuple[Array, Array, Array, Array]] = []
    first_kernel = first_id(number)
    for group, mask in enumerate(masks):
        numbers = np.flatnonzero(mask)
        order = np.argsort(ids[numbers], kind="stable")
        of_types, bits = ids[numbers][order], mask[numbers][order]
        breaks = np.flatnonzero((np.diff(of_types) != 1) | (bits[1:] != bits[:-1])) + 1
        starts = np.concatenate([[0], breaks]).astype(np.int64)[: len(of_types)]
        stops = np.concatenate([breaks, [len(of_types)]]).astype(np.int64)[: len(starts)]
        bits = bits[starts]
        begins, ends = of_types[starts], of_types[stops - 1] + 1
        opened = np.zeros(len(bits), np.int64)
        before = np.zeros(len(bits), bool)
        for bit in range(_MASK_BITS + 1):
            has = (bits >> np.uint64(bit) & np.uint64(1)).astype(bool) if bit < _MASK_BITS else before & False
            opened[has & ~before] = bit
            rows = np.flatnonzero(before & ~has)
            base = first_kernel + group * _MASK_BITS
            found.append(
                (begins[rows], ends[rows], base + opened[rows], np.full(len(rows), base + bit - 1, np.int64))
            )
            before = has
    columns = [np.concatenate(each) for each in zip(*found, strict=True)]
    order = np.lexsort((columns[2], columns[0]))
    names = ("start", "stop", "first", "last")
    return _table("presence", {name: column[order] for name, column in zip(names, columns, strict=True)})
