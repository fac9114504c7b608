"""Writes BPF objects with CO-RE relocations for tests: ELF files that libbpf opens too.

It follows the kernel's `include/uapi/linux/bpf.h` and libbpf's `btf.h`, and shares nothing with btfmmap.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from btf_writer import BtfWriter
from elf_writer import ElfWriter

MOV, LDIMM64, EXIT = 0xB7, 0x18, 0x95
LDX, ST, STX = 0x61, 0x62, 0x63  # of 4 bytes
SIZES = {1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18}

_SYMTAB, _STRTAB, _PROGBITS = 2, 3, 1
_ALLOC_EXEC = 6
_GLOBAL_FUNC = 0x12
_MACHINE = 247
SECTION = "socket"


def instruction(
    order: str, code: int, *, destination: int = 0, source: int = 0, offset: int = 0, immediate: int = 0
) -> bytes:
    """One instruction; the registers are nibbles, the lower one first in little-endian."""
    low, high = (destination, source) if order == "<" else (source, destination)
    return struct.pack(
        order + "BBhi",
        code,
        high << 4 | low,
        offset,
        (immediate & 0xFFFFFFFF) - (immediate >> 31 & 1) * 2**32,
    )


@dataclass
class Relocation:
    """A record of .BTF.ext; `code` is the instruction, or two of them."""

    kind: int
    type_id: int
    access: str | bytes
    code: bytes


@dataclass
class BpfObject:
    """Collects relocations of one program."""

    types: BtfWriter
    relocations: list[Relocation] = field(default_factory=list)
    section: str = SECTION

    @property
    def order(self) -> str:
        return self.types.order

    def add(self, kind: int, type_id: int, access: str | bytes, code: bytes) -> None:
        self.relocations.append(Relocation(kind, type_id, access, code))

    def add_immediate(self, kind: int, type_id: int, access: str | bytes, value: int) -> None:
        """Add an assignment of 32 bits."""
        self.add(kind, type_id, access, instruction(self.order, MOV, destination=1, immediate=value))

    def add_immediate64(self, kind: int, type_id: int, access: str | bytes, value: int) -> None:
        """Add an assignment of 64 bits."""
        first = instruction(self.order, LDIMM64, destination=1, immediate=value & 0xFFFFFFFF)
        second = instruction(self.order, 0, immediate=value >> 32 & 0xFFFFFFFF)
        self.add(kind, type_id, access, first + second)

    def add_load(self, type_id: int, access: str, offset: int, size: int = 4, code: int = LDX) -> None:
        """Add a load or store of a field."""
        made = instruction(self.order, code | SIZES[size], source=1, offset=offset)
        self.add(0, type_id, access, made)

    def build(self) -> bytes:
        order, types = self.order, BtfWriter(self.types.order, 24, [*self.types.records], self.types.strings)
        section, code, records = types.string(self.section), b"", b""
        for relocation in self.relocations:
            access = types.string(relocation.access)
            words = (len(code), relocation.type_id, access, relocation.kind)
            records += struct.pack(order + "4I", *words)
            code += relocation.code
        code += instruction(order, EXIT)
        core_relo = struct.pack(order + "3I", 16, section, len(self.relocations)) + records
        header = struct.pack(order + "HBB7I", 0xEB9F, 1, 0, 32, 0, 0, 0, 0, 0, len(core_relo))

        elf = ElfWriter(64, order)
        elf.add(self.section, code, sh_type=_PROGBITS, sh_flags=_ALLOC_EXEC)
        elf.add("license", b"GPL\0", sh_flags=3)
        elf.add(".BTF", types.build())
        elf.add(".BTF.ext", header + core_relo)
        elf.add(".strtab", b"\0program\0", sh_type=_STRTAB)
        symbols = bytes(24) + struct.pack(order + "IBBHQQ", 1, _GLOBAL_FUNC, 0, 1, 0, len(code))
        elf.add(".symtab", symbols, sh_type=_SYMTAB, sh_link=5, sh_info=1, sh_entsize=24)
        return elf.build(e_type=1, e_machine=_MACHINE)
