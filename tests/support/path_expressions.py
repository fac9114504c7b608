"""Random expressions over a kernel's own header, which a compiler checks."""

from __future__ import annotations

import random
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requirements
from stored_files import stored

import btfmmap
from btfmmap import Btf, Kind, Plan, Type
from btfmmap.fields import fields, resolved

STARTS = ("task_struct", "sk_buff", "file", "sock", "net_device", "mm_struct", "inode", "dentry", "cgroup")


@dataclass
class Kernel:
    btf: Btf
    header: str
    ours: Counter[str]  # the names of structs, unions, enums and typedefs
    apart: set[str]  # those that the header lays out otherwise: it cannot say all alignments


def kernel_with_header(folder: Path, target: str = "x86_64") -> Kernel:
    """The types of a kernel, and its header as clang lays it out for a target."""
    path = folder / "vmlinux"
    path.write_bytes(stored("7.2-amd64.btf"))
    btf = btfmmap.open(path)
    kinds = (Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.TYPEDEF)
    names = btf.names([type_id for kind in kinds for type_id in btf.match("*", kind)])
    kernel = Kernel(btf, btf.to_c(), Counter(names), set())
    asserted = [*layout_assertions(kernel)]
    source = kernel.header + "\n" + "\n".join(text for _, text in asserted)
    said = compiled(source, path.parent, errors=True, target=target)
    first = kernel.header.count("\n") + 2
    lines = {int(number) - first for number in re.findall(r"paths\.c:(\d+):\d+: error", said)}
    kernel.apart |= {asserted[line][0] for line in lines}
    assert len(kernel.apart) < 40
    return kernel


def layout_assertions(kernel: Kernel) -> Iterator[tuple[str, str]]:
    """For each struct and union, a line of assertions about its size and the offsets of its members."""
    for kind in (Kind.STRUCT, Kind.UNION):
        for type_id in kernel.btf.match("*", kind):
            type_ = kernel.btf[type_id]
            if not type_.name or kernel.ours[type_.name] != 1:
                continue
            word = f"{kind.name.lower()} {type_.name}"
            parts = [f'_Static_assert(sizeof({word}) == {type_.size}, "");']
            parts += [
                f'_Static_assert(__builtin_offsetof({word}, {member.name}) == {member.offset}, "");'
                for member in type_.members
                if member.name and not member.bitfield_size
            ]
            yield type_.name, " ".join(parts)


def is_laid_out(kernel: Kernel, plan: Plan) -> bool:
    """Whether the header lays out all structs of a plan as the kernel does."""
    types = [hop.type for hop in plan.hops] + ([plan.root] if plan.root else [])
    types = [*types, *map(resolved, types)]
    types += [type_.type for type_ in types if type_.type is not None]
    named = {type_.name for type_ in (*types, *map(resolved, types)) if type_.name}
    return not kernel.apart & named and all(kernel.ours[name] <= 1 for name in named)


def compiled(source: str, folder: Path, *, errors: bool = False, target: str = "x86_64") -> str:
    """What clang says about a source."""
    path = folder / "paths.c"
    path.write_text(source)
    command = [
        requirements.tool("clang"),
        "-fsyntax-only",
        "-w",
        "-ferror-limit=0",
        "-fms-extensions",  # members without a name whose struct has one
        "-target",
        target,
        str(path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and not errors:
        pytest.fail(done.stderr[:4000])
    return done.stderr


def is_named(kernel: Kernel, type_: Type) -> bool:
    below = resolved(type_)
    return below.kind.is_composite and kernel.ours[below.name] == 1


def random_expression(kernel: Kernel, rng: random.Random) -> str:
    """A walk through members, indices and pointers."""
    btf = kernel.btf
    name = rng.choice(STARTS) if rng.random() < 0.5 else rng.choice([*kernel.ours])
    if kernel.ours[name] != 1 or not name:
        return random_expression(kernel, rng)
    text = name
    at = btf[btf.candidates(name, "find_member")[0]]
    if not resolved(at).kind.is_composite:
        return random_expression(kernel, rng)
    operator = "."
    for _ in range(rng.randrange(1, 8)):
        below = resolved(at)
        if below.kind.is_composite:
            choices = [field for field in fields(below) if field.name and field.name.isidentifier()]
            if not choices:
                break
            field = rng.choice(choices)
            text += f"{operator}{field.name}"
            at = field.type
            operator = "."
        elif below.kind == Kind.ARRAY:
            if not below.nelems:
                break
            text += rng.choice((f"[{rng.randrange(below.nelems)}]", "[i]", "[ 0 ]"))
            assert below.type is not None
            at = below.type
            operator = "."
        elif below.kind == Kind.PTR:
            pointee = below.type
            if pointee is None or not is_named(kernel, pointee) or not resolved(pointee).members:
                break
            at = pointee
            operator = rng.choice(("->", "->", " -> "))
            if rng.random() < 0.1:
                text = f"(*{text})"
                operator = "."
        else:
            break
    return text if text != name else random_expression(kernel, rng)
