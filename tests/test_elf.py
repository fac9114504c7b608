"""BTF in the sections of an ELF file: both classes, both byte orders, well-formed and not."""

from __future__ import annotations

import os
import random
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any, Literal

import bpftool_json as bpftool
import pytest
import requirements
import zstandard
from btf_writer import every_kind
from elf_writer import COMPRESSED, NOBITS, NOTE, XINDEX, ZLIB, ZSTD, ElfWriter
from table_rows import COLUMNS, INT_ENCODINGS, check_kind_flags, expected_tables, rows

import btfmmap
from btfmmap import Btf, FormatError, Kind

FORMATS = [(32, "<"), (32, ">"), (64, "<"), (64, ">")]
BLOBS = {order: every_kind(order).build() for order in "<>"}
DECOY = every_kind().build()[:100]


@pytest.fixture(params=FORMATS, ids=lambda param: f"{param[0]}{'le' if param[1] == '<' else 'be'}")
def writer(request: pytest.FixtureRequest) -> ElfWriter:
    """An ELF file that starts with some other sections."""
    writer = ElfWriter(*request.param)
    writer.add(".text", b"\xc3" * 21)
    writer.add(".BTF.not", DECOY)
    writer.add(".BT", DECOY)
    return writer


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.ko"


def check(btf: Btf, writer: ElfWriter) -> None:
    """A file opens with the bytes that the writer put into .BTF. The types say 8 for a pointer's size; the
    ELF class takes precedence."""
    blob = BLOBS[writer.order]
    assert btf.raw.tobytes() == blob
    assert btf.source.size == len(blob)
    assert btf.source.byte_order == ("little" if writer.order == "<" else "big")
    assert btf.source.pointer_size == writer.bits // 8
    plain = btfmmap.open(data=blob)
    assert plain.source.pointer_size == 8
    assert btf.names() == plain.names()
    for column in btf.types.columns:
        assert btf.types[column].tolist() == plain.types[column].tolist()


def opens(elf: bytes, writer: ElfWriter, file: Path) -> None:
    """Open an ELF file in each possible way."""
    file.write_bytes(elf)
    read, mapped = btfmmap.open(file), btfmmap.open(file, method="mmap")
    borrowed = btfmmap.open(data=elf)
    for btf in (read, mapped, borrowed):
        check(btf, writer)
    # A compressed section is not part of the file's bytes.
    in_place = BLOBS[writer.order] in elf
    hows = [btf.source.how for btf in (read, mapped, borrowed)]
    assert hows == (["read", "mmap", "buffer"] if in_place else ["read"] * 3)


def refused(elf: bytes, message: str, file: Path) -> None:
    """Opening fails with a message that names the file and is otherwise the same in each way of opening."""
    file.write_bytes(elf)
    methods: list[Literal["read", "mmap"]] = ["read", "mmap"]
    for method in methods:
        with pytest.raises(FormatError) as caught:
            btfmmap.open(file, method=method)
        assert str(caught.value).startswith(f"{file}: ")
        assert message in str(caught.value)
    with pytest.raises(FormatError, match=f"^buffer: .*{re.escape(message)}"):
        btfmmap.open(data=elf)


class TestSections:
    @pytest.mark.parametrize("headers_last", [True, False])
    def test_opens(self, writer: ElfWriter, file: Path, headers_last: bool) -> None:
        writer.add(".BTF", BLOBS[writer.order])
        writer.add(".data", bytes(5))
        opens(writer.build(headers_last=headers_last), writer, file)

    def test_no_other_sections(self, writer: ElfWriter, file: Path) -> None:
        writer.sections.clear()
        writer.add(".BTF", BLOBS[writer.order])
        opens(writer.build(), writer, file)

    def test_at_an_odd_offset(self, writer: ElfWriter, file: Path) -> None:
        padded = b"xyz" + BLOBS[writer.order]
        writer.add(".all", padded)
        at = writer.build().index(padded) + 3
        writer.add(".BTF", sh_offset=at, sh_size=len(padded) - 3)
        opens(writer.build(), writer, file)

    def test_the_last_one_counts(self, writer: ElfWriter, file: Path) -> None:
        """The last section of a name is used, as in libbpf."""
        writer.add(".BTF", every_kind(writer.order, 32).build())
        writer.add(".BTF", BLOBS[writer.order])
        opens(writer.build(), writer, file)

    def test_btf_of_the_other_byte_order(self) -> None:
        elf = ElfWriter(64, ">")
        elf.add(".BTF", BLOBS["<"])
        btf = btfmmap.open(data=elf.build())
        assert btf.raw.tobytes() == BLOBS["<"]
        assert btf.source.byte_order == "little"

    def test_none(self, writer: ElfWriter, file: Path) -> None:
        refused(writer.build(), "an ELF file without a .BTF section", file)

    def test_named_only_in_part(self, writer: ElfWriter, file: Path) -> None:
        """Names with .BTF at the start or end, and one at the end of the section of names."""
        writer.add("x.BTF", BLOBS[writer.order])
        writer.add(".BTFx", BLOBS[writer.order])
        elf = writer.build()
        refused(elf, "without a .BTF section", file)
        # A name may be the end of another: this one is of "x.BTF".
        at = elf.index(b"x.BTF\0") + 1 - elf.index(b"\0.text\0.BTF.not")
        writer.add("", BLOBS[writer.order], sh_name=at)
        opens(writer.build(), writer, file)

    def test_name_without_an_end(self, writer: ElfWriter, file: Path) -> None:
        names = b"\0.shstrtab\0.BTF"
        writer.sections.clear()
        writer.add(".names", names + b"\0", sh_type=3)
        writer.add("", BLOBS[writer.order], sh_name=names.index(b".BTF"))
        opens(writer.build(e_shstrndx=1), writer, file)
        writer.sections[0].header["sh_size"] = len(names)
        refused(writer.build(e_shstrndx=1), "without a .BTF section", file)

    def test_no_bytes(self, writer: ElfWriter, file: Path) -> None:
        """What `objcopy --only-keep-debug` leaves of a section."""
        writer.add(".BTF", sh_type=NOBITS, sh_size=1000)
        refused(writer.build(), "the ELF section .BTF has no bytes in the file (SHT_NOBITS)", file)

    @pytest.mark.parametrize("section_type", [0, NOTE, 0x70000000, 0xFFFFFFFF])
    def test_other_type(self, writer: ElfWriter, file: Path, section_type: int) -> None:
        writer.add(".BTF", BLOBS[writer.order], sh_type=section_type)
        message = f"the ELF section .BTF is of type {section_type}, must be 1 (SHT_PROGBITS)"
        refused(writer.build(), message, file)

    @pytest.mark.parametrize("field", ["sh_offset", "sh_size"])
    @pytest.mark.parametrize("value", ["one too many", "the size", "largest"])
    def test_past_the_end(self, writer: ElfWriter, file: Path, field: str, value: str) -> None:
        blob = BLOBS[writer.order]
        writer.add(".BTF", blob)
        elf = writer.build()
        numbers = {"one too many": len(elf) - len(blob) + 1, "the size": len(elf) + 1}
        number = numbers.get(value, 2**writer.bits - 1)
        if field == "sh_size" and value == "one too many":
            number = len(elf) - elf.index(blob) + 1
        writer.sections[-1].header[field] = number
        offset, size = (number, len(blob)) if field == "sh_offset" else (elf.index(blob), number)
        message = (
            f"the ELF section .BTF (offset {offset}, {size} bytes) ends past the file's {len(elf)} bytes"
        )
        refused(writer.build(), message, file)

    def test_up_to_the_end(self, writer: ElfWriter, file: Path) -> None:
        writer.add(".BTF", BLOBS[writer.order])
        opens(writer.build(headers_last=False), writer, file)

    @pytest.mark.parametrize("size", [0, 1, 23])
    def test_too_short(self, writer: ElfWriter, file: Path, size: int) -> None:
        writer.add(".BTF", BLOBS[writer.order][:size])
        refused(writer.build(), f".BTF: too short for BTF: {size} bytes", file)

    def test_broken_btf(self, writer: ElfWriter, file: Path) -> None:
        writer.add(".BTF", every_kind(writer.order).build(version=3))
        refused(writer.build(), ".BTF: BTF version 3", file)

    def test_empty_section_at_the_end_of_the_file(self, writer: ElfWriter, file: Path) -> None:
        writer.add(".BTF")
        elf = writer.build()
        writer.sections[-1].header["sh_offset"] = len(elf)
        refused(writer.build(), ".BTF: too short for BTF: 0 bytes", file)


class TestCompressed:
    """SHF_COMPRESSED: a Chdr, then the content."""

    @pytest.mark.parametrize("how", [ZLIB, ZSTD])
    def test_opens(self, writer: ElfWriter, file: Path, how: int) -> None:
        blob = BLOBS[writer.order]
        content = zlib.compress(blob) if how == ZLIB else zstandard.compress(blob)
        writer.add_compressed(".BTF", content, how, len(blob))
        opens(writer.build(), writer, file)

    @pytest.mark.parametrize(("how", "codec"), [(ZLIB, "zlib"), (ZSTD, "zstd")])
    def test_broken(self, writer: ElfWriter, file: Path, how: int, codec: str) -> None:
        blob = BLOBS[writer.order]
        content = zlib.compress(blob) if how == ZLIB else zstandard.compress(blob)
        before = list(writer.sections)
        for broken, message in (
            (content[:-5], "cut short"),
            (b"", "cut short"),
            (b"\xff" * 2 + content[2:], ""),
        ):
            writer.sections = list(before)
            writer.add_compressed(".BTF", broken, how, len(blob))
            refused(writer.build(), f".BTF: broken {codec} data: {message}", file)

    @pytest.mark.parametrize("how", [ZLIB, ZSTD])
    @pytest.mark.parametrize("difference", [-1, 1])
    def test_other_size_than_said(self, writer: ElfWriter, file: Path, how: int, difference: int) -> None:
        blob = BLOBS[writer.order]
        content = zlib.compress(blob) if how == ZLIB else zstandard.compress(blob)
        writer.add_compressed(".BTF", content, how, len(blob) + difference)
        message = f".BTF: decompresses to {len(blob)} bytes, but its header gives {len(blob) + difference}"
        refused(writer.build(), message, file)

    @pytest.mark.parametrize("how", [0, 3, 0x60000000, 0xFFFFFFFF])
    def test_unknown_way(self, writer: ElfWriter, file: Path, how: int) -> None:
        writer.add_compressed(".BTF", BLOBS[writer.order], how, 1)
        refused(writer.build(), f"the ELF section .BTF is compressed with the unknown algorithm {how}", file)

    def test_no_room_for_the_header(self, writer: ElfWriter, file: Path) -> None:
        size = 11 if writer.bits == 32 else 23
        writer.add(".BTF", bytes(size), sh_flags=COMPRESSED)
        message = f"is compressed, but its {size} bytes do not contain a compression header"
        refused(writer.build(), f"the ELF section .BTF {message}", file)

    def test_section_names(self, writer: ElfWriter, file: Path) -> None:
        writer.add(".BTF", BLOBS[writer.order])
        packed = writer.build(names={"sh_flags": COMPRESSED, "sh_offset": 0, "sh_size": 40})
        # In place of the names is the ELF header, whose bytes name no compression.
        refused(packed, "the ELF section of section names is compressed with the unknown algorithm", file)
        names = b"\0.text\0.BTF\0"
        writer.add_compressed(".names", zlib.compress(names), ZLIB, len(names))
        refused(
            writer.build(e_shstrndx=len(writer.sections)),
            "the ELF section of section names is compressed",
            file,
        )


class TestHeaders:
    """Fields that lead to the sections."""

    def elf(self, writer: ElfWriter, **arguments: Any) -> bytes:
        writer.add(".BTF", BLOBS[writer.order])
        return writer.build(**arguments)

    def test_count_in_section_0(self, writer: ElfWriter, file: Path) -> None:
        count = len(writer.sections) + 3
        opens(self.elf(writer, e_shnum=0, first={"sh_size": count}), writer, file)

    def test_names_in_section_0(self, writer: ElfWriter, file: Path) -> None:
        names = len(writer.sections) + 2
        opens(self.elf(writer, e_shstrndx=XINDEX, first={"sh_link": names}), writer, file)

    def test_more_sections_than_fit_into_16_bits(self, writer: ElfWriter, file: Path) -> None:
        for _ in range(0x10010):
            writer.add("s")
        writer.add(".BTF", BLOBS[writer.order])
        count = len(writer.sections) + 2
        first = {"sh_size": count, "sh_link": count - 1}
        opens(writer.build(e_shnum=0, e_shstrndx=XINDEX, first=first), writer, file)

    @pytest.mark.parametrize("extra", [1, 8, 24])
    def test_larger_entries(self, writer: ElfWriter, file: Path, extra: int) -> None:
        opens(self.elf(writer, entry_size=writer.section_header_size + extra), writer, file)

    @pytest.mark.parametrize("size", [0, 1, "one too few"])
    def test_smaller_entries(self, writer: ElfWriter, file: Path, size: int | str) -> None:
        right = writer.section_header_size
        wrong = right - 1 if isinstance(size, str) else size
        message = f"ELF section headers of {wrong} bytes, must be at least {right}"
        refused(self.elf(writer, e_shentsize=wrong), message, file)

    def test_without_a_table(self, writer: ElfWriter, file: Path) -> None:
        """The BTF is searched for, as in a kernel image."""
        btf = btfmmap.open(data=self.elf(writer, e_shoff=0))
        assert btf.raw.tobytes() == BLOBS[writer.order]
        assert btf.source.containers == ("ELF file without section headers",)
        empty = ElfWriter(writer.bits, writer.order)
        refused(empty.build(e_shoff=0), "no BTF found in this kernel image (ELF file without", file)
        refused(self.elf(writer, e_type=4, e_shoff=0), "an ELF file without section headers", file)

    def test_table_past_the_end(self, writer: ElfWriter, file: Path) -> None:
        elf = self.elf(writer)
        size = len(elf)
        count = len(writer.sections) + 2
        table = count * writer.section_header_size
        for at in (size - table + 1, size, size + 1, 2**writer.bits - 1):
            message = (
                f"the table of ELF section headers (offset {at}, {table} bytes) ends past the file's {size}"
            )
            refused(writer.build(e_shoff=at), message, file)
            message = f"the first ELF section header (offset {at}, "
            if at + writer.section_header_size > size:
                refused(writer.build(e_shoff=at, e_shnum=0), message, file)

    def test_more_entries_than_bytes(self, writer: ElfWriter, file: Path) -> None:
        size = len(self.elf(writer))
        for count in (0xFFFF, size // writer.section_header_size + 1):
            message = f"{count} ELF section headers are more than the file's {size} bytes hold"
            refused(writer.build(e_shnum=count), message, file)
        # Multiplied by their size, they would wrap to a few bytes.
        for count in (2**writer.bits - 1, 2**writer.bits // writer.section_header_size + 1):
            message = f"{count} ELF section headers are more than"
            refused(writer.build(e_shnum=0, first={"sh_size": count}), message, file)

    def test_no_entries(self, writer: ElfWriter, file: Path) -> None:
        refused(self.elf(writer, e_shnum=0), "whose sections have no names", file)

    def test_no_names(self, writer: ElfWriter, file: Path) -> None:
        self.elf(writer)
        count = len(writer.sections) + 2
        for index in (0, count, 0xFFFE):
            message = f"sections have no names (section {index} of {count} should contain them)"
            refused(writer.build(e_shstrndx=index), message, file)
        message = f"sections have no names (section {count} of {count} should contain them)"
        refused(writer.build(e_shstrndx=XINDEX, first={"sh_link": count}), message, file)

    def test_names_past_the_end(self, writer: ElfWriter, file: Path) -> None:
        elf = self.elf(writer, names={"sh_size": 2**31})
        message = f"2147483648 bytes) ends past the file's {len(elf)} bytes"
        refused(elf, message, file)
        assert "the ELF section of section names (offset" in message_of(elf)

    def test_names_without_bytes(self, writer: ElfWriter, file: Path) -> None:
        elf = self.elf(writer, names={"sh_type": NOBITS})
        refused(elf, "the ELF section of section names has no bytes in the file", file)

    def test_name_past_the_names(self, writer: ElfWriter, file: Path) -> None:
        elf = self.elf(writer)
        size = len("\0.text\0.BTF.not\0.BT\0.BTF\0.shstrtab\0")
        for offset in (size, 2**32 - 1):
            writer.sections[-1].header["sh_name"] = offset
            message = f"ELF section 4 has the name offset {offset}, past the section names' {size} bytes"
            refused(writer.build(), message, file)
        assert elf != writer.build()

    @pytest.mark.parametrize(("file_class", "data"), [(0, 1), (3, 1), (255, 1), (2, 0), (2, 3), (1, 255)])
    def test_neither_class_nor_order(self, writer: ElfWriter, file: Path, file_class: int, data: int) -> None:
        message = f"an ELF file of class {file_class} and data encoding {data}; both must be 1 or 2"
        refused(self.elf(writer, e_class=file_class, e_data=data), message, file)


def message_of(elf: bytes) -> str:
    with pytest.raises(FormatError) as caught:
        btfmmap.open(data=elf)
    return str(caught.value)


class TestHostile:
    @pytest.mark.parametrize("headers_last", [True, False])
    def test_every_cut(self, writer: ElfWriter, file: Path, headers_last: bool) -> None:
        writer.add(".BTF", BLOBS[writer.order])
        elf = writer.build(headers_last=headers_last)
        file.write_bytes(elf)
        check(btfmmap.open(file), writer)
        for size in reversed(range(len(elf))):
            os.truncate(file, size)
            with pytest.raises(FormatError, match=f"^{re.escape(str(file))}: "):
                btfmmap.open(file)

    @pytest.mark.parametrize("how", [None, ZLIB, ZSTD])
    def test_mutations(self, writer: ElfWriter, how: int | None) -> None:
        """Every byte changed in the file header, the section headers and a compression header."""
        blob = BLOBS[writer.order]
        if how is None:
            writer.add(".BTF", blob)
        else:
            content = zlib.compress(blob) if how == ZLIB else zstandard.compress(blob)
            writer.add_compressed(".BTF", content, how, len(blob))
        elf = writer.build(headers_last=False)
        table = (len(writer.sections) + 2) * writer.section_header_size
        positions = list(range(writer.file_header_size + table))
        if how is not None:
            positions += range(elf.index(content) - 24, elf.index(content))
        generator = random.Random(f"{writer.bits}{writer.order}{how}")
        opened = refusals = 0
        for _ in range(1000):
            mutated = bytearray(elf)
            for _ in range(generator.randint(1, 3)):
                value = generator.choice([0, 1, 2, 8, 127, 128, 255, generator.randrange(256)])
                mutated[generator.choice(positions)] = value
            try:
                btf = btfmmap.open(data=bytes(mutated))
            except FormatError:
                refusals += 1
                continue
            opened += 1
            assert len(btf.names()) == len(btf)
            assert btf.source.pointer_size in (4, 8)
        assert opened > 50
        assert refusals > 50

    def test_names_of_megabytes(self) -> None:
        """Measuring each section's name would read 10**14 bytes here."""
        count, size = 1 << 20, 1 << 26
        headers_at = 64 + size
        file_header = struct.pack(
            "<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 1, 247, 1, 0, 0, headers_at, 0, 64, 0, 0, 64, 0, 1
        )
        first = struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, count, 0, 0, 0, 0)
        rest = struct.pack("<IIQQQQIIQQ", 0, 1, 0, 0, 64, size, 0, 0, 0, 0)
        elf = bytearray(b"n" * (headers_at + count * 64))
        elf[:64] = file_header
        elf[headers_at:] = first + rest * (count - 1)
        assert "without a .BTF section" in message_of(bytes(elf))


SPARSE = """
import sys
import btfmmap
import btfmmap.containers

def read():
    return int(open("/proc/self/io").read().split("rchar:")[1].split()[0])

def peak():
    return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])

before = read(), peak()
btf = btfmmap.open(sys.argv[1], method=sys.argv[2])
after = read(), peak()
print(after[0] - before[0], after[1] - before[1], btf.source.size, btf.find("pair"), btf.source.how)
"""


@pytest.mark.skipif(not os.access("/proc/self/io", os.R_OK), reason="no /proc/self/io here")
@pytest.mark.parametrize("method", ["auto", "mmap"])
@pytest.mark.parametrize("bits", [32, 64])
def test_only_what_is_needed_is_read(file: Path, method: str, bits: int) -> None:
    """Little memory is used on a file of 3 GiB (mapped on 32 bits: 1.5): .BTF is in its middle, the headers
    are at its end."""
    size = 3 << 30 if sys.maxsize > 1 << 32 or method != "mmap" else 3 << 29
    writer = ElfWriter(bits)
    writer.add(".debug_info", b"start")
    writer.add(".BTF", BLOBS["<"], at=size // 2)
    writer.add(".debug_str", b"end", at=size)
    writer.write_sparse(file)
    assert file.stat().st_size > size
    run = subprocess.run(
        [sys.executable, "-c", SPARSE, file, method],
        check=True,
        capture_output=True,
        text=True,
    )
    read, grown, *rest = run.stdout.split()
    assert rest == [str(len(BLOBS["<"])), "7", "mmap" if method == "mmap" else "read"]
    assert int(read) < 200_000
    assert int(grown) < 4096  # KiB


SOURCE = """
enum small { LOW = 5, HIGH = 7 };
struct later;
union either { long word; char bytes[16]; };
struct bits { int a : 3; unsigned b : 7; _Bool c; };
typedef int (*callback)(const char *restrict text, volatile int count, ...);
struct pair {
    struct later *next;
    union either both;
    struct bits bits;
    enum small small;
    callback call;
    int table[3][4];
};
struct pair everything;
static volatile int counter = 3;
extern int elsewhere;
static __attribute__((noinline)) int helper(const struct pair *pair) { return pair->bits.a + counter; }
int entry(struct pair *pair) { return helper(pair) + elsewhere; }
"""

COMPILERS = {
    "gcc object": ("gcc", "-gbtf", "-c"),
    "gcc shared object": ("gcc", "-gbtf", "-shared", "-fPIC"),
    "clang bpf": ("clang", "-target", "bpf", "-g", "-O2", "-c"),
    "clang bpfeb": ("clang", "-target", "bpfeb", "-g", "-O2", "-c"),
}


@pytest.fixture(scope="module", params=COMPILERS)
def kernel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled program, under the fixture's name that the comparisons use."""
    compiler, *options = COMPILERS[request.param]
    folder = tmp_path_factory.mktemp("compiled")
    source, output = folder / "source.c", folder / "output"
    source.write_text(SOURCE)
    subprocess.run([requirements.tool(compiler), *options, source, "-o", output], check=True)
    return output


@pytest.fixture(scope="module")
def btf(kernel: Path) -> Btf:
    return btfmmap.open(kernel)


class TestCompilers:
    """Output of compilers and a linker; gcc 12 writes some records that kernels lack."""

    @pytest.mark.parametrize("table", COLUMNS)
    def test_tables(self, kernel: Path, btf: Btf, table: str) -> None:
        got, expected = rows(btf, table), expected_tables(bpftool.records(kernel))[table]
        if table == "types":
            # gcc leaves a number where a FWD has none.
            got = [(*row[:-1], 0 if row[1] == Kind.FWD else row[-1]) for row in got]
        elif table == "ints":
            # gcc's char is SIGNED and CHAR; bpftool knows single bits only.
            known = INT_ENCODINGS.values()
            got = [(*row[:2], row[2] if row[2] in known else "UNKN", *row[3:]) for row in got]
        assert got == expected

    def test_kind_flags(self, kernel: Path, btf: Btf) -> None:
        check_kind_flags(btf, bpftool.records(kernel))

    def test_what_the_source_says(self, kernel: Path, btf: Btf) -> None:
        header = kernel.read_bytes()[:6]
        assert btf.source.byte_order == {1: "little", 2: "big"}[header[5]]
        assert btf.source.pointer_size == {1: 4, 2: 8}[header[4]]
        pair = btf["struct pair"]
        assert [member.name for member in pair.members] == [
            "next",
            "both",
            "bits",
            "small",
            "call",
            "table",
        ]
        assert btf["enum small"].size == 4
        assert btf["union either"].size == 16
