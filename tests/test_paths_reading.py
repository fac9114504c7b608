"""`Plan.read`: on memory that a compiler laid out in both byte orders, and on the running kernel's."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requirements
from btf_writer import PTR, BtfWriter

import btfmmap
from btfmmap import Btf

SOURCE = Path(__file__).parent / "native" / "paths_memory.c"
VALUES = [
    "ptr->number",
    "ptr->holder->leaf->wide",
    "ptr->holder->leaf->small",
    "ptr->holder->leaf->yes",
    "ptr->holder->leaf->colour",
    "ptr->holder->leaf->three",
    "ptr->holder->leaf->signed_five",
    "ptr->holder->leaf->wide_bits",
    "ptr->holder->leaf->flag",
    "ptr->holder->leaf->matrix[1][2]",
    "ptr->holder->low",
    "ptr->holder->high",
    "ptr->holder->leaves[1].wide",
    "ptr->holder->leaves[1].small",
    "ptr->holder->leaves[1].signed_five",
    "ptr->holder->leaves->three",
    "ptr->holder->by_number[1]->colour",
    "ptr->holder->table[2]->signed_five",
    "(*ptr->holder->table)->wide_bits",
    "ptr->holder->table[3]->matrix[0][1]",
    "((struct leaf *)ptr->holder->opaque)->small",
    "container_of(ptr->heads[1].next, struct holder, link)->before",
    "container_of(ptr->holder->link.next, struct holder, link)->leaf->signed_five",
    "container_of(ptr->holder->link.next, struct holder, link)->none->leaf->three",
    "(*ptr->holder).leaf->matrix[0][0]",
    "ptr->raw[2]",
    "ptr->holder->leaves[0].matrix[0][0]",
]


class Image:
    """The sections of an object file in memory, with the addresses of its symbols in its pointers."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        order = "<" if data[5] == 1 else ">"

        def unpack(form: str, at: int) -> tuple[Any, ...]:
            return struct.unpack_from(order + form, data, at)

        (headers,) = unpack("Q", 40)
        size, count, _ = unpack("3H", 58)
        sections = [unpack("2I4Q2I2Q", headers + size * number) for number in range(count)]
        self.order = order
        self.parts: dict[int, bytearray] = {}  # by address
        starts: dict[int, int] = {}
        for number, (_, kind, flags, _, offset, length, *_) in enumerate(sections):
            if flags & 2 and length:  # SHF_ALLOC
                starts[number] = 0xFFFF888000000000 + (number << 20)
                found = data[offset : offset + length] if kind != 8 else bytes(length)
                self.parts[starts[number]] = bytearray(found)
        symbols = next(section for section in sections if section[1] == 2)
        names = sections[symbols[6]][4]
        self.symbols: dict[str, int] = {}
        values = []
        for at in range(symbols[4], symbols[4] + symbols[5], 24):
            name, _, _, section, value, _ = unpack("I2BH2Q", at)
            address = starts.get(section, 0) + value
            values.append(address)
            text = data[names + name : data.index(b"\0", names + name)].decode()
            self.symbols[text] = address
        for _, kind, _, _, offset, length, _, target, _, _ in sections:
            if kind not in (4, 9) or target not in starts:
                continue
            content = self.parts[starts[target]]
            for at in range(offset, offset + length, 24 if kind == 4 else 16):
                place, info = unpack("2Q", at)
                (addend,) = (
                    unpack("q", at + 16) if kind == 4 else struct.unpack_from(f"{order}q", content, place)
                )
                struct.pack_into(f"{order}Q", content, place, values[info >> 32] + addend)

    def read(self, address: int, size: int) -> bytes:
        for start, content in self.parts.items():
            if start <= address and address + size <= start + len(content):
                return bytes(content[address - start : address - start + size])
        raise LookupError(f"{address:#x}")


@pytest.fixture(scope="module", params=["bpfel", "bpfeb"])
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Btf, Image]:
    path = tmp_path_factory.mktemp(request.param) / "image.o"
    command = [
        requirements.tool("clang"),
        "-target",
        request.param,
        "-g",
        "-w",
        "-c",
        str(SOURCE),
        "-o",
        str(path),
    ]
    subprocess.run(command, check=True)
    btf = btfmmap.open(path)
    assert btf.source.byte_order == ("little" if request.param == "bpfel" else "big")
    return btf, Image(path)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """What a compiled program reads."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "values.h").write_text("".join(f"SHOW({expression})\n" for expression in VALUES))
    program = folder / "program"
    command = [
        *requirements.WIDE_GCC,
        "-DPROGRAM",
        f'-DVALUES="{folder}/values.h"',
        "-w",
        str(SOURCE),
        "-o",
        str(program),
    ]
    subprocess.run(command, check=True)
    said = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return {line.partition("\t")[0]: int(line.partition("\t")[2]) for line in said.splitlines()}


def test_like_a_compiled_program(image: tuple[Btf, Image], expected: dict[str, int]) -> None:
    btf, memory = image
    variables = {"ptr": "struct top *"}
    assert len(expected) == len(VALUES)
    for expression in VALUES:
        plan = btf.path(expression, variables=variables)
        assert plan.read(memory.read, memory.symbols["top"]) == expected[expression], expression
        again = btf.path(plan.to_c(), variables=variables)
        assert again.hops == plan.hops


def test_kinds_of_values(image: tuple[Btf, Image]) -> None:
    btf, memory = image
    top = memory.symbols["top"]

    def read(expression: str, *indices: int) -> Any:
        return btf.path(expression).read(memory.read, top, indices)

    assert read("top.holder") == memory.symbols["holder_a"]
    assert read("top.holder->leaf->name") == b"alpha\0\0\0"
    assert read("top.holder->leaf->name[1]") == ord("l")
    assert read("top.holder->leaf->yes") is True
    assert read("top.holder->leaf->flag") is True
    assert read("top.holder->leaf->matrix") == [[1, -2, 3], [4, 5, -6]]
    assert read("top.holder->leaf->matrix[1]") == [4, 5, -6]
    assert read("top.raw")[:3] == [1, 2, 3]
    assert read("top.holder->by_number") == [memory.symbols["leaf_a"], memory.symbols["leaf_b"], 0]
    assert read("top.holder->link") == {
        "next": memory.symbols["holder_b"] + 8,
        "prev": memory.symbols["holder_b"] + 8,
    }
    assert read("*top.holder->leaf")["small"] == -7
    assert [each["small"] for each in read("top.holder->leaves")] == [8, -10]
    assert read("container_of(top.heads[0].next, struct holder, link)") == memory.symbols["holder_a"]
    # A NULL on the way, and at the end.
    assert read("top.holder->none->leaf->small") is None
    assert read("top.holder->by_number[2]->small") is None
    assert read("top.holder->none") == 0
    # Open indices.
    assert read("top.holder->table[i]->matrix[j][k]", 3, 1, 2) == 60
    with pytest.raises(ValueError, match="leaves 1 indices open, got 0"):
        read("top.holder->table[i]->small")
    for indices, past in (((4, 2, 0), 2), ((4, 1, 3), 3), ((4, 1, -1), -1)):
        with pytest.raises(IndexError, match=f"index {past} is past the end of (int|s32)"):
            read("top.holder->table[i]->matrix[j][k]", *indices)
    # Found paths.
    paths = [plan for plan in btf.paths("top", "leaf", max_pointers=2) if not plan.open_indices]
    assert [plan.read(memory.read, top) for plan in paths] == [memory.symbols["leaf_a"]]


def test_errors_of_memory(image: tuple[Btf, Image]) -> None:
    btf, memory = image
    plan = btf.path("top.holder->leaf->small")
    with pytest.raises(LookupError):
        plan.read(memory.read, 0x1000)
    with pytest.raises(ValueError, match=r"expected 8 bytes of memory at 0x1008, got 7"):
        plan.read(lambda _, size: bytes(size - 1), 0x1000)
    for wrong in (None, 8, [0] * 8, "8 letters"):
        with pytest.raises(TypeError, match=r"memory\(0x1008, 8\) returned .*, not bytes"):
            plan.read(lambda *_, wrong=wrong: wrong, 0x1000)
    assert plan.read(lambda _, size: memoryview(bytes(size)), 0x1000) is None
    one = btf.path("top.heads[i].next")
    for indices in ({"i": 0}, "0", 0):
        with pytest.raises(TypeError, match="indices are a sequence of integers, not"):
            one.read(memory.read, 0x1000, indices)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        one.read(memory.read, 0x1000, [1.0])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="there is nothing to read"):
        btf.path("top").read(memory.read, 0)


def test_types_without_values() -> None:
    writer = BtfWriter()
    writer.add_int()
    proto = writer.add_proto(0, [])
    pointer = writer.add(PTR, size_or_type=proto)
    forward = writer.add(7, "only_declared")
    writer.add_struct(
        "holder", 16, [("call", pointer, 0), ("own", writer.add(PTR, size_or_type=forward), 64)]
    )
    btf = btfmmap.open(data=writer.build())
    memory = bytes(range(1, 64))
    for expression in ("*holder.call", "*holder.own"):
        with pytest.raises(ValueError, match="has no size"):
            btf.path(expression).read(lambda _, size: memory[:size], 0)
    with pytest.raises(btfmmap.ExpressionError, match="only declared here"):
        btf.path("holder.own->x")


def kcore_reader() -> Any:
    """Reads the running kernel's memory."""
    try:
        file = os.open("/proc/kcore", os.O_RDONLY)
        header = os.pread(file, 64, 0)
    except OSError as error:
        pytest.skip(f"/proc/kcore cannot be read: {error.strerror}")
    (start,) = struct.unpack_from("Q", header, 32)
    size, count = struct.unpack_from("2H", header, 54)
    segments = [
        struct.unpack_from("2I6Q", os.pread(file, size, start + size * each)) for each in range(count)
    ]

    def read(address: int, length: int) -> bytes:
        for kind, _, offset, virtual, _, _, in_memory, _ in segments:
            if kind == 1 and virtual <= address < virtual + in_memory:
                return os.pread(file, length, offset + address - virtual)
        raise LookupError(f"{address:#x}")

    return read


def test_running_kernel() -> None:
    btf = btfmmap.open(requirements.kernel_btf())
    read = kcore_reader()
    symbols = Path("/proc/kallsyms").read_text().splitlines()
    addresses = [int(line.split()[0], 16) for line in symbols if line.split()[2] == "init_task"]
    if not any(addresses):
        pytest.skip("/proc/kallsyms shows no address of init_task")
    init_task = addresses[0]
    assert btf.path("task_struct.pid").read(read, init_task) == 0
    assert btf.path("task_struct.comm").read(read, init_task).startswith(b"swapper")
    assert btf.path("task_struct.mm->owner").read(read, init_task) is None
    first = "container_of(task_struct.tasks.next, struct task_struct, tasks)"
    assert btf.path(f"{first}->pid").read(read, init_task) == 1
    assert btf.path(f"{first}->real_parent->real_parent->tasks.next").read(read, init_task)
