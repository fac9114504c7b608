"""Writes the seeds of each fuzz target: `python tests/fuzz/seeds.py FOLDER`."""

from __future__ import annotations

import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))

from btf_writer import (
    DATASEC,
    DECL_TAG,
    ENUM,
    FUNC,
    FUNC_PROTO,
    FWD,
    PTR,
    STRUCT,
    TYPEDEF,
    VAR,
    BtfWriter,
    every_kind,
)
from elf_writer import ElfWriter
from layout_writer import KNOWN, NEXT, extended, func_of, inline_of, layout, next_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator


def sized(part: bytes) -> bytes:
    """A part in the form that `Input::sized_part` reads."""
    return struct.pack("<H", len(part)) + part


def nested() -> bytes:
    """Nested anonymous structs, arrays of arrays, packed bitfields, and a linked list."""
    writer = BtfWriter()
    int_id = writer.add_int()
    row = writer.add_array(int_id, int_id, 3)
    rows = writer.add_array(row, int_id, 2)
    inner = writer.add_struct("", 24, [("rows", rows, 0)])
    either = writer.add_struct("", 24, [("", inner, 0), ("word", int_id, 0)], kind=5)
    writer.add_struct("outer", 29, [("", either, 0), ("bit", int_id, 3 << 24 | 193)], kind_flag=True)
    link = len(writer.records) + 1
    writer.add_struct("list_head", 16, [("next", link + 1, 0), ("prev", link + 1, 64)])
    writer.add(PTR, size_or_type=link)
    return writer.build()


def unions() -> bytes:
    """Nested anonymous unions and structs only: changing an id soon makes a cycle."""
    writer = BtfWriter()
    int_id = writer.add_int()
    held = int_id
    for kind in (5, 5, 4, 5, 4, 5):
        held = writer.add_struct("", 8, [("", held, 0), ("word", int_id, 32 * (kind == 4))], kind=kind)
    writer.add_struct("holder", 24, [("", held, 0), ("", held - 1, 64), ("many", held - 3, 128)])
    return writer.build()


def kfunc() -> bytes:
    """A function with the declaration tags that the C dump looks for."""
    writer = BtfWriter()
    int_id = writer.add_int()
    callback = writer.add(PTR, size_or_type=writer.add_proto(0, [("", int_id)]))
    function = writer.add(FUNC, "call", size_or_type=writer.add_proto(int_id, [("callback", callback)]))
    for tag in ("bpf_kfunc", "bpf_fastcall"):
        writer.add(DECL_TAG, tag, size_or_type=function, extra=(-1,))
    return writer.build()


def long_records() -> bytes:
    """Records of many elements: a dump of one fills several pieces."""
    writer = BtfWriter()
    name = writer.string("element")
    int_id = writer.add_int()
    members = [word for number in range(40) for word in (name, int_id, 32 * number)]
    writer.add(STRUCT, "long_struct", size_or_type=160, vlen=40, extra=tuple(members))
    writer.add(ENUM, "long_enum", size_or_type=4, vlen=60, extra=(name, 7) * 60)
    writer.add(FUNC_PROTO, size_or_type=int_id, vlen=30, extra=(name, int_id) * 30)
    variable = writer.add(VAR, "var", size_or_type=int_id, extra=(1,))
    writer.add(DATASEC, ".data", size_or_type=160, vlen=40, extra=(variable, 0, 4) * 40)
    return writer.build()


def split_on(base: BtfWriter) -> bytes:
    """A split BTF that refers to its base's types and strings."""
    writer = BtfWriter(base.order, strings=b"")
    start, first = len(base.strings), len(base.records) + 1
    name = writer.string("own_t") + start
    writer.records.append(writer.words(name, TYPEDEF << 24, 1))
    writer.records.append(writer.words(1, PTR << 24, first))
    return writer.build()


def distilled() -> tuple[bytes, bytes, bytes]:
    """A distilled base, a module on it, and a kernel to move it onto."""
    base, kernel = BtfWriter(), BtfWriter()
    base.add_int()
    base.add_struct("task", 8, [])
    base.add(FWD, "opaque")
    kernel.add_int("char", 1, encoding=3)
    number = kernel.add_int()
    kernel.add_struct("task", 8, [("a", number, 0), ("b", number, 32)])
    kernel.add_struct("opaque", 4, [("a", number, 0)])
    return base.build(), split_on(base), kernel.build()


def ext_section() -> bytes:
    """A .BTF.ext with one record of each kind; its name offsets and type ids suit `every_kind`."""
    func_info = struct.pack("<5I", 8, 1, 1, 0, 21)
    line_info = struct.pack("<7I", 16, 1, 1, 0, 1, 1, 1 << 10)
    core_relo = struct.pack("<7I", 16, 1, 1, 0, 7, 1, 0)
    sizes = (len(func_info), len(line_info), len(core_relo))
    header = struct.pack(
        "<HBB7I", 0xEB9F, 1, 0, 32, 0, sizes[0], sizes[0], sizes[1], sizes[0] + sizes[1], sizes[2]
    )
    return header + func_info + line_info + core_relo


def relocations() -> Iterator[bytes]:
    """Objects with a relocation of each kind, on a kernel with their own types."""
    for order in "<>":
        types = every_kind(order)
        section, member, element = types.string("text"), types.string("0:0"), types.string("0")
        records, code = b"", b""
        for kind in range(13):
            named = 10 if kind in (10, 11) else 7
            access = member if kind < 6 else element
            records += struct.pack(order + "4I", len(code), named, access, kind)
            code += struct.pack(order + "BBhi", (0xB7, 0x61, 0x62)[kind % 3], 1, 0, 0)
        core_relo = struct.pack(order + "3I", 16, section, 13) + records
        header = struct.pack(order + "HBB7I", 0xEB9F, 1, 0, 32, 0, 0, 0, 0, 0, len(core_relo))
        blob = types.build()
        yield sized(blob) + sized(header + core_relo) + sized(code) + blob


def elf_file(bits: int, order: str) -> bytes:
    elf = ElfWriter(bits, order)
    elf.add(".BTF", every_kind(order).build())
    if order == "<":
        elf.add(".BTF.ext", ext_section())
    return elf.build()


def module_file() -> bytes:
    elf = ElfWriter()
    base, module, _ = distilled()
    elf.add(".BTF.base", base)
    elf.add(".BTF", module)
    return elf.build()


def layout_section() -> bytes:
    """A layout section that describes kind 20, and a record of that kind."""
    writer = BtfWriter()
    writer.add_int()
    writer.add(20, "new", vlen=2, extra=(0, 1, 2))
    layout = bytes(4 * 20) + bytes([4, 4, 0, 0])
    return sized(layout) + sized(writer.type_section) + writer.strings


def next_layout_section() -> bytes:
    """Every kind, those of linux-next too."""
    writer = next_kernel()
    return sized(layout(KNOWN + NEXT)) + sized(writer.type_section) + writer.strings


def next_kernels() -> list[bytes]:
    return [extended(next_kernel(order), NEXT) for order in "<>"]


def inline() -> bytes:
    """A kernel, and the locations of what is inlined in it."""
    kernel = next_kernel()
    locations = extended(inline_of(kernel, func_of(kernel)), NEXT)
    return sized(extended(kernel, NEXT)) + sized(locations)


def instructions(order: str, *rows: tuple[int, int, int, int, int]) -> bytes:
    """BPF instructions of opcode, destination, source, offset and immediate."""
    packed = b""
    for opcode, destination, source, offset, immediate in rows:
        low, high = (destination, source) if order == "<" else (source, destination)
        packed += struct.pack(order + "BBhi", opcode, high << 4 | low, offset, immediate)
    return packed


def bpf_object(order: str) -> bytes:
    """A program with branches, a stack, a loop, read-only data, and calls of all kinds."""
    program = instructions(
        order,
        (0xB7, 6, 0, 0, 3),
        (0x7B, 10, 6, -8, 0),
        (0x85, 0, 0, 0, 7),
        (0x15, 0, 0, 2, 5),
        (0x79, 6, 10, -8, 0),
        (0x56, 6, 0, 1, 3),
        (0x18, 1, 0, 0, 0),
        (0, 0, 0, 0, 0),
        (0x61, 1, 1, 0, 0),
        (0x85, 0, 1, 0, -1),
        (0x07, 6, 0, 0, -1),
        (0x55, 6, 0, -2, 0),
        (0x85, 0, 1, 0, -1),
        (0x95, 0, 0, 0, 0),
    )
    function = instructions(order, (0xBF, 0, 1, 0, 0), (0x67, 0, 0, 0, 4), (0x95, 0, 0, 0, 0))
    names = b"\0program\0function\0kfunc\0"
    symbols = b"".join(
        struct.pack(order + "IBBHQQ", *symbol)
        for symbol in (
            (0, 0, 0, 0, 0, 0),
            (0, 3, 0, 3, 0, 0),
            (9, 2, 0, 1, 0, len(function)),
            (1, 0x12, 0, 2, 0, len(program)),
            (18, 0x20, 0, 0, 0, 0),
        )
    )
    relocations = ((48, 1, 1), (72, 2, 10), (96, 4, 10))
    elf = ElfWriter(64, order)
    elf.add(".text", function, sh_flags=6)
    elf.add("kprobe/x", program, sh_flags=6)
    elf.add(".rodata", struct.pack(order + "I", 1), sh_flags=2)
    rows = b"".join(struct.pack(order + "QQ", at, number << 32 | how) for at, number, how in relocations)
    elf.add(".relkprobe/x", rows, sh_type=9, sh_info=2, sh_entsize=16)
    elf.add(".symtab", symbols, sh_type=2, sh_link=6, sh_entsize=24)
    elf.add(".strtab", names, sh_type=3)
    content = bytearray(elf.build())
    content[18:20] = struct.pack(order + "H", 247)
    return bytes(content)


def linked() -> bytes:
    """Structs that lead to each other through pointers, arrays, unions, bitfields and pointers to void."""
    writer = BtfWriter()
    number = writer.add_int()
    first = number + 1
    task, item, either = first + 5, first + 6, first + 7
    to_task = writer.add(PTR, size_or_type=task)
    to_item = writer.add(PTR, size_or_type=item)
    twice = writer.add(PTR, size_or_type=to_item)
    items = writer.add_array(to_item, number, 4)
    anything = writer.add(PTR, size_or_type=0)
    writer.add_struct("task", 56, [("items", items, 0), ("any", anything, 256), ("all", twice, 320)])
    members = [("owner", to_task, 0), ("bits", number, 3 << 24 | 64), ("", either, 128)]
    writer.add_struct("item", 24, members, kind_flag=True)
    writer.add_struct("", 8, [("next", to_item, 0), ("word", number, 0)], kind=5)
    writer.add(FUNC, "run", size_or_type=writer.add_proto(number, [("task", to_task), ("at", twice)]))
    return writer.build()


def seeds() -> Iterator[tuple[str, bytes]]:
    """Pairs of target and content."""
    raw = [every_kind(order, size).build() for order in "<>" for size in (24, 32)]
    raw += [nested(), unions(), kfunc(), long_records()]
    raw += [BtfWriter().build(), *next_kernels()]
    whole, parts = every_kind(), distilled()
    pair = sized(whole.build()) + sized(split_on(whole))
    for content in raw:
        yield "raw", content
        yield "changing", sized(content) + sized(b"") + bytes(range(64))
    yield "changing", pair + bytes(range(64))
    yield "split", pair + whole.build()
    yield "writing", sized(whole.build()) + split_on(whole)
    yield "split", inline() + next_kernels()[0]
    yield "split", sized(parts[0]) + sized(parts[1]) + parts[2]
    for bits in (32, 64):
        for order in "<>":
            yield "elf", elf_file(bits, order)
    yield "elf", module_file()
    for order in "<>":
        for statuses in (bytes([1] * 17), bytes(range(17)), bytes([9, 0, 2] * 6)):
            yield "program", sized(statuses) + bpf_object(order)
    yield "layout_section", layout_section()
    yield "layout_section", next_layout_section()
    yield "ext", sized(whole.build()) + ext_section()
    for content in relocations():
        yield "core_relo", content
    paths = ("->items[1]->owner", ".items[i]->next->next", "->all[0][2]->bits", "[3].word", "->any->x")
    for options, path in enumerate(paths):
        yield "paths", sized(linked()) + struct.pack("<H", 9 * 6 * options + 4) + path.encode()
        yield "paths", sized(nested()) + struct.pack("<H", 9 * 3 * options + 5) + path.encode()
    for content in raw:
        yield "diff", pair + content
        yield "diff", sized(content) + sized(b"") + nested()


def main() -> None:
    """Write all seeds."""
    for number, (target, content) in enumerate(seeds()):
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"seed-{number}").write_bytes(content)


if __name__ == "__main__":
    main()
