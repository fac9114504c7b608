"""Lays structs out again after a change, as a compiler does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from btf_writer import (
    ARRAY,
    CONST,
    ENUM,
    ENUM64,
    FLOAT,
    FUNC_PROTO,
    INT,
    PTR,
    RESTRICT,
    STRUCT,
    TYPE_TAG,
    TYPEDEF,
    UNION,
    VAR,
    VOLATILE,
)
from raw_records import Record

COMPOSITES = (STRUCT, UNION)
ENUMS = (ENUM, ENUM64)
QUALIFIERS = (CONST, VOLATILE, RESTRICT, TYPE_TAG)
ALIASES = (*QUALIFIERS, TYPEDEF)
POINTER = 64
"""The size of a pointer, in bits."""
LIKELY = (64 * 8, *(8 << power for power in range(1, 13)))
"""The alignments, in bits, that source code asks for; a cache line comes first."""


def aligned(number: int, alignment: int) -> int:
    return number + -number % alignment


class Layout:
    """Sizes and natural alignments, in bits, of the types of one BTF with 64-bit pointers."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records
        self._alignments: dict[int, int] = {}

    def resolved(self, type_id: int, through: tuple[int, ...] = ALIASES) -> int:
        while type_id and self.records[type_id - 1].kind in through:
            record = self.records[type_id - 1]
            type_id = int(record.elements[0][0]) if record.kind == ARRAY else record.size_or_type
        return type_id

    def size(self, type_id: int) -> int:
        type_id = self.resolved(type_id)
        if not type_id:
            return 0
        record = self.records[type_id - 1]
        if record.kind == PTR:
            return POINTER
        if record.kind == ARRAY:
            return self.size(int(record.elements[0][0])) * int(record.elements[0][2])
        return 8 * record.size_or_type if record.kind in (*COMPOSITES, *ENUMS, INT, FLOAT) else 0

    def alignment(self, type_id: int) -> int:
        """At most a pointer's; a byte for packed structs."""
        type_id = self.resolved(type_id, (*ALIASES, ARRAY))
        if type_id not in self._alignments:
            self._alignments[type_id] = 8
            record = self.records[type_id - 1] if type_id else Record(0)
            if record.kind in COMPOSITES:
                self._alignments[type_id] = self._of_members(record)
            elif type_id:
                self._alignments[type_id] = max(8, min(POINTER, self.size(type_id)))
        return self._alignments[type_id]

    def largest(self, record: Record) -> int:
        """The alignment that a struct has if it is not packed."""
        return max([8, *(self.alignment(int(member[1])) for member in record.elements)])

    def _of_members(self, record: Record) -> int:
        alignments = [self.alignment(int(member[1])) for member in record.elements]
        largest = self.largest(record)
        fits = all(
            self.is_bitfield(record, at) or self.member(record, at)[0] % alignment == 0
            for at, alignment in enumerate(alignments)
        )
        return largest if fits and 8 * record.size_or_type % largest == 0 else 8

    def member(self, record: Record, at: int) -> tuple[int, int]:
        """Offset and size of a member, in bits."""
        _, type_id, word = (int(word) if isinstance(word, int) else 0 for word in record.elements[at])
        bits = word >> 24 if record.flag else 0
        return word & 0xFFFFFF if record.flag else word, bits or self.size(type_id)

    def is_bitfield(self, record: Record, at: int) -> bool:
        return record.flag and int(record.elements[at][2]) >> 24 > 0

    def is_natural(self, type_id: int) -> bool:
        """Whether a struct has all members, and its end, where their alignments put them."""
        record = self.records[type_id - 1]
        if any(self.is_bitfield(record, at) for at in range(len(record.elements))):
            return False
        return record.size_or_type > 0 and natural(record, self) == record


def natural(record: Record, layout: Layout) -> Record:
    """The record with its members, none of them a bitfield, one after the other."""
    end = size = 0
    members = []
    for own_name, type_id, _ in record.elements:
        start = aligned(end, layout.alignment(int(type_id))) if record.kind == STRUCT else 0
        members.append((own_name, type_id, start))
        size = max(size, start + layout.size(int(type_id)))
        end = size if record.kind == STRUCT else 0
    return replace(record, elements=tuple(members), size_or_type=aligned(size, layout.largest(record)) // 8)


class Relayout:
    """Lays out again, in `new`, what embeds a type that differs from that of the same id in `old`.

    Types that are themselves in `edited` stay as they are.
    """

    def __init__(self, old: Sequence[Record], new: Sequence[Record], edited: set[int]) -> None:
        self.before = Layout(old)
        self.records = list(new)
        self.after = Layout(self.records)
        self.edited = edited
        self._done: dict[int, bool] = {}
        for type_id in range(1, len(old) + 1):
            self._visit(type_id)

    def _visit(self, type_id: int) -> bool:
        """Whether the type embeds one that differs."""
        if type_id == 0 or type_id > len(self.before.records):
            return False
        if type_id in self._done:
            return self._done[type_id]
        self._done[type_id] = False
        record = self.records[type_id - 1]
        if record.kind in COMPOSITES:
            differs = any([*map(self._visit, (int(member[1]) for member in record.elements))])
            if differs and type_id not in self.edited:
                self.records[type_id - 1] = self._laid_out(type_id, record)
        elif record.kind == ARRAY:
            differs = self._visit(int(record.elements[0][0]))
        elif record.kind in (*ALIASES, VAR):
            differs = self._visit(record.size_or_type)
        else:
            differs = False
        self._done[type_id] = differs or type_id in self.edited
        return self._done[type_id]

    def _laid_out(self, type_id: int, record: Record) -> Record:
        old = self.before.records[type_id - 1]
        ends = [0, 0]
        largest = [0, 0]
        members = []
        for at, (own_name, member_type, word) in enumerate(record.elements):
            start, size = self.before.member(old, at)
            bitfield = self.before.is_bitfield(old, at)
            alignments = [
                8 if bitfield else layout.alignment(int(member_type)) for layout in (self.before, self.after)
            ]
            place = _placed(ends[0], start, ends[1], (alignments[0], alignments[1]), bitfield)
            if record.kind == UNION:
                place = start
            new_size = size if bitfield else self.after.size(int(member_type))
            largest = [max(largest[0], start + size), max(largest[1], place + new_size)]
            if record.kind == STRUCT:
                ends = list(largest)
            members.append((own_name, member_type, int(word) - start + place))
        packed = self.before.alignment(type_id) < self.before.largest(old)
        ends_at = (8, 8) if packed else (self.before.largest(old), self.after.largest(record))
        size = _placed(largest[0], 8 * old.size_or_type, largest[1], ends_at, False)
        return replace(record, elements=tuple(members), size_or_type=size // 8)


def _placed(old_end: int, start: int, new_end: int, alignments: tuple[int, int], bitfield: bool) -> int:
    """Where what started at `start` behind `old_end` starts behind `new_end`."""
    if bitfield and start == old_end:
        return new_end
    if aligned(old_end, alignments[0]) == start:
        return aligned(new_end, alignments[1])
    for alignment in LIKELY:
        if aligned(old_end, alignment) == start:
            return aligned(new_end, alignment)
    return new_end + start - old_end


def by_value(records: Sequence[Record]) -> list[list[int]]:
    """The ids of the types that embed each type, for each id from 0."""
    holders: list[list[int]] = [[] for _ in range(len(records) + 1)]
    for type_id, record in enumerate(records, 1):
        if record.kind in (*COMPOSITES, FUNC_PROTO):
            position = 1
            for element in record.elements:
                holders[int(element[position])].append(type_id)
            if record.kind == FUNC_PROTO:
                holders[record.size_or_type].append(type_id)
        elif record.kind == ARRAY:
            holders[int(record.elements[0][0])].append(type_id)
        elif record.kind in (*ALIASES, VAR):
            holders[record.size_or_type].append(type_id)
    return holders
