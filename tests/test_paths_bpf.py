"""`Plan.to_core_read`: BPF programs with libbpf's own macros, which clang compiles and a machine executes.

The programs read the same addresses and values as the plan says, and their relocations lead to its members:
those that btfmmap reads from the object, and those that bpftool finds there.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
import requirements
from bpf_machine import Machine
from bpftool_fields import bpftool_fields
from path_expressions import STARTS, Kernel, is_laid_out, kernel_with_header, random_expression

import btfmmap
from btfmmap import Btf, CoreReloKind, ExpressionError, Kind, Plan
from btfmmap.fields import resolved

COUNT = int(os.environ.get("BTFMMAP_PATHS", "300"))
PER_OBJECT = 500
HEADERS = """
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
"""
START = 0xFFFF888000001000  # the value of the first pointer
INDICES = (3, 1, 2)
POINTER_TO_POINTER = "pp"
FORMS = ("BITFIELD_PROBED", "STR_INTO", "READ_INTO", "container_of", "bpf_core_type_size", "__p2 = ")
READS = (113, 115)  # bpf_probe_read_kernel(), bpf_probe_read_kernel_str()


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    if not Path("/usr/include/bpf/bpf_core_read.h").exists():
        requirements.absent("libbpf's header bpf/bpf_core_read.h (Debian: libbpf-dev)")
    return kernel_with_header(tmp_path_factory.mktemp("paths_bpf"), "bpf")


def compiled(source: str, folder: Path) -> Path:
    path = folder / "paths.bpf.c"
    path.write_text(source)
    made = path.with_suffix(".o")
    command = [requirements.tool("clang"), "-target", "bpf", "-g", "-O2", "-w", "-fms-extensions"]
    done = subprocess.run(
        [*command, "-c", str(path), "-o", str(made)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[:4000]
    return made


def function(plan: Plan, number: int) -> str:
    """A program that returns the value of a plan from its pointer or object, and up to three indices."""
    name = plan.name
    root = "void" if plan.root is None else plan.root.c_name
    pointers = "" if plan.origin == "parameter" else "**" if name == POINTER_TO_POINTER else "*"
    declared = f"{root} {pointers}{name}"
    buffers = " ".join(f"char {each}[64];" for each in ("buffer", "buffer2") if each != name)
    indices = ", ".join(f"long {each}" for each in "ijklmn" if each != name)[: len("long i, long j, long k")]
    body = f"{buffers} return (unsigned long)({plan.to_core_read()});"
    return f"unsigned long f{number}({declared}, {indices}) {{ {body} }}"


def memory(address: int, size: int) -> bytes:
    """Any bytes, always the same at an address."""
    return bytes((at * 0x9E3779B97F4A7C15 >> 29) & 0xFF for at in range(address, address + size))


@dataclass
class Way:
    """What a plan reads: the addresses of pointers and of the value, in this order."""

    addresses: list[int] = field(default_factory=list)
    bits: int = 0  # from the last address to the value


def way(plan: Plan) -> Way:
    """Follow a plan hop by hop."""
    found = Way()
    address, bits = START, 0
    indices = iter(INDICES)
    for number, hop in enumerate(plan.hops):
        if hop.kind == "dereference":
            if number or plan.is_pointer:
                found.addresses.append(address + bits // 8)
                address = int.from_bytes(memory(found.addresses[-1], 8), "little")
                bits = 0
        elif hop.kind == "index" and hop.element is None:
            bits += 8 * hop.stride * next(indices)
        else:
            bits += hop.bit_offset
    found.addresses.append((address + bits // 8) & (1 << 64) - 1)
    found.bits = bits % 8
    return found


def executed(code: bytes, start: int) -> tuple[int, list[int]]:
    """What a function returns, and the addresses that it reads."""
    addresses: list[int] = []

    def call(machine: Machine, helper: int) -> int:
        assert helper in READS
        destination, size, source = machine.registers[1:4]
        size &= 0xFFFFFFFF
        addresses.append(source)
        machine.store(destination, memory(source, size))
        return 0

    machine = Machine(code, "<", call)
    machine.registers[1:5] = START, *INDICES
    return machine.run(start), addresses


def functions_of(made: Path) -> tuple[bytes, dict[str, int]]:
    """The instructions of an object, and the first one of each function."""
    code = made.with_suffix(".text")
    command = [
        requirements.tool("llvm-objcopy"),
        "-O",
        "binary",
        "--only-section=.text",
        str(made),
        str(code),
    ]
    subprocess.run(command, check=True)
    names = subprocess.run(
        [requirements.tool("llvm-nm"), str(made)], check=True, capture_output=True, text=True
    )
    lines = [line.split() for line in names.stdout.splitlines()]
    return code.read_bytes(), {words[2]: int(words[0], 16) // 8 for words in lines if words[1] in "Tt"}


def check_execution(plan: Plan, code: bytes, start: int) -> None:
    """The program reads what the plan says, and returns its value."""
    value, addresses = executed(code, start)
    expected = way(plan)
    below = resolved(plan.type)
    if not plan.hops and plan.origin == "parameter":
        bits = 8 * int(plan.type.btf.sizeof([plan.type.id])[0])
        assert (addresses, (value ^ START) & ((1 << bits) - 1)) == ([], 0)
        return
    ends_at_pointer = bool(plan.hops) and plan.hops[-1].kind == "container"
    if ends_at_pointer or below.kind not in (Kind.INT, Kind.ENUM, Kind.ENUM64, Kind.PTR, Kind.ARRAY):
        assert (addresses, value) == (expected.addresses[:-1], expected.addresses[-1])
        return
    if plan.bitfield_size:  # the compiler chooses the bytes around it
        assert addresses[:-1] == expected.addresses[:-1]
        assert 0 <= expected.addresses[-1] - addresses[-1] < 8
    else:
        assert addresses == expected.addresses
    bits = plan.bitfield_size or 8 * int(plan.type.btf.sizeof([plan.type.id])[0])
    if below.kind == Kind.ARRAY or bits > 64 or below.name == "_Bool":
        return
    try:
        read = plan.read(memory, START, INDICES[: plan.open_indices])
    except IndexError:  # the array is shorter
        return
    assert (value ^ int(read)) & ((1 << bits) - 1) == 0


def names(path: str) -> list[str]:
    """The members in a path, without indices and anonymous types."""
    return [name for name in re.sub(r"\[\d+\]", "", path).split(".") if name and not name.startswith("<")]


def members(plan: Plan) -> set[str]:
    """The members that are read, and those that lead to containers."""
    return {name for hop in plan.hops if hop.kind in ("member", "container") for name in hop.name.split(".")}


def offsets(plan: Plan) -> set[int]:
    """The offsets from each pointer to the next one, and of members in containers."""
    sums = [0]
    for hop in plan.hops:
        if hop.kind in ("member", "index"):
            sums[-1] += hop.bit_offset
        else:
            sums += [-hop.bit_offset, 0] if hop.kind == "container" else [0]
    return {bits // 8 for bits in sums}


@dataclass
class Relocated:
    """The members of a function's relocations, and their offsets in bytes."""

    members: set[str] = field(default_factory=set)
    offsets: set[int] = field(default_factory=set)

    def add(self, path: str, bit_offset: int) -> None:
        self.members.update(names(path))
        self.offsets.add(bit_offset // 8)


def by_function(made: Path) -> Iterator[tuple[str, str, int]]:
    """The function, path and bit offset of each relocation of an offset, as btfmmap finds them."""
    ext = btfmmap.open(made).ext
    assert ext is not None
    found = ext.relocations
    for number in range(len(found)):
        if found.kind[number] == CoreReloKind.FIELD_BYTE_OFFSET:
            yield found.function[number], found.path[number], int(found.bit_offset[number])


def check_relocations(plans: list[Plan], made: Path, kernel: Path) -> None:
    ours = [*by_function(made)]
    logged = bpftool_fields(kernel, made)
    local = [each for each in logged if not each.of_kernel and each.kind == "byte_off"]
    # bpftool finds the same fields, in the same order, and each of them in the kernel at the same offset.
    assert [(each.field, each.bit_offset) for each in local] == [(path, bits) for _, path, bits in ours]
    for each, target in pairwise(logged):
        if each.kind == "byte_off" and target.of_kernel:
            assert (target.root, target.bit_offset) == (each.root, each.bit_offset)
    assert sum(each.of_kernel for each in logged) >= len(local)
    relocated: dict[str, Relocated] = {}
    for name, path, bits in ours:
        relocated.setdefault(name, Relocated()).add(path, bits)
    for number, plan in enumerate(plans):
        found = relocated.get(f"f{number}", Relocated())
        assert found.members == members(plan), plan
        if not any(hop.kind == "index" for hop in plan.hops) and not plan.bitfield_size:
            assert found.offsets | {0} == offsets(plan) | {0}, plan


def without_root(kernel: Kernel, rng: random.Random) -> tuple[Plan, str]:
    """A random expression of a struct, and what follows its first operator."""
    while True:
        expression = random_expression(kernel, rng)
        plan = kernel.btf.path(expression)
        if expression.startswith(f"{plan.start}."):
            return plan, expression[len(plan.start) + 1 :]


def taken(btf: Btf, expression: str, **variables: str) -> Plan | None:
    try:
        return btf.path(expression, variables=variables)
    except ExpressionError:
        return None


def from_parameter(kernel: Kernel, rng: random.Random, functions: list[int]) -> Plan | None:
    """A parameter, and members of what it points to."""
    of = kernel.btf[rng.choice(functions)]
    usable = [param for param in of.params if param.name and param.type.c_name.isprintable()]
    if not usable:
        return None
    param = rng.choice(usable)
    start = f"{of.name}.{param.name}"
    below = resolved(param.type)
    if below.kind in (Kind.INT, Kind.ENUM):
        return taken(kernel.btf, start)
    pointee = below.type
    if below.kind != Kind.PTR or pointee is None or kernel.ours[resolved(pointee).name] != 1:
        return None
    members_of = [member.name for member in resolved(pointee).members if member.name]
    return taken(kernel.btf, f"{start}->{rng.choice(members_of)}") if members_of else None


def random_plan(kernel: Kernel, rng: random.Random, functions: list[int]) -> Plan | None:
    """A path of one of the forms that expressions have."""
    btf = kernel.btf
    plan, rest = without_root(kernel, rng)
    assert plan.root is not None
    root = plan.root.c_name
    form = rng.randrange(10)
    if form < 4:
        return btf.path(random_expression(kernel, rng))
    if form == 4:
        name = rng.choice(("p", "i", "j", "buffer", "__p1", "__p2", "__r", "val"))
        index = rng.choice(("->", "[2].", "[i].", "[0]."))
        return taken(btf, f"{name}{index}{rest}", **{name: f"{root} *"})
    if form == 5:
        return taken(btf, f"{rng.choice(('(*pp)->', 'pp[1]->', 'pp[i]->'))}{rest}", pp=f"{root} **")
    if form == 6:
        return from_parameter(kernel, rng, functions)
    if form == 7:  # of any pointer, such as a void *
        pointer = random_expression(kernel, rng)
        return taken(btf, f"(({root} *){pointer})->{rest}") or taken(
            btf, f"(({root} **){pointer})[1]->{rest}"
        )
    if form == 8:
        holder, member = without_root(kernel, rng)
        assert holder.root is not None
        path = re.split(r" *(?:->|\[)", member)[0]
        # What is subtracted and added again cancels out.
        others = [
            each.name for each in resolved(holder.root).members if each.name not in ("", path.split(".")[0])
        ]
        tail = rng.choice(("", *(f"->{name}" for name in others)))
        return taken(btf, f"container_of(x, {holder.root.c_name}, {path}){tail}")
    start, target = rng.sample(STARTS, 2)
    found = btf.paths(start, target, max_pointers=5, limit=5, up=rng.random() < 0.5)
    return rng.choice(found) if found else None


def is_relocatable(plan: Plan) -> bool:
    """Whether all relocations start from types with names, as libbpf demands."""
    starts = [plan.root, *(hop.type for hop in plan.hops)]
    kinds = ["", *(hop.kind for hop in plan.hops)]
    return all(
        start is None or kinds[number] == "member" or resolved(start).name
        for number, start in enumerate(starts[:-1])
        if kinds[number + 1] == "member"
    )


def is_overaligned(plan: Plan) -> bool:
    """Whether the struct of the last member may be aligned to more than 8 bytes.

    Of its bitfields clang 14 says, "Unsupported field expression ... requiring too big alignment".
    """
    holder = plan.hops[-2].type if len(plan.hops) > 1 else plan.root
    pointee = None if holder is None else resolved(holder)
    if pointee is not None and pointee.kind == Kind.PTR and pointee.type is not None:
        pointee = resolved(pointee.type)
    return pointee is None or (pointee.size or 0) % 16 == 0


def is_compiled(kernel: Kernel, plan: Plan | None) -> bool:
    """Whether a plan fits a function of the test, and C says its types as the kernel does."""
    if plan is None or plan.open_indices > len(INDICES) or not is_laid_out(kernel, plan):
        return False
    if not is_relocatable(plan):
        return False
    if plan.bitfield_size and is_overaligned(plan):
        return False
    if any(hop.bitfield_size and hop is not plan.hops[-1] for hop in plan.hops):
        return False
    root = "" if plan.root is None else plan.root.c_name
    return "(" not in root and "{" not in root and "[" not in root


def test_random_plans(kernel: Kernel, tmp_path: Path) -> None:
    rng = random.Random(1)
    functions = kernel.btf.match("*", Kind.FUNC)
    plans: list[Plan] = []
    while len(plans) < COUNT:
        plan = random_plan(kernel, rng, functions)
        if plan is not None and is_compiled(kernel, plan):
            plans.append(plan)
    texts = [plan.to_core_read() for plan in plans]
    for part in FORMS:
        assert any(part in text for text in texts), part
    vmlinux = tmp_path / "vmlinux"
    vmlinux.write_bytes(bytes(kernel.btf.raw))
    for start in range(0, COUNT, PER_OBJECT):
        check_object(kernel, plans[start : start + PER_OBJECT], vmlinux)


def check_object(kernel: Kernel, plans: list[Plan], vmlinux: Path) -> None:
    source = "\n".join(function(plan, number) for number, plan in enumerate(plans))
    made = compiled(kernel.header + HEADERS + source, vmlinux.parent)
    code, starts = functions_of(made)
    for number, plan in enumerate(plans):
        try:
            check_execution(plan, code, starts[f"f{number}"])
        except AssertionError as error:
            raise AssertionError(f"{plan}: {plan.to_core_read()}") from error
    check_relocations(plans, made, vmlinux)
