"""The tables of a `DiffResult`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..arrow import ArrowTable, arrow_columns, text_column
from ..tables import Table
from .kinds import EntityKind

if TYPE_CHECKING:
    from ..tables import I64, U8, U32, U64, Bool, Text
    from .result import DiffResult

_WORDS = {"kind": [kind.name for kind in EntityKind]}  # of numbers, for Arrow


class Entities(Table):
    """What the kernels define.

    There is one row for each struct, union, enum, function, typedef, variable, tracepoint and base type of
    all kernels, in the order in which kernels define them first.
    """

    _words = _WORDS

    kind: U8
    """The `EntityKind`."""
    name: Text
    """An enum without a name has that of its first enumerator, after "{"."""
    uncertain: Bool
    """Whether there are several of this name that could not be told apart by their contents."""
    selected: Bool
    """Whether the arguments of `diff` select it."""


class Versions(Table):
    """The different definitions of each entity, entity by entity."""

    entity: U32
    """Row in `DiffResult.entities`."""
    version: U32
    """Its number, from 0: the values of `DiffResult.presence`."""
    kernel: U32
    """Row of the first kernel with it in `DiffResult.kernels`."""
    module_name: Text
    """The module that defines it in that kernel; empty for the kernel itself."""
    type_id: U32
    """Its type ID there."""
    layout_high: U64
    layout_low: U64
    declaration_high: U64
    declaration_low: U64
    deep_high: U64
    deep_low: U64


class MemberHistory(Table):
    """A member, enumerator or parameter in each kernel."""

    kernel: Text
    """The name of the kernel."""
    present: Bool
    """Whether the kernel has it."""
    version: I64
    """The version of its entity; -1 if the kernel does not define that."""
    bit_offset: I64
    """Offset in bits; -1 if it has none."""
    bits: I64
    """Size of a bitfield in bits; 0 for other members, -1 if it is absent."""
    size: I64
    """Size of its type in bytes; -1 if it has none."""
    value: I64
    """The value of an enumerator; 0 for others. An unsigned 64-bit value keeps its bits."""
    type: Text
    """Its type in C; empty for an enumerator."""


class Offsets(Table):
    """Members that `DiffResult.offsets` found."""

    entity: U32
    """Row in `DiffResult.entities`."""
    name: Text
    """The struct and the path of the member, such as "sk_buff.len"."""


def presence_table(result: DiffResult) -> ArrowTable:
    """The table that a result is for Arrow: which version of each selected entity each kernel has."""
    found = result.entities
    entities, kernels = np.nonzero((result.presence >= 0) & found.selected[:, None])
    numbers = {"entity": entities.astype(np.uint32), "kernel": kernels.astype(np.uint32)}
    columns = arrow_columns(numbers | {"kind": found.kind[entities]}, _WORDS)
    columns["name"] = text_column("name", found.name.tolist(), entities)
    columns["kernel_name"] = text_column("kernel_name", result.kernels.name.tolist(), kernels)
    versions = result.presence[entities, kernels].astype(np.uint32)
    columns |= arrow_columns({"version": versions}, {})
    return ArrowTable(columns, len(entities))
