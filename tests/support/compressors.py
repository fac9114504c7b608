"""Compressed content and tar archives, written by others' libraries."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
from collections.abc import Callable

import lz4.block  # type: ignore[import-untyped,unused-ignore]
import lz4.frame  # type: ignore[import-untyped,unused-ignore]
import zstandard

LZ4_LEGACY_BLOCK = 8 << 20


def lz4_legacy(data: bytes) -> bytes:
    """As `lz4 -l` writes it: blocks of 8 MiB, each behind its compressed size."""
    stream = b"\x02\x21\x4c\x18"
    for at in range(0, len(data), LZ4_LEGACY_BLOCK):
        block = lz4.block.compress(data[at : at + LZ4_LEGACY_BLOCK], store_size=False)
        stream += struct.pack("<I", len(block)) + block
    return stream


def lzma_alone(data: bytes) -> bytes:
    """As xz's own `--format=lzma` writes it: without the size, but with a marker at the end."""
    return lzma.compress(data, lzma.FORMAT_ALONE)


CODECS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "xz": lzma.compress,
    "lzma": lzma_alone,
    "bzip2": bz2.compress,
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "lz4": lambda data: bytes(lz4.frame.compress(data, content_checksum=True)),
    "legacy lz4": lz4_legacy,
}


def tar(files: dict[str, bytes], tar_format: int = tarfile.GNU_FORMAT) -> bytes:
    """An archive of files, by their names."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tar_format) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return output.getvalue()
