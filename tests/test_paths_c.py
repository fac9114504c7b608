"""Plans compared with the compiler, over the kernel's own header: types, offsets, and what both refuse."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from path_expressions import STARTS, Kernel, compiled, is_laid_out, kernel_with_header, random_expression

import btfmmap
from btfmmap import ExpressionError, Hop, Kind, Plan, Type

COUNT = int(os.environ.get("BTFMMAP_PATHS", "300"))


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    return kernel_with_header(tmp_path_factory.mktemp("paths_c"))


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
        value = re.sub(r"\[[i-n]\]", "[0]", value)
        name = c_type(plan.type, " *" * (plan.hops[-1].kind == "container"))
        if name is not None:
            lines.append(f'_Static_assert(__builtin_types_compatible_p(typeof({value}), {name}), "type");')
        elif (size := int(plan.type.btf.sizeof([plan.type.id])[0])) >= 0:
            lines.append(f'_Static_assert(sizeof({value}) == {size}, "size");')
    else:
        value = re.sub(r"\[[i-n]\]", "[0]", plan.to_c("ptr"))
        lines.append(f"(void)({value});")
    for before, hops in stages(plan):
        check = offset_check(before, hops)
        if check is not None:
            lines.append(re.sub(r"\[[i-n]\]", "[0]", check))
    return " ".join(lines)


HEAD = "\n#define container_of(p, t, m) ((t *)((char *)(p) - __builtin_offsetof(t, m)))\n"


def unit(kernel: Kernel, plans: list[Plan]) -> str:
    functions = [
        f"void f{number}({plan.root.c_name} *ptr) {{ {checks(plan)} }}"
        for number, plan in enumerate(plans)
        if plan.root is not None
    ]
    return kernel.header + HEAD + "\n".join(functions) + "\n"


def test_random_expressions(kernel: Kernel, tmp_path: Path) -> None:
    rng = random.Random(1)
    expressions = [random_expression(kernel, rng) for _ in range(COUNT)]
    plans = [kernel.btf.path(expression) for expression in expressions]
    assert btfmmap.check_paths(expressions, []).status.shape == (0, COUNT)  # their syntax is right
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
        rest = re.sub(r"\[[i-n]\]", "[0]", wrong[len(name) :])
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
