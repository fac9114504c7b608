"""Writes BTF for tests: any record, well-formed or not, in either byte order.

It follows the kernel's `include/uapi/linux/btf.h` and shares nothing with btfmmap.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST = range(1, 11)
RESTRICT, FUNC, FUNC_PROTO, VAR, DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64 = range(11, 20)

Words = tuple[int, ...]


@dataclass
class BtfWriter:
    """Collects records; each `add` returns the new type's id."""

    order: str = "<"
    header_size: int = 24
    records: list[bytes] = field(default_factory=list)
    strings: bytes = b"\0"

    def string(self, text: str | bytes) -> int:
        """Adds a string, and returns its offset."""
        encoded = text.encode() if isinstance(text, str) else text
        if not encoded:
            return 0
        self.strings += encoded + b"\0"
        return len(self.strings) - len(encoded) - 1

    def words(self, *words: int) -> bytes:
        return struct.pack(f"{self.order}{len(words)}I", *(word & 0xFFFFFFFF for word in words))

    def add(
        self,
        kind: int,
        name: str | bytes = "",
        *,
        size_or_type: int = 0,
        vlen: int = 0,
        kind_flag: bool = False,
        extra: Words = (),
    ) -> int:
        """One record as it stands: nothing here checks that it makes sense."""
        info = kind_flag << 31 | kind << 24 | vlen
        self.records.append(self.words(self.string(name), info, size_or_type, *extra))
        return len(self.records)

    def add_int(
        self, name: str | bytes = "int", size: int = 4, *, encoding: int = 1, bits: int | None = None
    ) -> int:
        word = encoding << 24 | (size * 8 if bits is None else bits)
        return self.add(INT, name, size_or_type=size, extra=(word,))

    def add_array(self, type_id: int, index_type: int, nelems: int) -> int:
        return self.add(ARRAY, extra=(type_id, index_type, nelems))

    def add_struct(
        self,
        name: str | bytes,
        size: int,
        members: list[tuple[str, int, int]],
        *,
        kind: int = STRUCT,
        kind_flag: bool = False,
    ) -> int:
        """Members are (name, type id, offset word)."""
        extra = tuple(
            word for member, type_id, offset in members for word in (self.string(member), type_id, offset)
        )
        return self.add(kind, name, size_or_type=size, vlen=len(members), kind_flag=kind_flag, extra=extra)

    def add_enum(self, name: str, values: list[tuple[str, int]], *, signed: bool = False) -> int:
        extra = tuple(word for value in values for word in (self.string(value[0]), value[1]))
        return self.add(ENUM, name, size_or_type=4, vlen=len(values), kind_flag=signed, extra=extra)

    def add_enum64(self, name: str, values: list[tuple[str, int]], *, signed: bool = False) -> int:
        extra = tuple(word for value in values for word in (self.string(value[0]), value[1], value[1] >> 32))
        return self.add(ENUM64, name, size_or_type=8, vlen=len(values), kind_flag=signed, extra=extra)

    def add_proto(self, return_type: int, params: list[tuple[str, int]]) -> int:
        extra = tuple(word for param in params for word in (self.string(param[0]), param[1]))
        return self.add(FUNC_PROTO, size_or_type=return_type, vlen=len(params), extra=extra)

    def add_datasec(self, name: str, size: int, entries: list[Words]) -> int:
        """Entries are (type id, offset, size)."""
        extra = tuple(word for entry in entries for word in entry)
        return self.add(DATASEC, name, size_or_type=size, vlen=len(entries), extra=extra)

    @property
    def type_section(self) -> bytes:
        return b"".join(self.records)

    def build(self, *, types: bytes | None = None, strings: bytes | None = None, **header: int) -> bytes:
        """Return the blob. `types` and `strings` replace the sections; header fields (by the kernel's names)
        override the correct ones."""
        types = self.type_section if types is None else types
        strings = self.strings if strings is None else strings
        fields = {
            "magic": 0xEB9F,
            "version": 1,
            "flags": 0,
            "hdr_len": self.header_size,
            "type_off": 0,
            "type_len": len(types),
            "str_off": len(types),
            "str_len": len(strings),
            "layout_off": 0,
            "layout_len": 0,
        }
        assert not header.keys() - fields.keys()
        packed = struct.pack(f"{self.order}HBB7I", *(fields | header).values())
        return packed[: self.header_size].ljust(self.header_size, b"\0") + types + strings


def every_kind(order: str = "<", header_size: int = 24) -> BtfWriter:
    """At least one well-formed record of each kind."""
    writer = BtfWriter(order, header_size)
    int_id = writer.add_int("int")
    long_id = writer.add_int("long unsigned int", 8, encoding=0)
    writer.add_int("_Bool", 1, encoding=4)
    char_id = writer.add_int("char", 1, encoding=3)
    ptr_id = writer.add(PTR, size_or_type=char_id)
    array_id = writer.add_array(char_id, long_id, 16)
    writer.add_struct("pair", 16, [("left", int_id, 0), ("", array_id, 32), ("right", ptr_id, 64)])
    flags = [("bit", int_id, 1 << 24), ("rest", int_id, 31 << 24 | 1), ("whole", int_id, 32)]
    writer.add_struct("flags", 8, flags, kind_flag=True)
    writer.add_struct("either", 8, [("word", long_id, 0), ("pointer", ptr_id, 0)], kind=UNION)
    writer.add_enum("small", [("LOW", -(2**31)), ("MINUS", -1), ("ZERO", 0)], signed=True)
    writer.add_enum("unsigned", [("TOP", 2**32 - 1), ("ONE", 1)])
    writer.add_enum64("wide", [("WIDE_TOP", 2**64 - 1), ("WIDE_ONE", 1)])
    writer.add_enum64("signed_wide", [("WIDE_LOW", -(2**63)), ("WIDE_MINUS", -1)], signed=True)
    writer.add(FWD, "opaque")
    writer.add(FWD, "opaque_union", kind_flag=True)
    writer.add(TYPEDEF, "word_t", size_or_type=long_id)
    for kind in (VOLATILE, CONST, RESTRICT):
        writer.add(kind, size_or_type=ptr_id)
    proto_id = writer.add_proto(int_id, [("format", ptr_id), ("", 0)])
    func_id = writer.add(FUNC, "print", size_or_type=proto_id, vlen=1)
    var_id = writer.add(VAR, "counter", size_or_type=long_id, extra=(1,))
    writer.add_datasec(".data", 8, [(var_id, 0, 8)])
    writer.add(FLOAT, "double", size_or_type=8)
    writer.add(DECL_TAG, "whole", size_or_type=func_id, extra=(-1,))
    writer.add(DECL_TAG, "first", size_or_type=func_id, extra=(0,))
    writer.add(TYPE_TAG, "user", size_or_type=int_id)
    return writer
