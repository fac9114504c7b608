"""BTF inside of boot images: images made here after the boot protocols, hostile ones, and real ones."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import random
import re
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from btf_writer import BtfWriter, every_kind
from compressors import CODECS, tar
from elf_writer import ElfWriter
from kernel_image_writer import BLOB, SIZE, arm64, bzimage, kernel_elf, noise, s390, with_magic, zboot

import btfmmap
from btfmmap import FormatError, compression, containers
from btfmmap._core import Btf as CoreBtf
from btfmmap._core import File

BIG_ENDIAN = every_kind(">").build()
BTF_MAGIC = BLOB[:4]


def program() -> bytes:
    """The BTF of a small BPF program, which a kernel may have built in."""
    writer = BtfWriter()
    writer.add_int("program")
    return writer.build()


OTHERS: dict[str, Callable[..., bytes]] = {
    "arm64 Image": arm64,
    "s390 image": s390,
    "RISC-V Image": lambda *parts: with_magic(0x38, b"RSC\x05", b"".join(parts)),
    "arm zImage": lambda *parts: with_magic(0x24, struct.pack("<I", 0x016F2818), b"".join(parts)),
    "big-endian arm zImage": lambda *parts: with_magic(0x24, struct.pack(">I", 0x016F2818), b"".join(parts)),
}
"""Images whose headers do not locate the payload."""


def check(image: bytes, folder: Path, blob: bytes = BLOB, *, in_place: bool = False) -> None:
    """An image opens in each possible way."""
    path = folder / "vmlinuz"
    path.write_bytes(image)
    hows = ("read", "mmap", "buffer") if in_place else ("read",) * 3
    opened = (btfmmap.open(path), btfmmap.open(path, method="mmap"), btfmmap.open(data=image))
    for btf, how in zip(opened, hows, strict=True):
        assert btf.raw.tobytes() == blob
        assert btf.source.how == how
    assert [btf.source.path for btf in opened] == [str(path), str(path), None]


def refused(image: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=f"^buffer: .*{re.escape(message)}"):
        btfmmap.open(data=image)


class TestBzImage:
    @pytest.mark.parametrize("codec", CODECS)
    @pytest.mark.parametrize("appended", [b"", struct.pack("<I", 12345)])
    def test_opens(self, codec: str, appended: bytes, tmp_path: Path) -> None:
        """The build appends the size to payloads other than gzip."""
        check(bzimage(CODECS[codec](kernel_elf()) + appended), tmp_path)

    def test_pointer_size(self) -> None:
        writer = ElfWriter(32)
        writer.add(".BTF", BLOB)
        assert btfmmap.open(data=bzimage(gzip.compress(writer.build()))).source.pointer_size == 4

    @pytest.mark.parametrize("setup_sects", [0, 1, 31, 255])
    def test_setup_sectors(self, setup_sects: int, tmp_path: Path) -> None:
        """Zero setup sectors mean 4. A decoy before the payload catches a wrong place."""
        decoy = BtfWriter()
        decoy.add_int("decoy")
        image = bytearray(bzimage(gzip.compress(kernel_elf()), setup_sects=setup_sects))
        packed = gzip.compress(decoy.build())
        image[0x260 : 0x260 + len(packed)] = packed
        check(bytes(image), tmp_path)

    def test_before_the_header_said_where(self, tmp_path: Path) -> None:
        """Protocol 2.07 does not locate the payload: the image is searched."""
        wrong = {"payload_offset": 2**32 - 1, "payload_length": 2**32 - 1}
        check(bzimage(gzip.compress(kernel_elf()), version=0x207, **wrong), tmp_path)

    @pytest.mark.parametrize("offset", [0, 10**6, 2**32 - 1])
    @pytest.mark.parametrize("length", [0, 10, 2**32 - 1])
    def test_wrong_place(self, offset: int, length: int, tmp_path: Path) -> None:
        image = bzimage(gzip.compress(kernel_elf()), payload_offset=offset, payload_length=length)
        check(image, tmp_path)

    def test_cut_by_its_length(self) -> None:
        payload = lzma.compress(kernel_elf())
        refused(bzimage(payload, payload_length=len(payload) - 1), "broken xz data: cut short")

    def test_in_other_files(self, tmp_path: Path) -> None:
        image = bzimage(zstandard.compress(kernel_elf()))
        for packed in (lzma.compress(image), tar({"vmlinuz": image}), gzip.compress(tar({"boot": image}))):
            check(packed, tmp_path)

    def test_kernel_without_btf(self) -> None:
        elf = ElfWriter()
        elf.add(".text", b"code")
        refused(bzimage(gzip.compress(elf.build())), "an ELF file without a .BTF section")


class TestZboot:
    @pytest.mark.parametrize("codec", CODECS)
    def test_opens(self, codec: str, tmp_path: Path) -> None:
        check(zboot(CODECS[codec](arm64(b"decoy" + BTF_MAGIC * 3, BLOB, bytes(1000)))), tmp_path)

    def test_of_an_image_without_magic(self, tmp_path: Path) -> None:
        """LoongArch's header has none of the magics known here."""
        check(zboot(gzip.compress(bytes(noise(SIZE)) + BLOB)), tmp_path)

    @pytest.mark.parametrize("offset", [0, 5000, 10**6, 2**32 - 1])
    @pytest.mark.parametrize("size", [0, 10, 2**32 - 1])
    def test_wrong_place(self, offset: int, size: int, tmp_path: Path) -> None:
        check(zboot(gzip.compress(arm64(BLOB)), offset=offset, size=size), tmp_path)


class TestUncompressed:
    """The BTF is in the image uncompressed, and no header locates it."""

    @pytest.mark.parametrize("kind", OTHERS)
    @pytest.mark.parametrize("blob", [BLOB, BIG_ENDIAN, every_kind(header_size=32).build()])
    def test_opens(self, kind: str, blob: bytes, tmp_path: Path) -> None:
        for parts in ((blob,), (b"x", blob), (bytes(noise(999)), blob, bytes(noise(5000)))):
            check(OTHERS[kind](*parts), tmp_path, blob, in_place=True)

    def test_decoys(self, tmp_path: Path) -> None:
        """The magic alone, in instructions and at the end; a header with sections past the end; a BTF with
        broken types."""
        past_the_end = every_kind().build(str_len=10**6)
        broken = BtfWriter()
        broken.add(0)
        broken.strings += bytes(5000)
        decoys = BTF_MAGIC * 5 + b"code" + BTF_MAGIC + past_the_end[:24] + broken.build()
        check(arm64(decoys, BLOB, BTF_MAGIC), tmp_path, in_place=True)
        refused(arm64(decoys, BTF_MAGIC), "no BTF found in this kernel image (arm64 Image)")

    @pytest.mark.parametrize("before", [True, False])
    def test_built_in_programs(self, before: bool, tmp_path: Path) -> None:
        """Light skeletons contain their program's BTF, and .rodata lies before .BTF."""
        parts = [program() * 3, b"code", BLOB] if before else [BLOB, b"code", program() * 3]
        check(arm64(*parts), tmp_path, in_place=True)

    def test_split_btf_is_none(self) -> None:
        """A module's BTF in a built-in initial RAM disk: its base is not known here."""
        writer = every_kind()
        writer.strings = writer.strings[1:]
        refused(arm64(writer.build()), "no BTF found in this kernel image")

    def test_read_once(self, tmp_path: Path) -> None:
        """Any number of places may look like the start of a BTF."""
        counters = Path("/proc/self/io")
        if not os.access(counters, os.R_OK):
            pytest.skip("no /proc/self/io here")
        path = tmp_path / "Image"
        image = arm64(BTF_MAGIC * 60, bytes(16 << 20), BLOB)
        path.write_bytes(image)

        def read() -> int:
            return int(re.findall(r"rchar: (\d+)", counters.read_text())[0])

        before = read()
        btf = btfmmap.open(path)
        assert len(image) < read() - before < 1.1 * len(image)
        assert btf.raw.tobytes() == BLOB


class TestCompressedSomewhere:
    """A compressed kernel that no header locates."""

    @pytest.mark.parametrize("kind", OTHERS)
    @pytest.mark.parametrize("codec", CODECS)
    def test_opens(self, kind: str, codec: str, tmp_path: Path) -> None:
        """The kernel has no magic of its own. Magics without content and other compressed data precede it."""
        decoys = b"".join(magic + b"code" for magic, _ in compression.MAGICS)
        other = CODECS[codec](bytes(noise(2000)))
        kernel = bytes(noise(SIZE)) + BIG_ENDIAN + bytes(noise(100))
        image = OTHERS[kind](decoys, other, b"code", CODECS[codec](kernel), bytes(noise(50)))
        check(image, tmp_path, BIG_ENDIAN)

    def test_s390(self, tmp_path: Path) -> None:
        """A big-endian kernel in zstd, behind decoys of zstd."""
        kernel = bytes(noise(SIZE)) + program() + BIG_ENDIAN + bytes(noise(100))
        magic = zstandard.compress(b"")[:4]
        decoys = magic * 20 + magic + bytes(60) + zstandard.compress(BLOB)[:-10]
        image = s390(decoys, zstandard.compress(kernel), bytes(noise(50)))
        check(image, tmp_path, BIG_ENDIAN)
        btf = btfmmap.open(data=image)
        assert btf.source.byte_order == "big"
        assert btf.find("pair") == 7

    def test_missing_library(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A missing library is reported if the kernel may be compressed by its codec, unless another payload
        opens."""
        monkeypatch.setitem(sys.modules, "zstandard", None)
        monkeypatch.setitem(sys.modules, "compression", None)  # has zstd since Python 3.14
        packed = zstandard.compress(bytes(noise(SIZE)) + BLOB)
        with pytest.raises(btfmmap.NotSupportedError, match="the package zstandard: pip install"):
            btfmmap.open(data=s390(packed))
        with pytest.raises(btfmmap.NotSupportedError, match="the package zstandard: pip install"):
            btfmmap.open(data=bzimage(zstandard.compress(kernel_elf())))
        both = s390(packed, bz2.compress(bytes(noise(SIZE)) + BLOB))
        assert btfmmap.open(data=both).raw.tobytes() == BLOB


@pytest.mark.parametrize("kind", OTHERS)
def test_no_btf(kind: str) -> None:
    refused(OTHERS[kind](), f"no BTF found in this kernel image ({kind})")
    refused(OTHERS[kind](gzip.compress(b"text")), f"no BTF found in this kernel image ({kind})")


def test_no_btf_where_the_header_says() -> None:
    refused(bzimage(b"text"), "no BTF found in this kernel image (x86 bzImage)")
    refused(zboot(b"text"), "no BTF found in this kernel image (EFI zboot image)")
    refused(zboot(gzip.compress(b"text")), "no BTF found in this kernel image (EFI zboot image)")


class TestHostile:
    @pytest.mark.parametrize(
        "image",
        [
            bzimage(lzma.compress(kernel_elf())),
            bzimage(zstandard.compress(kernel_elf()), version=0x207),
            zboot(gzip.compress(arm64(BLOB))),
        ],
        ids=["bzImage", "old bzImage", "zboot"],
    )
    def test_every_cut(self, image: bytes) -> None:
        """Each cut lies before the payload's end, which comes before the image's."""
        end = len(image) - 400
        for size in [*range(0x260), *range(0x260, end, 97)]:
            with pytest.raises(FormatError, match=r"^buffer: "):
                btfmmap.open(data=image[:size])
        assert btfmmap.open(data=image).raw.tobytes() == BLOB

    @pytest.mark.parametrize("kind", OTHERS)
    def test_every_cut_of_the_others(self, kind: str) -> None:
        image = OTHERS[kind](BLOB)
        for size in [*range(0x50), *range(0x50, SIZE, 997), *range(SIZE - 20, len(image))]:
            with pytest.raises(FormatError, match=r"^buffer: "):
                btfmmap.open(data=image[:size])
        assert btfmmap.open(data=image).raw.tobytes() == BLOB

    @pytest.mark.parametrize("kind", ["bzImage", "zboot"])
    def test_mutations(self, kind: str) -> None:
        """Changes of the fields that locate the payload."""
        payload = gzip.compress(kernel_elf())
        image = bzimage(payload) if kind == "bzImage" else zboot(payload)
        places = [0x1F1, *range(0x202, 0x208), *range(0x248, 0x250)] if kind == "bzImage" else range(16)
        generator = random.Random(20261128)
        opened = 0
        for _ in range(500):
            mutated = bytearray(image)
            for _ in range(generator.randint(1, 4)):
                mutated[generator.choice(places)] = generator.choice([0, 1, 255, generator.randrange(256)])
            try:
                btf = btfmmap.open(data=bytes(mutated))
            except FormatError:
                continue
            opened += 1
            assert btf.raw.tobytes() == BLOB
        assert 10 < opened < 490

    @pytest.mark.parametrize(
        "magic", [magic for magic, _ in compression.MAGICS], ids=lambda magic: magic.hex()
    )
    def test_full_of_magics(self, magic: bytes, tries: list[str]) -> None:
        refused(arm64(magic * (1 << 18)), "no BTF found in this kernel image (arm64 Image)")
        assert 0 < len(tries) <= 64

    def test_full_of_every_magic(self, tries: list[str]) -> None:
        magics = b"".join(magic for magic, _ in compression.MAGICS)
        refused(arm64(magics * (1 << 16)), "no BTF found in this kernel image (arm64 Image)")
        assert len(tries) <= 64 * len(compression.MAGICS)

    def test_images_in_images(self, tries: list[str]) -> None:
        """Sixty payloads in each of sixty in each of sixty: 216,000 to decompress."""
        level = b"text"
        for _ in range(3):
            level = b"-" + (gzip.compress(level, mtime=0) + b"-") * 60
        refused(arm64(level), "no BTF found in this kernel image")
        assert 100 < len(tries) <= 512

    def test_bombs_end_the_search(self, tries: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compression, "LIMIT", 1 << 20)
        bomb = zstandard.compress(bytes(1 << 24))
        message = "decompresses (zstd) to more than the 1,048,576 bytes allowed"
        refused(arm64((bomb + b"-") * 50), message)
        assert len(tries) == 1

    def test_full_of_headers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """BTFs that are valid except for their last type, so that each takes long to check."""
        opened: list[File] = []

        def counting(file: File, base: CoreBtf | None, pointer_size: int) -> CoreBtf:
            opened.append(file)
            return CoreBtf(file, base, pointer_size)

        monkeypatch.setattr(containers, "CoreBtf", counting)
        writer = BtfWriter()
        for _ in range(1000):
            writer.add_int()
        writer.add(0)
        refused(arm64(writer.build() * 50), "no BTF found in this kernel image")
        assert 0 < len(opened) <= 8


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The codecs of all calls of the decompressor."""
    codecs: list[str] = []
    decompress = compression.decompress

    def counting(data: memoryview, codec: str, name: str, budget: compression.Budget) -> bytearray:
        codecs.append(codec)
        return decompress(data, codec, name, budget)

    monkeypatch.setattr(compression, "decompress", counting)
    return codecs


REAL = [path for path in os.environ.get("BTFMMAP_VMLINUZ", "").split(":") if path]


@pytest.mark.skipif(not REAL, reason="BTFMMAP_VMLINUZ does not name kernels to boot")
@pytest.mark.parametrize("path", REAL)
def test_real(path: str) -> None:
    """A kernel's own BTF, not that of a built-in program."""
    btf = btfmmap.open(path)
    assert btf.find("task_struct", btfmmap.Kind.STRUCT) is not None
    assert btf.source.size > 1e6
    assert btf.source.path == path
