"""Split BTF: a module's own types and strings, and those of its base."""

from __future__ import annotations

import ctypes
import gc
import lzma
import os
import pickle
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpftool_json as bpftool
import btf_writer
import numpy as np
import pytest
import requirements
from btf_writer import BtfWriter, every_kind
from elf_writer import ElfWriter
from little_stack import on_little_stack
from mutants import mutant
from split_writer import SplitWriter, small_base, small_split
from stored_files import MODULES, stored
from table_rows import COLUMNS, expected_tables, rows
from type_questions import ask_about_types

import btfmmap
from btfmmap import Btf, FormatError, Kind, MissingBaseError, NotFoundError, NotSupportedError, opening
from btfmmap.cli import info, main
from btfmmap.tables import ChildTable


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kernel's BTF, and its modules in another folder."""
    folder = tmp_path_factory.mktemp("split")
    (folder / "7.2-amd64.btf").write_bytes(stored("7.2-amd64.btf"))
    (folder / "modules").mkdir()
    for name in MODULES:
        (folder / "modules" / f"{name}.ko").write_bytes(stored(f"{name}.ko"))
    return folder


@pytest.fixture(scope="module")
def base_path(folder: Path) -> Path:
    return folder / "7.2-amd64.btf"


@pytest.fixture(scope="module")
def base(base_path: Path) -> Btf:
    return btfmmap.open(base_path)


@pytest.fixture(scope="module", params=MODULES)
def module_path(request: pytest.FixtureRequest, folder: Path) -> Path:
    return folder / "modules" / f"{request.param}.ko"


@pytest.fixture(scope="module")
def module(module_path: Path, base: Btf) -> Btf:
    return btfmmap.open(module_path, base=base)


@pytest.fixture(scope="module")
def records(module_path: Path, base_path: Path) -> list[bpftool.Record]:
    return bpftool.records(module_path, base_path)


class TestModules:
    """Real modules, against bpftool."""

    @pytest.mark.parametrize("table", COLUMNS)
    def test_tables(self, module: Btf, records: list[bpftool.Record], table: str) -> None:
        assert rows(module, table) == expected_tables(records)[table]

    @pytest.mark.parametrize(
        ("table", "key"),
        [("members", "members"), ("params", "params"), ("enumerators", "values"), ("secinfos", "vars")],
    )
    def test_indptr(self, module: Btf, records: list[bpftool.Record], table: str, key: str) -> None:
        indptr = getattr(module, table).indptr
        assert np.diff(indptr).tolist() == [len(record.get(key, [])) for record in records]
        assert indptr[0] == 0

    def test_ids_continue(self, module: Btf, base: Btf, records: list[bpftool.Record]) -> None:
        assert module.base is base
        assert module.first_id == len(base) == records[0]["id"]
        assert len(module) == len(records)
        assert module.types.id.tolist() == [record["id"] for record in records]
        assert [found.id for found in module] == [record["id"] for record in records]
        assert {found.btf for found in module} == {module}

    def test_names(self, module: Btf, base: Btf, records: list[bpftool.Record]) -> None:
        expected = [bpftool.name(record["name"]) for record in records]
        assert module.names() == expected
        assert module.names(module.types.id) == expected
        assert [module.name(record["id"]) for record in records] == expected
        assert module.names(range(0, len(base), 97)) == base.names(range(0, len(base), 97))

    def test_strings(self, module: Btf, base: Btf) -> None:
        """Offsets below the length of the base's strings are the base's; the module's follow."""
        boundary = len(base.string_section)
        offsets = base.members.name_off[::1000]
        assert module.strings(offsets) == base.strings(offsets)
        own = module.string_section.tobytes()
        assert module.string(boundary) == own.split(b"\0")[0].decode()
        assert module.string(boundary - 1) == ""
        assert module.string(boundary + len(own) - 1) == ""
        last_name = own.rstrip(b"\0").rsplit(b"\0", 1)[-1]
        assert module.string(boundary + len(own) - len(last_name) - 1) == last_name.decode()
        with pytest.raises(NotFoundError, match="base and split BTF"):
            module.string(boundary + len(own))

    def test_find(self, module: Btf, base: Btf, records: list[bpftool.Record]) -> None:
        """All ids of a name, the base's first."""
        ids: dict[str, list[int]] = {}
        for type_id, name in enumerate(base.names()):
            ids.setdefault(name, []).append(type_id)
        for record in records:
            ids.setdefault(bpftool.name(record["name"]), []).append(record["id"])
        names = sorted({module.name(record["id"]) for record in records} | set(base.names()[::500]))
        assert names.pop(0) == ""
        assert [module.find_all(name) for name in names] == [ids[name] for name in names]
        assert [module.find(name) for name in names] == [ids[name][0] for name in names]
        assert module.lookup([*names, "no such type"]).tolist() == [*(ids[name][0] for name in names), -1]
        assert module.find("no such type") is None
        assert module.find_all("") == []
        assert module.find("void") == 0

    def test_find_by_kind(self, module: Btf, records: list[bpftool.Record], base: Btf) -> None:
        for record in records:
            if name := bpftool.name(record["name"]):
                found = module.find_all(name, Kind[record["kind"]])
                assert record["id"] in found
                assert [i for i in found if i < len(base)] == base.find_all(name, Kind[record["kind"]])

    def test_types_of_the_base_are_the_bases(self, module: Btf, base: Btf) -> None:
        assert module["struct list_head"] == base["struct list_head"]
        assert module["struct list_head"].btf is base
        for type_id in (0, 1, len(base) - 1):
            assert module[type_id] == base[type_id]
        assert module[module.first_id].btf is module

    def test_types(self, module: Btf, base: Btf, records: list[bpftool.Record]) -> None:
        for record in records:
            found = module[record["id"]]
            assert found.kind.name == record["kind"]
            assert found.name == bpftool.name(record["name"])
            assert found.size == record.get("size")
            reference = record.get("type_id", record.get("ret_type_id"))
            assert (found.type.id if found.type else None) == reference
            if found.type is not None:
                assert found.type.btf is (base if found.type.id < len(base) else module)
            assert [(m.name, m.type.id, m.bit_offset, m.bitfield_size) for m in found.members] == [
                (bpftool.name(m["name"]), m["type_id"], m["bits_offset"], m.get("bitfield_size", 0))
                for m in record.get("members", [])
            ]

    def test_in(self, module: Btf, base: Btf) -> None:
        end = module.first_id + len(module)
        assert 0 in module
        assert module.first_id in module
        assert module.first_id not in base
        assert end - 1 in module
        assert end not in module
        assert -1 not in module
        assert "list_head" in module
        assert base[1] in module
        assert module[end - 1] in module
        assert module[end - 1] not in base
        for absent in (end, -1, 2**40):
            with pytest.raises(NotFoundError):
                module[absent]


def test_members_across_the_boundary(folder: Path, base: Btf) -> None:
    """Members are those of Linux's drivers/net/tun.c."""
    tun = btfmmap.open(folder / "modules" / "tun.ko", base=base)
    struct, file = tun["struct tun_struct"], tun["struct tun_file"]
    assert (struct.btf, file.btf) == (tun, tun)
    of_struct = {member.name: member.type for member in struct.members}
    of_file = {member.name: member.type for member in file.members}
    assert of_struct["flags"] == base["unsigned int"]
    assert of_struct["dev"].type == base["struct net_device"]
    assert of_file["sk"] == base["struct sock"]
    assert of_file["socket"] == base["struct socket"]
    assert of_file["tun"].type == struct
    # tfiles is an array of pointers.
    element = of_struct["tfiles"].type
    assert element is not None
    assert element.type == file


LEVELS = 30_000


class TestChains:
    def test_three_levels(self) -> None:
        low = small_base()
        middle = small_split(low, "middle")
        high = SplitWriter(middle)
        typedef = high.add(btf_writer.TYPEDEF, "alias", size_or_type=middle.first_id)
        high.add(btf_writer.CONST, size_or_type=1)
        kernel = btfmmap.open(data=low.build())
        module = btfmmap.open(data=middle.build(), base=kernel)
        addition = btfmmap.open(data=high.build(), base=module)

        assert (kernel.first_id, module.first_id, addition.first_id) == (0, 3, 5)
        assert (len(kernel), len(module), len(addition)) == (3, 2, 2)
        assert addition.names(range(7)) == ["void", "int", "shared", "middle", "shared", "alias", ""]
        assert (kernel.names(), module.names(), addition.names()) == (
            ["void", "int", "shared"],
            ["middle", "shared"],
            ["alias", ""],
        )
        assert addition.find_all("shared") == module.find_all("shared") == [2, 4]
        assert kernel.find_all("shared") == [2]
        assert addition.lookup(["alias", "middle", "shared", "void", "x"]).tolist() == [5, 3, 2, 0, -1]
        assert [addition[type_id].btf for type_id in range(7)] == [kernel] * 3 + [module] * 2 + [addition] * 2
        assert addition[typedef].type == module["middle"]
        assert addition[6].type == kernel["int"]
        assert [member.type for member in addition["middle"].members] == [kernel["shared"], kernel["int"]]
        assert addition.base is module
        assert module.base is kernel
        assert kernel.base is None
        assert kernel[1] in addition
        assert addition[6] not in module

    def test_many_levels(self) -> None:
        """Levels open, answer and close in a thread whose stack has no room for one frame per level. An array
        of the last level keeps all levels alive without a `Btf`."""

        def work() -> None:
            writer: BtfWriter = small_base()
            btf = btfmmap.open(data=writer.build())
            for level in range(LEVELS):
                writer = SplitWriter(writer)
                last = writer.first_id - 1
                writer.add(btf_writer.TYPEDEF, f"level_{level}", size_or_type=last)
                btf = btfmmap.open(data=writer.build(), base=btf)
            found = btf[f"level_{LEVELS - 1}"].type
            assert found is not None
            assert (btf.first_id, btf.name(2)) == (LEVELS + 2, "shared")
            assert (btf.find("level_0"), found.id) == (3, LEVELS + 1)
            assert btf.find_all("shared") == [2]
            assert btf.source.pointer_size in (4, 8)
            array = btf.types.id
            del btf, found
            gc.collect()
            assert array.tolist() == [LEVELS + 2]
            del array
            gc.collect()

        on_little_stack(work, 256 << 10)


class TestHeaderOnly:
    """Real modules without types have only a header."""

    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("header_size", [24, 32])
    def test_header_only(self, order: str, header_size: int) -> None:
        base = btfmmap.open(data=every_kind(order).build())
        empty = SplitWriter(every_kind(order), header_size)
        blob = empty.build()
        assert len(blob) == header_size
        btf = btfmmap.open(data=blob, base=base)
        assert (len(btf), btf.first_id, list(btf), btf.names()) == (0, len(base), [], [])
        assert btf.find("pair") == base.find("pair")
        assert btf["pair"] == base["pair"]
        assert btf.name(len(base) - 1) == base.name(len(base) - 1)
        assert btf.raw.tobytes() == blob
        assert len(btf.type_section) == len(btf.string_section) == 0
        assert btf.source.byte_order == base.source.byte_order
        for name in COLUMNS:
            table = getattr(btf, name)
            assert len(table) == 0
            assert "0 rows" in repr(table)
            if isinstance(table, ChildTable):
                assert table.indptr.tolist() == [0]
        with pytest.raises(NotFoundError):
            btf[len(base)]

    def test_as_a_base(self) -> None:
        """A `Btf` of length 0 can be a base."""
        base = btfmmap.open(data=small_base().build())
        empty = SplitWriter(small_base())
        between = btfmmap.open(data=empty.build(), base=base)
        assert len(between) == 0
        btf = btfmmap.open(data=small_split(empty).build(), base=between)
        assert btf.base is between
        assert btf.find_all("shared") == [2, 4]
        assert btf["own"].members[0].type == base["shared"]


def test_big_endian() -> None:
    """Each table has the same values as in the other byte order."""
    both = []
    for order in "<>":
        low = every_kind(order)
        high = SplitWriter(low)
        high.add_struct("mixed", 24, [("old", 7, 0), ("new", high.first_id, 128)])
        # Repeat the records, so that every table has some.
        high.records += every_kind(order).records
        high.strings += b"text\0"
        base = btfmmap.open(data=low.build())
        both.append((base, btfmmap.open(data=high.build(), base=base)))
    (_, little), (big_base, big) = both
    assert big.source.byte_order == "big"
    assert big.type_section.dtype == np.dtype(">u4")
    for name in COLUMNS:
        table, other = getattr(little, name), getattr(big, name)
        assert len(table)
        for column in table.columns:
            assert np.array_equal(table[column], other[column])
    assert big.names() == little.names() == ["mixed", *big_base.names()[1:]]
    assert big.find_all("pair") == [7, big.first_id + 7]
    assert big["mixed"].members[0].type == big_base["pair"]


class TestRefused:
    def test_missing_base(self, tmp_path: Path, module_path: Path) -> None:
        """A module as a file, a raw split BTF and a header alone."""
        low = small_base()
        (tmp_path / "raw").write_bytes(small_split(low).build())
        (tmp_path / "header").write_bytes(SplitWriter(low).build())
        for path in (module_path, tmp_path / "raw", tmp_path / "header"):
            with pytest.raises(MissingBaseError, match="to be opened on its base") as caught:
                btfmmap.open(path)
            assert isinstance(caught.value, FormatError)
            assert str(caught.value).startswith(str(path))
        with pytest.raises(MissingBaseError, match=r"^buffer: .* to be opened on its base"):
            btfmmap.open(data=small_split(low).build())

    def test_wrong_base(self, module_path: Path) -> None:
        """A base with fewer types or strings is noticed; the error names it and suggests why."""
        wrong = btfmmap.open(btfmmap.SAMPLE_BTF)
        with pytest.raises(FormatError, match=r"\(is it split BTF of another base\?\)") as caught:
            btfmmap.open(module_path, base=wrong)
        assert str(caught.value).startswith(str(module_path))
        assert not isinstance(caught.value, MissingBaseError)
        assert caught.value.type_id is not None
        assert caught.value.type_id >= len(wrong)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda w: w.add(btf_writer.CONST, size_or_type=6), r"type \[5\] refers to type \[6\]"),
            (lambda w: w.add(btf_writer.FUNC, "f", size_or_type=1), r"type \[5\] is a FUNC whose type \[1\]"),
            (
                lambda w: w.records.append(w.words(w.first_offset + len(w.strings), 7 << 24, 0)),
                r"type \[5\] has the name offset",
            ),
        ],
    )
    def test_one_past_the_end(self, change: Callable[[SplitWriter], object], message: str) -> None:
        base = small_base()
        writer = small_split(base)
        change(writer)
        with pytest.raises(FormatError, match=message) as caught:
            btfmmap.open(data=writer.build(), base=btfmmap.open(data=base.build()))
        assert caught.value.type_id == 5

    def test_names_may_reach_the_last_byte(self) -> None:
        base = small_base()
        writer = small_split(base)
        writer.records.append(writer.words(writer.first_offset + len(writer.strings) - 1, 7 << 24, 0))
        # Bytes before the split BTF's own strings do not belong to them.
        writer.records.append(writer.words(writer.first_offset - 1, 7 << 24, 0xFFFFFFFF))
        btf = btfmmap.open(data=writer.build(), base=btfmmap.open(data=base.build()))
        assert btf.names([5, 6]) == ["", ""]

    @pytest.mark.parametrize("order", ["<", ">"])
    def test_byte_order(self, order: str) -> None:
        base = btfmmap.open(data=small_base("<" if order == ">" else ">").build())
        for writer in (small_split(small_base(order)), SplitWriter(small_base(order))):
            with pytest.raises(FormatError, match=r"^buffer: its byte order differs from its base's"):
                btfmmap.open(data=writer.build(), base=base)

    def test_strings_without_an_end(self) -> None:
        writer = small_split(small_base())
        writer.strings = writer.strings[:-1]
        with pytest.raises(FormatError, match="does not end with a NUL"):
            btfmmap.open(data=writer.build(), base=btfmmap.open(data=small_base().build()))


class TestNeedsNoBase:
    """A BTF that needs no base, opened with one: its names would become the base's."""

    ALONE = pytest.mark.parametrize(
        "blob",
        [
            small_base().build(),
            every_kind(header_size=32).build(),
            BtfWriter().build(),
            stored("6.12-s390x.btf"),
        ],
        ids=["small", "every kind", "nothing", "big-endian kernel"],
    )

    @ALONE
    def test_refused(self, blob: bytes, tmp_path: Path) -> None:
        order = "<" if blob[0] == 0x9F else ">"
        base = btfmmap.open(data=every_kind(order).build())
        for name, content in (("raw", blob), ("elf", elf_with(blob)), ("xz", lzma.compress(blob, preset=0))):
            path = tmp_path / name
            path.write_bytes(content)
            btfmmap.open(path)
            with pytest.raises(FormatError, match="stands alone and needs no base") as caught:
                btfmmap.open(path, base=base)
            assert str(caught.value).startswith(str(path))
            assert not isinstance(caught.value, MissingBaseError)
            error = btfmmap.lint(path, base=base)[0]
            assert (error.severity, error.rule, error.offset) == ("error", "header", caught.value.offset)
            assert "needs no base" in error.message

    @ALONE
    def test_beside_a_kernel(self, blob: bytes, tmp_path: Path) -> None:
        (tmp_path / "vmlinux").write_bytes(every_kind().build())
        (tmp_path / "alone").write_bytes(blob)
        assert btfmmap.open(tmp_path / "alone").base is None

    def test_in_a_chain(self) -> None:
        low = small_base()
        base = btfmmap.open(data=small_split(low).build(), base=btfmmap.open(data=low.build()))
        with pytest.raises(FormatError, match="needs no base"):
            btfmmap.open(data=low.build(), base=base)

    def test_commands(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        (tmp_path / "base").write_bytes(every_kind().build())
        (tmp_path / "alone").write_bytes(small_base().build())
        file, base = str(tmp_path / "alone"), ["--base", str(tmp_path / "base")]
        for words in (
            ["info", file, *base],
            ["dump", file, *base],
            ["find", "int", "-f", file, *base],
            ["dump", file, *base, *base],
            ["-B", base[1], "btf", "dump", "file", file],
        ):
            assert main(words) == 2
            out, said = capsys.readouterr()
            assert out == ""
            assert "stands alone and needs no base" in said
        assert main(["lint", file, *base]) == 1
        assert "needs no base" in capsys.readouterr().out

    def test_a_distilled_module(self) -> None:
        """A module whose own types need no base is not a distilled one."""
        elf = ElfWriter()
        elf.add(".BTF", small_base().build())
        elf.add(".BTF.base", small_base().build())
        with pytest.raises(FormatError, match=r"^buffer: \.BTF: .* needs no base"):
            btfmmap.open(data=elf.build())

    @pytest.mark.parametrize("name", MODULES)
    def test_real_modules_are_not(self, name: str, folder: Path, base: Btf) -> None:
        assert btfmmap.open(folder / "modules" / f"{name}.ko", base=base).base is base

    def test_what_libbpf_makes_is_not(self) -> None:
        """Without types, with an unnamed one, with one of the base's name, and with one of its own."""
        try:
            libbpf = ctypes.CDLL("libbpf.so.1")
        except OSError:
            requirements.absent("libbpf.so.1")
        pointer = ctypes.c_void_p
        libbpf.btf__new.restype = libbpf.btf__new_empty_split.restype = pointer
        libbpf.btf__raw_data.restype = pointer
        low = small_base().build()
        below = pointer(libbpf.btf__new(low, len(low)))
        made = pointer(libbpf.btf__new_empty_split(below))
        additions: list[Callable[[], int]] = [
            lambda: 0,
            lambda: libbpf.btf__add_str(made, b""),
            lambda: libbpf.btf__add_ptr(made, 1),
            lambda: libbpf.btf__add_typedef(made, b"int", 1),
            lambda: libbpf.btf__add_typedef(made, b"own", 1),
        ]
        expected: list[list[str]] = [[], [], [""], ["", "int"], ["", "int", "own"]]
        for add, names in zip(additions, expected, strict=True):
            assert add() >= 0
            size = ctypes.c_uint32()
            data = libbpf.btf__raw_data(made, ctypes.byref(size))
            blob = ctypes.string_at(data, size.value)
            assert btfmmap.open(data=blob, base=btfmmap.open(data=low)).names() == names
        libbpf.btf__free(made)
        libbpf.btf__free(below)


def elf_with(blob: bytes) -> bytes:
    elf = ElfWriter()
    elf.add(".BTF", blob)
    return elf.build()


class TestBeside:
    """A file beside a `vmlinux`, as in /sys/kernel/btf."""

    @pytest.fixture
    def beside(self, tmp_path: Path) -> Path:
        (tmp_path / "vmlinux").write_bytes(small_base().build())
        (tmp_path / "mod").write_bytes(small_split(small_base()).build())
        return tmp_path

    def test_found(self, beside: Path) -> None:
        btf = btfmmap.open(beside / "mod")
        assert btf.base is not None
        assert btf.base.source.path == str(beside / "vmlinux")
        assert btf.find_all("shared") == [2, 4]

    def test_time_to_open_is_its_own(self, beside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """`info` does not count the time to open the base, here a second of a fake clock."""
        clock = [0.0]
        open_file = opening.open_file

        def timed(path: str, *method: Any) -> Any:
            clock[0] += 1.0 if os.path.basename(path) == "vmlinux" else 0.001
            return open_file(path, *method)

        monkeypatch.setattr(opening, "open_file", timed)
        monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
        _, seconds = info.open_timed(str(beside / "mod"), None, None, 0)
        assert seconds == pytest.approx(0.001)
        assert clock[0] > 1

    def test_from_within(self, beside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(beside)
        assert btfmmap.open("mod").find("shared") == 2

    def test_a_given_base_comes_first(self, beside: Path) -> None:
        (beside / "vmlinux").write_bytes(b"broken")
        base = btfmmap.open(data=small_base().build())
        assert btfmmap.open(beside / "mod", base=base).base is base

    def test_not_asked_where_none_is_needed(self, beside: Path) -> None:
        (beside / "mod").write_bytes(small_base().build())
        (beside / "vmlinux").write_bytes(b"broken")
        assert btfmmap.open(beside / "mod").base is None

    def test_broken(self, beside: Path) -> None:
        (beside / "vmlinux").write_bytes(b"broken")
        with pytest.raises(FormatError, match="vmlinux: ") as caught:
            btfmmap.open(beside / "mod")
        assert not isinstance(caught.value, MissingBaseError)

    @pytest.mark.parametrize("name", ["vmlinux", "link"])
    def test_no_base_of_itself(self, beside: Path, name: str) -> None:
        (beside / "vmlinux").write_bytes(small_split(small_base()).build())
        (beside / "link").symlink_to(beside / "vmlinux")
        with pytest.raises(MissingBaseError, match=name):
            btfmmap.open(beside / name)

    def test_a_folder_of_that_name(self, beside: Path) -> None:
        (beside / "vmlinux").unlink()
        (beside / "vmlinux").mkdir()
        with pytest.raises(MissingBaseError, match="mod: "):
            btfmmap.open(beside / "mod")

    def test_pickled(self, beside: Path) -> None:
        btf = btfmmap.open(beside / "mod")
        (beside / "mod").rename(beside / "moved")
        (beside / "mod").symlink_to("moved")
        copy = pickle.loads(pickle.dumps(btf))
        assert copy.names() == ["own", "shared"]
        assert copy.base.source == (btf.base.source if btf.base else None)


class TestPickling:
    def test_base_travels_too(self, module: Btf, module_path: Path) -> None:
        pickled = pickle.dumps(module)
        assert len(pickled) < 1000
        copy = pickle.loads(pickled)
        assert copy.base is not None
        assert copy.base.source == (module.base.source if module.base else None)
        assert copy.source == module.source
        assert copy.source.path == str(module_path)
        assert copy.names() == module.names()
        assert copy.find_all("list_head") == module.find_all("list_head")

    def test_one_base_for_all(self, tmp_path: Path) -> None:
        low = small_base()
        (tmp_path / "low").write_bytes(low.build())
        base = btfmmap.open(tmp_path / "low")
        modules = []
        for name in ("a", "b"):
            (tmp_path / name).write_bytes(small_split(low, name).build())
            modules.append(btfmmap.open(tmp_path / name, base=base))
        copies, base_copy = pickle.loads(pickle.dumps((modules, base)))
        assert [copy.base for copy in copies] == [base_copy, base_copy]
        assert [copy.names() for copy in copies] == [["a", "shared"], ["b", "shared"]]
        assert copies[0]["shared"] == base_copy["shared"]

    def test_changed_base(self, tmp_path: Path) -> None:
        low = small_base()
        (tmp_path / "low").write_bytes(low.build())
        (tmp_path / "high").write_bytes(small_split(low).build())
        btf = btfmmap.open(tmp_path / "high", base=btfmmap.open(tmp_path / "low"))
        pickled = pickle.dumps(btf)
        low.add_int("another")
        (tmp_path / "low").write_bytes(low.build())
        with pytest.raises(btfmmap.BtfError, match="low: not the BTF that was pickled"):
            pickle.loads(pickled)

    def test_in_memory(self, tmp_path: Path) -> None:
        """Pickling needs files: a module in memory, or one on a base in memory, is refused."""
        low = small_base()
        (tmp_path / "low").write_bytes(low.build())
        (tmp_path / "high").write_bytes(small_split(low).build())
        for btf in (
            btfmmap.open(tmp_path / "high", base=btfmmap.open(data=low.build())),
            btfmmap.open(data=small_split(low).build(), base=btfmmap.open(tmp_path / "low")),
        ):
            with pytest.raises(NotSupportedError, match="in memory"):
                pickle.dumps(btf)


class TestClosing:
    def test_of_the_module(self) -> None:
        base = btfmmap.open(data=small_base().build())
        btf = btfmmap.open(data=small_split(small_base()).build(), base=base)
        own, inherited = btf["own"], btf["int"]
        btf.close()
        assert not base.closed
        assert inherited.name == "int"
        assert base.find_all("shared") == [2]
        for question in (
            lambda: btf.base,
            lambda: btf.first_id,
            lambda: btf.find("own"),
            lambda: btf.relocate(base),
            lambda: btf.ext,
            lambda: own.name,
        ):
            with pytest.raises(ValueError, match="closed"):
                question()

    def test_of_the_base(self) -> None:
        """Split BTFs of a closed base stay usable; types of the base itself raise."""
        base = btfmmap.open(data=small_base().build())
        btf = btfmmap.open(data=small_split(small_base()).build(), base=base)
        base.close()
        gc.collect()
        assert btf.names([0, 1, 2, 3]) == ["void", "int", "shared", "own"]
        assert btf.find_all("shared") == [2, 4]
        assert btf["own"].size == 8
        assert btf.strings(btf.members.name_off) == ["inherited", "plain"]
        assert btf.base is base
        with pytest.raises(ValueError, match="closed"):
            btf["int"]
        with pytest.raises(ValueError, match="closed"):
            _ = btf["own"].members
        with pytest.raises(ValueError, match="closed"):
            btfmmap.open(data=small_split(small_base()).build(), base=base)

    def test_the_base_stays_as_long_as_it_is_needed(self, tmp_path: Path) -> None:
        path = tmp_path / "low"
        path.write_bytes(small_base().build())

        def mapped() -> bool:
            return str(path) in Path("/proc/self/maps").read_text()

        base = btfmmap.open(path, method="mmap")
        btf = btfmmap.open(data=small_split(small_base()).build(), base=base)
        offsets = btf.types.name_off
        base.close()
        del base
        gc.collect()
        assert mapped()
        assert btf.name(1) == "int"
        btf.close()
        del btf
        gc.collect()
        assert offsets.tolist() == sorted(offsets.tolist())
        del offsets
        gc.collect()
        assert not mapped()


@pytest.mark.parametrize("order", ["<", ">"])
def test_mutations(order: str) -> None:
    """A mutant of a split BTF opens and answers all questions, or is refused."""
    low = every_kind(order)
    high = SplitWriter(low)
    high.add_struct("mixed", 24, [("old", 7, 0), ("new", high.first_id, 128)])
    high.records += every_kind(order).records
    high.strings += b"more\0text\0"
    base, blob = btfmmap.open(data=low.build()), high.build()
    ask_about_types(btfmmap.open(data=blob, base=base))
    generator = random.Random(order)
    refused = 0
    for _ in range(1500):
        try:
            btf = btfmmap.open(data=mutant(blob, generator), base=base)
        except FormatError:
            refused += 1
            continue
        ask_about_types(btf)
    assert 300 < refused < 1400


@pytest.mark.parametrize("which", ["base", "split"])
def test_mutations_of_either(which: str) -> None:
    """Files so small that most mutants hit the header; the base may break under an intact split BTF."""
    low, high = small_base(), small_split(small_base())
    blobs = {"base": low.build(), "split": high.build()}
    generator = random.Random(which)
    opened = 0
    for _ in range(1500):
        changed = blobs | {which: mutant(blobs[which], generator, header=0)}
        try:
            btf = btfmmap.open(data=changed["split"], base=btfmmap.open(data=changed["base"]))
        except FormatError:
            continue
        ask_about_types(btf)
        opened += 1
    assert opened > 50
