"""Writes split BTF for tests: on any other writer, well-formed or not."""

from __future__ import annotations

from typing import Any

from btf_writer import BtfWriter


class SplitWriter(BtfWriter):
    """Continues the type ids and string offsets of what another writer wrote."""

    first_id: int
    first_offset: int

    def __init__(self, base: BtfWriter, header_size: int = 24) -> None:
        super().__init__(base.order, header_size, strings=b"")
        first_id, first_offset = (
            (base.first_id, base.first_offset) if isinstance(base, SplitWriter) else (1, 0)
        )
        self.first_id = first_id + len(base.records)
        self.first_offset = first_offset + len(base.strings)

    def string(self, text: str | bytes) -> int:
        return super().string(text) + self.first_offset if text else 0

    def add(self, *args: Any, **fields: Any) -> int:
        return super().add(*args, **fields) + self.first_id - 1


def small_base(order: str = "<") -> BtfWriter:
    """An int and the struct `shared`."""
    writer = BtfWriter(order)
    writer.add_int("int")
    writer.add_struct("shared", 4, [("number", 1, 0)])
    return writer


def small_split(base: BtfWriter, name: str = "own") -> SplitWriter:
    """A struct that has the base's second type as a member, and another `shared`."""
    writer = SplitWriter(base)
    writer.add_struct(name, 8, [("inherited", 2, 0), ("plain", 1, 32)])
    writer.add_struct("shared", 16, [])
    return writer
