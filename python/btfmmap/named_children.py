"""Finds members and enumerators by name, for `Btf.find_members` and `Btf.find_enumerators`."""

from __future__ import annotations

from .kind_numbers import ENUM64
from .types import Enumerator, Member, Type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._core import View
    from .btf import Btf


def members(btf: Btf, name: str) -> list[tuple[Type, Member]]:
    """Return the members with this name; see `Btf.find_members`."""
    found = []
    for level, rows in _rows(btf, "members", name):
        columns, own = level._columns("members"), range(level.first_id, level.first_id + len(level))
        columns.build(("parent", "type", "bit_offset", "bitfield_size"))
        parents, types = columns["parent"], columns["type"]
        bit_offsets, bitfield_sizes = columns["bit_offset"], columns["bitfield_size"]
        for row in rows:
            type_id = types[row]
            type_ = Type(level, type_id) if type_id in own else level._type(type_id)
            member = Member(name, type_, bit_offsets[row], bitfield_sizes[row])
            found.append((Type(level, parents[row]), member))
    return found


def enumerators(btf: Btf, name: str) -> list[tuple[Type, Enumerator]]:
    """Return the enumerators with this name; see `Btf.find_enumerators`."""
    found = []
    for level, rows in _rows(btf, "enumerators", name):
        columns, kinds = level._columns("enumerators"), level._columns("types")["kind"]
        columns.build(("parent", "value", "signed"))
        first_id = level.first_id
        for row in rows:
            parent, value = columns["parent"][row], columns["value"][row]
            if kinds[parent - first_id] == ENUM64 and not columns["signed"][row]:
                value %= 2**64
            found.append((Type(level, parent), Enumerator(name, value)))
    return found


def _rows(btf: Btf, table: str, name: str) -> Iterator[tuple[Btf, View]]:
    """Yield each level with the rows of one of its tables that have a name."""
    for level in btf._levels():
        yield level, level._core.rows_named(table, name)
