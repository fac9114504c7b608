"""Plans compared with the compiler, over the kernel's own header: types, offsets, and what both refuse."""

from __future__ import annotations

import os
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
from btfmmap import Btf, ExpressionError, Hop, Kind, Plan, Type
from btfmmap.fields import fields, resolved

COUNT = int(os.environ.get("BTFMMAP_PATHS", "300"))
STARTS = ("task_struct", "sk_buff", "file", "sock", "net_device", "mm_struct", "inode", "dentry", "cgroup")


@dataclass
class Kernel:
    btf: Btf
    header: str
    ours: Counter[str]  # the names of structs, unions, enums and typedefs
    apart: set[str]  # those that the header lays out otherwise: it cannot say all alignments


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    path = tmp_path_factory.mktemp("paths_c") / "vmlinux"
    path.write_bytes(stored("7.2-amd64.btf"))
    btf = btfmmap.open(path)
    kinds = (Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.TYPEDEF)
    names = btf.names([type_id for kind in kinds for type_id in btf.match("*", kind)])
    kernel = Kernel(btf, btf.to_c(), Counter(names), set())
    asserted = [*layout_assertions(kernel)]
    source = kernel.header + "\n" + "\n".join(text for _, text in asserted)
    said = compiled(source, path.parent, errors=True)
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


def compiled(source: str, folder: Path, *, errors: bool = False) -> str:
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
        "x86_64",
        str(path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and not errors:
        pytest.fail(done.stderr[:4000])
    return done.stderr


def c_type(type_: Type, stars: str = "") -> str | None:
    """The name of a type in the header, without qualifiers of the value; None if C cannot name it."""
    while type_.kind in (Kind.CONST, Kind.VOLATILE) and type_.type is not None:
        type_ = type_.type
    name = type_.c_name
    return None if "{" in name or "..." in name else f"{name}{stars}"


def stages(plan: Plan) -> Iterator[tuple[Plan, list[Hop]]]:
    """For each part up to a dereference, the plan before it, and its hops."""
    start = 0
    for number, hop in enumerate((*plan.hops, None)):
        if hop is None or hop.kind in ("dereference", "cast", "container"):
            if number > start:
                yield plan._replace(hops=plan.hops[:start]), [*plan.hops[start:number]]
            start = number + 1


def offset_check(before: Plan, hops: list[Hop]) -> str | None:
    """A static assertion that the compiler finds the same offset; None if it cannot say."""
    if any(hop.bitfield_size for hop in hops) or hops[0].kind == "index":
        return None
    path = ""
    for hop in hops:
        path += f"[{hop.element or 0}]" if hop.kind == "index" else f".{hop.name}"
    bits = sum(hop.bit_offset for hop in hops)
    text = before.to_c("ptr")
    # A plan that ends with a dereference is spelled "*x"; it is typeof() that matters.
    holder = "typeof(*ptr)" if not before.hops else f"typeof({text})"
    if before.hops and before.hops[-1].kind in ("cast", "container"):
        holder = f"typeof(*{text})"
    return f'_Static_assert(__builtin_offsetof({holder}, {path[1:]}) == {bits // 8}, "offset");'


def checks(plan: Plan) -> str:
    """Statements that compile if the plan is right, after a declaration of `ptr`."""
    lines: list[str] = []
    if not plan.bitfield_size:
        value = plan.to_c("ptr")
        value = re.sub(r"\[i\]", "[0]", value)
        name = c_type(plan.type, " *" * (plan.hops[-1].kind == "container"))
        if name is not None:
            lines.append(f'_Static_assert(__builtin_types_compatible_p(typeof({value}), {name}), "type");')
        elif (size := int(plan.type.btf.sizeof([plan.type.id])[0])) >= 0:
            lines.append(f'_Static_assert(sizeof({value}) == {size}, "size");')
    else:
        value = re.sub(r"\[i\]", "[0]", plan.to_c("ptr"))
        lines.append(f"(void)({value});")
    for before, hops in stages(plan):
        check = offset_check(before, hops)
        if check is not None:
            lines.append(re.sub(r"\[i\]", "[0]", check))
    return " ".join(lines)


HEAD = "\n#define container_of(p, t, m) ((t *)((char *)(p) - __builtin_offsetof(t, m)))\n"


def unit(kernel: Kernel, plans: list[Plan]) -> str:
    functions = [
        f"void f{number}({plan.root.c_name} *ptr) {{ {checks(plan)} }}"
        for number, plan in enumerate(plans)
        if plan.root is not None
    ]
    return kernel.header + HEAD + "\n".join(functions) + "\n"


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


def test_random_expressions(kernel: Kernel, tmp_path: Path) -> None:
    rng = random.Random(1)
    expressions = [random_expression(kernel, rng) for _ in range(COUNT)]
    plans = [kernel.btf.path(expression) for expression in expressions]
    for expression, plan in zip(expressions, plans, strict=True):
        assert kernel.btf.path(plan.expression) == plan, expression
    plans = [plan for plan in plans if is_laid_out(kernel, plan)]
    assert sum(plan.pointers > 1 for plan in plans) > COUNT / 20
    assert sum(plan.bitfield_size > 0 for plan in plans) > 0
    compiled(unit(kernel, plans), tmp_path)


@pytest.mark.parametrize("up", [False, True])
def test_random_paths(kernel: Kernel, tmp_path: Path, up: bool) -> None:
    rng = random.Random(2)
    names = [name for name, count in kernel.ours.items() if name and count == 1]
    plans: list[Plan] = []
    while len(plans) < COUNT:
        start, target = rng.choice(STARTS), rng.choice(STARTS if rng.random() < 0.5 else names)
        found = kernel.btf.paths(start, target, max_pointers=5, limit=5, up=up)
        plans += [plan for plan in found if is_laid_out(kernel, plan)]
    assert any(hop.kind == "container" for plan in plans for hop in plan.hops) == up
    compiled(unit(kernel, plans), tmp_path)


def with_a_mistake(expression: str, rng: random.Random) -> str | None:
    """The expression with one mistake, which no types allow."""
    operators = [match.span() for match in re.finditer(r"\.|->", expression)]
    begin, end = rng.choice(operators)
    match rng.randrange(5):
        case 0:  # another operator; a type's own "." may be "->"
            if begin == operators[0][0]:
                return None
            other = "." if expression[begin:end] == "->" else "->"
            return f"{expression[:begin]}{other}{expression[end:]}"
        case 1:  # another name
            return f"{expression[:end]} no_such_member{re.sub(r'^ *[A-Za-z0-9_]+', '', expression[end:])}"
        case 2:
            return f"{expression}.no_such_member"
        case 3:
            return f"{expression}->no_such_member"
        case _:
            return f"{expression[:begin]}[0]{expression[begin:]}" if "[" not in expression else None


def test_mistakes(kernel: Kernel, tmp_path: Path) -> None:
    """What this refuses, the compiler refuses, and the other way round."""
    rng = random.Random(3)
    tried: list[tuple[str, bool]] = []
    lines = kernel.header + HEAD
    while len(tried) < COUNT:
        expression = random_expression(kernel, rng)
        if not re.search(r"\.|->", expression) or expression.startswith("("):
            continue
        wrong = with_a_mistake(expression, rng)
        if wrong is None:
            continue
        name = re.split(r"\W", wrong)[0]
        root = kernel.btf.path(expression).root
        assert root is not None
        # In C, the type is a pointer.
        rest = re.sub(r"\[i\]", "[0]", wrong[len(name) :])
        rest = rest.replace(".", "->", 1) if rest.startswith(".") else rest
        try:
            kernel.btf.path(wrong)
            refused = False
        except ExpressionError as error:
            refused = error.expression == wrong and 0 <= error.start <= error.end <= len(wrong) + 1
        tried.append((wrong, refused))
        lines += f"void f{len(tried)}({root.c_name} *ptr) {{ (void)(ptr{rest}); }}\n"
    said = compiled(lines, tmp_path, errors=True)
    first = kernel.header.count("\n") + HEAD.count("\n") + 1
    refused_lines = {int(number) - first for number in re.findall(r"paths\.c:(\d+):\d+: error", said)}
    for number, (wrong, refused) in enumerate(tried):
        assert (number in refused_lines) == refused, wrong
    assert sum(refused for _, refused in tried) > COUNT / 2
