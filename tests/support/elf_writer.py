"""Writes ELF files for tests: 32 or 64 bits, either byte order, well-formed or not.

It follows the System V gABI (chapters "ELF header" and "Sections") and shares nothing with btfmmap.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

NULL, PROGBITS, STRTAB, NOTE, NOBITS = 0, 1, 3, 7, 8
COMPRESSED = 0x800
ZLIB, ZSTD = 1, 2
XINDEX = 0xFFFF

_FILE_HEADER = {32: "16sHHIIIIIHHHHHH", 64: "16sHHIQQQIHHHHHH"}
_SECTION_HEADER = {32: "10I", 64: "IIQQQQIIQQ"}
_COMPRESSION_HEADER = {32: "III", 64: "IIQQ"}
_ALIGNMENT = 8


@dataclass
class Section:
    name: str
    content: bytes
    header: dict[str, int]
    """Header fields by the gABI's names (sh_type, ...), which override the correct ones."""
    at: int
    """Least offset in the file."""


@dataclass
class ElfWriter:
    """Collects sections. Section 0 and, as the last, the section of section names are added on building."""

    bits: int = 64
    order: str = "<"
    sections: list[Section] = field(default_factory=list)

    def add(self, name: str, content: bytes = b"", *, at: int = 0, **header: int) -> None:
        """One section as it stands: nothing here checks that it makes sense."""
        self.sections.append(Section(name, content, header, at))

    def add_compressed(self, name: str, content: bytes, how: int, size: int) -> None:
        """Add an SHF_COMPRESSED section: `how` is ch_type, `size` the claimed uncompressed size."""
        fields = (how, size, 1) if self.bits == 32 else (how, 0, size, 1)
        header = struct.pack(self.order + _COMPRESSION_HEADER[self.bits], *fields)
        self.add(name, header + content, sh_flags=COMPRESSED)

    @property
    def file_header_size(self) -> int:
        return struct.calcsize("<" + _FILE_HEADER[self.bits])

    @property
    def section_header_size(self) -> int:
        return struct.calcsize("<" + _SECTION_HEADER[self.bits])

    def build(
        self,
        *,
        first: dict[str, int] | None = None,
        names: dict[str, int] | None = None,
        entry_size: int | None = None,
        headers_last: bool = True,
        **header: int,
    ) -> bytes:
        """Return the file. `header`, `first` and `names` override fields of the file header, of section 0 and
        of the section names' header; `entry_size` is that of the section headers."""
        file = bytearray()
        for offset, content in self._pieces(first or {}, names or {}, entry_size, headers_last, header):
            file.extend(bytes(max(0, offset + len(content) - len(file))))
            file[offset : offset + len(content)] = content
        return bytes(file)

    def write_sparse(self, path: Path) -> None:
        """Write the file, with holes between sections."""
        with path.open("wb") as file:
            for offset, content in self._pieces({}, {}, None, True, {}):
                file.seek(offset)
                file.write(content)

    def _pieces(
        self,
        first: dict[str, int],
        names: dict[str, int],
        entry_size: int | None,
        headers_last: bool,
        header: dict[str, int],
    ) -> list[tuple[int, bytes]]:
        entry_size = self.section_header_size if entry_size is None else entry_size
        texts, name_offsets = b"\0", []
        for name in [*(section.name for section in self.sections), ".shstrtab"]:
            name_offsets.append(len(texts))
            texts += name.encode() + b"\0"
        own = Section(".shstrtab", texts, {"sh_type": STRTAB, **names}, 0)
        # Section names come first in the file, so that a truncated file still has them.
        count = len(self.sections) + 2
        end = self.file_header_size
        table_at = end
        if not headers_last:
            end += count * entry_size
        places = {}
        for section in [own, *self.sections]:
            start = -(-max(end, section.at) // _ALIGNMENT) * _ALIGNMENT
            places[id(section)] = start
            end = start + len(section.content)
        if headers_last:
            table_at = -(-end // _ALIGNMENT) * _ALIGNMENT

        table = [self._section_header(dict.fromkeys(_SECTION_FIELDS, 0) | first)]
        for section, name_offset in zip([*self.sections, own], name_offsets, strict=True):
            fields = {
                "sh_name": name_offset,
                "sh_type": PROGBITS,
                "sh_flags": 0,
                "sh_addr": 0,
                "sh_offset": places[id(section)],
                "sh_size": len(section.content),
                "sh_link": 0,
                "sh_info": 0,
                "sh_addralign": 1,
                "sh_entsize": 0,
            }
            table.append(self._section_header(fields | section.header))
        file_fields = {
            "e_class": self.bits // 32,
            "e_data": 1 if self.order == "<" else 2,
            "e_type": 1,
            "e_machine": 247,
            "e_version": 1,
            "e_entry": 0,
            "e_phoff": 0,
            "e_shoff": table_at,
            "e_flags": 0,
            "e_ehsize": self.file_header_size,
            "e_phentsize": 0,
            "e_phnum": 0,
            "e_shentsize": entry_size,
            "e_shnum": count,
            "e_shstrndx": count - 1,
        }
        assert not header.keys() - file_fields.keys()
        file_class, data, *rest = (file_fields | header).values()
        ident = b"\x7fELF" + bytes([file_class, data, 1])
        return [
            (0, struct.pack(self.order + _FILE_HEADER[self.bits], ident, *rest)),
            *((places[id(section)], section.content) for section in [own, *self.sections]),
            (table_at, b"".join(entry.ljust(entry_size, b"\xff") for entry in table)),
        ]

    def _section_header(self, fields: dict[str, int]) -> bytes:
        assert fields.keys() == set(_SECTION_FIELDS)
        return struct.pack(self.order + _SECTION_HEADER[self.bits], *(fields[key] for key in _SECTION_FIELDS))


_SECTION_FIELDS = (
    "sh_name",
    "sh_type",
    "sh_flags",
    "sh_addr",
    "sh_offset",
    "sh_size",
    "sh_link",
    "sh_info",
    "sh_addralign",
    "sh_entsize",
)
