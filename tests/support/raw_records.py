"""Records of a BTF as they stand in the file, to edit, reorder and write again.

It follows the kernel's `include/uapi/linux/btf.h` and shares nothing with btfmmap.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace

from btf_writer import (
    ARRAY,
    CONST,
    DATASEC,
    DECL_TAG,
    ENUM,
    ENUM64,
    FUNC,
    FUNC_PROTO,
    FWD,
    INT,
    PTR,
    RESTRICT,
    STRUCT,
    TYPE_TAG,
    TYPEDEF,
    UNION,
    VAR,
    VOLATILE,
    BtfWriter,
)

REFERRING = {PTR, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR, DECL_TAG, TYPE_TAG}
# What the words of an element are: n a name, t a type, w a plain word.
ELEMENTS = {
    STRUCT: "ntw", UNION: "ntw", ENUM: "nw", ENUM64: "nww", FUNC_PROTO: "nt", DATASEC: "tww",
}  # fmt: skip
FIXED = {INT: "w", ARRAY: "ttw", VAR: "w", DECL_TAG: "w"}


@dataclass(frozen=True)
class Record:
    """One record. Names are bytes; elements are tuples of words and names."""

    kind: int
    name: bytes = b""
    flag: bool = False
    linkage: int = 0  # of a FUNC
    size_or_type: int = 0
    elements: tuple[tuple[int | bytes, ...], ...] = ()

    @property
    def shape(self) -> str:
        return ELEMENTS.get(self.kind) or FIXED.get(self.kind, "")

    def references(self) -> list[int]:
        found = [self.size_or_type] if self.kind in REFERRING else []
        for element in self.elements:
            found += [
                word
                for what, word in zip(self.shape, element, strict=True)
                if what == "t" and isinstance(word, int)
            ]
        return found

    def renumbered(self, ids: dict[int, int]) -> Record:
        elements = tuple(
            tuple(
                ids[word] if what == "t" and isinstance(word, int) else word
                for what, word in zip(self.shape, element, strict=True)
            )
            for element in self.elements
        )
        refers = self.kind in REFERRING
        return replace(
            self,
            size_or_type=ids[self.size_or_type] if refers else self.size_or_type,
            elements=elements,
        )


def read(blob: bytes, base: bytes | None = None) -> list[Record]:
    """The records of a BTF; those of a split BTF follow its base's. Type id = index + 1."""
    records = [] if base is None else read(base)
    strings = b"" if base is None else _sections(base)[2]
    order, types, own = _sections(blob)
    strings += own

    def name(offset: int) -> bytes:
        return strings[offset : strings.index(b"\0", offset)]

    words = struct.unpack(f"{order}{len(types) // 4}I", types)
    at = 0
    while at < len(words):
        name_off, info, size_or_type = words[at : at + 3]
        at += 3
        kind, vlen = info >> 24 & 0x7F, info & 0xFFFFFF
        record = Record(kind, name(name_off), bool(info >> 31), 0, size_or_type)
        if kind == FUNC:
            record = replace(record, linkage=vlen)
        elements = []
        for _ in range(vlen if kind in ELEMENTS else kind in FIXED):
            raw = words[at : at + len(record.shape)]
            at += len(raw)
            elements.append(
                tuple(
                    name(word) if what == "n" else word for what, word in zip(record.shape, raw, strict=True)
                )
            )
        records.append(replace(record, elements=tuple(elements)))
    return records


def _sections(blob: bytes) -> tuple[str, bytes, bytes]:
    order = "<" if blob[:2] == b"\x9f\xeb" else ">"
    header, type_off, type_len, str_off, str_len = struct.unpack_from(f"{order}5I", blob, 4)
    types = blob[header + type_off : header + type_off + type_len]
    return order, types, blob[header + str_off : header + str_off + str_len]


def write(records: Iterable[Record], order: str = "<") -> bytes:
    """A BTF of these records, whose strings are not shared with their order."""
    writer = BtfWriter(order)
    offsets: dict[bytes, int] = {}
    strings = [b"\0"]
    end = 1

    def offset(name: bytes) -> int:
        nonlocal end
        if name and name not in offsets:
            offsets[name] = end
            strings.append(name + b"\0")
            end += len(name) + 1
        return offsets.get(name, 0)

    for record in records:
        vlen = len(record.elements) if record.kind in ELEMENTS else record.linkage
        head = (offset(record.name), record.flag << 31 | record.kind << 24 | vlen, record.size_or_type)
        words = [
            offset(word) if isinstance(word, bytes) else word
            for element in record.elements
            for word in element
        ]
        writer.records.append(writer.words(*head, *words))
    return writer.build(strings=b"".join(strings))


def reordered(records: list[Record], order: list[int]) -> list[Record]:
    """Those with the ids in `order`, which become 1, 2, ...; it has all that they refer to."""
    ids = {0: 0} | {old: new for new, old in enumerate(order, 1)}
    return [records[old - 1].renumbered(ids) for old in order]


def permutation(records: list[Record], source: random.Random) -> list[int]:
    order = [*range(1, len(records) + 1)]
    source.shuffle(order)
    return order


def needed(records: list[Record], roots: Iterable[int]) -> list[int]:
    """The ids of types and of all that they refer to, and of all INTs: one of them has a pointer's size."""
    pending = [*roots, *(number for number, record in enumerate(records, 1) if record.kind == INT)]
    found = {0}
    while pending:
        type_id = pending.pop()
        if type_id not in found:
            found.add(type_id)
            pending += records[type_id - 1].references()
    return sorted(found - {0})


def pruned(records: list[Record], roots: Iterable[int]) -> list[Record]:
    """The types `roots` with what they embed, and all INTs. Pointers to other named structs get a FWD."""
    pending = [(type_id, False) for type_id in roots]
    pending += [(type_id, False) for type_id, record in enumerate(records, 1) if record.kind == INT]
    found = {(0, False), (0, True)}
    while pending:
        type_id, is_pointee = pending.pop()
        if (type_id, is_pointee) in found:
            continue
        found.add((type_id, is_pointee))
        record = records[type_id - 1]
        if record.kind in (STRUCT, UNION) and record.name and is_pointee:
            continue
        transparent = record.kind in (TYPEDEF, CONST, VOLATILE, RESTRICT, TYPE_TAG, ARRAY)
        behind = record.kind == PTR or (transparent and is_pointee)
        pending += [(other, behind) for other in record.references()]
    kept = sorted({type_id for type_id, _ in found} - {0})
    declared = [
        Record(FWD, record.name, record.kind == UNION)
        if record.kind in (STRUCT, UNION) and record.name and (type_id, False) not in found
        else record
        for type_id, record in enumerate(records, 1)
    ]
    return reordered(declared, kept)
