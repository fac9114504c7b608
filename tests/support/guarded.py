"""BPF programs in C that guard an access to what a kernel lacks.

`GONE` is what no kernel has: libbpf poisons the instruction. `HERE_EXISTS` and `HERE_SIZE` are of a field of
4 bytes that every kernel has.
"""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import requirements

import btfmmap
from btfmmap import Btf
from btfmmap._core import File
from btfmmap.programs import Programs, Reach, Relocated

PRELUDE = """\
#define core __attribute__((preserve_access_index))
#define SEC(name) __attribute__((section(name), used))
#define noinline __attribute__((noinline))
struct task_struct { int pid; } core;
struct task_struct___gone { int gone; } core;
struct gone_type { int x; } core;
#define info(field, kind) __builtin_preserve_field_info(((struct task_struct *)0)->field, kind)
#define gone_info(kind) __builtin_preserve_field_info(((struct task_struct___gone *)0)->gone, kind)
#define HERE_EXISTS info(pid, 2)
#define HERE_SIZE info(pid, 1)
#define GONE_EXISTS gone_info(2)
#define GONE gone_info(0)
#define TYPE_EXISTS __builtin_preserve_type_info(*(struct task_struct *)0, 0)
#define GONE_TYPE_EXISTS __builtin_preserve_type_info(*(struct gone_type *)0, 0)
#define RUNTIME ((unsigned)helper_random())
static unsigned (*helper_random)(void) = (void *)7;
static long (*helper_loop)(unsigned, void *, void *, unsigned long) = (void *)181;
extern int LINUX_KERNEL_VERSION __attribute__((section(".kconfig")));
SEC("license") char license_of_this[] = "GPL";
"""
BYTE_OFFSET, BYTE_SIZE, EXISTS, TYPE_EXISTS = 0, 1, 2, 8


def program(body: str, declared: str = "") -> str:
    """The source of an object with one program of that body."""
    return f'{PRELUDE}\n{declared}\nSEC("socket") int prog(void *ctx) {{ {body} return 0; }}'


def compile_bpf(
    source: str, folder: Path, target: str = "bpfel", *options: str, clang: str = "clang"
) -> Path:
    """Compile C and return the path of the object."""
    (folder / "guarded.c").write_text(source)
    command = [requirements.tool(clang), "-target", target, "-g", "-O2", "-fdebug-compilation-dir=."]
    subprocess.run([*command, *options, "-c", "guarded.c", "-o", "guarded.o"], cwd=folder, check=True)
    return folder / "guarded.o"


def opened(path: Path) -> tuple[Btf, Programs]:
    return btfmmap.open(path), Programs(File.open(bytes(path), "read"))


def value_of(root: str, kind: int) -> tuple[Relocated, int]:
    """What libbpf makes of a relocation in a program with `PRELUDE`."""
    gone = root in ("task_struct___gone", "gone_type")
    if kind in (EXISTS, TYPE_EXISTS):
        return Relocated.VALUE, int(not gone)
    if gone:
        return Relocated.POISONED, 0
    assert kind == BYTE_SIZE
    return Relocated.VALUE, 4


def reach(path: Path, **options: object) -> tuple[list[str], npt.NDArray[np.uint8]]:
    """The names of all programs, and whether each reaches each poisoned relocation."""
    btf, programs = opened(path)
    assert btf.ext is not None
    rows = btf.ext.core_relo
    known = [
        value_of(btf.name(int(root)), int(kind)) for root, kind in zip(rows.type, rows.kind, strict=True)
    ]
    statuses = np.array([status for status, _ in known], np.uint8)
    values = np.array([value for _, value in known], np.uint64)
    positions = programs.positions(rows.section.tolist(), rows.insn_off)
    assert (positions != 0xFFFFFFFF).all()
    answers = programs.reachability(positions, statuses, values, **options)  # type: ignore[arg-type]
    return [program.name for program in programs.programs], answers[:, statuses == Relocated.POISONED]


def reached(path: Path, **options: object) -> list[Reach]:
    """Whether each poisoned relocation is reached in any program."""
    return [Reach(number) for number in reach(path, **options)[1].max(axis=0)]


class Generator:
    """Random programs with guards that the kernel's verifier decides."""

    KINDS = ("assign", "if", "if", "if", "loop", "call", "reference", "callback", "spill")

    def __init__(self, seed: int, version: int) -> None:
        self.random = random.Random(seed)
        self.version = version
        self.functions: list[str] = []
        self.loops = 0

    def program(self) -> str:
        body = self.block(3, ["a", "b"])
        body = f"long a = HERE_EXISTS, b = GONE_EXISTS; {body} return a + b;"
        return "\n".join([PRELUDE, *self.functions, f'SEC("socket") int prog(void *ctx) {{ {body} }}'])

    def condition(self, names: list[str]) -> str:
        pick = self.random.choice
        number = self.random.randrange(3)
        constant = pick(["HERE_EXISTS", "GONE_EXISTS", "TYPE_EXISTS", "GONE_TYPE_EXISTS", "HERE_SIZE - 3"])
        version = (
            f"LINUX_KERNEL_VERSION {pick(['<', '>', '>='])} {self.version + self.random.randrange(-1, 2)}"
        )
        return pick(
            [
                constant,
                f"!({constant})",
                f"(int){pick(names)} == {number}",
                f"{pick(names)} > {number}",
                f"(unsigned){pick(names)} <= {number}",
                f"({constant}) & ({pick(names)})",
                version,
                f"({constant}) && RUNTIME == {number}",
                f"({constant}) || RUNTIME == {number}",
                f"RUNTIME % 8 == {number}",
            ]
        )

    def block(self, depth: int, names: list[str]) -> str:
        return " ".join(self.statement(depth, names) for _ in range(self.random.randint(1, 3)))

    def statement(self, depth: int, names: list[str]) -> str:
        name = self.random.choice(names)
        kinds = ["assign", "assign", "gone"] if depth == 0 else self.KINDS
        match self.random.choice(kinds):
            case "assign":
                return f"{name} = {self.random.choice(['HERE_EXISTS', 'GONE_EXISTS', '2', f'{name} + 1'])};"
            case "gone":
                return f"{name} += GONE;"
            case "if":
                inside, other = self.block(depth - 1, names), self.block(depth - 1, names)
                return f"if ({self.condition(names)}) {{ {inside} }} else {{ {other} }}"
            case "loop":
                self.loops += 1
                i = f"i{self.loops}"
                inside = self.statement(0, names)
                return (
                    f"for (long {i} = 0; {i} < {self.random.randint(2, 20)}; {i}++) "
                    f'{{ asm volatile("" : "+r"({i})); '
                    f"if ({i} == {self.random.randint(0, 25)}) {{ {inside} }} }}"
                )
            case "call":
                body = self.block(depth - 1, ["x", "y"])
                static = self.random.choice(["static noinline", "static noinline", "noinline"])
                function = f"f{len(self.functions)}"
                # The kernel refuses a call of a global function without a value for each parameter.
                used = 'asm volatile("" :: "r"(x), "r"(y));'
                self.functions.append(
                    f"{static} int {function}(int x, int y) {{ {used} {body} return x + y; }}"
                )
                argument = self.random.choice(["HERE_EXISTS", "GONE_EXISTS", "RUNTIME"])
                return f"{name} = {function}({argument}, 1);"
            case "reference":
                function = f"f{len(self.functions)}"
                value = self.random.choice(["HERE_EXISTS", "GONE_EXISTS", "RUNTIME"])
                self.functions.append(f"static noinline void {function}(long *x) {{ *x = {value}; }}")
                return f"{{ long v = 1; {function}(&v); if (v) {{ {self.statement(0, names)} }} }}"
            case "callback":
                body = self.block(depth - 1, ["x", "y"])
                function = f"f{len(self.functions)}"
                declared = (
                    f"static long {function}(unsigned i, void *c) {{ long x = i, y = 0; {body} return 0; }}"
                )
                self.functions.append(declared)
                return f"helper_loop(3, {function}, (void *)0, 0);"
            case _:
                type_ = self.random.choice(["long", "int", "short", "char"])
                return (
                    f"{{ volatile {type_} v = {self.random.choice(['HERE_EXISTS', 'GONE_EXISTS'])}; "
                    f"helper_random(); if (v) {{ {self.statement(0, names)} }} }}"
                )
