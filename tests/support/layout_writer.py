"""Writes layout sections (Linux 7.1), and records of the kinds that linux-next adds."""

from __future__ import annotations

import btf_writer
from btf_writer import BtfWriter, every_kind
from split_writer import SplitWriter

KINDS = 20
"""Number of known kinds, void included."""

Entries = list[tuple[int, int]]

# The entries that libbpf 1.8 writes: each known kind's fixed bytes and bytes per element.
KNOWN: Entries = [(0, 0)] * KINDS
KNOWN[btf_writer.INT] = KNOWN[btf_writer.VAR] = KNOWN[btf_writer.DECL_TAG] = (4, 0)
KNOWN[btf_writer.ARRAY] = (12, 0)
KNOWN[btf_writer.STRUCT] = KNOWN[btf_writer.UNION] = KNOWN[btf_writer.DATASEC] = (0, 12)
KNOWN[btf_writer.ENUM] = KNOWN[btf_writer.FUNC_PROTO] = (0, 8)
KNOWN[btf_writer.ENUM64] = (0, 12)

LOC_PARAM, LOC_PROTO, LOCSEC = range(KINDS, KINDS + 3)
NEXT: Entries = [(4, 4), (0, 4), (0, 12)]
"""The entries of these three kinds in linux-next."""
NEXT_NAMES = {LOC_PARAM: "LOC_PARAM", LOC_PROTO: "LOC_PROTO", LOCSEC: "LOCSEC"}


def layout(entries: Entries, order: str = "<", flags: int = 0) -> bytes:
    return b"".join(
        bytes([fixed, element]) + flags.to_bytes(2, "little" if order == "<" else "big")
        for fixed, element in entries
    )


def with_layout(writer: BtfWriter, section: bytes, **header: int) -> bytes:
    """The blob with a layout section between types and strings."""
    assert writer.header_size >= 32
    types = writer.type_section
    fields = {"type_len": len(types), "layout_off": len(types), "layout_len": len(section)} | header
    return writer.build(types=types + section, strings=None, **fields)


def extended(writer: BtfWriter, entries: Entries, **header: int) -> bytes:
    """A blob with `entries` for the kinds from 20 on."""
    return with_layout(writer, layout(KNOWN + entries, writer.order), **header)


def add_loc_param(writer: BtfWriter, flags: int, *values: int) -> int:
    return writer.add(LOC_PARAM, vlen=len(values), extra=(flags, *values))


def add_loc_proto(writer: BtfWriter, *params: int) -> int:
    """Each parameter is the id of a LOC_PARAM, or 0."""
    return writer.add(LOC_PROTO, vlen=len(params), extra=params)


def add_locsec(writer: BtfWriter, name: str, *sites: tuple[int, int, int]) -> int:
    """A site is (id of a FUNC, id of a LOC_PROTO, offset)."""
    return writer.add(LOCSEC, name, vlen=len(sites), extra=tuple(word for site in sites for word in site))


def add_locations(writer: BtfWriter, func: int) -> None:
    """Records of the three kinds as linux-next writes them: constants of one and two words, a register, a
    dereferenced offset from the frame base, and no parameter at all."""
    signed, constant, register, dereference, offset = 1, 2, 8, 0x10, 0x20
    one = add_loc_param(writer, signed | constant, -1)
    two = add_loc_param(writer, constant, 2**32 - 1, 2**31)
    held = add_loc_param(writer, register, 5)
    stored = add_loc_param(writer, register | dereference | offset, 2**32 - 1, -16)
    nothing = add_loc_param(writer, 0)
    proto = add_loc_proto(writer, one, 0, two, held)
    other = add_loc_proto(writer, stored, nothing)
    empty = add_loc_proto(writer)
    add_locsec(writer, ".loc", (func, proto, 0x10), (func, other, 2**32 - 4), (func, empty, 0x20))
    add_locsec(writer, ".empty")


def next_kernel(order: str = "<") -> BtfWriter:
    """Every known kind, then the three new ones. Its blob is `extended(writer, NEXT)`."""
    writer = every_kind(order, 32)
    add_locations(writer, func_of(writer))
    return writer


def inline_of(base: BtfWriter, func: int, name: str = "own") -> SplitWriter:
    """What `vmlinux.inline` has: locations alone, of a base's function, and a type between them."""
    writer = SplitWriter(base, 32)
    add_locations(writer, func)
    writer.add(btf_writer.TYPEDEF, name, size_or_type=1)
    add_locsec(writer, name, (func, writer.first_id + 5, 4))
    return writer


def func_of(writer: BtfWriter) -> int:
    """The id of the first FUNC."""
    byte = 4 if writer.order == ">" else 7  # of a record: that of its kind
    kinds = [record[byte] & 0x7F for record in writer.records]
    return kinds.index(btf_writer.FUNC) + (writer.first_id if isinstance(writer, SplitWriter) else 1)
