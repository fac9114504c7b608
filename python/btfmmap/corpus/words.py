"""The records of the core's catalog as columns, and back. csrc/core/corpus/words.hpp describes the words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..kinds import Kind
from .schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import numpy.typing as npt

    Array = npt.NDArray[Any]
    Columns = dict[str, Array]

_HEAD = 8
_FLAG, _SIGNED, _REFERENCE = 1 << 8, 1 << 9, 1 << 10
LAYOUT = tuple(name for name in TABLES["layouts"] if name != "type")
COMPOSITES = (Kind.STRUCT, Kind.UNION)
_SIZED = (Kind.INT, Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64, Kind.FLOAT, Kind.DATASEC, Kind.FWD)
UNKNOWN_SIZE = 0xFFFFFFFF

# The tables of elements: kinds of the records, words before the elements, words of an element.
ELEMENTS: dict[str, tuple[tuple[Kind, ...], int, tuple[str, ...]]] = {
    "members": (COMPOSITES, _HEAD + len(LAYOUT), ("name", "type", "bit_offset", "bits", "size")),
    "enumerators": ((Kind.ENUM, Kind.ENUM64), _HEAD, ("name", "low", "high")),
    "params": ((Kind.FUNC_PROTO,), _HEAD, ("name", "type")),
    "secinfos": ((Kind.DATASEC,), _HEAD, ("type", "offset", "size")),
}


class RecordColumns(NamedTuple):
    """Records as columns. Names and types are numbers.

    Attributes:
        types: A row for each record: defined, kind, name, ordinal, value, flag, signed, extra, index_type,
            elements, fingerprint.
        layouts: The columns of the table, with `row` in place of `type`.
        elements: By name of the table its columns, with the `row` that they belong to and their `number`.
    """

    types: Columns
    layouts: Columns
    elements: dict[str, Columns]


def refers(kinds: Array) -> Array:
    """Whether the value of a record is a type."""
    return ~np.isin(kinds, (0, *_SIZED))


def heads(words: Array, starts: Array) -> Columns:
    """The columns of the words that each record starts with: `RecordColumns.types`, with `elements` 0."""
    at = starts[:-1]
    head = [words[at + number] for number in range(_HEAD)]
    return {
        "defined": (head[0] & _REFERENCE) == 0,
        "kind": (head[0] & 0xFF).astype(np.uint8),
        "name": head[1],
        "ordinal": head[2],
        "value": head[3],
        "flag": (head[0] & _FLAG) != 0,
        "signed": (head[0] & _SIGNED) != 0,
        "extra": head[4],
        "index_type": head[5],
        "elements": np.zeros(len(at), np.uint32),
        "fingerprint": head[6].astype(np.uint64) | head[7].astype(np.uint64) << np.uint64(32),
    }


def decoded(words: Array, starts: Array) -> RecordColumns:
    """The columns of records."""
    at = starts[:-1]
    lengths = starts[1:] - at
    types = heads(words, starts)
    kinds, defined = types["kind"], types["defined"]
    rows = np.flatnonzero(defined & np.isin(kinds, COMPOSITES))
    layouts: Columns = {"row": rows}
    for place, name in enumerate(LAYOUT):
        layouts[name] = words[at[rows] + _HEAD + place]
    elements = {}
    for table, (of_kinds, before, fields) in ELEMENTS.items():
        rows = np.flatnonzero(defined & np.isin(kinds, of_kinds))
        counts = (lengths[rows] - before) // len(fields)
        types["elements"][rows] = counts
        number = _numbers(counts)
        base = np.repeat(at[rows] + before, counts) + number * len(fields)
        columns = {field: words[base + offset] for offset, field in enumerate(fields)}
        columns["row"] = np.repeat(rows, counts)
        columns["number"] = number.astype(np.uint32)
        elements[table] = columns
    values = elements["enumerators"]
    owners = values["row"]
    narrow = (kinds[owners] == Kind.ENUM) & types["signed"][owners]
    value = (values["low"].astype(np.uint64) | values["high"].astype(np.uint64) << np.uint64(32)).view(
        np.int64
    )
    values["value"] = np.where(narrow, values["low"].view(np.int32).astype(np.int64), value)
    return RecordColumns(types, layouts, elements)


def encoded(records: RecordColumns) -> tuple[Array, Array]:
    """The words of records, and where each starts."""
    types = records.types
    kinds, defined = types["kind"], types["defined"]
    lengths = np.full(len(kinds), _HEAD, np.int64)
    for of_kinds, before, fields in ELEMENTS.values():
        rows = defined & np.isin(kinds, of_kinds)
        lengths[rows] = before + len(fields) * types["elements"][rows].astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    at = starts[:-1]
    words = np.zeros(int(starts[-1]), np.uint32)
    words[at] = (
        kinds.astype(np.uint32) + types["flag"] * _FLAG + types["signed"] * _SIGNED + ~defined * _REFERENCE
    )
    fingerprints = types["fingerprint"]
    after_kind = (
        types["name"],
        types["ordinal"],
        types["value"],
        types["extra"],
        types["index_type"],
        fingerprints & np.uint64(0xFFFFFFFF),
        fingerprints >> np.uint64(32),
    )
    for number, column in enumerate(after_kind, 1):
        words[at + number] = column
    for number, name in enumerate(LAYOUT):
        words[at[records.layouts["row"]] + _HEAD + number] = records.layouts[name]
    for table, (_, before, fields) in ELEMENTS.items():
        columns = _as_words(records, table)
        base = at[columns["row"]] + before + columns["number"].astype(np.int64) * len(fields)
        for offset, field in enumerate(fields):
            words[base + offset] = columns[field]
    return words, starts


def _as_words(records: RecordColumns, table: str) -> Mapping[str, Array]:
    columns = records.elements[table]
    if table != "enumerators":
        return columns
    bits = columns["value"].view(np.uint64)
    wide = records.types["kind"][columns["row"]] == Kind.ENUM64
    return {
        **columns,
        "low": bits & np.uint64(0xFFFFFFFF),
        "high": np.where(wide, bits >> np.uint64(32), np.uint64(0)),
    }


def _numbers(counts: Array) -> Array:
    """0, 1, ... up to each count."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    numbers: Array = np.arange(total) - np.repeat(ends - counts, counts)
    return numbers
