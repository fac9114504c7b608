"""`min_core_btf` and the commands: against bpftool, `check` and libbpf."""

from __future__ import annotations

import ctypes
import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import btf_writer
import numpy as np
import pytest
import requirements
from bpf_object import BpfObject
from bpf_objects import kernel_with, reading_object
from btf_writer import BtfWriter, every_kind
from command import run_btfmmap
from core_relo_cases import Generator
from found_types import target
from loader import Loader, loader_of_this_kernel
from mutants import mutant
from stored_files import KERNELS, stored, stored_objects

import btfmmap
from btfmmap import Btf, Kind, RelocationStatus, min_core_btf
from btfmmap.cli.exit_codes import DONE, NOTHING_TRIED, WANTING, WRONG_INPUT

ANSWERS = {
    (kernel, name): (digest, int(size))
    for digest, size, kernel, name in (
        line.split() for line in stored("min-core.sha256").decode().splitlines()
    )
}
HOST = "<" if sys.byteorder == "little" else ">"
ENUMS = (Kind.ENUM, Kind.ENUM64)


@pytest.fixture(scope="module")
def kernels() -> dict[str, Btf]:
    return {name: btfmmap.open(data=stored(f"{name}.btf")) for name in KERNELS}


def of_bpftool(kernel: bytes, objects: list[bytes], folder: Path) -> bytes:
    """What bpftool writes, without the header."""
    (folder / "kernel").write_bytes(kernel)
    paths = []
    for number, content in enumerate(objects):
        paths.append(str(folder / f"{number}.o"))
        Path(paths[-1]).write_bytes(content)
    command = [
        requirements.tool("bpftool"),
        "gen",
        "min_core_btf",
        str(folder / "kernel"),
        str(folder / "out"),
    ]
    subprocess.run([*command, *paths], check=True, capture_output=True)
    blob = (folder / "out").read_bytes()
    return blob[int.from_bytes(blob[4:8], sys.byteorder) :]


class TestRealObjects:
    def test_as_bpftool(self, kernels: dict[str, Btf]) -> None:
        """All 189 recorded answers of bpftool 7.8, which writes little-endian."""
        assert len(ANSWERS) == 189
        for name, content in stored_objects().items():
            result = min_core_btf(kernels, content, byte_order="little")
            assert result.failures == []
            for number, kernel in enumerate(kernels):
                made = result.content(number)
                assert made is not None
                own = made[24:]
                assert (hashlib.sha256(own).hexdigest(), len(own)) == ANSWERS[kernel, name], (kernel, name)

    def test_all_objects_at_once(self, kernels: dict[str, Btf], tmp_path: Path) -> None:
        objects = [*stored_objects().values()]
        result = min_core_btf(kernels, objects, byte_order="host")
        for number, kernel in enumerate(KERNELS):
            made = result.content(number)
            assert made is not None
            assert made[24:] == of_bpftool(stored(f"{kernel}.btf"), objects, tmp_path)

    def test_check_gives_the_same(self, kernels: dict[str, Btf]) -> None:
        """With the BTF of all objects, and with that of each."""
        objects = [*stored_objects().values()]
        whole = btfmmap.check(objects, kernels)
        result = min_core_btf(kernels, objects)
        assert [result.btf(number).source.byte_order for number in range(3)] == ["little", "little", "big"]
        small = btfmmap.check(objects, {name: result.btf(number) for number, name in enumerate(KERNELS)})
        for column in ("status", "value", "bit_offset", "size"):
            assert (getattr(small, column) == getattr(whole, column)).all(), column
        for number, content in enumerate(objects):
            result = min_core_btf(kernels, content)
            own = btfmmap.check(content, {name: result.btf(at) for at, name in enumerate(KERNELS)})
            rows = whole.relocations.object == number
            for column in ("status", "value", "bit_offset", "size"):
                assert (getattr(own, column) == getattr(whole, column)[:, rows]).all(), (number, column)

    def test_sorted_kernel_and_executor(self, kernels: dict[str, Btf]) -> None:
        objects = [*stored_objects().values()][:5]
        with ThreadPoolExecutor(2) as executor:
            threaded = min_core_btf(kernels, objects, executor=executor)
        plain = min_core_btf(kernels, objects)
        assert [threaded.content(number) for number in range(3)] == [
            plain.content(number) for number in range(3)
        ]


def random_pair(seed: int) -> tuple[bytes, bytes]:
    """A kernel and an object whose instructions hold what its types say."""
    generator = Generator(seed)
    pair = generator.pair()
    local = btfmmap.open(data=pair.object.build())
    assert local.ext is not None
    resolved = local.ext.relocations
    generator.fill(pair.object, resolved.value.tolist(), resolved.size.tolist())
    return pair.kernel.build(), pair.object.build()


class TestRandomPairs:
    def test_check_gives_the_same(self) -> None:
        """Relocations of every kind, also ambiguous ones and errors, in either byte order."""
        statuses: set[int] = set()
        for seed in range(400):
            content, blob = random_pair(seed)
            kernel = btfmmap.open(data=content)
            result = min_core_btf(kernel, blob)
            whole = btfmmap.check(blob, kernel, semantics="independent")
            small = btfmmap.check(blob, result.btf(0), semantics="independent")
            # The number of types that match may differ, and with it which of them is named.
            assert (small.status == whole.status).all(), seed
            assert (
                small.value[whole.relocations.kind[None] != 7]
                == whole.value[whole.relocations.kind[None] != 7]
            ).all(), seed
            statuses |= {*np.unique(whole.status).tolist()}
        assert len(statuses) >= 4

    def test_bpftool(self, tmp_path: Path) -> None:
        """Where bpftool gives an answer, it is the same."""
        bpftool = requirements.tool("bpftool")
        agreed = 0
        for seed in range(120):
            kernel, blob = random_pair(seed)
            result = min_core_btf(btfmmap.open(data=kernel), blob, byte_order="host")
            (tmp_path / "kernel").write_bytes(kernel)
            (tmp_path / "object").write_bytes(blob)
            paths = [str(tmp_path / name) for name in ("kernel", "out", "object")]
            done = subprocess.run([bpftool, "gen", "min_core_btf", *paths], check=False, capture_output=True)
            if done.returncode != 0:
                continue
            theirs = (tmp_path / "out").read_bytes()
            own = result.content(0)
            assert own is not None
            assert own[24:] == theirs[int.from_bytes(theirs[4:8], sys.byteorder) :], seed
            agreed += 1
        assert agreed > 20


def objects_with(kind: int, root: int, access: str, types: BtfWriter) -> bytes:
    made = BpfObject(types)
    made.add_immediate(kind, root, access, 0)
    local = btfmmap.open(data=made.build())
    assert local.ext is not None
    (value,) = local.ext.relocations.value.tolist()
    filled = BpfObject(types)
    filled.add_immediate(kind, root, access, value)
    return filled.build()


class TestMarks:
    """What no recorded object has."""

    def kernel(self) -> BtfWriter:
        """`root` has a tagged pointer to `declared`, an anonymous union and a bitfield."""
        writer = BtfWriter(HOST)
        number = writer.add_int("int")
        declared = writer.add(btf_writer.FWD, "declared")
        tag = writer.add(btf_writer.TYPE_TAG, "user", size_or_type=declared)
        pointer = writer.add(btf_writer.PTR, size_or_type=tag)
        tagged = writer.add(btf_writer.TYPE_TAG, "tagged", size_or_type=number)
        union = writer.add_struct("", 4, [("one", number, 0), ("two", tagged, 0)], kind=btf_writer.UNION)
        members = [
            ("pointer", pointer, 0),
            ("", union, 64),
            ("bits", number, 5 << 24 | 96),
            ("rest", number, 128),
        ]
        writer.add_struct("root", 24, members, kind_flag=True)
        writer.add_enum("choice", [("FIRST", 1), ("SECOND", 2)])
        return writer

    def minimised(self, kind: int, root: str, access: str) -> Btf:
        types = self.kernel()
        named = btfmmap.open(data=types.build()).find(root)
        assert named is not None
        result = min_core_btf(btfmmap.open(data=types.build()), objects_with(kind, named, access, types))
        assert result.failures == []
        return result.btf(0)

    def members(self, btf: Btf, type_id: int) -> list[tuple[str, int, int]]:
        return [(m.name, m.bit_offset, m.bitfield_size or 0) for m in btf[type_id].members]

    def test_through_a_nameless_union_and_a_tag(self) -> None:
        btf = self.minimised(0, "root", "0:1:1")
        assert self.members(btf, btf.find("root") or 0) == [("", 64, 0)]
        union = btf["struct root"].members[0].type
        assert self.members(btf, union.id) == [("two", 0, 0)]
        assert union.members[0].type.kind == Kind.TYPE_TAG
        assert btf["root"].kind_flag is False

    def test_bitfield_keeps_the_kind_flag(self) -> None:
        btf = self.minimised(4, "root", "0:2")
        assert self.members(btf, btf.find("root") or 0) == [("bits", 96, 5)]

    def test_pointer_of_a_field_is_to_void(self) -> None:
        btf = self.minimised(0, "root", "0:0")
        assert target(btf["root"].members[0].type).id == 0
        assert btf.find("declared") is None

    def test_type_that_matches_keeps_all(self) -> None:
        btf = self.minimised(12, "root", "0")
        assert [name for name, _, _ in self.members(btf, btf.find("root") or 0)] == [
            "pointer",
            "",
            "bits",
            "rest",
        ]
        assert btf.find("declared") is not None

    def test_type_that_exists_has_no_members(self) -> None:
        btf = self.minimised(8, "root", "0")
        assert self.members(btf, btf.find("root") or 0) == []
        assert (len(btf), btf["root"].size) == (2, 24)

    def test_enum_is_whole(self) -> None:
        btf = self.minimised(11, "choice", "1")
        assert [value.name for value in btf["choice"].enumerators] == ["FIRST", "SECOND"]

    def test_split_kernel_becomes_one(self) -> None:
        lower = kernel_with("first", "second")
        base = btfmmap.open(data=lower.build())
        builder = btfmmap.Builder(base=base)
        builder.struct("own", 8, [("flow", 2, 0)])
        made = min_core_btf(builder.build(), reading_object("second")).btf(0)
        assert made.base is None
        assert [member.name for member in made["flow"].members] == ["second"]


class TestFailures:
    def ambiguous(self) -> BtfWriter:
        writer = BtfWriter()
        number = writer.add_int()
        writer.add_struct("flow", 8, [("wanted", number, 0)])
        writer.add_struct("flow", 8, [("wanted", number, 32)])
        return writer

    def test_relocation(self) -> None:
        """It is reported, others go on, and it fails with the result, too."""
        kernels = {"good": btfmmap.open(data=kernel_with("other", "wanted").build())}
        kernels["bad"] = btfmmap.open(data=self.ambiguous().build())
        result = min_core_btf(kernels, reading_object("wanted"))
        (failure,) = result.failures
        assert failure[:6] == (1, 0, "socket", 0, "flow", "wanted")
        assert "several types" in failure.reason
        assert result.btf(0).find("flow") is not None
        again = min_core_btf(result.btf(1), reading_object("wanted"))
        assert [each.reason.partition(":")[0] for each in again.failures] == [
            failure.reason.partition(":")[0]
        ]

    def test_objects_and_kernels(self, tmp_path: Path) -> None:
        good = kernel_with("wanted").build()
        (tmp_path / "good").write_bytes(good)
        (tmp_path / "bad").write_bytes(good[:30])
        objects: list[Any] = [b"nothing", reading_object("wanted"), tmp_path / "absent"]
        result = min_core_btf([tmp_path / "bad", tmp_path / "absent", tmp_path / "good"], objects)
        assert [bool(error) for error in result.kernels.error] == [True, True, False]
        assert [bool(error) for error in result.objects.error] == [True, False, True]
        assert result.objects.relocations.tolist() == [0, 1, 0]
        assert result.content(0) is None
        with pytest.raises(ValueError, match="there is no BTF of kernel 0: "):
            result.btf(0)
        assert result.btf(2).find("flow") is not None
        paths = result.save(tmp_path / "out")
        assert [bool(path) for path in paths] == [False, False, True]
        assert Path(paths[2]).read_bytes() == result.content(2)

    def test_nothing_needed(self) -> None:
        result = min_core_btf(btfmmap.open(data=kernel_with("other").build()), reading_object("wanted"))
        assert result.failures == []
        assert result.unmatched.tolist() == [[1]]
        assert len(result.btf(0)) == 1

    def test_unmatched(self) -> None:
        """What `check` finds absent or poisoned, for each object, also if some do not open."""
        objects = [*stored_objects().values()][:12]
        kernels = [btfmmap.open(data=stored(f"{name}.btf")) for name in KERNELS]
        result = min_core_btf([*kernels, "absent"], [b"nothing", *objects])
        assert result.unmatched.dtype == np.uint32
        assert not result.unmatched[-1].any()
        assert not result.unmatched[:, 0].any()
        assert not result.unmatched.flags.writeable
        checked = btfmmap.check(objects, kernels)
        wanted = (
            RelocationStatus.ABSENT,
            RelocationStatus.POISONED,
            RelocationStatus.DEAD,
            RelocationStatus.MAYBE,
        )
        is_unmatched = np.isin(checked.status, wanted)
        for row in range(len(objects)):
            counts = is_unmatched[:, checked.relocations.object == row].sum(axis=1)
            assert result.unmatched[: len(kernels), row + 1].tolist() == counts.tolist()
        assert result.unmatched.any()

    def test_names_twice(self, tmp_path: Path) -> None:
        kernel = btfmmap.open(data=kernel_with("wanted").build())
        with pytest.raises(ValueError, match="two kernels have the name"):
            min_core_btf([kernel, kernel], reading_object("wanted")).save(tmp_path)

    def test_arguments(self) -> None:
        with pytest.raises(ValueError, match="byte_order is 'middle', must be 'kernel'"):
            min_core_btf([], [], byte_order="middle")  # type: ignore[arg-type]
        assert len(min_core_btf([], reading_object("wanted"))) == 0

    def test_mutants(self) -> None:
        """Of kernels and objects: a BTF that opens, or an error in the table."""
        source = random.Random(3)
        whole, program = every_kind().build(), reading_object("left", struct="pair")
        opened = 0
        for number in range(600):
            kernel, written = (
                (mutant(whole, source), program) if number % 2 else (whole, mutant(program, source))
            )
            try:
                btf = btfmmap.open(data=kernel)
            except btfmmap.BtfError:
                continue
            result = min_core_btf(btf, written)
            if not result.kernels.error[0]:
                opened += len(result.btf(0)) > 1
        assert opened > 100


class TestCommands:
    @pytest.fixture
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "first.btf").write_bytes(kernel_with("other", "wanted", order=">").build())
        (tmp_path / "second.btf").write_bytes(kernel_with("wanted").build())
        (tmp_path / "ambiguous.btf").write_bytes(TestFailures().ambiguous().build())
        (tmp_path / "prog.bpf.o").write_bytes(reading_object("wanted"))
        return tmp_path

    def test_files(self, folder: Path) -> None:
        done = run_btfmmap(*["min-core", "first.btf", "second.btf", "--objects", "prog.bpf.o", "-o", "out"])
        assert (done.returncode, done.stderr) == (DONE, "")
        assert done.stdout.splitlines() == [
            f"out/{name}.btf: 2 types, {len((folder / 'out' / f'{name}.btf').read_bytes())} bytes"
            for name in ("first", "second")
        ]
        assert btfmmap.open(folder / "out" / "first.btf").source.byte_order == "big"

    def test_gen(self, folder: Path) -> None:
        done = run_btfmmap(*["gen", "min_core_btf", "first.btf", "min.btf", "prog.bpf.o"])
        assert (done.returncode, done.stderr) == (DONE, "")
        blob = (folder / "min.btf").read_bytes()
        assert btfmmap.open(data=blob).source.byte_order == sys.byteorder
        kernel, written = (folder / "first.btf").read_bytes(), (folder / "prog.bpf.o").read_bytes()
        assert blob[24:] == of_bpftool(kernel, [written], folder)
        for words in ("gen", "gen skeleton prog.bpf.o", "gen min_core_btf first.btf min.btf"):
            done = run_btfmmap(*words.split())
            assert done.returncode == WRONG_INPUT
            assert "gen min_core_btf INPUT OUTPUT OBJECT..." in done.stderr
        for words in ("gen --help", "gen min_core_btf -h"):
            done = run_btfmmap(*words.split())
            assert (done.returncode, done.stdout) == (DONE, run_btfmmap("min-core", "--help").stdout)

    def test_unmatched(self, folder: Path) -> None:
        """A line for each kernel that lacks something, on standard error; with --json in the document."""
        (folder / "other.bpf.o").write_bytes(reading_object("other"))
        words = ["min-core", "first.btf", "second.btf", "--objects", "prog.bpf.o", "other.bpf.o", "-o", "out"]
        done = run_btfmmap(*words)
        assert done.returncode == DONE
        assert done.stderr.splitlines() == [
            "btfmmap: second: 1 of 2 relocations, in 1 of 2 objects, has no counterpart; "
            "btfmmap check tells whether that matters"
        ]
        done = run_btfmmap(*words, "--json")
        assert (done.returncode, done.stderr) == (DONE, "")
        assert json.loads(done.stdout)["unmatched"] == [[0, 0], [0, 1]]

    def test_objects_that_need_nothing(self, folder: Path) -> None:
        (folder / "idle.bpf.o").write_bytes(stored_objects()["cachestat.bpf.o"])
        done = run_btfmmap(*["min-core", "first.btf", "--objects", "prog.bpf.o", "idle.bpf.o", "-o", "out"])
        assert done.returncode == DONE
        assert done.stderr == "btfmmap: 1 of 2 objects has no CO-RE relocations: idle.bpf.o\n"

    def test_objects_that_do_not_open(self, folder: Path) -> None:
        """The files are written, and a note says that they are not complete."""
        names = [f"absent{number}.o" for number in range(10)]
        for absent, note in (
            (names[:1], "1 object needs: absent0.o"),
            (names, f"10 objects need: {', '.join(names[:8])} and 2 more"),
        ):
            for form in ([], ["--json"]):
                words = ["min-core", "second.btf", "--objects", "prog.bpf.o", *absent, "-o", "out", *form]
                done = run_btfmmap(*words)
                assert done.returncode == WRONG_INPUT
                assert (folder / "out" / "second.btf").exists()
                assert done.stderr.splitlines()[len(absent) :] == [
                    f"btfmmap: the files written lack what {note}"
                ]
        done = run_btfmmap(*["min-core", "second.btf", "--objects", "absent.o", "-o", "none"])
        assert "lack" not in done.stderr  # nothing is written

    @pytest.mark.usefixtures("folder")
    def test_json(self) -> None:
        words = "min-core ambiguous.btf absent.btf --objects prog.bpf.o --json --ignore-failed"
        done = run_btfmmap(*words.split())
        assert done.returncode == WANTING
        document = json.loads(done.stdout)
        assert document["schema"] == {"name": "btfmmap.min_core", "version": 1}
        assert document["files"] == ["./ambiguous.btf", ""]
        assert [failure["root"] for failure in document["failures"]] == ["flow"]
        assert document["kernels"][1]["error"].startswith("absent.btf: No such file")

    @pytest.mark.parametrize(
        ("words", "code", "message"),
        [
            ("min-core first.btf", WRONG_INPUT, "the objects are missing: --objects OBJECT..."),
            (
                "min-core --objects prog.bpf.o first.btf",
                WRONG_INPUT,
                "required: KERNEL; --objects takes all words that follow it, so write them before it",
            ),
            (
                "min-core first.btf --objects prog.bpf.o --output-file -",
                WRONG_INPUT,
                "argument --output-file: standard output gets the report; name a file",
            ),
            ("min-core *.btf --objects prog.bpf.o --output-file x", WRONG_INPUT, "is for one kernel, not 3"),
            (
                "min-core first.btf first.btf --objects prog.bpf.o -o out",
                WRONG_INPUT,
                "two kernels have the name 'first'; --name KERNEL=NAME gives one another",
            ),
            ("min-core absent.btf --objects prog.bpf.o -o out", WRONG_INPUT, "absent.btf: No such file"),
            ("min-core absent --objects prog.bpf.o --ignore-failed -o out", NOTHING_TRIED, "absent: No such"),
            ("min-core first.btf --objects absent.o -o out", WRONG_INPUT, "absent.o: No such file"),
            (
                "min-core ambiguous.btf --objects prog.bpf.o -o out",
                WANTING,
                "prog.bpf.o, socket+0x0: the kernel has several",
            ),
        ],
    )
    def test_exit_codes(self, folder: Path, words: str, code: int, message: str) -> None:
        done = run_btfmmap(*words.split())
        assert (done.returncode, message in done.stderr) == (code, True), done.stderr
        assert folder.exists()

    def test_jobs(self, folder: Path) -> None:
        """Several processes."""
        done = run_btfmmap(
            *["min-core", "first.btf", "second.btf", "--objects", "prog.bpf.o", "-o", "out", "-j", "2"]
        )
        assert (done.returncode, done.stderr) == (DONE, "")
        assert len([*(folder / "out").iterdir()]) == 2


class _OpenOptions(ctypes.Structure):
    """The start of libbpf's struct bpf_object_open_opts."""

    _fields_ = (
        ("sz", ctypes.c_size_t),
        ("object_name", ctypes.c_char_p),
        ("relaxed_maps", ctypes.c_bool),
        ("pin_root_path", ctypes.c_char_p),
        ("reserved", ctypes.c_uint32),
        ("kconfig", ctypes.c_char_p),
        ("btf_custom_path", ctypes.c_char_p),
    )


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loader]:
    yield from loader_of_this_kernel(tmp_path_factory.mktemp("plain"))


def test_libbpf_relocates_with_it(loader: Loader, tmp_path: Path) -> None:
    """libbpf logs the same values for `btf_custom_path` as for the running kernel's own BTF."""
    loader.library.bpf_object__open_file.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    compared = 0
    for name, content in [*stored_objects().items()][:20]:
        path = tmp_path / name
        path.write_bytes(content)
        min_core_btf(btfmmap.KERNEL_BTF, content).save_file(0, tmp_path / "min.btf")
        values = []
        for custom in (None, bytes(tmp_path / "min.btf")):
            options = _OpenOptions(sz=ctypes.sizeof(_OpenOptions), btf_custom_path=custom)
            loader.log = b""
            opened = loader.library.bpf_object__open_file(bytes(path), ctypes.byref(options))
            assert opened, loader.log
            loader.library.bpf_object__load(opened)
            loader.library.bpf_object__close(opened)
            lines = [line for line in loader.log.splitlines() if b": relo #" in line]
            values.append([line for line in lines if b"patched" in line or b"substituting" in line])
        assert values[0] == values[1], name
        compared += len(values[0])
    assert compared > 50
