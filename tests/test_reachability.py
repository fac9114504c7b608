"""Which poisoned instructions the verifier comes to: guards of each kind, real objects, and the kernel."""

from __future__ import annotations

import csv
import lzma
import os
import platform
import random
import re
import subprocess
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requirements
from elf_writer import ElfWriter
from guarded import PRELUDE, Generator, compile_bpf, opened, reach, reached
from loader import Loader, loader_of_this_kernel
from mutants import mutant

from btfmmap import BtfError, FormatError, NotSupportedError
from btfmmap._core import File
from btfmmap.programs import Programs, Reach, Relocated, Resolved

DATA = Path(__file__).parent / "data"
DEAD, MAYBE, REACHABLE = Reach.DEAD, Reach.MAYBE, Reach.REACHABLE
BODY = 'SEC("socket") int prog(void *ctx) {{ {body} return 0; }}'


def program(body: str, before: str = "") -> str:
    return "\n".join([PRELUDE, before, BODY.format(body=body)])


@pytest.fixture(params=["bpfel", "bpfeb"])
def target(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


# Programs with one access to what is gone, and whether it is reached. C says what each must be.
GUARDS = {
    "none": ("return GONE;", "", REACHABLE),
    "field": ("if (GONE_EXISTS) return GONE;", "", DEAD),
    "no field": ("if (!GONE_EXISTS) return GONE;", "", REACHABLE),
    "type": ("if (GONE_TYPE_EXISTS) return GONE;", "", DEAD),
    "no type": ("if (TYPE_EXISTS) return GONE;", "", REACHABLE),
    "size": ("if (HERE_SIZE == 8) return GONE;", "", DEAD),
    "other size": ("if (HERE_SIZE == 4) return GONE;", "", REACHABLE),
    "signed": ("if ((long)HERE_SIZE - 5 > -1) return GONE;", "", DEAD),
    "other signed": ("if ((int)HERE_SIZE - 5 < 0) return GONE;", "", REACHABLE),
    "switch": ("switch (HERE_SIZE) { case 1: return 1; case 2: return GONE; case 4: return 7; }", "", DEAD),
    "run time": ("if (RUNTIME > 5) return GONE;", "", REACHABLE),
    "run time and field": ("if (RUNTIME > 5 && GONE_EXISTS) return GONE;", "", DEAD),
    "field or run time": ("if (GONE_EXISTS || RUNTIME > 5) return GONE;", "", REACHABLE),
    "stack": ("volatile long v = GONE_EXISTS; helper_random(); if (v) return GONE;", "", DEAD),
    "other stack": ("volatile long v = HERE_EXISTS; helper_random(); if (v) return GONE;", "", REACHABLE),
    # What verifiers know of parts of the stack: registers that are stored to the start of 8 bytes, and zeros.
    "part: int": ("volatile int v = HERE_EXISTS; helper_random(); if (v != 1) return GONE;", "", REACHABLE),
    "part: zero int": ("volatile int v = GONE_EXISTS; helper_random(); if (v) return GONE;", "", DEAD),
    "part: low half": (
        "volatile long v = HERE_SIZE; helper_random(); if (((volatile int *)&v)[LOW] != 4) return GONE;",
        "",
        DEAD,
    ),
    "part: high half": (
        "volatile long v = HERE_SIZE; helper_random(); if (((volatile int *)&v)[1 - LOW]) return GONE;",
        "",
        REACHABLE,
    ),
    "part: second byte": (
        "volatile long v = 256 * HERE_SIZE; helper_random();"
        "if (((volatile char *)&v)[LOW ? 6 : 1] != 4) return GONE;",
        "",
        REACHABLE,
    ),
    "part: changed half": (
        "volatile long v = GONE_EXISTS; helper_random(); ((volatile int *)&v)[LOW] = RUNTIME;"
        "if (((volatile int *)&v)[1 - LOW]) return GONE;",
        "",
        REACHABLE,
    ),
    "part: changed byte": (
        "volatile long v = HERE_EXISTS; helper_random(); ((volatile char *)&v)[LOW ? 0 : 7] = RUNTIME;"
        "if (((volatile int *)&v)[LOW] != 1) return GONE;",
        "",
        REACHABLE,
    ),
    "part: joined zeros": (
        "volatile long v = RUNTIME; volatile int *halves = (volatile int *)&v;"
        "halves[0] = GONE_EXISTS; halves[1] = GONE_EXISTS;"
        "if (v) return GONE;",
        "",
        REACHABLE,
    ),
    "part: zero bytes": (
        "volatile char v[8]; v[3] = GONE_EXISTS; v[2] = GONE_EXISTS; helper_random();"
        "if (*(volatile short *)(v + 2)) return GONE;",
        "",
        DEAD,
    ),
    "static function": (
        "if (has(0)) return GONE;",
        "static noinline int has(long x) { return x ? HERE_EXISTS : GONE_EXISTS; }",
        DEAD,
    ),
    "argument": (
        "return get(GONE_EXISTS);",
        "static noinline int get(long x) { return x ? GONE : 1; }",
        DEAD,
    ),
    "two calls": (
        "return get(GONE_EXISTS) + get(HERE_EXISTS);",
        "static noinline int get(long x) { return x ? GONE : 1; }",
        REACHABLE,
    ),
    "reference": (
        "long v = 1; set(&v); if (v) return GONE;",
        "static noinline void set(long *x) { *x = GONE_EXISTS; }",
        DEAD,
    ),
    # The kernel verifies a global function with unknown arguments, and does not know its result.
    "global function": (
        "if (has()) return GONE;",
        "noinline int has(void) { return GONE_EXISTS; }",
        REACHABLE,
    ),
    "hidden function": (
        "if (has()) return GONE;",
        'noinline __attribute__((visibility("hidden"))) int has(void) { return GONE_EXISTS; }',
        DEAD,
    ),
    "dead call": ("if (GONE_EXISTS) return get();", "static noinline int get(void) { return GONE; }", DEAD),
    "callback": (
        "helper_loop(9, each, 0, 0);",
        "static long each(unsigned i, void *c) { return GONE; }",
        REACHABLE,
    ),
    "guarded callback": (
        "helper_loop(9, each, 0, 0);",
        "static long each(unsigned i, void *c) { return GONE_EXISTS ? GONE : 0; }",
        DEAD,
    ),
    "dead callback": (
        "if (GONE_EXISTS) helper_loop(9, each, 0, 0);",
        "static long each(unsigned i, void *c) { return GONE; }",
        DEAD,
    ),
    "loop": (
        'for (long i = 0; i < 30; i++) { asm volatile("" : "+r"(i)); if (i == 50) return GONE; }',
        "",
        DEAD,
    ),
    "last round": (
        'for (long i = 0; i < 30; i++) { asm volatile("" : "+r"(i)); if (i == 29) return GONE; }',
        "",
        REACHABLE,
    ),
    # More rounds than are told apart.
    "long loop": (
        'for (long i = 0; i < 900; i++) { asm volatile("" : "+r"(i)); if (i == 950) return GONE; }',
        "",
        MAYBE,
    ),
    "read-only": ("if (use) return GONE;", "const volatile int use = 0;", MAYBE),
    "read-only, set": ("if (use) return GONE;", "const volatile int use = 1;", REACHABLE),
    "read-only and field": ("if (use && GONE_EXISTS) return GONE;", "const volatile int use = 1;", DEAD),
    "writable": ("if (use) return GONE;", "volatile int use;", REACHABLE),
    "version": ("if (LINUX_KERNEL_VERSION >= 0x60000) return GONE;", "", MAYBE),
}


def numbered(text: str, number: int) -> str:
    """C of one guard, whose names differ from those of others."""
    return re.sub(r"\b(has|get|set|each|use|prog)\b", rf"\1_{number}", text)


@pytest.mark.parametrize("options", [["-mcpu=v1"], ["-mcpu=v3"]], ids="".join)
def test_guards(target: str, options: list[str], tmp_path: Path) -> None:
    low = "0" if target == "bpfel" else "1"
    source = PRELUDE + "\n".join(
        numbered(f"{before}\n{BODY.format(body=body)}", number).replace("LOW", low)
        for number, (body, before, _) in enumerate(GUARDS.values())
    )
    names, answers = reach(compile_bpf(source, tmp_path, target, *options))
    found = dict(zip(names, answers.max(axis=1), strict=True))
    expected = {f"prog_{number}": answer for number, (_, _, answer) in enumerate(GUARDS.values())}
    assert found == expected


@pytest.mark.parametrize(
    ("status", "value", "expected"),
    [(Resolved.VALUE, 0x60001, REACHABLE), (Resolved.VALUE, 0x50F00, DEAD), (Resolved.UNKNOWN, 0, MAYBE)],
)
def test_kernel_version(status: Resolved, value: int, expected: Reach, target: str, tmp_path: Path) -> None:
    path = compile_bpf(program(GUARDS["version"][0]), tmp_path, target)
    assert reached(path, externals={"LINUX_KERNEL_VERSION": (status, value)}) == [expected]


@pytest.mark.parametrize(
    ("status", "with_it", "without"),
    [
        (Resolved.PRESENT, REACHABLE, DEAD),
        (Resolved.ABSENT, DEAD, REACHABLE),
        (Resolved.UNKNOWN, MAYBE, MAYBE),
    ],
)
def test_weak_symbol(status: Resolved, with_it: Reach, without: Reach, target: str, tmp_path: Path) -> None:
    declared = 'extern const int symbol __attribute__((section(".ksyms"), weak));'
    for condition, expected in (("&symbol", with_it), ("!&symbol", without)):
        path = compile_bpf(program(f"if ({condition}) return GONE;", declared), tmp_path, target)
        assert reached(path, externals={"symbol": (status, 0)}) == [expected]


def test_calls_of_external_functions(target: str, tmp_path: Path) -> None:
    """A call of a function that a kernel lacks matters only if the verifier comes to it."""
    declared = 'extern int kfunc(int) __attribute__((section(".ksyms"), weak));'
    body = "if (kfunc) kfunc(HERE_EXISTS); if (RUNTIME == 3) kfunc(2);"
    _, programs = opened(compile_bpf(program(body, declared), tmp_path, target, "-mcpu=v3"))
    assert [external.name for external, _ in programs.calls] == ["kfunc", "kfunc"]
    positions = np.array([position for _, position in programs.calls], np.uint32)
    known = {"kfunc": (Resolved.ABSENT, 0)}
    answers = programs.reachability(positions, [Relocated.POISONED] * 2, [0, 0], externals=known)
    assert answers.tolist() == [[DEAD, REACHABLE]]


def test_a_poisoned_instruction_ends_its_path(target: str, tmp_path: Path) -> None:
    body = """
        if (RUNTIME == 1) return gone_info(1);
        long x = gone_info(0);
        asm volatile("" : "+r"(x));
        return x + gone_info(4);
    """
    path = compile_bpf(program(body), tmp_path, target)
    assert reached(path, past_poison=True) == [REACHABLE] * 3
    assert sorted(reached(path)) == [DEAD, REACHABLE, REACHABLE]


def test_programs_and_positions(target: str, tmp_path: Path) -> None:
    source = program("return shared(1);", "static noinline int shared(long x) { return x + GONE; }")
    source += 'SEC("?kprobe/x") int other(void *ctx) { return 3; }'
    path = compile_bpf(source, tmp_path, target)
    _, programs = opened(path)
    symbols = subprocess.run(
        [requirements.tool("readelf"), "-sW", str(path)], capture_output=True, text=True, check=True
    )
    rows = re.findall(r": (\w+) +(\d+) FUNC +(\w+) .* (\w+)$", symbols.stdout, re.MULTILINE)
    assert sorted((f.name, f.offset, f.size, f.is_global) for f in programs.functions) == sorted(
        (name, int(offset, 16), int(size), binding == "GLOBAL") for offset, size, binding, name in rows
    )
    assert [(f.section, f.name, f.section_name.autoload) for f in programs.programs] == [
        ("socket", "prog", True),
        ("?kprobe/x", "other", False),
    ]
    assert programs.byte_order == ("little" if target == "bpfel" else "big")
    assert [external.name for external in programs.externals] == []
    none = 0xFFFFFFFF
    found = programs.positions(["socket", "socket", "socket", "no such"], [0, 4, 1 << 40, 0]).tolist()
    assert found[1:] == [none] * 3
    assert found[0] != none
    # The first instruction of each program, and one that does not exist.
    starts = programs.positions(["socket", "?kprobe/x", "x"], [0, 0, 0])
    answers = programs.reachability(starts, [Relocated.POISONED] * 3, np.zeros(3, np.uint64))
    assert answers.tolist() == [[REACHABLE, DEAD, DEAD], [DEAD, REACHABLE, DEAD]]
    nothing = programs.reachability(starts, [Relocated.VALUE] * 3, np.zeros(3, np.uint64))
    assert not nothing.any()
    every = programs.reachability(
        starts, [Relocated.UNKNOWN] * 3, np.zeros(3, np.uint64), all_instructions=True
    )
    assert every.tolist() == answers.tolist()


def test_arguments_are_checked(tmp_path: Path) -> None:
    _, programs = opened(compile_bpf(program("return 1;"), tmp_path))
    with pytest.raises(ValueError, match="1 sections and 2 offsets"):
        programs.positions(["socket"], [0, 8])
    one = np.zeros(1, np.uint32)
    with pytest.raises(ValueError, match="2 statuses, must be 1"):
        programs.reachability(one, [0, 0], [0])
    with pytest.raises(ValueError, match="2 values, must be 1"):
        programs.reachability(one, [0], [0, 0])
    with pytest.raises(ValueError, match="status 3, must be 0 to 2"):
        programs.reachability(one, [3], [0])


# -- real objects, with libbpf's own results


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("objects")
    with tarfile.open(DATA / "guarded-objects.tar.xz") as archive:
        for member in archive.getmembers():
            content = archive.extractfile(member)
            assert content is not None
            (folder / Path(member.name).name).write_bytes(content.read())
    return folder


@pytest.fixture(scope="module")
def relocations() -> dict[str, list[dict[str, str]]]:
    """The rows of each object on the kernel 7.2."""
    rows = defaultdict(list)
    with lzma.open(DATA / "guarded-relocations.tsv.xz", "rt") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            rows[row["object"]].append(row)
    return rows


# What of each object is reached on the kernel 7.2: section and byte of the first poisoned instructions.
# By their sources, runqlen reads cfs_rq.nr_running and bindsnoop bitfields of inet_sock without a guard. All
# others ask before they read. In bindsnoop, the first of 18 ends the path.
BROKEN = {"bindsnoop.bpf.o": [(".text", 496)], "runqlen.bpf.o": [("perf_event", 64)]}


def test_real_objects(objects: Path, relocations: dict[str, list[dict[str, str]]]) -> None:
    names = sorted(path.name for path in objects.iterdir())
    assert {
        f"{n}.bpf.o" for n in ["cpudist", "offcputime", "runqlat", "runqslower", "mdflush", "biopattern"]
    } < set(names)
    for name in names:
        rows = relocations[name]
        assert any(row["poison"] == "1" for row in rows)
        programs = Programs(File.open(bytes(objects / name), "read"))
        positions = programs.positions(
            [row["section"] for row in rows], [int(row["insn_off"]) for row in rows]
        )
        statuses = [int(row["poison"]) for row in rows]
        values = np.array([int(row["value"]) for row in rows], np.uint64)
        for past_poison in (False, True):
            answers = programs.reachability(positions, statuses, values, past_poison=past_poison).max(axis=0)
            assert MAYBE not in answers
            found = [
                (row["section"], int(row["insn_off"]))
                for row, answer in zip(rows, answers, strict=True)
                if answer == REACHABLE
            ]
            if not past_poison:
                assert found == BROKEN.get(name, [])
            else:
                assert len(found) == {"bindsnoop.bpf.o": 18, "runqlen.bpf.o": 1}.get(name, 0)


# -- the verifier of the running kernel


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loader]:
    yield from loader_of_this_kernel(tmp_path_factory.mktemp("plain"))


def running_version() -> int:
    major, minor, patch = map(int, re.findall(r"\d+", platform.release())[:3])
    return major << 16 | minor << 8 | min(patch, 255)


@pytest.mark.parametrize("name", [name for name, (_, _, answer) in GUARDS.items() if answer != MAYBE])
def test_the_kernel_agrees(name: str, loader: Loader, tmp_path: Path) -> None:
    if name.startswith("part: ") and running_version() < 6 << 16 | 12 << 8:
        pytest.skip("older verifiers know less of the stack")
    body, before, expected = GUARDS[name]
    result = loader.load(compile_bpf(program(body.replace("LOW", "0"), before), tmp_path))
    assert result == ("loads" if expected == DEAD else "poison")


def test_random_programs(loader: Loader, tmp_path: Path) -> None:
    """The random programs that libbpf loads are those in which no poisoned instruction is reached."""
    version = running_version()
    count = int(os.environ.get("BTFMMAP_RANDOM_PROGRAMS", "24"))
    undecided = 0
    for seed in range(count):
        options = ["-Wno-everything", "-mcpu=v3" if seed % 2 else "-mcpu=v1"]
        path = compile_bpf(Generator(seed, version).program(), tmp_path, "bpfel", *options)
        answers = reached(path, externals={"LINUX_KERNEL_VERSION": (Resolved.VALUE, version)})
        ours, kernel = max(answers, default=DEAD), loader.load(path)
        undecided += ours == MAYBE
        if ours != MAYBE:
            assert kernel == ("loads" if ours == DEAD else "poison"), f"seed {seed}"
    assert undecided <= count / 20


# -- malformed and hostile objects


def test_other_files() -> None:
    for bits, machine in ((64, 62), (32, 247)):
        writer = ElfWriter(bits)
        writer.add(".text", bytes(8))
        content = bytearray(writer.build())
        content[18] = machine
        with pytest.raises(FormatError, match=f"of machine {machine} with {bits} bits"):
            Programs(File.of_buffer(bytes(content), "input", True))
    content[4:5] = b"\x07"
    with pytest.raises(FormatError):
        Programs(File.of_buffer(bytes(content), "input", True))


def test_mutants(target: str, tmp_path: Path) -> None:
    """Whatever an object has, there is an answer or an error."""
    source = program(*GUARDS["two calls"][:2]) + "noinline int f(int x) { return x ? GONE : HERE_SIZE; }"
    original = compile_bpf(source, tmp_path, target).read_bytes()
    generator = random.Random(1)
    answered = 0
    for _ in range(400):
        content = mutant(original, generator)
        try:
            programs = Programs(File.of_buffer(content, "input", True))
        except BtfError:
            continue
        answered += 1
        count = sum(function.size for function in programs.functions) // 8
        positions = np.arange(min(count + 2, 5000), dtype=np.uint32)
        statuses = np.array([generator.randrange(3) for _ in positions], np.uint8)
        values = np.array([generator.getrandbits(64) for _ in positions], np.uint64)
        for every in (False, True):
            answers = programs.reachability(
                positions, statuses, values, all_instructions=every, past_poison=not every
            )
            assert answers.shape == (len(programs.programs), len(positions))
            assert answers.max(initial=0) <= REACHABLE
    assert answered > 50


def code(*instructions: tuple[int, int, int, int, int]) -> bytes:
    """Instructions of opcode, destination, source, offset and immediate."""
    return b"".join(
        bytes([opcode, source << 4 | destination])
        + (offset & 0xFFFF).to_bytes(2, "little")
        + (immediate & 0xFFFFFFFF).to_bytes(4, "little")
        for opcode, destination, source, offset, immediate in instructions
    )


def object_of(functions: list[bytes]) -> bytes:
    """An object with programs in a section."""
    writer = ElfWriter()
    writer.add("socket", b"".join(functions), sh_flags=6)
    names, symbols, at = b"\0", bytes(24), 0
    for number, content in enumerate(functions):
        symbols += len(names).to_bytes(4, "little") + bytes([0x12, 0]) + (1).to_bytes(2, "little")
        symbols += at.to_bytes(8, "little") + len(content).to_bytes(8, "little")
        names += b"f%d\0" % number
        at += len(content)
    writer.add(".symtab", symbols, sh_type=2, sh_link=3, sh_entsize=24)
    writer.add(".strtab", names, sh_type=3)
    built = writer.build()
    return built[:18] + (247).to_bytes(2, "little") + built[20:]


EXIT = (0x95, 0, 0, 0, 0)


def last_reached(instructions: list[tuple[int, int, int, int, int]]) -> Reach:
    """Whether a poisoned instruction before the last one is reached."""
    programs = Programs(File.of_buffer(object_of([code(*instructions)]), "input", True))
    position = np.array([len(instructions) - 2], np.uint32)
    return Reach(programs.reachability(position, [Relocated.POISONED], [0])[0, 0])


def test_too_much_work_is_undecided() -> None:
    # Two ways at each of many branches, which differ in what is on the stack.
    random_number, store = (0x85, 0, 0, 0, 7), 0x7A
    instructions = []
    for number in range(1, 30):
        # if (random) *(u64 *)(r10 - 8 * number) = number;
        instructions += [random_number, (0x15, 0, 0, 1, 3), (store, 10, 0, -8 * number, number)]
    instructions += [(0xB7, 1, 0, 0, 0), (0x15, 1, 0, 1, 0), (0xB7, 0, 0, 0, 0), EXIT]
    assert last_reached(instructions) == DEAD
    # Instructions that are executed a million times.
    loop = [(0xB7, 1, 0, 0, 0), (0x07, 1, 0, 0, 1), (0x55, 1, 0, -2, 2_000_000), (0xB7, 0, 0, 0, 0), EXIT]
    assert last_reached(loop) in (MAYBE, REACHABLE)
    # Functions that call the next one twice, which is the work of 2^n calls.
    doubling = code((0x85, 0, 1, 0, 3), (0x85, 0, 1, 0, 2), (0xB7, 0, 0, 0, 0), EXIT) * 12
    programs = Programs(File.of_buffer(object_of([doubling]), "input", True))
    assert programs.reachability(np.array([2], np.uint32), [Relocated.POISONED], [0])[0, 0] in (
        DEAD,
        REACHABLE,
    )
    # A global function that calls itself, and a program that runs off its end.
    assert last_reached([(0x85, 0, 1, 0, -1), (0xB7, 0, 0, 0, 0), EXIT]) == REACHABLE
    assert last_reached([(0x05, 0, 0, 100, 0), (0xB7, 0, 0, 0, 0), EXIT]) == DEAD


def test_many_programs() -> None:
    body = code((0xB7, 0, 0, 0, 0), EXIT)
    programs = Programs(File.of_buffer(object_of([body] * 3000), "input", True))
    assert len(programs.programs) == 3000
    some = np.arange(6000, dtype=np.uint32)
    answers = programs.reachability(some, np.full(6000, Relocated.POISONED), np.zeros(6000))
    # A program's first instruction ends its path.
    assert (np.flatnonzero(answers.ravel()) == np.arange(3000) * 6002).all()
    many = np.zeros(30_000, np.uint32)
    with pytest.raises(NotSupportedError, match="30000 relocations in 3000 programs"):
        programs.reachability(many, np.full(30_000, Relocated.POISONED), np.zeros(30_000))


@pytest.mark.parametrize(
    ("opcode", "source", "immediate", "left", "expected"),
    [
        # r1 = left; r1 op= immediate or r2, which has the immediate
        (0x07, 0, -1, 5, 4),
        (0x1F, 2, 7, 5, -2),
        (0x27, 0, -3, 5, -15),
        (0x3F, 2, 0, 5, 0),
        (0x9F, 2, 0, 5, 5),
        (0x34, 0, 3, -1, 0x55555555),
        (0x6F, 2, 65, 1, 2),
        (0x74, 0, 4, -1, 0x0FFFFFFF),
        (0xC7, 0, 4, -256, -16),
        (0xC4, 0, 4, -256, 0xFFFFFFF0),
        (0xA7, 0, -1, 0, -1),
        (0x84, 0, 0, 1, 0xFFFFFFFF),
        (0xD4, 0, 16, 0x12345678, 0x5678),
        (0xDC, 0, 16, 0x12345678, 0x7856),
        (0xD7, 0, 32, 0x12345678, 0x78563412),
        (0x5F, 2, 0x0F, 0x1234, 4),
        (0x4F, 2, 0x0F, 0x1230, 0x123F),
    ],
)
def test_arithmetic(opcode: int, source: int, immediate: int, left: int, expected: int) -> None:
    """By the instruction set's documentation, on a little-endian host."""
    wide = [(0x18, 3, 0, 0, expected & 0xFFFFFFFF), (0, 0, 0, 0, expected >> 32)]
    start = [(0xB7, 1, 0, 0, left), (0xB7, 2, 0, 0, immediate)]
    operation = (opcode, 1, source, 0, 0 if source else immediate)
    for jump, answer in ((0x1D, DEAD), (0x5D, REACHABLE)):  # over the poisoned instruction if (not) equal
        body = [*start, operation, *wide, (jump, 1, 3, 1, 0), (0xB7, 0, 0, 0, 0), EXIT]
        assert last_reached(body) == answer
