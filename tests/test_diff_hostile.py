"""Comparing hostile files takes linear time and memory.

Counted are the basic blocks that run, and the bytes that are allocated at once, for inputs of two sizes."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import requirements
from btf_writer import CONST, DECL_TAG, PTR, STRUCT, TYPEDEF, UNION, BtfWriter
from mutants import mutant
from raw_records import read, write
from stored_files import stored

import btfmmap
from btfmmap import BtfError

ROOT = Path(__file__).parent.parent
FOLDERS = (
    "analysis",
    "base",
    "btf",
    "diff",
    "fingerprint",
    "format",
    "index",
    "input",
    "names",
    "simd",
    "tables",
)
GROWTH = 4
"""How much larger the larger input is."""
BUDGET = 1 << 30
"""Basic blocks of all limited comparisons: 2 to the power of 26 steps for namesakes, and 28 for causes."""

Pair = tuple[bytes, bytes]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("steps")
    compiler = [requirements.tool("g++"), "-std=c++17", "-O0", "-D_FILE_OFFSET_BITS=64", f"-I{ROOT / 'csrc'}"]
    sources = [source for name in FOLDERS for source in (ROOT / "csrc" / "core" / name).glob("*.cpp")]
    objects = [folder / f"{source.parent.name}-{source.stem}.o" for source in sources]

    def compile_one(source: Path, to: Path) -> None:
        flags = ["-fsanitize-coverage=trace-pc", "-c", str(source), "-o", str(to)]
        subprocess.run([*compiler, *flags], check=True)

    with ThreadPoolExecutor() as pool:
        assert all(each is None for each in pool.map(compile_one, sources, objects))
    main = ROOT / "tests" / "native" / "diff_steps.cpp"
    subprocess.run([*compiler, str(main), *map(str, objects), "-o", str(folder / "program")], check=True)
    return folder / "program"


def counted(program: Path, folder: Path, pair: Pair) -> tuple[dict[str, int], str]:
    paths = [folder / "old", folder / "new"]
    for path, content in zip(paths, pair, strict=True):
        path.write_bytes(content)
    done = subprocess.run([program, *paths], capture_output=True, text=True, check=True)
    outcome, *lines = done.stdout.splitlines()
    return {name: int(number) for name, number in map(str.split, lines)}, outcome


def both(write_one: Callable[[BtfWriter, int, bool], None], count: int) -> Pair:
    built = []
    for is_new in (False, True):
        writer = BtfWriter()
        write_one(writer, count, is_new)
        built.append(writer.build())
    return built[0], built[1]


def namesakes(writer: BtfWriter, count: int, is_new: bool) -> None:
    int_id = writer.add_int()
    for number in range(count):
        members = [(f"m{number % 50 + is_new}_{at}", int_id, 32 * at) for at in range(4)]
        writer.add_struct(f"s{number % 3}", 16 + number % 7, members)


def members_in_another_order(writer: BtfWriter, count: int, is_new: bool) -> None:
    ids = [writer.add_int(), writer.add_int("unsigned", 4)]
    order = [*range(count)]
    if is_new:
        random.Random(1).shuffle(order)
    members = [
        (f"{'new' if is_new and at % 3 == 0 else 'm'}{at}", ids[at % 5 == 0 and is_new], 32 * place)
        for place, at in enumerate(order)
    ]
    writer.add_struct("s", 4 * count, members)


def members_of_one_name(writer: BtfWriter, count: int, is_new: bool) -> None:
    int_id = writer.add_int()
    writer.add_struct("s", 4 * count, [("m", int_id, 32 * at + is_new) for at in range(count)])


def enumerators_of_one_value(writer: BtfWriter, count: int, is_new: bool) -> None:
    writer.add_enum("e", [(f"{'NEW' if is_new else 'OLD'}_{at}", at % 2) for at in range(count)])


def parameters(writer: BtfWriter, count: int, is_new: bool) -> None:
    int_id = writer.add_int()
    order = range(count, 0, -1) if is_new else range(count)
    prototype = writer.add_proto(int_id, [(f"p{at}", int_id) for at in order])
    writer.add(12, "f", size_or_type=prototype)


def add_causes(writer: BtfWriter, count: int, is_new: bool, held: Callable[[int], int]) -> None:
    """Structs that change by themselves. Each contains another one, whose number `held` returns."""
    int_id = writer.add_int()
    changed = writer.string("new" if is_new else "old")
    names = len(writer.strings)
    writer.strings += b"".join(b"s%06d\0" % number for number in range(count))
    for number in range(count):
        members = (changed, int_id + 1 + held(number), 0, changed, int_id, 32)
        head = (names + 8 * number, STRUCT << 24 | 2, 8)
        writer.records.append(writer.words(*head, *members))


def chain_of_causes(writer: BtfWriter, count: int, is_new: bool) -> None:
    """The number of causes and what follows from them is quadratic."""
    add_causes(writer, count, is_new, lambda number: max(number - 1, 0))


def cycle_of_causes(writer: BtfWriter, count: int, is_new: bool) -> None:
    add_causes(writer, count, is_new, lambda number: (number + 1) % count)


def shared_unnamed(writer: BtfWriter, count: int, is_new: bool) -> None:
    """Many definitions hold one struct without a name, with many members and tags."""
    int_id = writer.add_int()
    many = int(count**0.5)
    inner = writer.add_struct("", 4 * many, [(f"m{at}", int_id, 32 * at) for at in range(many)])
    for at in range(many):
        writer.add(DECL_TAG, "tag", size_or_type=inner, extra=(at,))
    for number in range(many):
        writer.add(TYPEDEF, f"t{number}", size_or_type=inner)
        writer.add_struct(f"s{number}", 4 * many + is_new, [("", inner, 0)], kind=UNION)


def nested_unnamed(writer: BtfWriter, count: int, is_new: bool) -> None:
    """Each struct without a name contains the one below twice."""
    for number in range(count // 60):
        held = 0 if number else writer.add_int()
        held = held or 1
        for _ in range(30):
            members = [("a", held, 0), ("", held, 0)]
            held = writer.add(
                STRUCT,
                size_or_type=4,
                vlen=2,
                extra=tuple(
                    word
                    for name, type_id, offset in members
                    for word in (writer.string(name), type_id, offset)
                ),
            )
        writer.add_struct(f"s{number}", 4 + is_new, [("held", held, 0)])


def prototypes(writer: BtfWriter, count: int, is_new: bool) -> None:
    """The text of each is too long and abbreviated, but is made of many of the next."""
    held = writer.add_int()
    for _ in range(12):
        held = writer.add_proto(1, [("", held)] * (count // 12))
    pointer = writer.add(PTR, size_or_type=held)
    qualified = writer.add(CONST, size_or_type=pointer)
    writer.add_struct("s", 8, [("m", qualified if is_new else pointer, 0)])


def repeated_kernel(count: int) -> Pair:
    """Two releases of a kernel, several times over: everything has namesakes."""
    built = []
    for name in ("6.12.73-cloud-amd64.part", "6.12.95-cloud-amd64.part"):
        records = read(stored(f"{name}.btf"))
        copies = []
        for copy in range(count):
            first = len(records) * copy
            ids = {at: at + first for at in range(1, len(records) + 1)}
            copies += [record.renumbered(ids | {0: 0}) for record in records]
        built.append(write(copies))
    return built[0], built[1]


def mutated_kernel(count: int) -> Pair:
    source = random.Random(23)
    found = []
    for content in repeated_kernel(count):
        for _ in range(100):
            changed = mutant(content, source, header=0)
            try:
                btfmmap.open(data=changed)
            except BtfError:
                continue
            content = changed
        found.append(content)
    return found[0], found[1]


LINEAR: dict[str, Callable[[int], Pair]] = {
    write_one.__name__: partial(both, write_one)
    for write_one in (
        members_in_another_order,
        members_of_one_name,
        enumerators_of_one_value,
        parameters,
        shared_unnamed,
        prototypes,
    )
}
LIMITED: dict[str, tuple[Callable[[int], Pair], int]] = {
    "repeated kernel": (repeated_kernel, 1),
    "mutated kernel": (mutated_kernel, 1),
    **{
        write_one.__name__: (partial(both, write_one), 3000)
        for write_one in (namesakes, chain_of_causes, cycle_of_causes, nested_unnamed)
    },
}


@pytest.mark.parametrize("family", LINEAR)
def test_work_is_linear(program: Path, tmp_path: Path, family: str) -> None:
    small, _ = counted(program, tmp_path, LINEAR[family](3000))
    large, outcome = counted(program, tmp_path, LINEAR[family](GROWTH * 3000))
    assert outcome.startswith("rows ")
    assert outcome != "rows 0"
    assert large["steps"] < 1.5 * GROWTH * small["steps"]  # sorting takes more than linear time
    assert large["bytes"] < 1.2 * GROWTH * small["bytes"]


@pytest.mark.parametrize("family", LIMITED)
def test_work_has_a_limit(program: Path, tmp_path: Path, family: str) -> None:
    """What is compared pairwise has a budget that does not grow with the file."""
    make, count = LIMITED[family]
    small, _ = counted(program, tmp_path, make(count))
    large, _ = counted(program, tmp_path, make(GROWTH * count))
    assert large["steps"] < 1.5 * GROWTH * small["steps"] + BUDGET
    assert large["bytes"] < 1.2 * GROWTH * small["bytes"]


def test_too_many_causes_are_refused(program: Path, tmp_path: Path) -> None:
    """25,000 structs. Each follows from all before it."""
    found, outcome = counted(program, tmp_path, both(chain_of_causes, 25_000))
    assert outcome.startswith("refused: too many changes depend on each other")
    assert found["steps"] < 2 * BUDGET
