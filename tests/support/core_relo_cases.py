"""Random pairs of a BPF object and a kernel, which differ in a few places."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass

from bpf_object import LDX, ST, STX, BpfObject, instruction
from btf_writer import (
    ARRAY,
    CONST,
    ENUM,
    ENUM64,
    FLOAT,
    FUNC_PROTO,
    FWD,
    INT,
    PTR,
    STRUCT,
    TYPEDEF,
    UNION,
    VOLATILE,
    BtfWriter,
)

_KINDS = 13
_WORDS = ("a", "b", "c", "next", "flags", "a___old", "b___x", "")
_NAMES = ("s", "s___old", "s___new", "u", "t", "e", "e___2", "s___a___b", "int", "")


@dataclass
class Pair:
    """An object, and the types of a kernel."""

    object: BpfObject
    kernel: BtfWriter


class Generator:
    """Makes types that contain one another, and relocations of them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def pair(self) -> Pair:
        local = self._types()
        kernel = self._changed(local) if self.random.random() < 0.8 else self._types()
        made = BpfObject(local)
        for _ in range(self.random.randrange(1, 6)):
            self._add_relocation(made)
        return Pair(made, kernel)

    def _types(self) -> BtfWriter:
        chance = self.random
        writer = BtfWriter()
        writer.add_int()
        writer.add_int("unsigned int", 4, encoding=0)
        writer.add_int("long", 8, encoding=1)
        writer.add_int("unsigned long", 8, encoding=0)
        writer.add_int("char", 1, encoding=chance.choice((0, 1, 2, 3)))
        for _ in range(chance.randrange(3, 22)):
            self._add_type(writer)
        return writer

    def _earlier(self, writer: BtfWriter) -> int:
        """A type that exists, so that types form no cycles but those through pointers."""
        return self.random.randrange(1, len(writer.records) + 1)

    def _add_type(self, writer: BtfWriter) -> None:
        chance = self.random
        kind = chance.choice(
            (
                STRUCT,
                STRUCT,
                STRUCT,
                UNION,
                ENUM,
                FWD,
                PTR,
                ARRAY,
                TYPEDEF,
                CONST,
                VOLATILE,
                FUNC_PROTO,
                FLOAT,
                INT,
            )
        )
        name, earlier = chance.choice(_NAMES), self._earlier(writer)
        if kind in (STRUCT, UNION):
            flag = chance.random() < 0.4
            members = []
            for number in range(chance.randrange(0, 5)):
                word = 32 * number if kind == STRUCT else 0
                type_id = self._earlier(writer) if chance.random() < 0.7 else chance.randrange(1, 6)
                if flag and chance.random() < 0.6:
                    word = chance.randrange(1, 40) << 24 | (word + chance.randrange(8))
                    type_id = chance.randrange(1, 6)  # libbpf divides by the size of a bitfield's type
                members.append((chance.choice(_WORDS), type_id, word))
            writer.add_struct(name, 4 * len(members), members, kind=kind, kind_flag=flag)
        elif kind == ENUM:
            values = [
                (chance.choice(("A", "B", "C", "A___x", "B___y")), chance.choice((0, 1, 7, 2**32 - 1)))
                for _ in range(chance.randrange(1, 4))
            ]
            add = chance.choice((writer.add_enum, writer.add_enum64))
            add(name, values, signed=chance.random() < 0.5)
        elif kind == FWD:
            writer.add(FWD, name, kind_flag=chance.random() < 0.5)
        elif kind == PTR:
            writer.add(PTR, size_or_type=chance.randrange(0, len(writer.records) + 1))
        elif kind == ARRAY:
            writer.add_array(earlier, 1, chance.choice((0, 1, 3)))
        elif kind == FUNC_PROTO:
            writer.add_proto(earlier, [("", self._earlier(writer)) for _ in range(chance.randrange(0, 3))])
        elif kind == FLOAT:
            writer.add(FLOAT, "double", size_or_type=8)
        elif kind == INT:
            writer.add_int(name or "int", chance.choice((1, 2, 4, 8)), encoding=chance.choice((0, 1, 2, 4)))
        else:
            writer.add(kind, name or "t" if kind == TYPEDEF else "", size_or_type=earlier)

    def _changed(self, types: BtfWriter) -> BtfWriter:
        """A copy with a few words, or their order, changed so that it remains a valid BTF."""
        chance = self.random
        changed = BtfWriter(types.order, types.header_size, [*types.records], types.strings)
        for _ in range(chance.randrange(0, 4)):
            number = chance.randrange(5, len(changed.records))
            record = changed.records[number]
            kind = record[7] & 0x7F if types.order == "<" else record[4] & 0x7F
            words = [int.from_bytes(record[at : at + 4], "little") for at in range(0, len(record), 4)]
            if kind in (STRUCT, UNION) and len(words) > 3:
                at = chance.randrange(3, len(words))
                if at % 3 == 0:
                    words[at] = changed.string(chance.choice(_WORDS))
                elif at % 3 == 1:
                    words[at] = chance.randrange(1, 6)
                else:
                    words[at] += chance.choice((8, 32, 64))
            elif kind == ENUM and len(words) > 3:
                at = chance.randrange(3, len(words))
                words[at] = words[at] ^ 1 if at % 2 == 0 else changed.string(chance.choice("ABC"))
            elif kind == INT:
                words[2] = chance.choice((1, 2, 4, 8))
            elif kind in (STRUCT, UNION, FWD, TYPEDEF):
                words[0] = changed.string(chance.choice(_NAMES))
            changed.records[number] = changed.words(*words)
        for _ in range(chance.randrange(0, 3)):
            self._add_type(changed)
        return changed

    def _words(self, types: BtfWriter, type_id: int) -> list[int]:
        record = types.records[type_id - 1]
        return list(struct.unpack(f"{types.order}{len(record) // 4}I", record))

    def _root(self, types: BtfWriter, kind: int) -> int:
        """A type that suits a kind of relocation, most of the time."""
        chance = self.random
        wanted = {INT, STRUCT, UNION, ENUM, FWD, TYPEDEF, ENUM64}
        if kind < 6:
            wanted = {STRUCT, UNION, TYPEDEF}
        elif kind in (10, 11):
            wanted = {ENUM, ENUM64, TYPEDEF}
        heads = [(number, self._words(types, number)) for number in range(1, len(types.records) + 1)]
        suitable = [number for number, words in heads if words[0] and words[1] >> 24 & 0x7F in wanted]
        return chance.choice(suitable) if suitable and chance.random() < 0.97 else self._earlier(types)

    def _access(self, types: BtfWriter, type_id: int) -> str:
        """Indices that lead from a type to a field, most of the time."""
        chance = self.random
        if chance.random() < 0.03:
            return chance.choice(
                ("", ":", "0:", "-1", "0::1", "0x1", "0 1", "0+1", "4294967296", " 0", "0:99")
            )
        numbers = [0 if chance.random() < 0.9 else 2]
        while type_id and chance.random() < 0.85:
            words = self._words(types, type_id)
            kind = words[1] >> 24 & 0x7F
            if kind in (TYPEDEF, CONST, VOLATILE):
                type_id = words[2]
            elif kind in (STRUCT, UNION) and len(words) > 3:
                number = chance.randrange(len(words) // 3 - 1)
                numbers.append(number)
                type_id = words[3 + 3 * number + 1]
            elif kind == ARRAY:
                numbers.append(chance.randrange(max(1, words[5])))
                type_id = words[3]
            else:
                break
        if chance.random() < 0.03:
            numbers.append(chance.randrange(3))
        return ":".join(map(str, numbers))

    def _add_relocation(self, made: BpfObject) -> None:
        chance = self.random
        kind = chance.choice((0, 0, 0, *range(_KINDS)))
        type_id = self._root(made.types, kind)
        if kind < 6:
            access = self._access(made.types, type_id)
        elif kind in (10, 11):
            access = str(chance.randrange(0, 3) if chance.random() < 0.3 else 0)
        else:
            access = "0" if chance.random() < 0.97 else "1"
        made.add(kind, type_id, access, b"")

    def fill(self, made: BpfObject, values: list[int], sizes: list[int]) -> None:
        """Give each relocation an instruction: most of them hold the value that the object's types give."""
        chance = self.random
        for relocation, value, size in zip(made.relocations, values, sizes, strict=True):
            held = value if chance.random() < 0.95 else value + 1
            if relocation.kind == 0 and held < 2**15 and chance.random() < 0.7:
                code = chance.choice((LDX, ST, STX)) | {1: 0x10, 2: 8, 4: 0}.get(size, 0x18)
                if chance.random() < 0.05:
                    code ^= 0x08
                relocation.code = instruction("<", code, offset=held)
            elif chance.random() < 0.5:
                first = instruction("<", 0x18, destination=1, immediate=held & 0xFFFFFFFF)
                relocation.code = first + instruction("<", 0, immediate=held >> 32 & 0xFFFFFFFF)
            else:
                code = chance.choice((0xB7, 0xB4, 0x07, 0xB7, 0xB7, 0xBF if chance.random() < 0.1 else 0xB7))
                relocation.code = instruction("<", code, destination=1, immediate=held & 0xFFFFFFFF)
