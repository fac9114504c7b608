"""Relocation from a distilled base to a full one, as by libbpf's btf__relocate.

Most expectations are recorded results of libbpf 1.8 (the stored files, the literal cases). If BTFMMAP_LIBBPF
names a libbpf.so with btf__relocate, it gets the same cases.
"""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpftool_json as bpftool
import btf_writer
import pytest
from btf_writer import BtfWriter, every_kind
from elf_writer import ElfWriter
from libbpf import libbpf
from mutants import mutant
from split_writer import SplitWriter
from stored_files import stored
from table_rows import expected_tables, rows
from type_questions import ask_about_types

import btfmmap
from btfmmap import Btf, FormatError, Kind, NotSupportedError
from btfmmap.cli import main

MODULES = ("tun", "kvm")


def elf(**sections: bytes) -> bytes:
    """An ELF file: BTF=..., BTF_base=..., BTF_ext=..."""
    writer = ElfWriter()
    for name, content in sections.items():
        writer.add("." + name.replace("_", "."), content)
    return writer.build()


def sections(btf: Btf) -> tuple[bytes, bytes]:
    return btf.type_section.tobytes(), btf.string_section.tobytes()


@pytest.fixture(scope="module")
def base_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("relocate") / "7.2-amd64.btf"
    path.write_bytes(stored(path.name))
    return path


@pytest.fixture(scope="module")
def base(base_path: Path) -> Btf:
    return btfmmap.open(base_path)


@pytest.fixture(scope="module", params=MODULES)
def name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def distilled(name: str) -> Btf:
    return btfmmap.open(data=stored(f"{name}.distilled-base.btf"))


@pytest.fixture(scope="module")
def split(name: str, distilled: Btf) -> Btf:
    return btfmmap.open(data=stored(f"{name}.distilled.btf"), base=distilled)


class TestDistilledModules:
    """Real modules, distilled and relocated by libbpf 1.8 (tests/data/README.md)."""

    @pytest.fixture
    def elf_path(self, name: str, tmp_path: Path) -> Path:
        path = tmp_path / f"{name}.ko"
        blobs = {"BTF": stored(f"{name}.distilled.btf"), "BTF_base": stored(f"{name}.distilled-base.btf")}
        path.write_bytes(elf(**blobs))
        return path

    def test_on_the_distilled_base(self, name: str, split: Btf, distilled: Btf, tmp_path: Path) -> None:
        """Tables equal bpftool's of the split BTF on its distilled base."""
        (tmp_path / "base").write_bytes(stored(f"{name}.distilled-base.btf"))
        (tmp_path / "split").write_bytes(stored(f"{name}.distilled.btf"))
        expected = expected_tables(bpftool.records(tmp_path / "split", tmp_path / "base"))
        for table, expected_rows in expected.items():
            assert rows(split, table) == expected_rows
        assert split.base is distilled
        assert split.first_id == len(distilled)
        kinds = {"INT", "FLOAT", "ENUM", "STRUCT", "UNION", "FWD"}
        assert {found.kind.name for found in distilled if found.id} <= kinds

    def test_bytes_are_libbpfs(self, name: str, split: Btf, base: Btf) -> None:
        before = split.raw.tobytes()
        relocated = split.relocate(base)
        assert relocated.raw.tobytes() == stored(f"{name}.relocated.btf")
        assert relocated.base is base
        assert relocated.first_id == len(base)
        assert sections(relocated) == sections(btfmmap.open(data=stored(f"{name}.relocated.btf"), base=base))
        # The relocated BTF owns a copy.
        assert split.raw.tobytes() == before
        assert split.base is not base

    def test_relocated_answers(
        self, name: str, split: Btf, base: Btf, base_path: Path, tmp_path: Path
    ) -> None:
        """Tables equal bpftool's of what libbpf relocated."""
        relocated = split.relocate(base)
        (tmp_path / "relocated").write_bytes(stored(f"{name}.relocated.btf"))
        expected = expected_tables(bpftool.records(tmp_path / "relocated", base_path))
        for table, expected_rows in expected.items():
            assert rows(relocated, table) == expected_rows

    def test_elf_alone(self, elf_path: Path, split: Btf) -> None:
        """A module opens on the distilled base in the same file."""
        btf = btfmmap.open(elf_path)
        assert sections(btf) == sections(split)
        assert btf.base is not None
        assert split.base is not None
        assert sections(btf.base) == sections(split.base)
        assert btf.base.base is None

    def test_elf_on_a_base(self, name: str, elf_path: Path, base: Btf) -> None:
        btf = btfmmap.open(elf_path, base=base)
        assert btf.base is base
        assert btf.raw.tobytes() == stored(f"{name}.relocated.btf")
        assert btf.source.path == str(elf_path)

    def test_elf_later(self, name: str, elf_path: Path, base: Btf) -> None:
        relocated = btfmmap.open(elf_path).relocate(base)
        assert relocated.raw.tobytes() == stored(f"{name}.relocated.btf")

    def test_the_original_agrees(self, base: Btf, tmp_path: Path) -> None:
        """Structs are the same as in the compiler's module, after distilling and relocating."""
        (tmp_path / "tun.ko").write_bytes(stored("tun.ko"))
        original = btfmmap.open(tmp_path / "tun.ko", base=base)
        distilled = btfmmap.open(data=stored("tun.distilled-base.btf"))
        relocated = btfmmap.open(data=stored("tun.distilled.btf"), base=distilled).relocate(base)
        structs = [found for found in original if found.kind == Kind.STRUCT and found.name]
        assert len(structs) > 5
        in_base = 0
        for struct in structs:
            other = relocated[f"struct {struct.name}"]
            assert other.size == struct.size
            assert [member[:1] + member[2:] for member in other.members] == [
                member[:1] + member[2:] for member in struct.members
            ]
            for mine, theirs in zip(other.members, struct.members, strict=True):
                assert (mine.type.kind, mine.type.name) == (theirs.type.kind, theirs.type.name)
                if theirs.type.btf is base and theirs.type.kind == Kind.STRUCT and theirs.type.name:
                    assert mine.type == theirs.type
                    in_base += 1
        assert in_base > 5

    @pytest.mark.parametrize("given", [False, True])
    def test_pickled_elf(self, elf_path: Path, base: Btf, given: bool) -> None:
        btf = btfmmap.open(elf_path, base=base if given else None)
        copy = pickle.loads(pickle.dumps(btf))
        assert copy.raw.tobytes() == btf.raw.tobytes()
        assert copy.first_id == btf.first_id
        assert copy.names() == btf.names()
        if given:
            assert copy.base.source == base.source

    def test_pickled_files(self, name: str, base: Btf, tmp_path: Path) -> None:
        """Pickles of separate files: distilled base, split BTF and new base."""
        for part in ("distilled-base", "distilled"):
            (tmp_path / part).write_bytes(stored(f"{name}.{part}.btf"))
        split = btfmmap.open(tmp_path / "distilled", base=btfmmap.open(tmp_path / "distilled-base"))
        for btf in (split, split.relocate(base)):
            copy = pickle.loads(pickle.dumps(btf))
            assert copy.raw.tobytes() == btf.raw.tobytes()
            assert copy.names(range(0, btf.first_id, 99)) == btf.names(range(0, btf.first_id, 99))

    def test_live(self, name: str) -> None:
        expected = libbpf().relocated(
            stored(f"{name}.distilled.btf"), stored(f"{name}.distilled-base.btf"), stored("7.2-amd64.btf")
        )
        assert expected == stored(f"{name}.relocated.btf")


class TestRefused:
    @pytest.fixture
    def distilled(self) -> BtfWriter:
        writer = BtfWriter()
        writer.add_int("int")
        writer.add_struct("thing", 8, [])
        return writer

    @pytest.fixture
    def split(self, distilled: BtfWriter) -> Btf:
        return opened(referring(distilled), distilled)

    def test_no_counterpart(self, split: Btf) -> None:
        base = BtfWriter()
        base.add_int("int")
        with pytest.raises(
            FormatError,
            match=r"^buffer: type \[2\] 'thing' of the distilled base, STRUCT of 8 bytes, has no "
            "counterpart in the base: there is no type of that name$",
        ):
            split.relocate(btfmmap.open(data=base.build()))

    def test_several_counterparts(self, split: Btf) -> None:
        base = BtfWriter()
        base.add_struct("thing", 8, [])
        base.add_int("int")
        base.add_struct("thing", 8, [])
        with pytest.raises(
            FormatError,
            match=r"type \[2\] 'thing' .* could be type \[1\] or \[3\] of the base, both of 8 bytes",
        ):
            split.relocate(btfmmap.open(data=base.build()))

    @pytest.mark.parametrize(
        ("add", "message"),
        [
            (lambda w: w.add(btf_writer.PTR, size_or_type=1), r"not distilled: type \[3\] is of kind 2"),
            (lambda w: w.add(btf_writer.TYPEDEF, "t", size_or_type=1), r"type \[3\] is of kind 8"),
            (lambda w: w.add_enum64("wide", []), r"type \[3\] is of kind 19"),
            (lambda w: w.add_struct("", 4, []), r"type \[3\] '' of the distilled base has no name"),
        ],
    )
    def test_not_distilled(self, distilled: BtfWriter, add: Callable[[BtfWriter], int], message: str) -> None:
        add(distilled)
        base = btfmmap.open(data=distilled.build())
        with pytest.raises(FormatError, match=message):
            opened(referring(distilled), distilled).relocate(base)

    def test_alone(self, distilled: BtfWriter, split: Btf) -> None:
        base = btfmmap.open(data=distilled.build())
        with pytest.raises(NotSupportedError, match=r"^buffer: stands alone"):
            base.relocate(base)
        assert split.base is not None
        with pytest.raises(NotSupportedError, match="stands alone"):
            split.base.relocate(base)

    def test_same_base(self, split: Btf) -> None:
        assert split.base is not None
        with pytest.raises(NotSupportedError, match="its base is not a distilled one"):
            split.relocate(split.base)

    def test_chain(self, distilled: BtfWriter) -> None:
        """A base on another base is not a distilled one."""
        between = referring(distilled)
        high = SplitWriter(between)
        high.add(btf_writer.CONST, size_or_type=1)
        base = btfmmap.open(data=distilled.build())
        top = btfmmap.open(data=high.build(), base=opened(between, distilled))
        with pytest.raises(NotSupportedError, match="its base is not a distilled one"):
            top.relocate(base)

    @pytest.mark.parametrize("order", ["<", ">"])
    def test_byte_order(self, order: str) -> None:
        distilled = BtfWriter(order)
        distilled.add_int("int")
        other = BtfWriter("<" if order == ">" else ">")
        other.add_int("int")
        split = opened(referring(distilled), distilled)
        with pytest.raises(FormatError, match="byte order differs"):
            split.relocate(btfmmap.open(data=other.build()))

    def test_a_string_of_no_type(self, distilled: BtfWriter) -> None:
        """A split BTF may name a string of the distilled base only if a type there has it."""
        unused = distilled.string("unused")
        writer = SplitWriter(distilled)
        writer.records.append(writer.words(unused, btf_writer.FWD << 24, 0))
        split = opened(writer, distilled)
        message = "the string 'unused' of the distilled base is not the name of any type"
        with pytest.raises(FormatError, match=message):
            split.relocate(btfmmap.open(data=distilled.build()))

    def test_unknown_kind(self, distilled: BtfWriter) -> None:
        writer = SplitWriter(distilled, header_size=32)
        writer.add(20, "strange")
        types, layout = writer.type_section, bytes(4 * 21)
        blob = writer.build(
            types=types + layout, type_len=len(types), layout_off=len(types), layout_len=len(layout)
        )
        split = btfmmap.open(data=blob, base=btfmmap.open(data=distilled.build()))
        with pytest.raises(FormatError, match=r"type \[3\] has the unknown kind 20"):
            split.relocate(btfmmap.open(data=distilled.build()))

    def test_an_elf_file_names_itself(self, distilled: BtfWriter, tmp_path: Path) -> None:
        path = tmp_path / "module.ko"
        path.write_bytes(elf(BTF=referring(distilled).build(), BTF_base=distilled.build()))
        assert len(btfmmap.open(path)) == 2
        base = btfmmap.open(data=every_kind().build())
        with pytest.raises(FormatError, match="has no counterpart in the base: ") as caught:
            btfmmap.open(path, base=base)
        assert str(caught.value).startswith(str(path))

    def test_broken_distilled_base(self, distilled: BtfWriter) -> None:
        blob = elf(BTF=referring(distilled).build(), BTF_base=distilled.build()[:-1])
        with pytest.raises(FormatError, match=r"\.BTF\.base"):
            btfmmap.open(data=blob)


def referring(distilled: BtfWriter) -> SplitWriter:
    """A pointer to each type of a distilled base, which shows where relocation moves it."""
    writer = SplitWriter(distilled)
    for type_id in range(1, len(distilled.records) + 1):
        writer.add(btf_writer.PTR, size_or_type=type_id)
    return writer


def opened(split: SplitWriter, distilled: BtfWriter) -> Btf:
    return btfmmap.open(data=split.build(), base=btfmmap.open(data=distilled.build()))


# A type in short: (kind, name, size), and optionally kind flag or encoding.
Brief = tuple[Any, ...]


def written(types: list[Brief], order: str = "<") -> BtfWriter:
    """Write these types; namesakes share one string, as in real BTF."""
    writer = BtfWriter(order)
    names: dict[str, int] = {}
    for kind, name, size, *rest in types:
        extra = rest[0] if rest else 0
        if name not in names:
            names[name] = writer.string(name)
        flag = extra << 31 if kind != btf_writer.INT else 0
        words = [names[name], flag | kind << 24, size]
        if kind == btf_writer.INT:
            words.append(extra << 24 | size * 8)
        writer.records.append(writer.words(*words))
    return writer


INT, FLOAT, ENUM, ENUM64 = btf_writer.INT, btf_writer.FLOAT, btf_writer.ENUM, btf_writer.ENUM64
STRUCT, UNION, FWD = btf_writer.STRUCT, btf_writer.UNION, btf_writer.FWD
TYPEDEF, CONST, PTR = btf_writer.TYPEDEF, btf_writer.CONST, btf_writer.PTR
ARRAY, TYPE_TAG, VOLATILE, RESTRICT = (
    btf_writer.ARRAY,
    btf_writer.TYPE_TAG,
    btf_writer.VOLATILE,
    btf_writer.RESTRICT,
)
SIGNED, CHAR, UNION_FLAG, BITFIELDS = 1, 2, 1, 1

# Distilled types, the base's types, and the base's id for each distilled one, or None for a refusal.
CASES: dict[str, tuple[list[Brief], list[Brief], list[int] | None]] = {
    "an int by its size": ([(INT, "x", 4)], [(INT, "x", 8), (INT, "x", 4)], [2]),
    "an int by its encoding": ([(INT, "x", 4)], [(INT, "x", 4, SIGNED), (INT, "x", 4)], [2]),
    "an int of another encoding": ([(INT, "x", 1, SIGNED)], [(INT, "x", 1, SIGNED | CHAR)], None),
    "an int is no float": ([(INT, "x", 4)], [(FLOAT, "x", 4), (TYPEDEF, "x", 1)], None),
    "two ints of one name": (
        [(INT, "x", 4), (INT, "x", 8)],
        [(INT, "x", 8), (INT, "y", 4), (INT, "x", 4)],
        [3, 1],
    ),
    "two equal ints": ([(INT, "x", 4)], [(INT, "x", 4), (INT, "x", 4)], None),
    "a float by its size": ([(FLOAT, "x", 8)], [(FLOAT, "x", 4), (FLOAT, "x", 8)], [2]),
    "a float is no int": ([(FLOAT, "x", 4)], [(INT, "x", 4)], None),
    "an enum by its size": ([(ENUM, "x", 1)], [(ENUM, "x", 4), (ENUM, "x", 1)], [2]),
    "an enum to an enum64": ([(ENUM, "x", 8)], [(ENUM, "x", 4), (ENUM64, "x", 8)], [2]),
    "an enum of any sign": ([(ENUM, "x", 4)], [(ENUM, "x", 4, SIGNED)], [1]),
    "an enum to both": ([(ENUM, "x", 8)], [(ENUM, "x", 8), (ENUM64, "x", 8)], None),
    "an enum of another size": ([(ENUM, "x", 4)], [(ENUM64, "x", 8)], None),
    "a fwd to a fwd": ([(FWD, "x", 0)], [(FWD, "x", 0)], [1]),
    "a fwd to a fwd of a union": ([(FWD, "x", 0)], [(FWD, "x", 0, UNION_FLAG)], None),
    "a fwd of a union": ([(FWD, "x", 0, UNION_FLAG)], [(FWD, "x", 0), (FWD, "x", 0, UNION_FLAG)], [2]),
    "a fwd to a struct": ([(FWD, "x", 0)], [(STRUCT, "x", 8)], [1]),
    "a fwd to a struct with bitfields": ([(FWD, "x", 0)], [(STRUCT, "x", 8, BITFIELDS)], None),
    "a fwd to a union": ([(FWD, "x", 0, UNION_FLAG)], [(UNION, "x", 8)], None),
    "a fwd to a union with bitfields": ([(FWD, "x", 0)], [(UNION, "x", 8, BITFIELDS)], [1]),
    "a fwd of a union to one with bitfields": (
        [(FWD, "x", 0, UNION_FLAG)],
        [(UNION, "x", 8, BITFIELDS)],
        [1],
    ),
    "a fwd to one of several structs": ([(FWD, "x", 0)], [(STRUCT, "x", 8), (STRUCT, "x", 4)], None),
    "a fwd to the empty one of several": ([(FWD, "x", 0)], [(STRUCT, "x", 8), (STRUCT, "x", 0)], [2]),
    "a fwd is no int": ([(FWD, "x", 0)], [(INT, "x", 0)], None),
    "a struct of another size": ([(STRUCT, "x", 8)], [(STRUCT, "x", 16)], [1]),
    "one of several structs by its size": (
        [(STRUCT, "x", 8)],
        [(STRUCT, "x", 16), (STRUCT, "x", 8), (STRUCT, "x", 4)],
        [2],
    ),
    "several structs of its size": ([(STRUCT, "x", 8)], [(STRUCT, "x", 8), (STRUCT, "x", 8)], None),
    "several structs of other sizes": ([(STRUCT, "x", 8)], [(STRUCT, "x", 4), (STRUCT, "x", 16)], None),
    "a struct and a union of one name": (
        [(STRUCT, "x", 8), (UNION, "x", 4)],
        [(UNION, "x", 4), (STRUCT, "x", 8)],
        [2, 1],
    ),
    "a struct to a union": ([(STRUCT, "x", 8)], [(UNION, "x", 8)], [1]),
    "a struct to a fwd": ([(STRUCT, "x", 8)], [(FWD, "x", 0)], [1]),
    "a struct to a fwd and a struct": ([(STRUCT, "x", 8)], [(FWD, "x", 0), (STRUCT, "x", 8)], None),
    "a struct to an int": ([(STRUCT, "x", 4)], [(INT, "x", 4)], [1]),
    "a struct to an int of another size": ([(STRUCT, "x", 8)], [(INT, "x", 4)], None),
    "a struct is no typedef": ([(STRUCT, "x", 8)], [(TYPEDEF, "x", 0)], None),
    "two of one name to one struct": ([(STRUCT, "x", 8), (FWD, "x", 0)], [(STRUCT, "x", 8)], [1, 1]),
    "another name": ([(STRUCT, "x", 8)], [(STRUCT, "xx", 8), (STRUCT, "", 8)], None),
    "one is missing": ([(INT, "x", 4), (INT, "y", 4)], [(INT, "x", 4)], None),
    "one called void": ([(STRUCT, "void", 8)], [(INT, "x", 4), (STRUCT, "void", 8)], [2]),
    "no type called void is void": (
        [(INT, "void", 4)],
        [(FWD, "void", 0), (STRUCT, "void", 8), (INT, "void", 4)],
        [3],
    ),
    "nothing": ([], [(INT, "x", 4)], []),
}


def outcome(split: SplitWriter, distilled: BtfWriter, base: BtfWriter) -> Btf | None:
    try:
        return opened(split, distilled).relocate(btfmmap.open(data=base.build()))
    except FormatError:
        return None


# A distilled type, the base's types of its name, and what the refusal says of both.
REFUSALS: list[tuple[Brief, list[Brief], str]] = [
    ((STRUCT, "x", 40), [], "STRUCT of 40 bytes, .*: there is no type of that name$"),
    ((INT, "x", 4, 1), [(INT, "x", 8, 1)], r"INT of 4 bytes .* type \[1\], INT of 8 bytes \(encoding 1\)$"),
    ((INT, "x", 1, 1), [(INT, "x", 1, 3)], r"bytes \(encoding 1\), .* of 1 bytes \(encoding 3\)$"),
    ((ENUM, "x", 4), [(ENUM64, "x", 8)], r"ENUM of 4 bytes, .* type \[1\], ENUM64 of 8 bytes$"),
    ((FLOAT, "x", 4), [(TYPEDEF, "x", 0)], r"FLOAT of 4 bytes, .* type \[1\], TYPEDEF$"),
    ((FWD, "x", 0), [(FWD, "x", 0, 1)], "FWD of a struct, .* FWD of a union$"),
    (
        (STRUCT, "x", 8),
        [(STRUCT, "x", size) for size in (1, 2, 3, 4, 5, 6)],
        r"type \[1\], STRUCT of 1 bytes, .* type \[4\], STRUCT of 4 bytes and 2 more$",
    ),
]


@pytest.mark.parametrize(("distilled_type", "base_types", "message"), REFUSALS)
def test_refusals_say_sizes(
    distilled_type: Brief, base_types: list[Brief], message: str, tmp_path: Path
) -> None:
    """A refusal names kinds, sizes and both files."""
    distilled = written([distilled_type])
    module, kernel = tmp_path / "module.ko", tmp_path / "kernel"
    module.write_bytes(elf(BTF=referring(distilled).build(), BTF_base=distilled.build()))
    kernel.write_bytes(written(base_types).build())
    base = btfmmap.open(kernel)
    for later in (False, True):
        with pytest.raises(FormatError, match=message) as caught:
            _ = btfmmap.open(module).relocate(base) if later else btfmmap.open(module, base=base)
        assert str(caught.value).startswith(f"{module}: type [1] 'x' of the distilled base, ")
        assert f" has no counterpart in {kernel}: " in str(caught.value)
    (found,) = [each for each in btfmmap.lint(module, base=base) if each.severity == "error"]
    assert (found.rule, f"{module}: {found.message}") == ("relocation", str(caught.value))


def test_an_embedded_struct_that_has_grown() -> None:
    distilled = written([(STRUCT, "task", 40)])
    base = btfmmap.open(data=written([(INT, "int", 4), (STRUCT, "task", 48)]).build())
    with pytest.raises(
        FormatError, match=r"STRUCT of 40 bytes, .* type \[2\], STRUCT of 48 bytes; .* must be equal$"
    ):
        opened(embedding(distilled, []), distilled).relocate(base)


class TestDistilledAlone:
    """A struct's size without members does not count as padding."""

    @pytest.fixture
    def distilled(self) -> BtfWriter:
        return written(
            [(STRUCT, "task", 40), (UNION, "either", 8), (INT, "int", 4), (ENUM, "e", 4), (FWD, "f", 0)]
        )

    def test_told(self, distilled: BtfWriter, name: str) -> None:
        for blob in (distilled.build(), stored(f"{name}.distilled-base.btf")):
            assert btfmmap.open(data=blob).distilled
        split = opened(referring(distilled), distilled)
        assert not split.distilled
        assert split.base is not None
        assert split.base.distilled

    @pytest.mark.parametrize(
        "add",
        [
            lambda w: w.add(PTR, size_or_type=1),
            lambda w: w.add_struct("other", 4, [("x", 3, 0)]),
            lambda w: w.add_struct("", 4, []),
            lambda w: w.add_enum("other", [("ONE", 1)]),
            lambda w: w.add(TYPEDEF, "t", size_or_type=1),
        ],
    )
    def test_others_are_not(self, distilled: BtfWriter, add: Callable[[BtfWriter], int]) -> None:
        add(distilled)
        btf = btfmmap.open(data=distilled.build())
        assert not btf.distilled
        assert btf.layout("task").summary["padding"] == 40
        assert "padding: 40" in str(btf.layout("task"))

    def test_kernels_are_not(self, base: Btf) -> None:
        assert not base.distilled
        assert not btfmmap.open(data=written([(INT, "int", 4)]).build()).distilled

    @pytest.mark.parametrize("order", ["<", ">"])
    def test_layouts(self, order: str) -> None:
        blob = written([(STRUCT, "task", 40), (UNION, "either", 8)], order).build()
        btf = btfmmap.open(data=blob)
        assert btf.layouts.size.tolist() == [40, 8]
        assert btf.layouts.padding.tolist() == [0, 0]
        assert btf.wasteful() == []
        assert btf.layouts.cachelines.tolist() == [1, 1]
        for found, size in (("struct task", 40), ("union either", 8)):
            text = str(btf.layout(found))
            assert f"/* size: {size}, a distilled base: no members recorded */" in text
            assert "padding" not in text
            assert "aligned" not in text
            facts = btf.layout(found).to_dict()
            assert (facts["size"], facts["padding"], facts["distilled"]) == (size, 0, True)

    def test_a_struct_that_holds_one(self, distilled: BtfWriter) -> None:
        split = opened(embedding(distilled, []), distilled)
        layout = split.layout("holder")
        assert not layout.distilled
        assert "XXX last struct" not in str(layout)
        assert "no members" not in str(layout)
        assert "no members recorded" in layout.text(expand=True)

    def test_at_a_byte(self, distilled: BtfWriter) -> None:
        """The member of a distilled type is the innermost one that is known."""
        split = opened(embedding(distilled, []), distilled)
        for member in split.layout("holder").members:
            for offset in range(member.offset, member.offset + member.size):
                assert split.at("holder", offset) == [member.name]

    def test_commands(self, distilled: BtfWriter, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        alone, module = str(tmp_path / "base.btf"), str(tmp_path / "module.ko")
        (tmp_path / "base.btf").write_bytes(distilled.build())
        (tmp_path / "module.ko").write_bytes(
            elf(BTF=referring(distilled).build(), BTF_base=distilled.build())
        )
        for file in (alone, module):
            assert main(["info", file]) == 0
            assert "distilled" in capsys.readouterr().out
            assert main(["show", "task", "-f", file]) == 0
            assert "no members recorded" in capsys.readouterr().out
            assert main(["at", "task", "8", "-f", file]) == 1
            assert "distilled base, which does not record members" in capsys.readouterr().err
        assert main(["holes", "-f", alone]) == 1
        assert "distilled base, which does not record members" in capsys.readouterr().err
        assert main(["info", alone, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["distilled"] is True
        assert main(["info", module, "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert (facts["distilled"], facts["base_distilled"]) == (False, True)


def raw(btf: Btf | None) -> bytes | None:
    return None if btf is None else btf.raw.tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("name", CASES)
def test_rule(name: str, order: str) -> None:
    distilled, base, expected = CASES[name]
    relocated = outcome(referring(written(distilled, order)), written(distilled, order), written(base, order))
    if expected is None:
        assert relocated is None
    else:
        assert relocated is not None
        assert relocated.types.size_or_type.tolist() == expected
        assert relocated.first_id == len(base) + 1


@pytest.mark.parametrize("name", CASES)
def test_rule_of_libbpf(name: str) -> None:
    distilled, base = (written(types) for types in CASES[name][:2])
    split = referring(distilled)
    relocated = outcome(split, distilled, base)
    expected = libbpf().relocated(split.build(), distilled.build(), base.build())
    assert raw(relocated) == expected


# Paths from a member of a split struct to type 1 of the distilled base, and whether they embed it.
PATHS: dict[str, tuple[list[int], bool]] = {
    "itself": ([], True),
    "typedef": ([TYPEDEF], True),
    "qualifiers": ([CONST, VOLATILE, RESTRICT], True),
    "array": ([ARRAY], True),
    "arrays of typedefs": ([ARRAY, TYPEDEF, ARRAY, CONST], True),
    "type tag": ([TYPE_TAG], True),
    "pointer": ([PTR], False),
    "pointer behind a typedef": ([TYPEDEF, CONST, PTR], False),
    "array of pointers": ([ARRAY, PTR], False),
}


def embedding(distilled: BtfWriter, path: list[int], kind: int = STRUCT) -> SplitWriter:
    """A struct or union with a member, followed by the types on its path to type 1."""
    writer = SplitWriter(distilled)
    first = writer.first_id + 1 if path else 1
    writer.add_struct("holder", 64, [("member", first, 0)], kind=kind)
    for step, link in enumerate(path, 1):
        target = 1 if step == len(path) else writer.first_id + step + 1
        if link == ARRAY:
            writer.add(ARRAY, extra=(target, target, 2))
        else:
            writer.add(link, "named" if link in (TYPEDEF, TYPE_TAG) else "", size_or_type=target)
    return writer


@pytest.mark.parametrize("kind", [STRUCT, UNION])
@pytest.mark.parametrize("name", PATHS)
def test_embedded_struct(name: str, kind: int) -> None:
    """An embedded struct must have the same size; one behind a pointer may differ."""
    path, embeds = PATHS[name]
    distilled = written([(kind, "x", 8)])
    split = embedding(distilled, path, kind)
    same = outcome(split, distilled, written([(INT, "y", 4), (kind, "x", 8)]))
    assert same is not None
    words = [same.members.type.tolist(), same.types.size_or_type.tolist(), same.arrays.type.tolist()]
    assert 2 in [*words[0], *words[1], *words[2]]
    other = outcome(split, distilled, written([(INT, "y", 4), (kind, "x", 16)]))
    assert (other is None) == embeds


@pytest.mark.parametrize("name", PATHS)
def test_embedded_struct_of_libbpf(name: str) -> None:
    distilled = written([(STRUCT, "x", 8)])
    split = embedding(distilled, PATHS[name][0])
    for size in (8, 16):
        base = written([(INT, "y", 4), (STRUCT, "x", size)])
        relocated = outcome(split, distilled, base)
        expected = libbpf().relocated(split.build(), distilled.build(), base.build())
        assert raw(relocated) == expected


def test_embedded_in_a_struct_of_its_own() -> None:
    """Embedding is transitive within the split BTF."""
    distilled = written([(STRUCT, "x", 8)])
    split = SplitWriter(distilled)
    split.add_struct("outer", 64, [("inner", split.first_id + 1, 0)])
    split.add_struct("inner", 64, [("member", 1, 0)])
    assert outcome(split, distilled, written([(STRUCT, "x", 8)])) is not None
    assert outcome(split, distilled, written([(STRUCT, "x", 4)])) is None


def all_references(distilled: BtfWriter) -> SplitWriter:
    """Each kind of record. Every place for a type id or a name occurs with one of the distilled base's (types
    1 and 2, called a and b) and with one of the split BTF's own."""
    writer = SplitWriter(distilled)
    name_a = distilled.strings.index(b"a\0")

    def own(step: int) -> int:
        return writer.first_id + step

    writer.add_int("own", 4)
    for kind in (PTR, TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG):
        named = kind in (TYPEDEF, TYPE_TAG)
        writer.add(kind, "one" if named else "", size_or_type=1)
        writer.add(kind, "other" if named else "", size_or_type=own(0))
    writer.add_array(1, 2, 3)
    writer.add_array(own(0), 1, 3)
    for kind in (STRUCT, UNION):
        writer.add_struct("holder", 16, [("one", 2, 0), ("other", own(0), 64), ("", 0, 0)], kind=kind)
    writer.records.append(writer.words(name_a, STRUCT << 24 | 1, 8, name_a, 1, 0))
    writer.add_enum("choice", [("ONE", 1), ("TWO", 2)])
    writer.records.append(writer.words(name_a, ENUM << 24 | 1, 4, name_a, 7))
    writer.add_enum64("wide", [("THREE", 2**40 + 1)])
    writer.records.append(writer.words(name_a, ENUM64 << 24 | 1, 8, name_a, 7, 1))
    writer.add(FWD, "declared")
    writer.records.append(writer.words(name_a, FWD << 24, 0))
    proto = writer.add_proto(1, [("one", 2), ("other", own(0)), ("", 0)])
    writer.records.append(
        writer.words(0, btf_writer.FUNC_PROTO << 24 | 2, own(1), name_a, 1, writer.string("p"), 0)
    )
    function = writer.add(btf_writer.FUNC, "function", size_or_type=proto, vlen=1)
    writer.records.append(writer.words(name_a, btf_writer.FUNC << 24, proto + 1))
    variable = writer.add(btf_writer.VAR, "variable", size_or_type=1, extra=(1,))
    writer.add(btf_writer.VAR, "another", size_or_type=own(0), extra=(2,))
    writer.add_datasec(".data", 8, [(variable, 1, 2), (variable + 1, 2, 1)])
    writer.add(FLOAT, "real", size_or_type=8)
    writer.add(btf_writer.DECL_TAG, "tag", size_or_type=function, extra=(2,))
    writer.add(btf_writer.DECL_TAG, "tag", size_or_type=1, extra=(1,))
    return writer


def two_ints(order: str) -> tuple[BtfWriter, BtfWriter]:
    """A distilled base, and a base in which its types 1 and 2 are types 4 and 2."""
    signed = [(INT, "a", 4, SIGNED), (INT, "b", 8, SIGNED)]
    others = [(INT, "zz", 2), signed[1], (FWD, "y", 0), signed[0]]
    return written([*signed], order), written([*others], order)


@pytest.mark.parametrize("order", ["<", ">"])
def test_every_reference(order: str) -> None:
    """Names and targets stay the same; other words do not change."""
    distilled, base = two_ints(order)
    before = opened(all_references(distilled), distilled)
    relocated = before.relocate(btfmmap.open(data=base.build()))
    assert relocated.names() == before.names()
    assert {found.kind for found in relocated} == set(Kind) - {Kind.VOID}
    assert relocated.first_id == 5
    assert before.first_id == 3
    places = {0: 0, 1: 4, 2: 2} | {type_id: type_id + 2 for type_id in range(3, 3 + len(before))}
    expected_rows = {
        "types": ("size_or_type",),
        "members": ("parent", "type"),
        "params": ("parent", "type"),
        "enumerators": ("parent",),
        "arrays": ("id", "type", "index_type"),
        "ints": ("id",),
        "funcs": ("id", "type"),
        "vars": ("id", "type"),
        "secinfos": ("parent", "type"),
        "decl_tags": ("id", "type"),
    }
    for table, referring_columns in expected_rows.items():
        old, new = getattr(before, table), getattr(relocated, table)
        assert len(old) > 0
        for column in old.columns:
            expected = old[column].tolist()
            if table == "types" and column == "size_or_type":
                refers = [found.type is not None and found.kind != Kind.ARRAY for found in before]
                expected = [places[x] if refer else x for x, refer in zip(expected, refers, strict=True)]
            elif column in referring_columns or (table, column) == ("types", "id"):
                expected = [places[type_id] for type_id in expected]
            elif column == "name_off":
                assert relocated.strings(new[column]) == before.strings(expected)
                continue
            assert new[column].tolist() == expected


def test_every_reference_of_libbpf() -> None:
    distilled, base = two_ints("<")
    split = all_references(distilled)
    relocated = outcome(split, distilled, base)
    assert relocated is not None
    expected = libbpf().relocated(split.build(), distilled.build(), base.build())
    assert relocated.raw.tobytes() == expected


def test_header_only() -> None:
    """An empty split BTF needs no moves."""
    distilled, base = two_ints("<")
    relocated = outcome(SplitWriter(distilled), distilled, base)
    assert relocated is not None
    assert (len(relocated), relocated.first_id, relocated.find("y")) == (0, 5, 3)


def test_like_libbpf() -> None:
    """Random distilled bases, and bases with types of the same few names."""
    reference = libbpf()
    generator = random.Random(18)
    refused = 0
    kinds = [INT, FLOAT, ENUM, STRUCT, STRUCT, UNION, FWD]
    for _ in range(3000):

        def brief(kinds: list[int] = kinds) -> Brief:
            kind = generator.choice(kinds)
            size = 0 if kind == FWD else generator.choice([4, 8])
            return kind, generator.choice("pqrst"), size, generator.choice([0, 0, 0, 1])

        distilled_types = [brief() for _ in range(generator.randrange(1, 4))]
        # Types are often the same, so that many relocations succeed.
        base_types = [brief([*kinds, ENUM64, TYPEDEF, PTR]) for _ in range(generator.randrange(4))]
        base_types = [
            (kind, name, 1 if kind in (TYPEDEF, PTR) else size, flag) for kind, name, size, flag in base_types
        ]
        base_types += [one for one in distilled_types if generator.random() < 0.8]
        generator.shuffle(base_types)
        distilled, base = written(distilled_types), written(base_types)
        if generator.random() < 0.5:
            split = embedding(distilled, PATHS[generator.choice([*PATHS])][0])
        else:
            split = referring(distilled)
        relocated = outcome(split, distilled, base)
        expected = reference.relocated(split.build(), distilled.build(), base.build())
        assert raw(relocated) == expected, (distilled_types, base_types)
        refused += expected is None
    assert 500 < refused < 2500


def test_many_members_of_one_long_chain() -> None:
    """Time is linear although each of 200,000 members leads through the same 200,000 typedefs, which libbpf
    follows for each. The typedefs form a cycle, on which libbpf does not end."""
    distilled = written([(STRUCT, "x", 8)])
    writer = SplitWriter(distilled)
    count = 200_000
    first = writer.first_id + 1
    members = writer.words(0, first, 0) * count
    writer.records.append(writer.words(0, STRUCT << 24 | count, 8) + members)
    name = writer.string("t")
    for step in range(count):
        writer.records.append(writer.words(name, TYPEDEF << 24, first + (step + 1) % count))
    relocated = outcome(writer, distilled, written([(STRUCT, "x", 16)]))
    assert relocated is not None
    assert len(relocated) == count + 1


@pytest.mark.parametrize("which", ["split", "distilled", "base"])
def test_mutations(which: str) -> None:
    """Mutants of each of the three relocate completely and answer all questions, or are refused."""
    distilled, base = two_ints("<")
    blobs = {"distilled": distilled.build(), "base": base.build(), "split": all_references(distilled).build()}
    generator = random.Random(which)
    relocated = 0
    for _ in range(1500):
        changed = blobs | {which: mutant(blobs[which], generator, header=0)}
        try:
            split = btfmmap.open(data=changed["split"], base=btfmmap.open(data=changed["distilled"]))
            btf = split.relocate(btfmmap.open(data=changed["base"]))
        except FormatError:
            continue
        relocated += 1
        ask_about_types(btf)
        assert len(btf) == len(split)
    assert relocated > 30
