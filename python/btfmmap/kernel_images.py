"""Recognises bootable kernel images (`vmlinuz`, `Image`, ...) and locates the kernel and BTF in them."""

from __future__ import annotations

import struct

from .compression import MAGICS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# (offset, magic number, kind), from the boot protocols in the kernel's Documentation/arch.
_MAGICS = (
    (0x202, b"HdrS", "x86 bzImage"),
    (0x04, b"zimg", "EFI zboot image"),
    (0x38, b"ARM\x64", "arm64 Image"),
    (0x38, b"RSC\x05", "RISC-V Image"),
    (0x24, b"\x18\x28\x6f\x01", "arm zImage"),
    (0x24, b"\x01\x6f\x28\x18", "big-endian arm zImage"),
    (0x10008, b"S390EP", "s390 image"),
)
HEAD = 0x1000E
"""Number of bytes at the start of a file that `recognise` needs."""

BTF_MAGICS = (b"\x9f\xeb\x01\x00", b"\xeb\x9f\x01\x00")
_MAX_CANDIDATES = 64


def recognise(head: bytes) -> str | None:
    """The kind of kernel image with these first bytes, or None."""
    for offset, magic, kind in _MAGICS:
        if head[offset : offset + len(magic)] == magic:
            return kind
    return None


def payload(head: bytes) -> tuple[int, int] | None:
    """The offset and size of the compressed kernel, or None if the image's header does not record them."""
    kind = recognise(head)
    if kind == "x86 bzImage":
        # Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length (protocol 2.08)
        if len(head) < 0x250 or struct.unpack_from("<H", head, 0x206)[0] < 0x208:
            return None
        offset, size = struct.unpack_from("<II", head, 0x248)
        return ((head[0x1F1] or 4) + 1) * 512 + offset, size
    if kind == "EFI zboot image" and len(head) >= 0x10:
        # drivers/firmware/efi/libstub/zboot-header.S
        return struct.unpack_from("<II", head, 0x08)
    return None


def compressed(blob: memoryview) -> Iterator[tuple[int, str]]:
    """Offsets at which compressed data may start, with its compression.

    Limited for each magic number, as a hostile file may have millions.
    """
    data = bytes(blob)
    for magic, codec in MAGICS:
        for offset in _occurrences(data, magic):
            yield offset, codec


def uncompressed(blob: memoryview) -> Iterator[int]:
    """Offsets at which a BTF may start."""
    data = bytes(blob)
    for magic in BTF_MAGICS:
        yield from _occurrences(data, magic)


def _occurrences(data: bytes, magic: bytes) -> Iterator[int]:
    at = data.find(magic)
    for _ in range(_MAX_CANDIDATES):
        if at < 0:
            return
        yield at
        at = data.find(magic, at + 1)
