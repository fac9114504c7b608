"""Finds BPF objects inside other files: programs that load BPF carry their objects as they were compiled."""

from __future__ import annotations

import struct
from typing import NamedTuple

from ..errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MAGIC = b"\x7fELF"
_RELOCATABLE, _BPF = 1, 247  # e_type and e_machine
_NO_CONTENTS = 8  # sh_type of a section without bytes in the file
_HEADER = {1: 52, 2: 64}  # by the class of the file: 32 or 64 bits
HEAD = _HEADER[2]
"""Number of bytes at the start of a file that `is_bpf_object` and `has_elf_header` need."""
_SECTION_HEADER = {1: 40, 2: 64}
_MAX_SECTION_HEADERS = 1 << 20  # of all candidates in one file, as they may overlap
_MAX_DAMAGED = 4096


def is_bpf_object(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a relocatable ELF file for BPF."""
    order = _byte_order(head)
    return order is not None and struct.unpack_from(order + "HH", head, 16) == (_RELOCATABLE, _BPF)


def has_elf_header(head: bytes) -> bool:
    """Whether the first bytes of a file are a whole ELF header, of any machine."""
    return _byte_order(head) is not None


class Embedded(NamedTuple):
    """A BPF object in another file.

    Attributes:
        offset: Its first byte in the file.
        size: Its size in bytes; 0 if it is damaged.
        error: What is damaged; empty if nothing is.
    """

    offset: int
    size: int
    error: str = ""


def embedded_objects(content: bytes, name: str) -> Iterator[Embedded]:
    """Find the BPF objects in a file. What begins as one and does not fit into the file is damaged.

    Args:
        content: The bytes of the file.
        name: Its name, for errors.

    Raises:
        FormatError: The file has too many candidates.
    """
    checked = damaged = 0
    at = content.find(_MAGIC)
    while at >= 0:
        end = at + 1
        if is_bpf_object(content[at : at + HEAD]):
            sections = _section_headers(content, at)
            checked += sections[1] if sections else 0
            if checked > _MAX_SECTION_HEADERS:
                raise FormatError(f"{name}: the BPF objects in this file have too many sections")
            last = _end(content, at, *sections) if sections else None
            if last is not None:
                yield Embedded(at, last - at)
                end = last
            else:
                damaged += 1
                if damaged > _MAX_DAMAGED:
                    raise FormatError(f"{name}: this file has more than {_MAX_DAMAGED:,} damaged BPF objects")
                what = "a section is" if sections else "its section headers are"
                yield Embedded(at, 0, f"the BPF object at byte {at:#x} is damaged: {what} not in the file")
        at = content.find(_MAGIC, end)


def _byte_order(head: bytes) -> str | None:
    """The byte order of an ELF file, for `struct`; None if it is not one."""
    if len(head) < _HEADER[1] or not head.startswith(_MAGIC) or head[6] != 1:
        return None
    if len(head) < _HEADER.get(head[4], len(head) + 1):
        return None
    return {1: "<", 2: ">"}.get(head[5])


def _section_headers(content: bytes, at: int) -> tuple[int, int, int] | None:
    """The position, number and size of the section headers of an ELF file; None if they are not there."""
    order = _byte_order(content[at : at + HEAD])
    assert order is not None
    wide = content[at + 4] == 2
    (offset,) = struct.unpack_from(order + ("Q" if wide else "I"), content, at + (40 if wide else 32))
    size, count = struct.unpack_from(order + "HH", content, at + (58 if wide else 46))
    if size != _SECTION_HEADER[2 if wide else 1] or not count or offset + count * size > len(content) - at:
        return None
    return at + offset, count, size


def _end(content: bytes, at: int, start: int, count: int, size: int) -> int | None:
    """The end of an ELF file in a larger one; None if a section is not in the file."""
    order = _byte_order(content[at : at + HEAD])
    assert order is not None
    form = order + ("4xI16xQQ24x" if size == _SECTION_HEADER[2] else "4xI8xII16x")
    end = start + count * size
    for type_, offset, length in struct.iter_unpack(form, content[start:end]):
        if type_ not in (0, _NO_CONTENTS):
            if offset + length > len(content) - at:
                return None
            end = max(end, at + offset + length)
    return end
