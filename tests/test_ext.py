"""The .BTF.ext section of BPF objects, against the compiler's source, its DWARF, and an independent
parser."""

from __future__ import annotations

import pickle
import random
import re
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import requirements
from btf_writer import BtfWriter, every_kind
from elf_writer import ElfWriter
from mutants import mutant

import btfmmap
from btfmmap import Btf, FormatError, Kind
from btfmmap.ext import Ext

SOURCE = """\
#define core __attribute__((preserve_access_index))
#define section(name) __attribute__((section(name)))

struct task {
    int pid;
    struct { long a; char b[4]; } in;
    unsigned flag : 3;
} core;
enum number { ONE = 1, TWO };

section("kprobe/first") int first(struct task *t) {
    return t->pid + t->in.b[1];
}

__attribute__((noinline)) static int helper(long x) {
    return (int)(x * 3);
}

section("kprobe/second") int second(struct task *t) {
    int exists = __builtin_preserve_field_info(t->in.a, 2);
    int type = __builtin_preserve_type_info(*(struct task *)0, 0);
    long value = __builtin_preserve_enum_value(*(enum number *)TWO, 1);
    return helper(t->in.a) + exists
        + type + (int)value;
}
"""
LINES = SOURCE.splitlines()

# Names of the kernel's enum bpf_core_relo_kind.
BYTE_OFFSET, FIELD_EXISTS, TYPE_EXISTS, ENUM_VALUE = 0, 2, 8, 11

Row = dict[str, int]

FIELDS = {
    "func_info": ("insn_off", "type"),
    "line_info": ("insn_off", "file_name_off", "line_off", "line_col"),
    "core_relo": ("insn_off", "type", "access_off", "kind"),
}


@pytest.fixture(scope="module", params=["bpf", "bpfeb"])
def compiled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "program.c").write_text(SOURCE)
    command = [requirements.tool("clang"), "-target", request.param, "-g", "-O2", "-fdebug-compilation-dir=."]
    subprocess.run([*command, "-c", "program.c", "-o", "program.o"], cwd=folder, check=True)
    return folder / "program.o"


@pytest.fixture(scope="module")
def btf(compiled: Path) -> Btf:
    return btfmmap.open(compiled)


@pytest.fixture(scope="module")
def ext(btf: Btf) -> Ext:
    assert btf.ext is not None
    return btf.ext


def order_of(file: bytes) -> str:
    return "<" if file[5] == 1 else ">"


def elf_section(file: bytes, name: str) -> bytes:
    """A section of a 64-bit ELF file."""
    order = order_of(file)
    (table,) = struct.unpack_from(order + "Q", file, 40)
    size, count, names_index = struct.unpack_from(order + "HHH", file, 58)
    headers = [struct.unpack_from(order + "IIQQQQIIQQ", file, table + i * size) for i in range(count)]
    names = headers[names_index][4]
    for header in headers:
        start = names + header[0]
        if file[start : file.index(b"\0", start)].decode() == name:
            return file[header[4] : header[4] + header[5]]
    raise AssertionError(name)


def parsed(section: bytes, order: str) -> dict[str, list[Row]]:
    """The records of a well-formed .BTF.ext, word by word as bpf.h has them."""
    header_size, *places = struct.unpack_from(order + "7I", section, 4)
    result: dict[str, list[Row]] = {}
    for name, at, size in zip(FIELDS, places[::2], places[1::2], strict=True):
        rows = result[name] = []
        words = struct.unpack_from(f"{order}{size // 4}I", section, header_size + at)
        if not words:
            continue
        step, position = words[0] // 4, 1
        while position < len(words):
            section_off, count = words[position : position + 2]
            position += 2
            for _ in range(count):
                fields = dict(zip(FIELDS[name], words[position : position + step], strict=True))
                rows.append({"section_off": section_off, **fields})
                position += step
    return result


class TestCompiled:
    """What clang writes."""

    @pytest.fixture
    def expected(self, compiled: Path) -> dict[str, list[Row]]:
        file = compiled.read_bytes()
        return parsed(elf_section(file, ".BTF.ext"), order_of(file))

    def test_every_word(self, ext: Ext, expected: dict[str, list[Row]]) -> None:
        for row in expected["line_info"]:
            place = row.pop("line_col")
            row |= {"line": place >> 10, "column": place & 1023}
        for name, rows in expected.items():
            table = getattr(ext, name)
            assert len(rows) >= 3
            assert [table[i] for i in range(len(table))] == rows
            assert table.columns == tuple(rows[0])

    def test_to_pandas(self, ext: Ext) -> None:
        requirements.package("pandas")
        for table in (ext.func_info, ext.line_info, ext.core_relo):
            columns = {name: column.tolist() for name, column in dict(table).items()}
            assert table.to_pandas().to_dict("list") == columns
            with pytest.raises(TypeError, match=r"dict\(table\)"):
                np.asarray(table)

    def test_every_text(self, compiled: Path, ext: Ext, expected: dict[str, list[Row]]) -> None:
        blob = elf_section(compiled.read_bytes(), ".BTF")
        order = order_of(compiled.read_bytes())
        header_size, _, _, at, size = struct.unpack_from(order + "5I", blob, 4)
        strings = blob[header_size + at : header_size + at + size]
        texts = {
            "section_off": "section",
            "file_name_off": "file_name",
            "line_off": "text",
            "access_off": "access",
        }
        for name, rows in expected.items():
            for column in texts.keys() & rows[0].keys():
                array = getattr(getattr(ext, name), texts[column])
                ends = [strings.index(b"\0", row[column]) for row in rows]
                assert array.tolist() == [
                    strings[row[column] : end].decode() for row, end in zip(rows, ends, strict=True)
                ]
                assert not array.flags.writeable

    def test_functions(self, btf: Btf, ext: Ext) -> None:
        functions = ext.func_info
        assert {btf[int(type_id)].kind for type_id in functions.type} == {Kind.FUNC}
        names = zip(functions.section, btf.names(functions.type), functions.insn_off, strict=True)
        assert sorted(names) == [
            (".text", "helper", 0),
            ("kprobe/first", "first", 0),
            ("kprobe/second", "second", 0),
        ]

    def test_relocations(self, btf: Btf, ext: Ext) -> None:
        relocations = ext.core_relo
        names = btf.names(relocations.type)
        found = {
            (section, name, access, int(kind))
            for section, name, access, kind in zip(
                relocations.section, names, relocations.access, relocations.kind, strict=True
            )
        }
        assert found == {
            ("kprobe/first", "task", "0:0", BYTE_OFFSET),
            ("kprobe/first", "task", "0:1:1:1", BYTE_OFFSET),
            ("kprobe/second", "task", "0:1:0", BYTE_OFFSET),
            ("kprobe/second", "task", "0:1:0", FIELD_EXISTS),
            ("kprobe/second", "task", "0", TYPE_EXISTS),
            ("kprobe/second", "number", "1", ENUM_VALUE),
        }

    def test_lines(self, ext: Ext) -> None:
        lines = ext.line_info
        assert {Path(name).name for name in lines.file_name} == {"program.c"}
        assert lines.text.tolist() == [LINES[number - 1] for number in lines.line]
        by_section = {
            section: set(lines.text[lines.section == section].tolist()) for section in set(lines.section)
        }
        assert "    return t->pid + t->in.b[1];" in by_section["kprobe/first"]
        assert "    return (int)(x * 3);" in by_section[".text"]
        assert "    return helper(t->in.a) + exists" in by_section["kprobe/second"]
        assert not by_section["kprobe/first"] & by_section["kprobe/second"]

    def test_lines_are_dwarfs(self, compiled: Path, ext: Ext) -> None:
        """The object's DWARF line table; BTF omits rows without a line."""
        command = [requirements.tool("llvm-dwarfdump"), "--debug-line", str(compiled)]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        sequences: list[list[tuple[int, int, int]]] = [[]]
        for address, line, column, flags in re.findall(
            r"^0x([0-9a-f]{16}) +(\d+) +(\d+) +\d+ +\d+ +\d+ *(.*)$", text, re.MULTILINE
        ):
            if "end_sequence" in flags:
                sequences.append([])
            else:
                sequences[-1].append((int(address, 16), int(line), int(column)))
        lines = ext.line_info
        sections = list(dict.fromkeys(lines.section))
        assert sequences.pop() == []
        assert len(sequences) == len(sections) == 3
        for section, dwarf in zip(sections, sequences, strict=True):
            rows = lines[lines.section == section]
            found = set(zip(rows.insn_off.tolist(), rows.line.tolist(), rows.column.tolist(), strict=True))
            assert {row for row in dwarf if row[1] and row[2]} <= found <= set(dwarf)

    def test_selections(self, ext: Ext) -> None:
        relocations = ext.core_relo
        exists = relocations[relocations.kind == FIELD_EXISTS]
        assert type(exists) is type(relocations)
        assert exists.access.tolist() == ["0:1:0"]
        assert relocations[1:].access.tolist() == relocations.access.tolist()[1:]
        assert relocations[[2, 0]].section.tolist() == relocations.section[[2, 0]].tolist()
        assert len(relocations[:0].access) == 0
        assert relocations[0] == {name: int(relocations[name][0]) for name in relocations.columns}
        assert "access_off" in repr(relocations)
        with pytest.raises(ValueError, match="read-only"):
            relocations.kind[0] = 1
        with pytest.raises(AttributeError, match="read-only"):
            relocations.kind = relocations.kind

    def test_repr(self, ext: Ext) -> None:
        counts = (len(ext.func_info), len(ext.line_info), len(ext.core_relo))
        assert repr(ext) == "<Ext {} func_info, {} line_info, {} core_relo>".format(*counts)

    def test_made_once(self, btf: Btf, ext: Ext) -> None:
        assert btf.ext is ext
        assert ext.func_info.section is ext.func_info.section

    def test_pickled(self, btf: Btf, ext: Ext) -> None:
        copy = pickle.loads(pickle.dumps(btf))
        assert copy.ext.core_relo.access.tolist() == ext.core_relo.access.tolist()
        assert len(ext.line_info.text)  # already made, so pickled too
        table = pickle.loads(pickle.dumps(ext.line_info))
        assert type(table) is type(ext.line_info)
        assert table.text.tolist() == ext.line_info.text.tolist()
        assert not table.__dict__["text"].flags.writeable
        assert all(np.array_equal(table[name], ext.line_info[name]) for name in table.columns)

    def test_closed(self, compiled: Path) -> None:
        """Columns stay after closing; texts not made yet need the `Btf` and raise."""
        with btfmmap.open(compiled) as btf:
            assert btf.ext is not None
            functions, lines = btf.ext.func_info, btf.ext.line_info
            expected = functions.insn_off.tolist(), lines.text.tolist()
        assert (functions.insn_off.tolist(), lines.text.tolist()) == expected
        with pytest.raises(ValueError, match="closed"):
            _ = functions.section
        with pytest.raises(ValueError, match="closed"):
            _ = btf.ext


def part(order: str, record_size: int, *runs: tuple[int, list[tuple[int, ...]]]) -> bytes:
    """A part: the size of a record, then per section its name's offset, the number of records and the
    records."""
    words = [record_size]
    for name_off, records in runs:
        words += [name_off, len(records), *(word for record in records for word in record)]
    return struct.pack(f"{order}{len(words)}I", *words)


def ext_section(order: str = "<", *parts: bytes, header_size: int = 32, **header: int) -> bytes:
    """A section of func_info, line_info and core_relo. Header fields by libbpf's names override the correct
    ones."""
    fields = {"magic": 0xEB9F, "version": 1, "flags": 0, "hdr_len": header_size}
    at = 0
    for name, content in zip(FIELDS, [*parts, *[b""] * 3], strict=False):
        fields |= {f"{name}_off": at, f"{name}_len": len(content)}
        at += len(content)
    assert not header.keys() - fields.keys()
    packed = struct.pack(order + "HBB7I", *(fields | header).values())
    return packed[:header_size].ljust(header_size, b"\0") + b"".join(parts)


def types(order: str = "<") -> tuple[BtfWriter, int]:
    """A BTF, and the offset of its last string."""
    writer = every_kind(order)
    return writer, writer.string("last")


def opened(section: bytes, order: str = "<") -> Btf:
    elf = ElfWriter(order=order)
    elf.add(".BTF", types(order)[0].build())
    elf.add(".BTF.ext", section)
    return btfmmap.open(data=elf.build())


def ext_of(section: bytes, order: str = "<") -> Ext:
    ext = opened(section, order).ext
    assert ext is not None
    return ext


def all_parts(order: str = "<") -> tuple[bytes, bytes, bytes]:
    """Two sections per part, with one and two records."""
    last = types(order)[1]
    return (
        part(order, 8, (last, [(0, 21)]), (1, [(0, 21), (2**32 - 8, 0)])),
        part(order, 16, (last, [(0, last, 1, 5 << 10 | 7)]), (1, [(0, 0, 0, 0), (8, last, 0, 2**32 - 1)])),
        part(order, 16, (last, [(0, 7, last, 0)]), (1, [(8, 1, 0, 2**32 - 1), (16, 0, last + 4, 9)])),
    )


@pytest.fixture(params=["<", ">"])
def order(request: pytest.FixtureRequest) -> str:
    order: str = request.param
    return order


class TestWritten:
    def test_all_parts(self, order: str) -> None:
        last = types(order)[1]
        ext = ext_of(ext_section(order, *all_parts(order)), order)
        assert ext.func_info.section_off.tolist() == [last, 1, 1]
        assert ext.func_info.section.tolist() == ["last", "int", "int"]
        assert ext.func_info.insn_off.tolist() == [0, 0, 2**32 - 8]
        assert ext.func_info.type.tolist() == [21, 21, 0]
        assert ext.line_info.file_name.tolist() == ["last", "", "last"]
        assert ext.line_info.text.tolist() == ["int", "", ""]
        assert ext.line_info.line.tolist() == [5, 0, 2**22 - 1]
        assert ext.line_info.column.tolist() == [7, 0, 1023]
        assert ext.core_relo.access.tolist() == ["last", "", ""]
        assert ext.core_relo.type.tolist() == [7, 1, 0]
        assert ext.core_relo.kind.tolist() == [0, 2**32 - 1, 9]

    def test_header_of_24_bytes(self, order: str) -> None:
        """Headers before CO-RE ended there."""
        section = ext_section(order, *all_parts(order)[:2], header_size=24)
        ext = ext_of(section, order)
        assert (len(ext.func_info), len(ext.line_info), len(ext.core_relo)) == (3, 3, 0)
        assert ext.core_relo.columns == ("section_off", "insn_off", "type", "access_off", "kind")
        assert ext.core_relo.access.tolist() == ext.core_relo.section.tolist() == []
        assert "0 core_relo" in repr(ext)

    @pytest.mark.parametrize("header_size", [28, 36, 64])
    def test_other_headers(self, order: str, header_size: int) -> None:
        """A header of 28 bytes ends within core_relo's two fields; a longer one has unknown fields."""
        section = ext_section(order, *all_parts(order), header_size=header_size)
        assert len(ext_of(section, order).core_relo) == (0 if header_size == 28 else 3)

    def test_longer_records(self, order: str) -> None:
        """Unknown fields after the known ones are ignored."""
        section = ext_section(order, part(order, 20, (1, [(8, 21, 9, 9, 9), (16, 3, 9, 9, 9)])))
        functions = ext_of(section, order).func_info
        assert (functions.insn_off.tolist(), functions.type.tolist()) == ([8, 16], [21, 3])

    def test_empty_parts(self, order: str) -> None:
        """Parts may lie at any offsets."""
        section = ext_section(order, func_info_off=2**32 - 1, line_info_off=3, core_relo_off=2**31) + b"more"
        ext = ext_of(section, order)
        assert (len(ext.func_info), len(ext.line_info), len(ext.core_relo)) == (0, 0, 0)
        assert ext.line_info.text.tolist() == []

    def test_none(self) -> None:
        elf = ElfWriter()
        elf.add(".BTF", every_kind().build())
        assert btfmmap.open(data=elf.build()).ext is None
        assert btfmmap.open(data=every_kind().build()).ext is None


LAST = types()[1]
END = len(types()[0].strings)
TYPES = len(types()[0].records)


class TestRefused:
    def refused(self, section: bytes, message: str, at: int | None) -> None:
        """The BTF opens; the error comes when the section is asked for."""
        btf = opened(section)
        assert btf.find("pair") == 7
        for _ in range(2):
            with pytest.raises(FormatError, match=message) as caught:
                _ = btf.ext
            assert ".BTF.ext" in str(caught.value)
            assert caught.value.offset == at

    @pytest.mark.parametrize("size", [0, 1, 23])
    def test_too_short(self, size: int) -> None:
        section = ext_section("<", *all_parts())[:size]
        self.refused(section, f"is too short: {size} bytes, its header has 24", 0)

    @pytest.mark.parametrize(
        ("fields", "message", "at"),
        [
            ({"magic": 0xEB9E}, "does not start with BTF's magic number", 0),
            ({"version": 2}, "has version 2 and flags 0", 2),
            ({"version": 0}, "has version 0 and flags 0", 2),
            ({"flags": 1}, "has version 1 and flags 1", 2),
            ({"hdr_len": 23}, "has a header length of 23", 4),
            ({"hdr_len": 0}, "has a header length of 0", 4),
            ({"hdr_len": 2**32 - 1}, "has a header length of 4294967295", 4),
            ({"func_info_off": 2}, "has a func_info part that is not aligned", 8),
            ({"line_info_off": 1}, "has a line_info part that is not aligned", 16),
            ({"core_relo_off": 3}, "has a core_relo part that is not aligned", 24),
            ({"func_info_off": 4096}, "has a func_info part that ends past its", 8),
            ({"line_info_off": 2**32 - 4}, "has a line_info part that ends past its", 16),
            ({"core_relo_len": 2**32 - 4}, "has a core_relo part that ends past its", 24),
            ({"core_relo_len": len(all_parts()[2]) + 4}, "has a core_relo part that ends past its", 24),
            ({"func_info_len": 4}, "has a func_info part without records", 12),
            ({"line_info_len": 1}, "has a line_info part without records", 20),
            ({"core_relo_len": 3}, "has a core_relo part without records", 28),
        ],
    )
    def test_header(self, fields: dict[str, int], message: str, at: int) -> None:
        self.refused(ext_section("<", *all_parts(), **fields), message, at)

    def test_nothing_after_the_header(self) -> None:
        section = ext_section("<")
        self.refused(section, "has a header length of 32, must be 24 and less than its 32 bytes", 4)

    @pytest.mark.parametrize(
        ("parts", "message", "at"),
        [
            ([part("<", 4, (1, [(0,)]))], "func_info part of records of 4 bytes, must be at least 8", 32),
            ([part("<", 0, (1, []))], "func_info part of records of 0 bytes", 32),
            ([part("<", 9, (1, [(0, 1, 2)]))], "func_info part of records of 9 bytes", 32),
            ([b"", part("<", 12, (1, [(0, 0, 0)]))], "line_info part of records of 12 bytes", 32),
            ([b"", b"", part("<", 8, (1, [(0, 0)]))], "core_relo part of records of 8 bytes", 32),
            ([part("<", 2**32 - 4, (1, [(0, 1)]))], "func_info part with 1 records of 4294967292", 40),
            ([part("<", 8, (1, [(0, 1)])) + bytes(4)], "func_info part that is cut short", 52),
            (
                [part("<", 8, (1, [(0, 1)])) + bytes(8)],
                "func_info part with 0 records of 8 bytes where 0",
                56,
            ),
            ([part("<", 8, (1, []))], "func_info part with 0 records", 40),
            ([part("<", 8, (1, [(0, 1), (0,)]))], "with 2 records of 8 bytes where 12 bytes are left", 40),
            ([struct.pack("<3I", 8, 1, 2**32 - 1)], "with 4294967295 records of 8 bytes where 0", 40),
            ([part("<", 8, (END, [(0, 1)]))], f"the string offset {END}, past the {END} bytes", 36),
            ([part("<", 8, (2**32 - 1, [(0, 1)]))], "the string offset 4294967295, past", 36),
            ([part("<", 8, (1, [(0, TYPES + 1)]))], rf"refers to type \[{TYPES + 1}\], the last", 48),
            ([b"", part("<", 16, (1, [(0, END, 0, 0)]))], f"the string offset {END}, past", 48),
            ([b"", part("<", 16, (1, [(0, 0, END, 0)]))], f"the string offset {END}, past", 52),
            ([b"", b"", part("<", 16, (1, [(0, TYPES + 1, 0, 0)]))], rf"type \[{TYPES + 1}\]", 48),
            ([b"", b"", part("<", 16, (1, [(0, 1, END, 0)]))], f"the string offset {END}, past", 52),
        ],
    )
    def test_records(self, parts: list[bytes], message: str, at: int) -> None:
        self.refused(ext_section("<", *parts), message, at)

    def test_the_file_is_named(self, tmp_path: Path) -> None:
        elf = ElfWriter()
        elf.add(".BTF", every_kind().build())
        elf.add(".BTF.ext", b"nothing")
        path = tmp_path / "program.o"
        path.write_bytes(elf.build())
        with pytest.raises(FormatError) as caught:
            _ = btfmmap.open(path).ext
        assert str(caught.value).startswith(str(path))


def check(ext: Ext, btf: Btf, strings_end: int) -> None:
    """Read every column and text; all ids and offsets are in range."""
    for name in FIELDS:
        table = getattr(ext, name)
        repr(table)
        texts = [
            text
            for key, text in (
                ("section_off", "section"),
                ("file_name_off", "file_name"),
                ("line_off", "text"),
                ("access_off", "access"),
            )
            if key in table.columns
        ]
        for text in texts:
            assert len(getattr(table, text)) == len(table)
        for column in table.columns:
            if column.endswith("_off") and column != "insn_off":
                assert (table[column] < strings_end).all()
            if column == "type":
                assert (table[column] < len(btf)).all()


def test_mutations(order: str) -> None:
    section = ext_section(order, *all_parts(order))
    strings_end = len(types(order)[0].strings)
    generator = random.Random(order)
    good = 0
    for _ in range(2000):
        btf = opened(mutant(section, generator), order)
        try:
            ext = btf.ext
        except FormatError:
            continue
        assert ext is not None
        check(ext, btf, strings_end)
        good += 1
    assert 200 < good < 1900


def test_mutations_of_a_compiled_one(compiled: Path, btf: Btf) -> None:
    file = compiled.read_bytes()
    blob, section = elf_section(file, ".BTF"), elf_section(file, ".BTF.ext")
    strings_end = len(btf.string_section)
    generator = random.Random(len(file))

    def written(change: Callable[[bytes], bytes]) -> bytes:
        elf = ElfWriter(order=order_of(file))
        elf.add(".BTF", blob)
        elf.add(".BTF.ext", change(section))
        return elf.build()

    good = 0
    for _ in range(1000):
        broken = btfmmap.open(data=written(lambda section: mutant(section, generator)))
        try:
            ext = broken.ext
        except FormatError:
            continue
        assert ext is not None
        check(ext, broken, strings_end)
        good += 1
    assert 50 < good < 950
