"""Compressed BTF, compressed ELF files and tar archives; malformed ones, and ones that decompress to too
much."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import lzma
import random
import re
import struct
import sys
import tarfile
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import zstandard
from btf_writer import every_kind
from compressors import CODECS, LZ4_LEGACY_BLOCK, lz4_legacy, lzma_alone, tar
from elf_writer import ZLIB, ZSTD, ElfWriter

import btfmmap
from btfmmap import Btf, FormatError, compression

BLOB = every_kind().build()
MIB = 1 << 20


def elf_file() -> bytes:
    writer = ElfWriter(32)
    writer.add(".text", b"\xc3")
    writer.add(".BTF", BLOB)
    return writer.build()


EXTENSIONS = {
    "gzip": ".gz",
    "xz": ".xz",
    "lzma": ".lzma",
    "bzip2": ".bz2",
    "zstd": ".zst",
    "lz4": ".lz4",
    "legacy lz4": ".lz4",
}
IN_STREAMS = ("gzip", "xz", "bzip2", "zstd", "lz4")
"""Formats whose streams may follow one another."""
CHECKED = ("gzip", "xz", "bzip2", "zstd", "lz4")
"""Formats with a checksum of the content."""

every_codec = pytest.mark.parametrize("codec", CODECS)


def refused(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=f"^buffer: .*{re.escape(message)}"):
        btfmmap.open(data=data)


def same(btf: Btf, path: Path | None = None) -> None:
    assert btf.raw.tobytes() == BLOB
    assert btf.source.how == "read"
    assert btf.source.path == (None if path is None else str(path))
    assert btf.source.size == len(BLOB)


@every_codec
class TestOpens:
    def test_a_file(self, codec: str, tmp_path: Path) -> None:
        path = tmp_path / f"some.btf{EXTENSIONS[codec]}"
        path.write_bytes(CODECS[codec](BLOB))
        same(btfmmap.open(path), path)
        same(btfmmap.open(path, method="mmap"), path)

    def test_content_decides(self, codec: str, tmp_path: Path) -> None:
        path = tmp_path / "vmlinux.zip"
        path.write_bytes(CODECS[codec](BLOB))
        same(btfmmap.open(path), path)

    @pytest.mark.parametrize("convert", [bytes, bytearray, memoryview])
    def test_bytes(self, codec: str, convert: Callable[[bytes], bytes]) -> None:
        same(btfmmap.open(data=convert(CODECS[codec](BLOB))))

    def test_an_elf_file(self, codec: str, tmp_path: Path) -> None:
        path = tmp_path / f"some.ko{EXTENSIONS[codec]}"
        path.write_bytes(CODECS[codec](elf_file()))
        btf = btfmmap.open(path)
        same(btf, path)
        assert btf.source.pointer_size == 4

    def test_megabytes(self, codec: str) -> None:
        """More data than a decompressor takes or gives at a time."""
        generator = random.Random(20261125)
        blob = BLOB + generator.randbytes(3 * MIB // 2) + bytes(LZ4_LEGACY_BLOCK) + b"end"
        assert btfmmap.open(data=fast(codec, blob)).raw.tobytes() == blob

    def test_what_follows_is_left_alone(self, codec: str) -> None:
        """Kernel images have the content's size there, and anything may follow in an image."""
        for rest in (b"\0", struct.pack("<I", len(BLOB)), b"rest" * 1000):
            same(btfmmap.open(data=CODECS[codec](BLOB) + rest))


def fast(codec: str, data: bytes) -> bytes:
    """Compressed at a low level."""
    if codec == "xz":
        return lzma.compress(data, preset=0)
    if codec == "lzma":
        return lzma.compress(data, lzma.FORMAT_ALONE, preset=0)
    if codec == "bzip2":
        return bz2.compress(data, 1)
    if codec == "gzip":
        return gzip.compress(data, 1)
    return CODECS[codec](data)


@pytest.mark.parametrize("codec", IN_STREAMS)
class TestStreams:
    """Streams one after the other, as parallel compressors and `cat` leave them."""

    def test_of_one_file(self, codec: str) -> None:
        compress = CODECS[codec]
        for cuts in ([400], [0, 1, 2, 500], list(range(0, len(BLOB), 10))):
            edges = [0, *cuts, len(BLOB)]
            pieces = [BLOB[start:end] for start, end in itertools.pairwise(edges)]
            same(btfmmap.open(data=b"".join(map(compress, pieces))))

    def test_second_one_cut_short(self, codec: str) -> None:
        data = CODECS[codec](BLOB[:400]) + CODECS[codec](BLOB[400:])
        refused(data[:-1], f"broken {codec} data: ")

    def test_a_million_empty_ones(self, codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Empty streams do not count against the limit on size. A limit on their number applies, here a
        thousand."""
        monkeypatch.setattr(compression, "_MAX_STREAMS", 1000)
        empty, full = CODECS[codec](b""), CODECS[codec](BLOB)
        same(btfmmap.open(data=empty * 999 + full))
        refused(empty * 1000 + full, f"broken {codec} data: more than 1,000 streams")


def test_appended_size_of_whole_blocks() -> None:
    """The kernel's build appends the size to the last block. After full blocks it cannot be read as a block's
    size."""
    for blocks in (1, 2):
        content = BLOB.ljust(blocks * LZ4_LEGACY_BLOCK, b"\0")
        size = struct.pack("<I", len(content))
        for rest in (b"", size, size + b"more"):
            btf = btfmmap.open(data=lz4_legacy(content) + rest)
            assert btf.raw.tobytes() == content


@every_codec
class TestBroken:
    def test_every_cut(self, codec: str) -> None:
        data = CODECS[codec](BLOB)
        for size in range(6, len(data)):
            refused(data[:size], f"broken {codec} data: ")
        for size in range(6):
            with pytest.raises(FormatError, match=r"^buffer: "):
                btfmmap.open(data=data[:size])

    def test_cut_in_a_file(self, codec: str, tmp_path: Path) -> None:
        path = tmp_path / "cut"
        path.write_bytes(CODECS[codec](BLOB)[:-1])
        with pytest.raises(FormatError, match=f"^{re.escape(str(path))}: broken {codec} data: "):
            btfmmap.open(path)

    def test_cut_between_blocks(self, codec: str) -> None:
        data = fast(codec, BLOB.ljust(9 * MIB, b"\0"))
        refused(data[: len(data) // 2], f"broken {codec} data: ")

    def test_every_changed_byte(self, codec: str) -> None:
        """A changed byte ends in an error or, under a checksum, in the same content: some bytes carry no
        information."""
        data = CODECS[codec](BLOB)
        generator = random.Random(20261126)
        refusals = 0
        for position in range(len(data)):
            changed = bytearray(data)
            changed[position] ^= generator.randint(1, 255)
            try:
                btf = btfmmap.open(data=bytes(changed))
            except FormatError:
                refusals += 1
                continue
            if codec in CHECKED:
                same(btf)
            else:
                btf.names()
        assert refusals > len(data) * (0.9 if codec in CHECKED else 0.1)

    def test_only_the_beginning(self, codec: str) -> None:
        """The magic bytes, then garbage."""
        magic = CODECS[codec](BLOB)[:6]
        refused(magic + b"\xff" * 100, f"broken {codec} data: ")

    def test_not_btf(self, codec: str) -> None:
        refused(CODECS[codec](b"text"), "neither BTF nor a file that may contain it")
        refused(CODECS[codec](b"text"), "starts with bytes 74 65 78 74")

    def test_broken_btf(self, codec: str) -> None:
        refused(CODECS[codec](every_kind().build(version=9)), "BTF version 9")


@every_codec
class TestBombs:
    def test_limit(self, codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The largest size that opens, and the smallest that does not."""
        monkeypatch.setattr(compression, "LIMIT", MIB)
        for size in (MIB, MIB + 1):
            data = CODECS[codec](BLOB.ljust(size, b"\0"))
            assert len(data) < 20_000
            if size == MIB:
                assert btfmmap.open(data=data).source.size == size
            else:
                message = f"decompresses ({codec}) to more than the 1,048,576 bytes allowed"
                refused(data, message)

    def test_memory(self, codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compression, "LIMIT", MIB)
        size = 256 * MIB if codec in ("zstd", "gzip") else 96 * MIB
        data = fast(codec, bytes(size))
        assert len(data) < 2 * MIB
        tracemalloc.start()
        try:
            refused(data, "bytes allowed")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 72 * MIB

    def test_all_that_is_unpacked_counts(self, codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """The limit applies to the sum over all steps."""
        content = BLOB.ljust(100_000, b"\0")
        data = CODECS[codec](lzma.compress(content))
        inner = len(lzma.compress(content))
        monkeypatch.setattr(compression, "LIMIT", len(content) + inner)
        assert btfmmap.open(data=data).source.size == len(content)
        monkeypatch.setattr(compression, "LIMIT", len(content) + inner - 1)
        refused(data, "decompresses (xz) to more than")


@pytest.mark.parametrize(("how", "codec"), [(ZLIB, "zlib"), (ZSTD, "zstd")])
def test_bomb_in_a_section(how: int, codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "LIMIT", MIB)
    content = BLOB.ljust(64 * MIB, b"\0")
    packed = zlib.compress(content) if how == ZLIB else zstandard.compress(content)
    elf = ElfWriter()
    elf.add_compressed(".BTF", packed, how, len(content))
    refused(elf.build(), f".BTF: decompresses ({codec}) to more than the 1,048,576 bytes allowed")


class TestMemoryLimit:
    """A few bytes can demand a dictionary of gigabytes."""

    def test_xz(self) -> None:
        data = bytearray(lzma.compress(BLOB))
        # The first block's header, after 12 bytes: its size, flags, LZMA2 (0x21) with one byte of
        # properties, the dictionary's size in half powers of two, padding, CRC32.
        header_size = (data[12] + 1) * 4
        assert data[14:16] == b"\x21\x01"
        data[16] = 36  # 1 GiB
        data[12 + header_size - 4 : 12 + header_size] = struct.pack(
            "<I", zlib.crc32(data[12 : 12 + header_size - 4])
        )
        assert lzma.decompress(data) == BLOB
        refused(bytes(data), "broken xz data: Memory usage limit exceeded")

    def test_lzma(self) -> None:
        data = bytearray(lzma_alone(BLOB))
        data[1:5] = struct.pack("<I", 1 << 30)
        assert lzma.decompress(data) == BLOB
        refused(bytes(data), "broken lzma data: Memory usage limit exceeded")

    def test_zstd(self) -> None:
        """Frame_Header_Descriptor 0, then Window_Descriptor: exponent 21, so 2 GiB; a raw block."""
        for exponent in (17, 21):
            block = struct.pack("<I", len(BLOB) << 3 | 1)[:3] + BLOB
            data = b"\x28\xb5\x2f\xfd" + bytes([0, exponent << 3]) + block
            if exponent == 17:
                same(btfmmap.open(data=data))
            else:
                refused(data, "broken zstd data: ")

    def test_largest_presets_open(self) -> None:
        for preset in (9, 9 | lzma.PRESET_EXTREME):
            same(btfmmap.open(data=lzma.compress(BLOB, preset=preset)))


class TestNesting:
    def test_depth(self) -> None:
        data = BLOB
        for _ in range(4):
            data = lzma.compress(data)
            same(btfmmap.open(data=data))
        for _ in range(3):
            data = lzma.compress(data)
            refused(data, "more than 4 nested levels of compression or archives")

    def test_every_codec_in_another(self) -> None:
        names = list(CODECS)
        for first, second in zip(names, names[1:] + names[:1], strict=True):
            same(btfmmap.open(data=CODECS[second](CODECS[first](BLOB))))

    def test_quine(self) -> None:
        """Alternating tar and compression."""
        data = BLOB
        for _ in range(3):
            data = gzip.compress(tar({"some.btf": data}))
        refused(data, "more than 4 nested levels of compression or archives")


class StandardDecompressor:
    """The interface of Python 3.14's `compression.zstd.ZstdDecompressor`, on the package zstandard."""

    def __init__(self) -> None:
        self._decompressor = zstandard.ZstdDecompressor().decompressobj()
        self._ready = b""

    @property
    def eof(self) -> bool:
        return self._decompressor.eof and not self._ready

    @property
    def needs_input(self) -> bool:
        return not self._ready and not self._decompressor.eof

    @property
    def unused_data(self) -> bytes:
        return self._decompressor.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        if data:
            self._ready += self._decompressor.decompress(data)
        end = len(self._ready) if max_length < 0 else max_length
        chunk, self._ready = self._ready[:end], self._ready[end:]
        return chunk


class TestStandardZstd:
    """Python's own module, where there is one, is used before the package is asked for."""

    @pytest.fixture(autouse=True)
    def module(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "zstandard", None)
        if sys.version_info < (3, 14):
            package, module = ModuleType("compression"), ModuleType("compression.zstd")
            vars(module)["ZstdDecompressor"] = StandardDecompressor
            vars(package)["zstd"] = module
            monkeypatch.setitem(sys.modules, "compression", package)
            monkeypatch.setitem(sys.modules, "compression.zstd", module)

    def test_frames(self) -> None:
        packed = CODECS["zstd"]
        same(btfmmap.open(data=packed(BLOB)))
        same(btfmmap.open(data=packed(BLOB[:40]) + packed(BLOB[40:])))
        same(btfmmap.open(data=packed(BLOB) + b"padding"))

    def test_broken(self) -> None:
        data = CODECS["zstd"](BLOB)
        refused(data[:-5], "broken zstd data: ")
        refused(data[:10] + bytes(10) + data[20:], "broken zstd data: ")


class TestMissingLibraries:
    @pytest.mark.parametrize(
        ("package", "codec"), [("zstandard", "zstd"), ("lz4", "lz4"), ("lz4", "legacy lz4")]
    )
    def test_named(self, package: str, codec: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setitem(sys.modules, package, None)
        monkeypatch.setitem(sys.modules, "compression", None)
        path = tmp_path / "some.btf"
        path.write_bytes(CODECS[codec](BLOB))
        with pytest.raises(btfmmap.NotSupportedError) as caught:
            btfmmap.open(path)
        assert str(caught.value).startswith(f"{path}: compressed with ")
        assert f"the package {package}: pip install 'btfmmap[compression]'" in str(caught.value)

    def test_section(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "zstandard", None)
        monkeypatch.setitem(sys.modules, "compression", None)
        elf = ElfWriter()
        elf.add_compressed(".BTF", zstandard.compress(BLOB), ZSTD, len(BLOB))
        with pytest.raises(btfmmap.NotSupportedError, match=r"\.BTF: compressed with zstd"):
            btfmmap.open(data=elf.build())

    @pytest.mark.parametrize("codec", ["gzip", "xz", "lzma", "bzip2"])
    def test_the_others_need_none(self, codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "zstandard", None)
        monkeypatch.setitem(sys.modules, "lz4", None)
        same(btfmmap.open(data=CODECS[codec](BLOB)))


def header_with_size(field: bytes) -> bytes:
    """A tar header with the given size field and the right checksum."""
    header = bytearray(tar({"some.btf": b""})[:512])
    header[124:136] = field
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def base_256(number: int) -> bytes:
    """GNU tar's binary form of numbers too large for octal digits."""
    return (b"\xff" if number < 0 else b"\x80") + (number % 2**88).to_bytes(11, "big")


class TestTar:
    @pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    @pytest.mark.parametrize("compress", [bytes, *CODECS.values()])
    def test_one_member(self, tar_format: int, compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
        """The form of BTFHub's archives."""
        path = tmp_path / "5.4.0-42-generic.btf.tar.xz"
        path.write_bytes(compress(tar({"5.4.0-42-generic.btf": BLOB}, tar_format)))
        same(btfmmap.open(path), path)

    def test_only_the_member_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "some.tar"
        path.write_bytes(tar({"junk": bytes(1000), "some.btf": BLOB}))
        btf = btfmmap.open(path, method="mmap")
        assert btf.raw.tobytes() == BLOB
        assert btf.source.how == "mmap"

    @pytest.mark.parametrize("member", [elf_file(), lzma.compress(BLOB), CODECS["zstd"](elf_file())])
    def test_members_that_hold_btf(self, member: bytes) -> None:
        btf = btfmmap.open(data=tar({"some": member}))
        assert btf.raw.tobytes() == BLOB

    def test_junk_beside(self) -> None:
        """Text, an empty file, an ELF file without .BTF, broken xz; a folder, links, a device; names that
        GNU tar and pax put into members of their own."""
        long_name = "folder/" * 40 + "ä"
        empty_elf = ElfWriter().build()
        junk = {"README": b"text" * 500, "empty": b"", "e.ko": empty_elf, "x.xz": lzma.compress(b"-")[:-1]}
        for tar_format in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            output = io.BytesIO()
            with tarfile.open(fileobj=output, mode="w", format=tar_format) as archive:
                for kind in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE):
                    info = tarfile.TarInfo("some.btf")
                    info.type, info.linkname = kind, "junk"
                    archive.addfile(info)
                for name, content in (junk | {long_name: BLOB, "last": b"text"}).items():
                    info = tarfile.TarInfo(name)
                    info.size = len(content)
                    archive.addfile(info, io.BytesIO(content))
            same(btfmmap.open(data=gzip.compress(output.getvalue())))

    def test_two_btfs(self) -> None:
        files = {"a.btf": BLOB, "junk": b"text", "b.btf": BLOB}
        refused(lzma.compress(tar(files)), "a tar archive with 2 BTF files (a.btf, b.btf); extract the one")

    def test_many_btfs(self) -> None:
        files = {f"{number}.btf": BLOB for number in range(10)}
        refused(tar(files), "a tar archive with 10 BTF files (0.btf, 1.btf, 2.btf, ...); extract the one")

    def test_no_files(self) -> None:
        info = tarfile.TarInfo("folder")
        info.type = tarfile.DIRTYPE
        refused(info.tobuf() + bytes(1024), "a tar archive without files")

    def test_empty(self) -> None:
        """Zeros only, which nothing marks as an archive."""
        empty = tar({})
        refused(empty, "starts with bytes 00 00 00 00")
        refused(lzma.compress(empty), "starts with bytes 00 00 00 00")

    def test_no_btf(self) -> None:
        """The first file's error names it."""
        refused(tar({"README": b"text", "b": b""}), "README: neither BTF nor a file that may contain it")

    def test_broken_btf(self) -> None:
        refused(tar({"a.btf": every_kind().build(version=5)}), "a.btf: BTF version 5")

    @pytest.mark.parametrize("size", [513, 2**33 - 1, 2**40, 2**63, 2**87])
    def test_size_past_the_end(self, size: int) -> None:
        field = b"%011o\0" % size if size < 2**33 else base_256(size)
        message = f"a broken tar archive: 'some.btf' with {size} bytes at byte 512"
        refused(header_with_size(field) + bytes(512), message)

    @pytest.mark.parametrize("size", [-1, -512, -1024, -(2**40), -(2**87)])
    def test_negative_size(self, size: int) -> None:
        """Following such a size would lead backwards, in an endless loop."""
        message = f"a broken tar archive: 'some.btf' with {size} bytes at byte 512"
        refused(header_with_size(base_256(size)) + bytes(2048), message)

    def test_broken_header_behind_the_first(self) -> None:
        data = bytearray(tar({"a": b"text", "b.btf": BLOB}))
        assert btfmmap.open(data=bytes(data)).raw.tobytes() == BLOB
        data[1024 + 100] ^= 1
        refused(bytes(data), "a broken tar archive: bad checksum at byte 1024")

    def test_mutations(self) -> None:
        generator = random.Random(20261127)
        original = tar({"a": b"text", "b.btf": BLOB})[: 3 * 512 + 1024]
        opened = 0
        for _ in range(2000):
            data = bytearray(original)
            start = generator.choice([0, 1024])
            for _ in range(generator.randint(1, 3)):
                data[start + generator.randrange(345)] = generator.choice(b"\0\x80\xff 0179AKLSgx")
            if generator.random() < 0.9:
                data[start + 148 : start + 156] = b" " * 8
                data[start + 148 : start + 156] = b"%06o\0 " % sum(data[start : start + 512])
            try:
                btf = btfmmap.open(data=bytes(data))
            except FormatError:
                continue
            opened += 1
            # A larger size includes some of the zeros that follow.
            assert btf.raw.tobytes().rstrip(b"\0") == BLOB.rstrip(b"\0")
        assert 100 < opened < 1990

    def test_bombs_in_members_share_one_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first file over the limit ends the search, because each of the others would decompress as much
        again."""
        monkeypatch.setattr(compression, "LIMIT", MIB)
        unpacked = []
        decompress = compression.decompress

        def counting(data: memoryview, codec: str, name: str, budget: compression.Budget) -> bytearray:
            unpacked.append(name)
            return decompress(data, codec, name, budget)

        monkeypatch.setattr(compression, "decompress", counting)
        files = {f"{number}.xz": lzma.compress(bytes(MIB // 4)) for number in range(100)}
        refused(tar(files), "4.xz: decompresses (xz) to more than the 1,048,576 bytes allowed")
        assert len(unpacked) == 5
