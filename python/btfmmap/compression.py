"""Decompresses whole inputs with the usual libraries, with a limit on the output."""

from __future__ import annotations

from .errors import BtfError, FormatError, NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from types import ModuleType
    from typing import Any

LIMIT = 1 << 30
"""Maximum number of decompressed bytes. Kernels with full debug information are smaller."""

_XZ_MEMORY = 1 << 28  # xz -9 needs 65 MiB
_FIRST_PIECE, _PIECE = 1 << 10, 1 << 20  # bytes of input at a time
_CHUNK = 1 << 22  # maximum bytes of output at a time
_ZSTD_PIECE = 1 << 10
_LZ4_LEGACY_BLOCK = 8 << 20  # the legacy format's fixed block size
_MAX_STREAMS = 1 << 20  # concatenated streams; all may be empty
_ZLIB_GZIP = 31  # zlib's window bits for a gzip header


def recognise(head: bytes) -> str | None:
    """The name of the compression of a file with these first bytes, or None."""
    for magic, codec in MAGICS:
        if head.startswith(magic):
            return codec
    return None


class Budget:
    """The number of bytes that may still be decompressed, shared by all nested containers of one input."""

    __slots__ = ("left",)

    def __init__(self, left: int | None = None) -> None:
        self.left: int = LIMIT if left is None else left


def decompress(data: memoryview, codec: str, name: str, budget: Budget) -> bytearray:
    """Decompress bytes, ignoring any data after the end. `name` is for messages.

    Raises:
        FormatError: the data is corrupt or truncated, or decompresses to more than the `budget`.
        NotSupportedError: the required library is not installed.
    """
    content = bytearray()
    try:
        for chunk in _CODECS[codec](data, name):
            budget.left -= len(chunk)
            if budget.left < 0:
                raise FormatError(f"{name}: decompresses ({codec}) to more than the {LIMIT:,} bytes allowed")
            content += chunk
    except BtfError:
        raise
    except Exception as error:  # libraries raise their own: lzma.LZMAError, zlib.error, RuntimeError, ...
        raise FormatError(f"{name}: broken {codec} data: {error or 'cut short'}") from error
    return content


def _piece(at: int) -> int:
    """The size of the next piece of input. Starts small: decompressors copy what follows a stream's end."""
    return min(max(at, _FIRST_PIECE), _PIECE)


def _pull(decompressor: Any, data: memoryview) -> Generator[bytes, None, int]:
    """Decompress one stream, through the interface of lzma and bz2. Returns the stream's end."""
    at = 0
    while not decompressor.eof:
        piece = data[at : at + _piece(at)] if decompressor.needs_input else b""
        if decompressor.needs_input and not piece:
            raise EOFError("cut short")
        at += len(piece)
        yield decompressor.decompress(piece, _CHUNK)
    return at - len(decompressor.unused_data or b"")  # None in lz4 if there is none


def _streams(
    data: memoryview, magic: bytes, unpack: Callable[[memoryview], Generator[bytes, None, int]]
) -> Iterator[bytes]:
    """Decompress concatenated streams, as parallel compressors write them."""
    for _ in range(_MAX_STREAMS):
        end = yield from unpack(data)
        data = data[end:]
        if data[: len(magic)] != magic:
            return
    raise ValueError(f"more than {_MAX_STREAMS:,} streams")


def _xz(data: memoryview, _name: str) -> Iterator[bytes]:
    import lzma

    def unpack(data: memoryview) -> Generator[bytes, None, int]:
        return _pull(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY), data)

    return _streams(data, _XZ_MAGIC, unpack)


def _lzma(data: memoryview, _name: str) -> Iterator[bytes]:
    import lzma

    return _pull(lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_XZ_MEMORY), data)


def _bzip2(data: memoryview, _name: str) -> Iterator[bytes]:
    import bz2

    return _streams(data, _BZIP2_MAGIC, lambda data: _pull(bz2.BZ2Decompressor(), data))


def _inflate(data: memoryview, window_bits: int) -> Generator[bytes, None, int]:
    import zlib

    decompressor = zlib.decompressobj(window_bits)
    at = 0
    piece: bytes | memoryview = b""
    while not decompressor.eof:
        if not piece:
            piece = data[at : at + _piece(at)]
            at += len(piece)
        chunk = decompressor.decompress(piece, _CHUNK)
        piece = decompressor.unconsumed_tail
        if not chunk and not piece and at == len(data) and not decompressor.eof:
            raise EOFError("cut short")
        yield chunk
    return at - len(decompressor.unused_data)


def _gzip(data: memoryview, _name: str) -> Iterator[bytes]:
    return _streams(data, _GZIP_MAGIC, lambda data: _inflate(data, _ZLIB_GZIP))


def _zlib(data: memoryview, _name: str) -> Iterator[bytes]:
    import zlib

    return _inflate(data, zlib.MAX_WBITS)


def _zstd(data: memoryview, name: str) -> Iterator[bytes]:
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]  # Python 3.14
    except ImportError:
        zstandard = _optional("zstandard", "zstd", name)
    else:
        return _streams(data, _ZSTD_MAGIC, lambda data: _pull(zstd.ZstdDecompressor(), data))
    return _streams(data, _ZSTD_MAGIC, lambda data: _zstd_frame(zstandard, data))


def _zstd_frame(zstandard: ModuleType, data: memoryview) -> Generator[bytes, None, int]:
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    at = 0
    while not decompressor.eof:
        # All output of a piece is returned at once, and 4 bytes may encode a block of 128 KiB.
        piece = data[at : at + _ZSTD_PIECE]
        if not piece:
            raise EOFError("cut short")
        at += len(piece)
        yield decompressor.decompress(piece)
    return at - len(decompressor.unused_data)


def _lz4(data: memoryview, name: str) -> Iterator[bytes]:
    _optional("lz4", "lz4", name)
    import lz4.frame  # type: ignore[import-untyped,unused-ignore]

    return _streams(data, _LZ4_MAGIC, lambda data: _pull(lz4.frame.LZ4FrameDecompressor(), data))


def _lz4_legacy(data: memoryview, name: str) -> Iterator[bytes]:
    """The format of `lz4 -l`, which the kernel's build uses: blocks preceded by their compressed size."""
    _optional("lz4", "lz4", name)
    import lz4.block  # type: ignore[import-untyped,unused-ignore]

    at, unpacked = len(_LZ4_LEGACY_MAGIC), 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "little")
        at += 4
        if unpacked and size == unpacked:
            return  # the build appends the content's size
        if size > len(data) - at:
            raise EOFError("cut short")
        chunk = lz4.block.decompress(bytes(data[at : at + size]), uncompressed_size=_LZ4_LEGACY_BLOCK)
        unpacked += len(chunk)
        yield chunk
        at += size
        if len(chunk) < _LZ4_LEGACY_BLOCK:
            return


def _optional(package: str, codec: str, name: str) -> ModuleType:
    from importlib import import_module

    try:
        return import_module(package)
    except ImportError:
        raise NotSupportedError(
            f"{name}: compressed with {codec}, which requires the package {package}: "
            "pip install 'btfmmap[compression]'"
        ) from None


_GZIP_MAGIC = b"\x1f\x8b\x08"
_XZ_MAGIC = b"\xfd7zXZ\0"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_LZ4_MAGIC = b"\x04\x22\x4d\x18"
_BZIP2_MAGIC = b"BZh"
_LZ4_LEGACY_MAGIC = b"\x02\x21\x4c\x18"

MAGICS = (
    (_GZIP_MAGIC, "gzip"),
    (_XZ_MAGIC, "xz"),
    (_ZSTD_MAGIC, "zstd"),
    (_LZ4_LEGACY_MAGIC, "legacy lz4"),
    (_LZ4_MAGIC, "lz4"),
    (_BZIP2_MAGIC, "bzip2"),
    (b"\x5d\0\0", "lzma"),
)
"""Magic numbers at the start of compressed data, with the names of the compressions."""

_CODECS: dict[str, Callable[[memoryview, str], Iterator[bytes]]] = {
    "gzip": _gzip,
    "zlib": _zlib,
    "xz": _xz,
    "lzma": _lzma,
    "bzip2": _bzip2,
    "zstd": _zstd,
    "lz4": _lz4,
    "legacy lz4": _lz4_legacy,
}
