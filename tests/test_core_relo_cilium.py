"""The test objects of cilium/ebpf, whose programs say themselves whether relocations are right.

A program in `btf/testdata` returns 0, or the line of its source with the first wrong answer. It is executed
here with the values of `evaluate`. BTFMMAP_CILIUM_TESTDATA is the path of a checkout of cilium/ebpf.
"""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from bpf_machine import Machine
from btf_writer import BtfWriter
from stored_files import KERNELS, stored

import btfmmap
from btfmmap import Btf, Kind
from btfmmap import CoreReloKind as K
from btfmmap._core import Elf, File
from btfmmap.programs import Function, Programs, Reach, Relocated, Resolved
from btfmmap.relocation_kinds import InstructionUse, RelocationStatus
from btfmmap.relocations import RelocationResults, Relocations, evaluate

CHECKOUT = os.environ.get("BTFMMAP_CILIUM_TESTDATA")
pytestmark = pytest.mark.skipif(
    CHECKOUT is None, reason="BTFMMAP_CILIUM_TESTDATA names no checkout of cilium/ebpf"
)
S, U = RelocationStatus, InstructionUse
SIZE_CODES = {1: 0x10, 2: 0x08, 4: 0x00, 8: 0x18}
# A loader that makes a BTF of its own for the program numbers the types otherwise, and a program checks it.
OTHER_NUMBERS = 1 << 20


class Object:
    """One object, its relocations, and what becomes of them on a target."""

    def __init__(self, name: str, suffix: str, target: Btf | None = None) -> None:
        assert CHECKOUT is not None
        folder = "testdata" if name == "errors" else "btf/testdata"
        self.path = Path(CHECKOUT) / folder / f"{name}-{suffix}.elf"
        self.order = "<" if suffix == "el" else ">"
        self.btf = btfmmap.open(self.path)
        self.file = File.open(bytes(self.path), "read")
        self.programs = Programs(self.file)
        assert self.btf.ext is not None
        self.relocations: Relocations = self.btf.ext.relocations
        self.results: RelocationResults = evaluate([self.btf], target or self.btf)

    def functions(self) -> dict[str, Function]:
        return {function.name: function for function in self.programs.functions}

    def values(self) -> list[int]:
        """The values of the relocations, for a loader that renumbers the object's types."""
        is_local = self.relocations.kind == K.TYPE_ID_LOCAL
        found: list[int] = (self.results.value + np.where(is_local, OTHER_NUMBERS, 0).astype("u8")).tolist()
        return found

    def rows(self, function: Function) -> list[int]:
        """The relocations in a function."""
        at = self.relocations.insn_off
        inside = (self.relocations.section == function.section) & (at >= function.offset)
        rows: list[int] = np.flatnonzero(inside & (at < function.offset + function.size)).tolist()
        return rows

    def run(self, function: Function, values: list[int]) -> int:
        """What a function returns, with these values in its instructions."""
        section = Elf(self.file).find(function.section.encode())
        assert section is not None
        code = bytearray(self.path.read_bytes()[section.offset : section.offset + section.size])
        for row in self.rows(function):
            self._relocate(code, row, values[row])
        return Machine(bytes(code), self.order).run(function.offset // 8)

    def _relocate(self, code: bytearray, row: int, value: int) -> None:
        at, use = int(self.relocations.insn_off[row]), U(self.relocations.use[row])
        if use == U.IMMEDIATE:
            struct.pack_into(self.order + "I", code, at + 4, value & 0xFFFFFFFF)
        elif use == U.IMMEDIATE64:
            struct.pack_into(self.order + "I", code, at + 4, value & 0xFFFFFFFF)
            struct.pack_into(self.order + "I", code, at + 12, value >> 32 & 0xFFFFFFFF)
        else:
            struct.pack_into(self.order + "h", code, at + 2, value)
            code[at] = code[at] & ~0x18 | SIZE_CODES[int(self.results.size[row])]

    def reached(self, **externals: tuple[Resolved, int]) -> dict[str, Reach]:
        """For each program, whether its first poisoned relocation is reached."""
        positions = self.programs.positions(self.relocations.section.tolist(), self.relocations.insn_off)
        poisoned = self.results.status == S.POISONED
        statuses = np.where(poisoned, Relocated.POISONED, Relocated.VALUE)
        answers = self.programs.reachability(positions, statuses, self.results.value, externals=externals)
        names = [program.name for program in self.programs.programs]
        return {name: Reach(int(row.max(initial=0))) for name, row in zip(names, answers, strict=True)}


@pytest.fixture(params=["el", "eb"])
def suffix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def wrong_values(kind: K, right: int) -> list[int]:
    """What a relocation is not: 0 and the other BTF's id for an id of a type, otherwise any other number."""
    if kind == K.TYPE_ID_LOCAL:
        return [0, right - OTHER_NUMBERS]
    return [right + OTHER_NUMBERS] if kind == K.TYPE_ID_TARGET else [right ^ 1]


def undecided(made: Object, function: Function, right: list[int]) -> list[int]:
    """Run a function, and again with each value changed: the relocations that do not change the result."""
    assert made.run(function, right) == 0
    found = []
    for row in made.rows(function):
        if made.relocations.use[row] == U.STORE:  # of an initializer, which nothing reads
            assert made.results.value[row] == made.relocations.value[row]
            continue
        wrong = wrong_values(K(made.relocations.kind[row]), right[row])
        changed = [made.run(function, [*right[:row], value, *right[row + 1 :]]) for value in wrong]
        if not any(changed):
            found.append(row)
    return found


def source(made: Object) -> str:
    """The source of an object, its comments blanked."""
    path = re.sub(r"-e[lb]\.elf$", ".c", str(made.path))
    comment = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
    return comment.sub(lambda match: "\n" * match[0].count("\n"), Path(path).read_text())


@pytest.mark.parametrize("program", ["type_ids", "types", "enums", "fields"])
def test_relocs(program: str, suffix: str) -> None:
    """Against the object's own types."""
    made = Object("relocs", suffix)
    function = made.functions()[program]
    rows = made.rows(function)
    assert {S(status) for status in made.results.status[rows]} == {S.OK}
    assert undecided(made, function, made.values()) == []


def test_target_ids(suffix: str) -> None:
    """Those of the types that the source names."""
    made = Object("relocs", suffix)
    kinds = {"s": Kind.STRUCT, "e": Kind.ENUM, "u": Kind.UNION}
    count = 0
    for row in made.rows(made.functions()["type_ids"]):
        root = made.relocations.root[row]
        if root and root != "int":
            count += 1
            assert made.results.value[row] == made.btf.find(root, kinds.get(root, Kind.TYPEDEF))
    # Ids of the object, and pairs of one and the target's.
    body = source(made).partition("int type_ids() {")[2]
    local = len(re.findall(r"^\s*local_id_not_zero\((?!int|.*\{)", body, re.MULTILINE))
    pairs = len(re.findall(r"^\s*target_and_local_id_dont_match\(", body, re.MULTILINE))
    assert count == local + 2 * pairs == 24


@pytest.mark.parametrize("program", ["err_ambiguous", "err_ambiguous_flavour"])
@pytest.mark.parametrize("semantics", ["libbpf", "independent"])
def test_ambiguous(program: str, semantics: str, suffix: str) -> None:
    made = Object("relocs", suffix)
    (row,) = made.rows(made.functions()[program])
    result = evaluate([made.btf], made.btf, semantics=semantics)[row]  # type: ignore[arg-type]
    assert result["status"] == S.AMBIGUOUS
    assert result["candidates"] == 2


def test_relocs_read(suffix: str) -> None:
    """Against types whose members are in another order."""
    assert CHECKOUT is not None
    target = btfmmap.open(Path(CHECKOUT) / f"btf/testdata/relocs_read_tgt-{suffix}.elf")
    made = Object("relocs_read", suffix, target)
    function = made.functions()["read_subprog"]
    assert len(made.rows(function)) == len(made.results)
    values = made.values()
    if suffix == "eb":
        # The source expects 0x15443322 of a bitfield in the upper 30 bits of 0x55443322, where gcc and clang
        # for s390x read 0x15510cc8. That answer would need a left shift of 34.
        lines = source(made).splitlines()
        assert "return" in lines[made.run(function, values) - 1]
        assert "(&bar, g) != 0x15443322" in lines[made.run(function, values) - 2]
        (row,) = np.flatnonzero(
            (made.relocations.kind == K.FIELD_LSHIFT_U64) & (made.relocations.path == "g")
        )
        assert values[row] == 32
        values[row] = 34
    assert made.run(function, made.relocations.value.tolist()) != 0
    # What the source says of the target.
    said = re.findall(r"'(\w)' type_id=\d+ bits_offset=(\d+)", Path(str(made.path)[:-7] + ".c").read_text())
    assert len(said) == 7
    local = made.relocations
    rows = {f"{r}.{p}": n for n, (r, p) in enumerate(zip(local.root, local.path, strict=True))}
    assert {name: made.results.bit_offset[rows[f"bits.{name}"]] for name, _ in said} == {
        name: int(offset) for name, offset in said
    }
    # Bitfields are read with several values, and some others read these bits the same.
    assert {local.root[row] for row in undecided(made, function, values)} == {"bits"}


@pytest.mark.parametrize("kernel", [*KERNELS, None])
def test_relocs_enum(kernel: str | None, suffix: str) -> None:
    """No kernel has the enumerator that is asked for; the object itself has."""
    made = Object("relocs_enum", suffix, btfmmap.open(data=stored(f"{kernel}.btf")) if kernel else None)
    assert made.results.status.tolist() == ([S.ABSENT, S.POISONED] if kernel else [S.OK, S.OK])
    assert made.results.value.tolist() == ([0, 0] if kernel else [1, 1])
    assert made.reached() == {"core_ld64imm": Reach.DEAD}


def test_errors(suffix: str) -> None:
    """Programs that read what an empty kernel does not have."""
    empty = btfmmap.open(data=BtfWriter("<" if suffix == "el" else ">").build())
    made = Object("errors", suffix, empty)
    reached = made.reached(invalid_kfunc=(Resolved.ABSENT, 0))
    assert reached["poisoned_single"] == reached["poisoned_double"] == Reach.REACHABLE
    assert [external.name for external, _ in made.programs.calls] == ["invalid_kfunc"]
    positions = np.array([position for _, position in made.programs.calls], np.uint32)
    answers = made.programs.reachability(
        positions, [Relocated.POISONED], [0], externals={"invalid_kfunc": (Resolved.ABSENT, 0)}
    )
    names = [program.name for program in made.programs.programs]
    assert names[int(answers[:, 0].argmax())] == "poisoned_kfunc"
    assert answers.max() == Reach.REACHABLE
