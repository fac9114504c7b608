"""Writes kernel images after the boot protocols, around a small BTF."""

from __future__ import annotations

import random
import struct

from btf_writer import every_kind
from elf_writer import ElfWriter

BLOB = every_kind().build()
SIZE = 0x11000
"""Size of an image's first part, larger than all headers that identify its kind."""


def kernel_elf() -> bytes:
    writer = ElfWriter(64)
    writer.add(".text", random.Random(1).randbytes(5000))
    writer.add(".BTF", BLOB)
    return writer.build()


def noise(size: int) -> bytearray:
    """Bytes like instructions: without the magic of a compression or of BTF, or any mark of an image's
    kind."""
    return bytearray(random.Random(size).randbytes(size // 2 + 1).hex()[:size].encode())


def with_magic(offset: int, magic: bytes, rest: bytes = b"") -> bytes:
    image = noise(SIZE)
    image[offset : offset + len(magic)] = magic
    return bytes(image) + rest


def bzimage(payload: bytes, *, version: int = 0x20F, setup_sects: int = 7, **fields: int) -> bytes:
    """Documentation/arch/x86/boot.rst: the payload lies at payload_offset in the protected-mode code, which
    comes after (setup_sects or 4) + 1 sectors."""
    header = {"payload_offset": 700, "payload_length": len(payload)} | fields
    image = noise(((setup_sects or 4) + 1) * 512 + 700)
    image[0x1F1] = setup_sects
    image[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", image, 0x206, version)
    struct.pack_into("<II", image, 0x248, header["payload_offset"], header["payload_length"])
    return bytes(image + payload + noise(300))


def zboot(payload: bytes, **fields: int) -> bytes:
    """drivers/firmware/efi/libstub/zboot-header.S"""
    header = {"offset": 4096, "size": len(payload)} | fields
    start = struct.pack("<4s4sII8s32s", b"MZ\0\0", b"zimg", header["offset"], header["size"], b"", b"gzip")
    return start + noise(4096 - len(start)) + payload + noise(100)


def arm64(*parts: bytes) -> bytes:
    """Documentation/arch/arm64/booting.rst"""
    return with_magic(0x38, b"ARM\x64", b"".join(parts))


def s390(*parts: bytes) -> bytes:
    """arch/s390/boot/head.S"""
    return with_magic(0x10008, b"S390EP", b"".join(parts))
