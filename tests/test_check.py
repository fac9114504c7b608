"""`btfmmap.check`: real objects on real kernels, and each of its rules on small ones."""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import pickle
import random
import re
import struct
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from bpf_object import BpfObject
from bpf_objects import kernel_with, reading_object
from btf_writer import FUNC, FUNC_PROTO, VAR, BtfWriter, every_kind
from elf_writer import ElfWriter
from guarded import PRELUDE, compile_bpf, program
from mutants import mutant
from stored_files import DATA, KERNELS, stored, stored_objects

import btfmmap
from btfmmap import Btf, CheckResult, Kernel, RelocationStatus, RequirementStatus, Verdict, check
from btfmmap.checking.embedded import Embedded, embedded_objects
from btfmmap.checking.kernel_version import kernel_version
from btfmmap.checking.similar import Similar
from btfmmap.programs import Programs

S, R, V = RelocationStatus, RequirementStatus, Verdict
# From the kernel's include/net/inet_sock.h.
FLAGS = {"freebind": 11, "transparent": 15, "bind_address_no_port": 18}
GUARDED = ["cpudist", "offcputime", "runqlat", "runqslower", "mdflush", "biopattern"]


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kernels")
    for name in KERNELS:
        (folder / f"{name}.btf").write_bytes(stored(f"{name}.btf"))
    return folder


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("objects")
    for name, content in stored_objects().items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def result(kernels: Path, objects: Path) -> CheckResult:
    return check(f"{objects}/*.o", [kernels / f"{name}.btf" for name in KERNELS], similar=True)


def opened(writer: BtfWriter) -> Btf:
    return btfmmap.open(data=writer.build())


def verdict(result: CheckResult) -> Verdict:
    """That of one object on one kernel."""
    assert result.verdict.shape == (1, 1)
    return Verdict(result.verdict[0, 0])


def row_of(result: CheckResult, name: str) -> int:
    return int(result.objects.name.tolist().index(f"{name}.bpf.o"))


# -- real objects


def test_shapes(result: CheckResult) -> None:
    assert (len(result.kernels), len(result.objects)) == (3, 63)
    assert len(result.relocations) == 602
    for name in ("status", "value", "bit_offset", "target", "size", "candidates"):
        array = getattr(result, name)
        assert array.shape == (3, 602)
        assert not array.flags.writeable
    assert result.requirement_status.shape == result.prototypes.shape == (3, len(result.requirements))
    assert result.kernels.arch.tolist() == ["x86_64", "arm64", "s390x"]
    assert not result.objects.error.any()
    assert not result.kernels.error.any()


def test_values_are_libbpfs(result: CheckResult) -> None:
    """Poisoned relocations are poisoned, dead or undecided; all others have libbpf's value."""
    text = lzma.decompress((DATA / "bpf-relocations.tsv.xz").read_bytes()).decode()
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(text), delimiter="\t"):
        rows.setdefault((row["kernel"], row["object"]), []).append(row)
    for kernel, name in enumerate(KERNELS):
        expected = [row for own in result.objects.name for row in rows.get((name, own), [])]
        poisoned = np.array([row["poison"] == "1" for row in expected])
        status = result.status[kernel]
        assert np.array_equal(np.isin(status, [S.POISONED, S.DEAD, S.MAYBE]), poisoned)
        assert np.isin(status[~poisoned], [S.OK, S.ABSENT]).all()
        values = np.array([int(row["value"]) for row in expected], np.uint64)
        assert np.array_equal(result.value[kernel, ~poisoned], values[~poisoned])


def test_guarded_objects_do_not_break(result: CheckResult) -> None:
    """Objects that ask for a field before they use it, on a kernel that does not have it."""
    for name in GUARDED:
        row = row_of(result, name)
        assert result.verdict[0, row] != V.BREAKS, name
        own = result.relocations.object == row
        assert (result.status[0, own] == S.DEAD).any(), name
        assert not np.isin(result.status[0, own], [S.POISONED, S.MAYBE]).any(), name


def test_broken_objects(result: CheckResult) -> None:
    """bindsnoop reads bitfields that became flags; runqlen reads cfs_rq.nr_running, renamed to nr_queued."""
    broken = np.flatnonzero(result.verdict[0] == V.BREAKS).tolist()
    assert broken == [row_of(result, "bindsnoop"), row_of(result, "runqlen")]
    table = result.relocations[result.status[0] == S.POISONED]
    assert {(root, path) for root, path in zip(table.root, table.path, strict=True)} == {
        ("inet_sock", "freebind"),
        ("inet_sock", "transparent"),
        ("inet_sock", "bind_address_no_port"),
        ("cfs_rq", "nr_running"),
    }
    for row in np.flatnonzero(result.status[0] == S.POISONED).tolist():
        root, path = result.relocations.root[row], result.relocations.path[row]
        assert f"'{root}'" in result.reason(0, row)
        assert f"no member '{path}'" in result.reason(0, row)
        if root == "cfs_rq":
            assert result.similar(0, row)[0] == "nr_queued (same offset and type)"
        else:
            value = FLAGS[path]
            close = f"INET_FLAGS_{path.upper()} (enumerator of an unnamed enum, value {value})"
            assert result.similar(0, row) == [close]


def test_absent_targets_need_modules(result: CheckResult, kernels: Path, tmp_path: Path) -> None:
    """Without the BTF of modules, an absent target of fentry may be in one of them."""
    row = row_of(result, "mdflush")
    absent = (result.requirements.object == row) & (result.requirement_status[0] == R.ABSENT)
    (number,) = np.flatnonzero(absent).tolist()
    assert result.requirements.section[number] == "fentry/md_flush_request"
    assert result.verdict[0, row] == V.MAYBE
    assert "modules was not given" in result.requirement_reason(0, number)
    (tmp_path / "vmlinux").symlink_to(kernels / "7.2-amd64.btf")
    for name in ("tun", "tcp_bbr"):
        (tmp_path / f"{name}.ko.xz").write_bytes((DATA / f"{name}.ko.xz").read_bytes())
    content = stored_objects()["mdflush.bpf.o"]
    some = check(content, tmp_path)
    assert verdict(some) == V.MAYBE
    (problem,) = some.problems()
    assert (
        problem.reason
        == "no md_flush_request in vmlinux and the modules given, which are not known to be all"
    )
    (tmp_path / "modules.order").write_text("kernel/drivers/net/tun.ko\nkernel/net/ipv4/tcp_bbr.ko\n")
    every = check(content, tmp_path)
    assert verdict(every) == V.BREAKS
    (problem,) = every.problems()
    assert problem.subject == "fentry/md_flush_request"
    assert problem.reason == "no md_flush_request in vmlinux and its modules"
    assert verdict(check(content, tmp_path, skip_programs="md_*")) == V.FINE
    (tmp_path / "modules.dep").write_text("kernel/drivers/md/md-mod.ko.xz:\n")
    assert verdict(check(content, tmp_path)) == V.MAYBE


def test_targets_in_a_module_of_their_own() -> None:
    """A module that a complete kernel does not have is absent; otherwise it was perhaps not given."""
    content = reading_object("first", section="fentry/gone:function")
    base = opened(kernel_with("first"))
    for complete, expected, reason in (
        (True, R.ABSENT, "the module gone does not exist"),
        (False, R.NOT_JUDGED, "the BTF of module gone was not given"),
    ):
        found = check(content, Kernel(base, {}, {}, owns_base=False, complete=complete))
        assert found.requirement_status.tolist() == [[expected]]
        assert found.requirement_reason(0, 0) == reason
        assert verdict(found) == (V.BREAKS if complete else V.FINE)


def test_registers_are_one_problem(result: CheckResult) -> None:
    (problem,) = (each for each in result.problems() if "pt_regs" in each.reason)
    assert problem.subject == "registers of x86_64"
    assert problem.kernels == (1, 2)
    assert len({place.object for place in problem.places}) > 20
    assert not any("pt_regs" in each.subject for each in result.problems())


def test_problems_are_all_and_each_once(result: CheckResult) -> None:
    problems = result.problems()
    keys = [(each.verdict, each.subject, each.reason) for each in problems]
    assert len(set(keys)) == len(keys)
    found = np.zeros(result.verdict.shape, np.uint8)
    for problem in problems:
        for place in problem.places:
            for kernel in problem.kernels:
                found[kernel, place.object] = max(found[kernel, place.object], problem.verdict)
    # A problem does not occur in each of its objects on each of its kernels.
    assert (found >= result.verdict).all()
    assert np.array_equal(found.any(axis=0), (result.verdict != V.FINE).any(axis=0))


def test_drift_and_broken(result: CheckResult) -> None:
    known = np.isin(result.status, [S.OK, S.ABSENT])
    expected = [
        row
        for row in range(602)
        if len({int(result.value[kernel, row]) for kernel in range(3) if known[kernel, row]}) > 1
    ]
    assert result.drift.tolist() == expected
    assert expected
    broken = np.isin(result.status, [S.POISONED, S.AMBIGUOUS, S.ERROR]).any(axis=0)
    assert result.broken.tolist() == np.flatnonzero(broken).tolist()
    assert len(result.relocations[result.broken]) == broken.sum()
    prototypes = [len(set(column) - {""}) > 1 for column in result.prototypes.T.tolist()]
    assert result.changed_prototypes.tolist() == np.flatnonzero(prototypes).tolist()
    assert any(prototypes)


def same(one: CheckResult, other: CheckResult) -> None:
    for name in ("status", "value", "bit_offset", "target", "requirement_status", "prototypes", "verdict"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert one.problems() == other.problems()
    assert one.objects.path.tolist() == other.objects.path.tolist()


@pytest.mark.parametrize("processes", [False, True])
def test_executors(result: CheckResult, kernels: Path, objects: Path, processes: bool) -> None:
    executor = ProcessPoolExecutor(2, mp_context=get_context("spawn")) if processes else ThreadPoolExecutor(2)
    seen: list[tuple[int, int | None]] = []
    with executor:
        found = check(
            f"{objects}/*.o",
            [kernels / f"{name}.btf" for name in KERNELS],
            similar=True,
            executor=executor,
            progress=lambda done, total, _name: seen.append((done, total)),
        )
    same(result, found)
    assert seen == [(0, 3), (1, 3), (2, 3)]


def test_pickling(result: CheckResult) -> None:
    copied = pickle.loads(pickle.dumps(result))
    same(result, copied)
    assert not copied.relocations.kind.flags.writeable


@pytest.mark.parametrize(("own", "other"), ["<>", "><"])
def test_byte_orders(own: str, other: str, tmp_path: Path) -> None:
    """libbpf does not load an object of another byte order. Its relocations are evaluated all the same."""
    content = reading_object("second", order=own)
    kernels = [opened(kernel_with("first", "second", order=order)) for order in (own, other)]
    found = check([content, content, tmp_path / "gone"], [*kernels, tmp_path / "gone"])
    assert found.verdict.tolist() == [
        [V.FINE, V.FINE, V.NOT_TRIED],
        [V.BREAKS, V.BREAKS, V.NOT_TRIED],
        [V.NOT_TRIED] * 3,
    ]
    assert found.other_byte_order.tolist() == [[False] * 3, [True, True, False], [False] * 3]
    assert found.status[:2].tolist() == [[S.OK, S.OK]] * 2
    assert found.value[:2].tolist() == [[4, 4]] * 2
    names = {"<": "little", ">": "big"}
    assert found.objects.byte_order.tolist() == [names[own], names[own], ""]
    (problem,) = (each for each in found.problems() if each.verdict == V.BREAKS)
    assert problem.subject == f"{names[own]}-endian object, {names[other]}-endian kernel"
    assert problem.kernels == (1,)
    assert [place.object for place in problem.places] == [0, 1]


def test_byte_order_of_real_objects(result: CheckResult) -> None:
    assert (result.verdict[2] == V.BREAKS).all()
    assert result.kernels.arch[2] == "s390x"
    assert not result.other_byte_order[:2].any()


@pytest.mark.parametrize("listed", [True, False])
def test_modules_that_are_missing(listed: bool, tmp_path: Path) -> None:
    """The reason names them, rather than saying that none were given."""
    base = kernel_with("first")
    (tmp_path / "vmlinux").write_bytes(base.build())
    if listed:
        (tmp_path / "modules.order").write_text("kernel/md-mod.ko\n")
    else:
        (tmp_path / "md-mod.ko").touch()
    some = reading_object("first", section="fentry/md_flush_request")
    one = reading_object("first", section="fentry/md_mod:md_flush_request")
    found = check([some, one], tmp_path)
    missing = "the module md_mod did not open or is missing"
    assert [found.requirement_reason(0, row) for row in (0, 1)] == [
        f"no md_flush_request in vmlinux, but {missing}",
        missing,
    ]
    assert found.verdict.tolist() == [[V.MAYBE, V.FINE]]
    (tmp_path / "modules.order").write_text("kernel/md-mod.ko\nkernel/a.ko\n")
    (reason, _) = (check([some, one], tmp_path).requirement_reason(0, row) for row in (0, 1))
    assert reason == "no md_flush_request in vmlinux, but modules did not open or are missing, the first: a"


# -- what may be passed as objects


def test_objects_in_programs(kernels: Path, tmp_path: Path) -> None:
    """Objects are found wherever they are in another file, and keep their answers."""
    content = stored_objects()
    one, two = content["runqlen.bpf.o"], content["bindsnoop.bpf.o"]
    executable = ElfWriter(64, "<")
    executable.add(".rodata", b"text" + one + bytes(5) + two + b"\x7fELF")
    single, double = tmp_path / "single", tmp_path / "double"
    single.write_bytes(b"#!/bin/sh\n" + one)
    double.write_bytes(executable.build(e_type=2, e_machine=62))
    found = check([single, double, one, bytearray(two)], kernels / "7.2-amd64.btf")
    offsets = [double.read_bytes().index(each) for each in (one, two)]
    assert found.objects.name.tolist() == [
        "single",
        *(f"double@{at:#x}" for at in offsets),
        "buffer",
        "buffer",
    ]
    assert found.objects.offset.tolist() == [10, *offsets, 0, 0]
    assert found.objects.path.tolist() == [str(single), str(double), str(double), "", ""]
    assert (found.verdict == V.BREAKS).all()
    problems = {problem.subject: {place.object for place in problem.places} for problem in found.problems()}
    assert problems["cfs_rq.nr_running"] == {0, 1, 3}
    assert problems["inet_sock.freebind"] == {2, 4}


@pytest.mark.parametrize("order", ["<", ">"])
def test_extent_of_embedded_objects(order: str) -> None:
    """The end is that of the last section, and parts of objects are not objects."""
    content = reading_object("first_field", order=order)
    around = b"\x7fELF" * 3 + content + b"\x7fELF" + content
    assert [*embedded_objects(around, "")] == [
        Embedded(12, len(content)),
        Embedded(16 + len(content), len(content)),
    ]
    for end in range(0, len(content), 7):
        damaged = [(each.offset, each.size) for each in embedded_objects(content[:end], "") if each.error]
        assert damaged == [each[:2] for each in embedded_objects(content[:end], "")]
        assert damaged == ([(0, 0)] if end >= 64 else [])  # the size of the ELF header
    other = bytearray(content)
    struct.pack_into(order + "H", other, 18, 62)
    assert [*embedded_objects(bytes(other), "")] == []


@pytest.mark.parametrize("damage", ["cut", "section headers", "section"])
def test_damaged_embedded_objects(damage: str, tmp_path: Path) -> None:
    """They are rows with an error, beside the others of the same file."""
    good, bad = reading_object("first"), bytearray(reading_object("second"))
    if damage == "cut":
        del bad[-40:]
    elif damage == "section headers":
        struct.pack_into("<Q", bad, 40, 1 << 40)
    else:
        (headers,) = struct.unpack_from("<Q", bad, 40)
        struct.pack_into("<Q", bad, headers + 64 + 32, 1 << 40)
    path = tmp_path / "program"
    path.write_bytes(b"#!" + good + bytes(2) + bad)
    found = check(path, opened(kernel_with("first", "second")))
    assert found.objects.offset.tolist() == [2, 4 + len(good)]
    assert found.verdict.tolist() == [[V.FINE, V.NOT_TRIED]]
    where = f"{path}: the BPF object at byte {4 + len(good):#x} is damaged"
    assert found.objects.error[0] == ""
    assert found.objects.error[1].startswith(where)


def test_folders_and_globs_of_objects(tmp_path: Path) -> None:
    kernel = opened(kernel_with("first"))
    with pytest.raises(FileNotFoundError, match="no object matches this pattern"):
        check(f"{tmp_path}/*.o", kernel)
    (tmp_path / "README").write_text("text")
    (tmp_path / ".hidden.o").write_bytes(reading_object("first"))
    with pytest.raises(FileNotFoundError, match="no file in this folder is a BPF object"):
        check(tmp_path, kernel)
    (tmp_path / "below").mkdir()
    for name in ("b.o", "below/a.o"):
        (tmp_path / name).write_bytes(reading_object("first"))
    for objects in (tmp_path, f"{tmp_path}/b*"):
        found = check(objects, kernel)
        assert found.objects.name.tolist() == ["b.o", "a.o"]
        assert found.verdict.tolist() == [[V.FINE, V.FINE]]


def test_damaged_objects_in_a_folder(tmp_path: Path) -> None:
    """Files named like a BPF object count whatever they contain."""
    user = ElfWriter(64, "<")
    contents = {
        "empty.bpf.o": b"",
        "junk.bpf.o": b"junk" * 100,
        "prog_bpfel.o": b"\x7fELF\2",
        "run.bpf.o": reading_object("first")[:15],
        "user.bpf.o": user.build(e_type=1, e_machine=62),
        "x.bpf.o.xz": b"\xfd7zXZ\0",
    }
    others = {"libbpf.o": user.build(e_type=1, e_machine=62), "notes": b"", "main.o": b"", "bpf.c": b""}
    folder = tmp_path / "e1"
    folder.mkdir()
    for name, content in (contents | others).items():
        (folder / name).write_bytes(content)
    (folder / "gone.bpf.o").symlink_to("nowhere")
    found = check(tmp_path, opened(kernel_with("first")))
    assert found.objects.name.tolist() == sorted([*contents, "gone.bpf.o"])
    for path, error in zip(found.objects.path, found.objects.error, strict=True):
        assert error.startswith(f"{path}: ")
    assert [problem.subject for problem in found.problems()] == found.objects.path.tolist()


@pytest.mark.parametrize("end", [70, 200, -1])
def test_errors_name_the_path(end: int, tmp_path: Path) -> None:
    path = tmp_path / "e1" / "trunc.bpf.o"
    path.parent.mkdir()
    path.write_bytes(reading_object("first")[:end])
    (problem,) = check(path, opened(kernel_with("first"))).problems()
    assert problem.subject == str(path)
    assert problem.reason.startswith(f"{path}: ")


def test_too_many_sections_are_refused() -> None:
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 1, 247, 1, 0, 0, 64, 0, 64, 0, 0, 64, 65535, 0)
    headers = struct.pack("<IIQQQQIIQQ", 0, 1, 0, 0, 1 << 40, 1, 0, 0, 0, 0) * 65535
    with pytest.raises(btfmmap.FormatError, match="too many sections"):
        [*embedded_objects(head * 70000 + headers, "name")]


def test_btf_as_object(tmp_path: Path) -> None:
    path = tmp_path / "prog.o"
    path.write_bytes(reading_object("absent"))
    kernel = opened(kernel_with("first", "second"))
    found = check([btfmmap.open(path), opened(every_kind())], kernel)
    assert found.verdict.tolist() == [[V.BREAKS, V.NOT_TRIED]]
    assert found.objects.path.tolist() == [str(path), ""]
    assert "pass the file" in found.objects.error[1]


def test_what_is_not_an_object(tmp_path: Path) -> None:
    contents = {
        "raw.btf": (every_kind().build(), "BTF without instructions"),
        "empty": (b"", "empty: the file is empty"),
        "text": (b"text", "neither a BPF object nor a file that contains one"),
        "broken.o": (reading_object("x")[:100], "neither a BPF object|broken|ELF"),
        "module.ko.xz": ((DATA / "tun.ko.xz").read_bytes(), "not a BPF object"),
    }
    without_btf = ElfWriter(64, "<")
    without_btf.add("socket", bytes(8))
    contents["no_btf.o"] = (
        without_btf.build(e_type=1, e_machine=247),
        r"without a \.BTF section; compile it with -g",
    )
    for name, (content, _) in contents.items():
        (tmp_path / name).write_bytes(content)
    good = reading_object("first")
    found = check(
        [*(tmp_path / name for name in contents), tmp_path / "absent", good], opened(kernel_with("first"))
    )
    assert found.verdict.tolist() == [[V.NOT_TRIED] * 7 + [V.FINE]]
    for error, (_, expected) in zip(found.objects.error, contents.values(), strict=False):
        assert re.search(expected, error), error
    assert found.objects.error[6] == f"{tmp_path / 'absent'}: No such file or directory"
    assert found.relocations.object.tolist() == [7]
    with pytest.raises(TypeError, match="expected a path, bytes or Btf of a BPF object, not 7"):
        check([7], opened(kernel_with("first")))  # type: ignore[list-item]


def test_compressed_object(tmp_path: Path) -> None:
    path = tmp_path / "prog.o.xz"
    path.write_bytes(lzma.compress(reading_object("absent")))
    assert verdict(check(path, opened(kernel_with("first")))) == V.BREAKS
    assert verdict(check(DATA / "rust.bpf.o.xz", opened(kernel_with("first")))) == V.FINE


@pytest.mark.parametrize("compress", [lzma.compress, lambda content: gzip.compress(lzma.compress(content))])
def test_compressed_programs(compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """Files that embed objects are searched when they are compressed, too."""
    one, two = reading_object("first"), reading_object("absent")
    path = tmp_path / "program.xz"
    path.write_bytes(compress(b"#!" + one + b"--" + two))
    found = check(path, opened(kernel_with("first")))
    assert found.objects.offset.tolist() == [2, 4 + len(one)]
    assert found.verdict.tolist() == [[V.FINE, V.BREAKS]]
    path.write_bytes(compress(b"text"))
    (error,) = check(path, opened(kernel_with("first"))).objects.error
    assert error == f"{path}: not a BPF object when decompressed, nor a file that contains one"
    nested = one
    for _ in range(4):
        nested = lzma.compress(nested)
    assert verdict(check(nested, opened(kernel_with("first")))) == V.FINE
    nested = lzma.compress(nested)
    (error,) = check(nested, opened(kernel_with("first"))).objects.error
    assert "more than 4 nested levels of compression" in error


def test_many_strings_like_a_missing_flag() -> None:
    """Looking for enumerators stops after some strings that are none."""
    writer = BtfWriter()
    for number in range(200):
        writer.add_struct(f"s{number}_FLAG", 4, [])
    kernel = opened(writer)
    asked = 0

    class Counted:
        string_section = kernel.string_section

        def find_enumerators(self, _name: str) -> list[object]:
            nonlocal asked
            asked += 1
            return []

    assert Similar(Counted())._flags("flag") == []  # type: ignore[arg-type]
    assert asked == 64


def test_kernels_that_do_not_open(tmp_path: Path) -> None:
    kernel = opened(kernel_with("first", "second"))
    found = check(reading_object("second"), [kernel, tmp_path / "absent", kernel])
    assert found.verdict.tolist() == [[V.FINE], [V.NOT_TRIED], [V.FINE]]
    assert found.status.tolist() == [[S.OK], [S.NOT_JUDGED], [S.OK]]
    assert found.value.tolist() == [[4], [0], [4]]
    assert found.kernels.error.tolist() == ["", f"{tmp_path / 'absent'}: No such file or directory", ""]
    assert found.reason(1, 0) == ""
    assert check([], []).verdict.shape == (0, 0)
    assert check(reading_object("second"), []).drift.tolist() == []


def test_failed_inputs_are_problems(tmp_path: Path) -> None:
    kernel = opened(kernel_with("first"))
    found = check([reading_object("first"), tmp_path / "object"], [tmp_path / "kernel", kernel])
    assert [(each.verdict, each.subject, each.kernels) for each in found.problems()] == [
        (V.NOT_TRIED, str(tmp_path / "object"), (0, 1)),
        (V.NOT_TRIED, str(tmp_path / "kernel"), (0,)),
    ]
    assert [[place.object for place in each.places] for each in found.problems()] == [[1], []]
    assert found.problems()[0].reason == f"{tmp_path / 'object'}: No such file or directory"
    assert "3 not tried" in repr(found)


@pytest.mark.parametrize("how", ["path", "compressed", "open"])
def test_objects_are_not_kernels(how: str, tmp_path: Path) -> None:
    content = reading_object("first")
    path = tmp_path / "6.1.o"
    path.write_bytes(lzma.compress(content) if how == "compressed" else content)
    found = check(content, btfmmap.open(path) if how == "open" else path)
    assert verdict(found) == V.NOT_TRIED
    (error,) = found.kernels.error
    assert error.startswith(str(path))
    assert error.endswith(": a BPF object, not a kernel")


def test_default_kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "vmlinux").write_bytes(kernel_with("first").build())
    monkeypatch.setattr("btfmmap.checking.check.KERNEL_BTF", str(tmp_path / "vmlinux"))
    found = check(reading_object("first"))
    assert found.kernels.path.tolist() == [str(tmp_path)]
    assert verdict(found) == V.FINE


# -- rules


def test_programs_that_come_to_functions(kernels: Path) -> None:
    """What a function lacks is said of the programs that call it, which can be left out."""
    content, kernel = stored_objects()["bindsnoop.bpf.o"], kernels / "7.2-amd64.btf"
    for skipped, expected in (
        (None, {("ipv4_bind_exit", "ipv6_bind_exit")}),
        ("ipv4_*", {("ipv6_bind_exit",)}),
        (["ipv4_bind_exit", "ipv6_bind_exit"], set()),
    ):
        found = check(content, kernel, skip_programs=skipped)
        places = [place for problem in found.problems() for place in problem.places]
        assert {place.programs for place in places} == expected
        assert {place.function for place in places} == ({"probe_exit"} if expected else set())
        rows = np.flatnonzero(found.status[0] == S.POISONED).tolist()
        assert {found.programs(0, row) for row in rows} == expected
    with pytest.raises(ValueError, match="'probe_exit'; 'probe_exit' is a function that programs call"):
        check(content, kernel, skip_programs="probe_exit")


SHARED = """
static noinline int plain(void) { return GONE; }
noinline int global(void *ctx) { return GONE; }
static long callback(unsigned index, void *context) { return GONE; }
SEC("socket") int one(void *ctx) { return plain(); }
SEC("socket") int two(void *ctx) { return plain() + global(ctx); }
SEC("socket") int three(void *ctx) { return helper_loop(1, callback, 0, 0); }
SEC("?socket") int four(void *ctx) { return plain() + global(ctx); }
"""


def test_programs_of_each_kind_of_function(tmp_path: Path) -> None:
    path = compile_bpf(PRELUDE + SHARED, tmp_path)
    kernel = opened(kernel_with("pid", struct="task_struct"))
    for options, expected in (
        ({}, {"plain": ("one", "two"), "global": ("two",), "callback": ("three",)}),
        ({"programs": ["two", "four"]}, {"plain": ("two", "four"), "global": ("two", "four")}),
    ):
        found = check(path, kernel, **options)  # type: ignore[arg-type]
        places = [place for problem in found.problems() for place in problem.places]
        assert {place.function: place.programs for place in places} == expected


def test_one_problem_for_programs_of_one_target(tmp_path: Path) -> None:
    source = f"""{PRELUDE}
SEC("fentry/vmlinux:missing") int other(void *ctx) {{ return 0; }}
SEC("fentry/missing") int entry(void *ctx) {{ return 0; }}
SEC("fexit/missing") int leave(void *ctx) {{ return 0; }}
SEC("fentry/absent") int third(void *ctx) {{ return 0; }}
"""
    path = compile_bpf(source, tmp_path)
    found = check(path, Kernel(opened(kernel_with("pid")), {}, {}, owns_base=False, complete=True))
    problems = {each.subject: [place.programs for place in each.places] for each in found.problems()}
    assert problems == {
        "fentry/vmlinux:missing": [("other",)],
        "fentry/missing, fexit/missing": [("entry",), ("leave",)],
        "fentry/absent": [("third",)],
    }


@pytest.mark.parametrize(
    ("section", "options", "status", "expected"),
    [
        ("socket", {}, S.POISONED, V.BREAKS),
        ("?socket", {}, S.DEAD, V.FINE),
        ("?socket", {"programs": "prog*"}, S.POISONED, V.BREAKS),
        ("?socket", {"programs": ["x", "program"], "skip_programs": ["p?ogram"]}, None, None),
        ("socket", {"skip_programs": ["p?ogram"]}, S.DEAD, V.FINE),
        ("socket", {"programs": ()}, S.DEAD, V.FINE),
    ],
)
def test_selection_of_programs(
    section: str, options: dict[str, str], status: RelocationStatus | None, expected: Verdict | None
) -> None:
    content, kernel = reading_object("absent", section=section), opened(kernel_with("first"))
    if status is None:
        with pytest.raises(ValueError, match="no program of the objects matches 'x'"):
            check(content, kernel, **options)  # type: ignore[arg-type]
        return
    found = check(content, kernel, **options)  # type: ignore[arg-type]
    assert found.status.tolist() == [[status]]
    assert verdict(found) == expected
    assert found.objects.loaded.tolist() == [int(expected == V.BREAKS)]
    assert found.reason(0, 0) == "STRUCT 'flow' [2] of the kernel has no member 'absent'"


@pytest.mark.parametrize("section", ["socket", "?socket"])
def test_errors_break_wherever_they_are(section: str) -> None:
    """libbpf refuses the object, unless the program is not loaded."""
    types = BtfWriter()
    root = types.add_struct("flow", 4, [("first", types.add_int(), 0)])
    written = BpfObject(types, section=section)
    written.add_immediate(0, root, "0:7", 0)
    found = check(written.build(), opened(kernel_with("first")))
    loaded = section == "socket"
    assert found.status.tolist() == [[S.ERROR if loaded else S.DEAD]]
    assert verdict(found) == (V.BREAKS if loaded else V.FINE)


def test_ambiguity_breaks() -> None:
    kernel = kernel_with("first", "second")
    kernel.add_struct("flow", 4, [("second", 1, 0)])
    found = check(reading_object("second"), opened(kernel))
    assert found.status.tolist() == [[S.AMBIGUOUS]]
    assert found.candidates.tolist() == [[2]]
    assert verdict(found) == V.BREAKS


def test_semantics() -> None:
    """libbpf's later relocations see only the types that earlier ones matched."""
    types = BtfWriter()
    number = types.add_int()
    root = types.add_struct("flow", 8, [("one", number, 0), ("two", number, 32)])
    written = BpfObject(types)
    for access in ("0:0", "0:1"):
        written.add_immediate(2, root, access, 1)
    kernel = kernel_with("one")
    kernel.add_struct("flow", 4, [("two", 1, 0)])
    content, target = written.build(), opened(kernel)
    assert check(content, target).value.tolist() == [[1, 0]]
    assert check(content, target, semantics="independent").value.tolist() == [[1, 1]]
    with pytest.raises(ValueError, match="semantics is 'other'"):
        check(content, target, semantics="other")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (("first", "renamed"), ["renamed (same offset and type)"]),
        (("wanted_bytes", "other"), ["other (same offset and type)", "wanted_bytes"]),
        (("wanted_",), ["wanted_"]),
        (("x",), []),
    ],
)
def test_similar_fields(fields: tuple[str, ...], expected: list[str]) -> None:
    found = check(reading_object("wanted"), opened(kernel_with(*fields)), similar=True)
    assert found.similar(0, 0) == expected
    assert [problem.similar for problem in found.problems()] == [tuple(expected)]
    # The struct of an object with a flavour has only the fields that are used, at any offset.
    flavoured = check(
        reading_object("wanted", struct="flow___old"), opened(kernel_with(*fields)), similar=True
    )
    assert flavoured.similar(0, 0) == [each for each in expected if "(" not in each]


def test_similar_enumerators() -> None:
    types = BtfWriter()
    enum = types.add_enum("colour", [("COLOUR_RED", 1), ("COLOUR_GREEN", 2)])
    written = BpfObject(types)
    written.add_immediate64(11, enum, "1", 2)
    kernel = kernel_with("first")
    kernel.add_enum("colour", [("COLOUR_RED", 1), ("COLOUR_GREENISH", 7)])
    found = check(written.build(), opened(kernel), similar=True)
    assert found.similar(0, 0)[0] == "COLOUR_GREENISH (value 7)"


def test_similar_types() -> None:
    kernel = opened(kernel_with("first", struct="flow_table"))
    found = check(reading_object("first", struct="flow_tab"), kernel, similar=True)
    assert found.similar(0, 0) == ["flow_table"]


def test_similar_functions() -> None:
    kernel = kernel_with("first")
    proto = kernel.add(FUNC_PROTO)
    for name in ("__wanted_function", "wanted_functions", "other"):
        kernel.add(FUNC, name, size_or_type=proto)
    found = check(reading_object("first", section="fentry/wanted_function"), opened(kernel), similar=True)
    assert found.requirement_status.tolist() == [[R.ABSENT]]
    assert sorted(found.requirement_similar(0, 0)) == ["__wanted_function", "wanted_functions"]
    unasked = check(reading_object("absent", section="fentry/wanted_function"), opened(kernel))
    assert unasked.similar(0, 0) == unasked.requirement_similar(0, 0) == []


def test_similar_functions_that_contain_the_name() -> None:
    kernel = kernel_with("first")
    proto = kernel.add(FUNC_PROTO)
    kernel.add(VAR, "force_page_cache_var", size_or_type=1, extra=(1,))
    for name in ("force_page_cache_ra", "page_cache_ra_unbounded", "cache", "unrelated"):
        kernel.add(FUNC, name, size_or_type=proto)
    found = check(reading_object("first", section="fentry/do_page_cache_ra"), opened(kernel), similar=True)
    assert found.requirement_similar(0, 0) == ["force_page_cache_ra", "page_cache_ra_unbounded"]


def test_prototypes() -> None:
    """They differ between kernels; what is not there, or not a function, has none."""
    kernels = []
    for types in (["int"], ["int", "long"], None):
        writer = kernel_with("first")
        if types is not None:
            params = [(name, writer.add_int(name)) for name in types]
            writer.add(FUNC, "target", size_or_type=writer.add_proto(0, params))
        kernels.append(opened(writer))
    found = check(reading_object("first", section="fentry/target"), kernels)
    assert found.prototypes.tolist() == [["void (int int)"], ["void (int int, long long)"], [""]]
    assert found.changed_prototypes.tolist() == [0]
    assert (
        check(reading_object("first", section="fentry/target"), kernels[1:]).changed_prototypes.tolist() == []
    )


def with_module(base: Btf) -> Kernel:
    module = btfmmap.open(data=BtfWriter(strings=b"").build(), base=base)
    return Kernel(base, {"module": module}, {}, owns_base=False, complete=True)


@pytest.mark.parametrize("guard", ["if (kfunc) ", "if (GONE_EXISTS) ", ""])
def test_calls_of_weak_functions(guard: str, tmp_path: Path) -> None:
    """A weak function may be absent if it is not called then."""
    declared = 'extern int kfunc(int) __attribute__((section(".ksyms"), weak));'
    path = compile_bpf(program(f"{guard}kfunc(2);", declared), tmp_path, "bpfel", "-mcpu=v3")
    kernel = opened(kernel_with("pid", struct="task_struct"))
    found = check(path, with_module(kernel))
    assert verdict(found) == (V.FINE if guard else V.BREAKS)
    problems = {problem.subject: problem.reason for problem in found.problems()}
    places = [place.programs for problem in found.problems() for place in problem.places]
    assert places == ([] if guard else [("prog",)])
    reason = "no kfunc in vmlinux and its modules; a call of it can be reached"
    assert problems == ({} if guard else {"kfunc": reason})
    assert verdict(check(path, kernel)) == V.FINE  # it may be in a module


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("6.12.43.btf", S.DEAD),
        ("6.9.0-rc1.btf", S.POISONED),
        ("6.9.0-12-generic.btf", S.MAYBE),
        ("6.9.btf", S.MAYBE),
    ],
)
def test_version_of_the_kernel(name: str, expected: RelocationStatus, tmp_path: Path) -> None:
    """It decides branches, if the release says it."""
    path = compile_bpf(program("if (LINUX_KERNEL_VERSION < 0x60c00) return GONE;"), tmp_path)
    (tmp_path / name).write_bytes(kernel_with("pid", struct="task_struct").build())
    found = check(path, tmp_path / name)
    gone = found.relocations.path == "gone"
    assert found.status[0, gone].tolist() == [expected]
    assert verdict(found) == {S.DEAD: V.FINE, S.MAYBE: V.MAYBE, S.POISONED: V.BREAKS}[expected]


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("6.12.43+deb13-amd64", 0x060C2B),
        ("6.9.0-rc1", 0x060900),
        ("6.9.0-rc1-00042-gabc", 0x060900),
        ("4.19.325", 0x0413FF),
        ("5.15.0-91-generic", None),
        ("6.12", None),
        ("6.12-rc1", None),
        ("linux", None),
        ("", None),
        ("6.12.9999999", None),
    ],
)
def test_kernel_version(release: str, expected: int | None) -> None:
    assert kernel_version(release) == expected


def test_rows_that_do_not_exist(result: CheckResult) -> None:
    for ask in (result.reason, result.similar, result.requirement_reason, result.requirement_similar):
        for kernel, row in ((3, 0), (-1, 0), (0, 100_000), (0, -1)):
            with pytest.raises(IndexError, match=r"there is no (kernel|relocation|requirement)"):
                ask(kernel, row)


def test_too_much_work_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise btfmmap.NotSupportedError("more than 2^26 pairs")

    monkeypatch.setattr(Programs, "reachability", refuse)
    found = check(reading_object("absent"), opened(kernel_with("first")))
    assert found.status.tolist() == [[S.MAYBE]]


def test_limits_of_one_kernel_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise btfmmap.NotSupportedError("more than 1 GiB of text")

    monkeypatch.setattr(Btf, "c_names", refuse)
    kernel = kernel_with("first")
    kernel.add(FUNC, "target", size_or_type=kernel.add(FUNC_PROTO))
    plain = kernel_with("first")
    found = check(reading_object("first", section="fentry/target"), [opened(kernel), opened(plain)])
    assert found.kernels.error.tolist() == ["more than 1 GiB of text", ""]
    assert found.verdict.tolist() == [[V.NOT_TRIED], [V.MAYBE]]


def test_mutants_of_objects() -> None:
    """Every mutant is answered, or is a row with an error."""
    chance = random.Random(22)
    kernel = opened(kernel_with("first", "other"))
    contents = [reading_object("absent"), stored_objects("guarded-objects")["runqlen.bpf.o"]]
    mutants = [mutant(chance.choice(contents), chance) for _ in range(400)]
    found = check(mutants, kernel)
    assert len(found.objects) >= 400
    tried = found.objects.error == ""
    assert tried.any()
    assert not tried.all()
    assert np.array_equal(found.verdict[0] == V.NOT_TRIED, ~tried)
    found.problems()
