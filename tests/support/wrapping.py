"""Inputs whose offsets and sizes add up, or multiply, to more than 32 bits.

Each has a name and says whether it is valid, computed with Python's ints, which do not wrap. Numbers are
chosen so that a sum's low 32 bits look valid: a place inside the file, or before it.
"""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from btf_writer import BtfWriter, every_kind
from elf_writer import ElfWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

_WRAP = 1 << 32
_FIELDS = ("hdr_len", "type_off", "type_len", "str_off", "str_len", "layout_off", "layout_len")


@dataclass
class Case:
    name: str
    content: bytes
    """Raw BTF, or an ELF file with .BTF and perhaps .BTF.ext."""
    valid: bool


def cases() -> Iterator[Case]:
    yield from headers()
    yield from ext_headers()
    yield from ext_records()
    yield from elf_files()
    yield from long_records()


def _sections_lie_inside(fields: dict[str, int], size: int) -> bool:
    """The rules of a BTF header that stands alone, as libbpf's btf_parse_hdr has them."""
    types_end = fields["type_off"] + fields["type_len"]
    layout_end = fields["layout_off"] + fields["layout_len"]
    no_layout = fields["hdr_len"] < 32 or fields["layout_len"] == 0
    return (
        24 <= fields["hdr_len"] <= size
        and fields["hdr_len"] + fields["str_off"] + fields["str_len"] <= size
        and 0 < fields["str_len"] <= _WRAP // 2
        and types_end <= fields["str_off"]
        and fields["type_off"] % 4 == 0
        and (no_layout or (types_end <= fields["layout_off"] and layout_end <= fields["str_off"]))
    )


def headers() -> Iterator[Case]:
    """One or two header fields so large that sums with the others wrap."""
    for order, header_size in itertools.product("<>", (24, 32, 64)):
        writer = every_kind(order, header_size)
        good = writer.build()
        stored = _FIELDS[: 5 if header_size < 32 else 7]
        right = dict.fromkeys(_FIELDS, 0)
        right |= zip(stored, struct.unpack_from(f"{order}{len(stored)}I", good, 4), strict=True)
        strings_start = header_size + right["str_off"]
        yield Case(f"{order}{header_size}", good, True)
        large = [
            _WRAP - 1,
            _WRAP - 4,
            _WRAP - header_size,
            _WRAP - header_size - 4,
            _WRAP - header_size - 256,
            _WRAP - header_size - (1 << 30),
            _WRAP - strings_start,
            _WRAP - right["str_off"],
            _WRAP - right["str_len"],
            _WRAP - len(good),
            _WRAP // 2,
            _WRAP // 2 - header_size,
        ]
        single = [(name, value) for name in stored for value in large]
        some = [(name, value) for name in stored for value in large[::3]]
        choices = [*((choice,) for choice in single), *itertools.product(some, some)]
        for choice in choices:
            fields = right | dict(choice)
            content = bytearray(good)
            struct.pack_into(f"{order}{len(stored)}I", content, 4, *(fields[name] for name in stored))
            valid = _sections_lie_inside(fields, len(good))
            # Where there is no layout section, its offset may be anything. What else is valid has other types
            # or strings.
            if not valid or {name for name, _ in choice} == {"layout_off"}:
                text = ", ".join(f"{name}={value:#x}" for name, value in choice)
                yield Case(f"{order}{header_size} {text}", bytes(content), valid)


def _with_ext(ext: bytes, order: str = "<") -> bytes:
    writer = ElfWriter(order=order)
    writer.add(".BTF", every_kind(order).build())
    writer.add(".BTF.ext", ext)
    return writer.build()


def _ext(order: str, header_size: int, **changed: int) -> bytes:
    """One run of one record in each part."""
    parts = [struct.pack(f"{order}{3 + size // 4}I", size, 0, 1, *[0] * (size // 4)) for size in (8, 16, 16)]
    fields = {"magic": 0xEB9F, "version": 1, "flags": 0, "hdr_len": header_size}
    at = 0
    for name, part in zip(("func_info", "line_info", "core_relo"), parts, strict=True):
        fields |= {f"{name}_off": at, f"{name}_len": len(part)}
        at += len(part)
    header = struct.pack(f"{order}HBB7I", *(fields | changed).values())
    return header[:header_size].ljust(header_size, b"\0") + b"".join(parts)


def ext_headers() -> Iterator[Case]:
    """Offsets and lengths of the parts of .BTF.ext."""
    for order, header_size in itertools.product("<>", (24, 32, 40)):
        good = _ext(order, header_size)
        yield Case(f"ext {order}{header_size}", _with_ext(good, order), True)
        parts = ("func_info", "line_info", "core_relo")[: 2 if header_size < 32 else 3]
        for part, back in itertools.product(parts, (0, 4, 8, header_size, 256, 1 << 20, 1 << 30)):
            wrong = {
                f"{part}_off": (_WRAP - header_size - back) % _WRAP,
                f"{part}_len": (_WRAP - back - 4) % _WRAP,
            }
            for chosen in (wrong, *({name: value} for name, value in wrong.items())):
                text = ", ".join(f"{name}={value:#x}" for name, value in chosen.items())
                content = _ext(order, header_size, **chosen)
                yield Case(f"ext {order}{header_size} {text}", _with_ext(content, order), False)
        for size in (_WRAP - 1, _WRAP - 4, _WRAP - len(good), _WRAP // 2):
            content = _ext(order, header_size, hdr_len=size)
            yield Case(f"ext {order}{header_size} hdr_len={size:#x}", _with_ext(content, order), False)


def ext_records() -> Iterator[Case]:
    """Numbers of records whose total size is a few bytes above a multiple of 2^32."""
    for record_size in (8, 16, 64, 1 << 16, 1 << 20, 1 << 31, _WRAP - 4, _WRAP - 8):
        for records in {_WRAP // record_size, _WRAP // record_size + 1, _WRAP - 1, 1 << 31, 1 << 16}:
            part = struct.pack("<5I", record_size, 0, records, 0, 0)
            header = struct.pack("<HBB7I", 0xEB9F, 1, 0, 32, 0, len(part), 0, 0, 0, 0)
            name = f"ext of {records:#x} records of {record_size:#x} bytes"
            yield Case(name, _with_ext(header + part), False)


def elf_files() -> Iterator[Case]:
    """Offsets and sizes in ELF headers that are valid in their low 32 bits, or wrap when added up."""
    content = every_kind().build()
    for bits in (32, 64):
        writer = ElfWriter(bits=bits)
        writer.add(".BTF", content)
        good = writer.build()
        yield Case(f"ELF{bits}", good, True)
        table_at = struct.unpack_from("<Q" if bits == 64 else "<I", good, 40 if bits == 64 else 32)[0]
        size = writer.section_header_size
        start = good.index(content)
        high = (1 << 32, 1 << 33, 1 << 63) if bits == 64 else ()
        top = 1 << bits

        def changed(bits: int = bits, **header: int) -> ElfWriter:
            writer = ElfWriter(bits=bits)
            writer.add(".BTF", content, **header)
            return writer

        for add in high:
            yield Case(f"ELF{bits} e_shoff +{add:#x}", writer.build(e_shoff=table_at + add), False)
            yield Case(f"ELF{bits} sh_offset +{add:#x}", changed(sh_offset=start + add).build(), False)
            yield Case(f"ELF{bits} sh_size +{add:#x}", changed(sh_size=len(content) + add).build(), False)
            for field, value in (("sh_offset", 0), ("sh_size", 16)):
                names = {field: value + add}
                yield Case(f"ELF{bits} names {field} +{add:#x}", writer.build(names=names), False)
            counted = writer.build(e_shnum=0, first={"sh_size": 3 + add})
            yield Case(f"ELF{bits} sections +{add:#x}", counted, False)
        for back in (1, 4, 64, size, start, len(good), 1 << 30):
            yield Case(f"ELF{bits} e_shoff -{back}", writer.build(e_shoff=top - back), False)
            yield Case(f"ELF{bits} sh_offset -{back}", changed(sh_offset=top - back).build(), False)
            yield Case(f"ELF{bits} sh_size -{back}", changed(sh_size=top - back).build(), False)
            both = changed(sh_offset=start, sh_size=top - start + back if back < start else top - start)
            yield Case(f"ELF{bits} sh_offset + sh_size = {back}", both.build(), False)
        for count in {top // size, top // size + 1, _WRAP // size + 1, _WRAP // size + 3}:
            counted = writer.build(e_shnum=0, first={"sh_size": count})
            yield Case(f"ELF{bits} of {count:#x} sections", counted, False)


def long_records() -> Iterator[Case]:
    """The longest records of a kind that only a layout section describes, and of known kinds."""
    for fixed, element in ((252, 252), (0, 252), (252, 128), (0, 4)):
        for vlen in (0xFFFFFF, 0xFFFFFF - 1, 0x800000, 0x410411, 0x104105):
            writer = BtfWriter(header_size=32)
            writer.add_int()
            writer.add(20, "unknown", vlen=vlen)
            layout = b"\0\0\0\0" * 20 + bytes((fixed, element, 0, 0))
            types = len(writer.type_section)
            content = writer.build(
                types=writer.type_section + layout,
                type_len=types,
                layout_off=types,
                layout_len=len(layout),
            )
            yield Case(f"{vlen:#x} elements of {element} bytes after {fixed}", content, False)
    for kind, vlen in itertools.product((4, 5, 6, 13, 15, 19), (0xFFFFFF, 0x555556, 0x800000)):
        writer = BtfWriter()
        writer.add_int()
        writer.add(kind, "long", vlen=vlen)
        yield Case(f"{vlen:#x} elements of kind {kind}", writer.build(), False)
