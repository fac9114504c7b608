"""What the types of a BTF are, independent of the order of their IDs.

Types have equal colours if no path of references from one can be told from the same path from the other. The
colours are refined until their number is stable. Nothing here is shared with what is tested: it reads tables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

import btfmmap
from btfmmap import Kind

U64 = npt.NDArray[np.uint64]
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_REFER = (
    Kind.PTR,
    Kind.TYPEDEF,
    Kind.VOLATILE,
    Kind.CONST,
    Kind.RESTRICT,
    Kind.FUNC,
    Kind.FUNC_PROTO,
    Kind.VAR,
    Kind.DECL_TAG,
    Kind.TYPE_TAG,
)
_MAX_ROUNDS = 64
Number = Callable[[str], int]


def mixed(colours: U64, values: Any) -> U64:
    """Mix values into colours."""
    found: U64 = (colours ^ np.asarray(values).astype(np.uint64)) * _FACTOR
    found ^= found >> _SHIFT
    return found


def colours(btf: btfmmap.Btf) -> dict[str, U64]:
    """The colours of the types of a BTF and of its base, those of its own apart; sorted."""
    levels = [btf] if btf.base is None else [btf.base, btf]
    own = [_own(level) for level in levels]
    found = np.concatenate(own)
    number = 0
    for _ in range(_MAX_ROUNDS):
        found = np.concatenate(
            [_refined(level, own_colours, found) for level, own_colours in zip(levels, own, strict=True)]
        )
        count = len(np.unique(found))
        if count == number:
            break
        number = count
    return {"base": np.sort(found[: -len(own[-1])]), "own": np.sort(found[-len(own[-1]) :])}


def _texts(btf: btfmmap.Btf, offsets: Any) -> U64:
    unique, inverse = np.unique(np.asarray(offsets), return_inverse=True)
    numbers = [hash(text) & 0xFFFFFFFFFFFFFFFF for text in btf.strings(unique)]
    found: U64 = np.array(numbers, np.uint64)[inverse]
    return found


def _own(btf: btfmmap.Btf) -> U64:
    """What each type is without its references."""
    types = btf.types
    refer = np.isin(types.kind, (*_REFER, Kind.ARRAY))
    found = np.full(len(types), 1, np.uint64)
    for column in (types.kind, types.kind_flag, types.vlen, np.where(refer, 0, types.size_or_type)):
        found = mixed(found, column)
    found = mixed(found, _texts(btf, types.name_off))
    fixed: tuple[tuple[Any, tuple[str, ...]], ...] = (
        (btf.ints, ("encoding", "bit_offset", "nr_bits")),
        (btf.arrays, ("nelems",)),
        (btf.funcs, ("linkage",)),
        (btf.vars, ("linkage",)),
        (btf.decl_tags, ("component_idx",)),
    )
    for table, columns in fixed:
        rows = np.asarray(table.id) - btf.first_id
        for name in columns:
            found[rows] = mixed(found[rows], np.asarray(table[name]).astype(np.int64))
    elements: tuple[tuple[Any, tuple[str, ...]], ...] = (
        (btf.members, ("bit_offset", "bitfield_size")),
        (btf.enumerators, ("value", "signed")),
        (btf.params, ()),
        (btf.secinfos, ("offset", "size")),
    )
    for table, columns in elements:
        values = np.full(len(table), 3, np.uint64)
        if "name_off" in table.columns:
            values = mixed(values, _texts(btf, table.name_off))
        for name in columns:
            values = mixed(values, np.asarray(table[name]).astype(np.int64))
        found = mixed(found, _summed(table, values, len(types), btf.first_id))
    return found


def _refined(btf: btfmmap.Btf, own: U64, of_types: U64) -> U64:
    types = btf.types
    refer = np.isin(types.kind, _REFER)
    found: U64 = own.copy()
    found[refer] = mixed(found[refer], of_types[types.size_or_type[refer]])
    rows = np.asarray(btf.arrays.id) - btf.first_id
    for name in ("type", "index_type"):
        found[rows] = mixed(found[rows], of_types[np.asarray(btf.arrays[name])])
    for table in (btf.members, btf.params, btf.secinfos):
        found = mixed(found, _summed(table, of_types[np.asarray(table.type)], len(types), btf.first_id))
    return found


def _summed(table: Any, values: U64, rows: int, first_id: int) -> U64:
    """Values of elements, summed for each type, with their places among its elements."""
    parents = np.asarray(table.parent).astype(np.int64) - first_id
    starts = np.searchsorted(parents, parents)
    found: U64 = np.zeros(rows, np.uint64)
    np.add.at(found, parents, mixed(values, np.arange(len(parents)) - starts + 1))
    return found
