"""What libbpf and the verifier of the running kernel make of programs: what the evaluation says of them."""

from __future__ import annotations

import os
import platform
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import requirements
from guarded import PRELUDE, compile_bpf, opened
from program_loader import ProgramLoader
from stored_files import stored_objects

import btfmmap
from btfmmap import Btf, open_kernel
from btfmmap.programs import Reach, Relocated, Resolved
from btfmmap.relocation_kinds import RelocationStatus
from btfmmap.relocations import evaluate

DEAD, MAYBE, REACHABLE = Reach.DEAD, Reach.MAYBE, Reach.REACHABLE
S = RelocationStatus


@dataclass
class RunningKernel:
    """The types of the running kernel and its modules."""

    btf: Btf
    modules: list[Btf]

    @cached_property
    def version(self) -> int:
        major, minor, patch = map(int, re.findall(r"\d+", platform.release())[:3])
        return major << 16 | minor << 8 | min(patch, 255)


@pytest.fixture(scope="module")
def kernel() -> RunningKernel:
    requirements.kernel_btf()
    made = open_kernel()
    return RunningKernel(made.base, list(made.modules.values()))


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProgramLoader]:
    if os.geteuid() != 0:
        pytest.skip("only root may load programs")
    made = ProgramLoader()
    path = compile_bpf(
        PRELUDE + 'SEC("socket") int prog(void *c) { return 1; }', tmp_path_factory.mktemp("plain")
    )
    if not made.load_program(path, "prog"):
        pytest.skip(f"this kernel loads no programs: {made.log.decode(errors='replace')}")
    yield made
    made.library.libbpf_set_print(None)


class Judged:
    """The relocations of an object on the running kernel, and which of them its programs reach."""

    def __init__(self, path: Path, kernel: RunningKernel) -> None:
        self.btf, self.programs = opened(path)
        assert self.btf.ext is not None
        self.local = self.btf.ext.relocations
        self.results = evaluate([self.btf], kernel.btf, kernel.modules)
        known = [Relocated.POISONED if s == S.POISONED else Relocated.VALUE for s in self.results.status]
        assert set(self.results.status.tolist()) <= {S.OK, S.ABSENT, S.POISONED}
        self.reach: npt.NDArray[np.uint8] = self.programs.reachability(
            self.programs.positions(self.local.section.tolist(), self.local.insn_off),
            known,
            self.results.value,
            externals={"LINUX_KERNEL_VERSION": (Resolved.VALUE, kernel.version)},
        )

    def verdicts(self) -> dict[str, Reach]:
        """The worst of each program."""
        rows = zip(self.programs.programs, self.reach, strict=True)
        return {program.name: Reach(int(row.max(initial=0))) for program, row in rows}

    def reached(self, program: str) -> list[int]:
        """The relocations that end a path of a program."""
        names = [function.name for function in self.programs.programs]
        rows: list[int] = np.flatnonzero(self.reach[names.index(program)]).tolist()
        return rows

    def loaded_instruction(self, row: int, program: str) -> int:
        """The number of a relocation's instruction in a program that calls at most one other function."""
        section, at = self.local.section[row], int(self.local.insn_off[row])
        (main,) = [function for function in self.programs.programs if function.name == program]
        (containing,) = [
            function
            for function in self.programs.functions
            if function.section == section and function.offset <= at < function.offset + function.size
        ]
        appended = 0 if containing == main else main.size
        return (at - containing.offset + appended) // 8

    def differences(self, loader: ProgramLoader) -> list[str]:
        """How libbpf's results in its last load differ."""
        first: dict[str, int] = {}
        for row, section in enumerate(self.local.section.tolist()):
            first.setdefault(section, row)
        found = []
        for (section, number), theirs in loader.relocated().items():
            row = first[section] + number
            poisoned, value = self.results.status[row] == S.POISONED, int(self.results.value[row])
            same = theirs.poisoned if poisoned else theirs.value is not None and theirs.value % 2**64 == value
            if not same:
                found.append(f"{section} {number}: {theirs}, not {self.results[row]}")
        return found


def test_real_objects(kernel: RunningKernel, loader: ProgramLoader, tmp_path: Path) -> None:
    """The programs of 63 objects, loaded one at a time."""
    outcomes: Counter[tuple[Reach, str]] = Counter()
    compared = 0
    for name, content in stored_objects().items():
        path = tmp_path / name
        path.write_bytes(content)
        if btfmmap.open(path).ext is None:
            continue
        judged = Judged(path, kernel)
        for program, ours in judged.verdicts().items():
            loads = loader.load_program(path, program)
            poisoned = loader.poisoned()
            # A target or a map may be missing, or a helper not allowed.
            outcomes[ours, "loads" if loads else "poison" if poisoned else "other"] += 1
            assert judged.differences(loader) == []
            compared += len(loader.relocated())
            if poisoned is not None and ours != MAYBE:
                # libbpf's names of what is poisoned, and the verifier's line of the source.
                reached = [
                    (judged.local.root[row], judged.local.access[row]) for row in judged.reached(program)
                ]
                assert poisoned.root is None or (poisoned.root, poisoned.access) in reached
                lines = judged.local.line[judged.reached(program)]
                assert poisoned.line is None or poisoned.line in lines
    assert (DEAD, "poison") not in outcomes
    assert (REACHABLE, "loads") not in outcomes
    assert outcomes[DEAD, "loads"] > 50
    assert compared > 500


# -- programs that read a field which is not there


MISSING = """
struct task_struct___lost { int lost; int lost_too; } core;
#define LOST __builtin_preserve_field_info(((struct task_struct___lost *)0)->lost, 0)
#define LOST_TOO __builtin_preserve_field_info(((struct task_struct___lost *)0)->lost_too, 0)
#define LOST_EXISTS __builtin_preserve_field_info(((struct task_struct___lost *)0)->lost, 2)
"""
GET = "static noinline int get(long x) { return x ? LOST : 1; }"
CASES = {
    # The program, the functions it calls, and the field that the verifier comes to, or None.
    "not guarded": ("return LOST;", "", "lost"),
    "guarded": ("if (LOST_EXISTS) return LOST;", "", None),
    "guarded the wrong way": ("if (!LOST_EXISTS) return LOST;", "", "lost"),
    "after others": ("long x = RUNTIME + HERE_SIZE; if (x == 3) return 1; return x + LOST;", "", "lost"),
    "the second": ("if (LOST_EXISTS) return LOST; return LOST_TOO;", "", "lost_too"),
    "a load": (
        "volatile long space[2] = {}; return ((struct task_struct___lost *)space)->lost_too;",
        "",
        "lost_too",
    ),
    "a guarded load": (
        "volatile long space[2] = {}; if (LOST_EXISTS) return ((struct task_struct___lost *)space)->lost;",
        "",
        None,
    ),
    "a store": ("volatile long space[2] = {}; ((struct task_struct___lost *)space)->lost = 3;", "", "lost"),
    "function": ("return get(RUNTIME);", GET, "lost"),
    "function, guarded inside": (
        "return get(RUNTIME);",
        GET.replace("x ?", "x && LOST_EXISTS ?"),
        None,
    ),
    "function, guarded outside": ("if (LOST_EXISTS) return get(RUNTIME);", GET, None),
    "function, guarded by its argument": ("return get(LOST_EXISTS);", GET, None),
}


@pytest.mark.parametrize("name", CASES)
def test_missing_field(name: str, kernel: RunningKernel, loader: ProgramLoader, tmp_path: Path) -> None:
    """The verifier stops at the instruction that the evaluation names, or the program loads."""
    body, functions, field = CASES[name]
    program = f'SEC("socket") int prog(void *context)\n{{\n{body}\nreturn 0;\n}}\n'
    source = f"{PRELUDE}{MISSING}{functions}\n{program}"
    judged = Judged(compile_bpf(source, tmp_path), kernel)
    reached = judged.reached("prog")
    loads = loader.load_program(tmp_path / "guarded.o", "prog")
    poisoned = loader.poisoned()
    assert judged.differences(loader) == []
    assert len(loader.relocated()) == len(judged.results)
    assert S.POISONED in judged.results.status
    if field is None:
        assert (loads, poisoned, reached) == (True, None, [])
        assert judged.verdicts() == {"prog": DEAD}
        return
    assert judged.verdicts() == {"prog": REACHABLE}
    assert not loads
    assert poisoned is not None, loader.log
    (row,) = reached
    assert judged.local.path[row] == field
    assert poisoned.instruction == judged.loaded_instruction(row, "prog")
    assert poisoned.root in (None, judged.local.root[row])
    assert poisoned.access in (None, judged.local.access[row])
    assert poisoned.line in (None, judged.local.line[row])
