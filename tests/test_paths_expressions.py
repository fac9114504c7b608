"""`Btf.path`: what an expression means, how it is spelled, and the place of what is wrong."""

from __future__ import annotations

import pickle
import subprocess
from pathlib import Path

import pytest
import requirements
from btf_writer import FUNC, PTR, TYPEDEF, UNION, VAR, BtfWriter

import btfmmap
from btfmmap import Btf, ExpressionError


@pytest.fixture(scope="module")
def btf() -> Btf:
    writer = BtfWriter()
    int_id = writer.add_int()
    char_id = writer.add_int("char", 1, encoding=1)
    long_id = writer.add_int("long", 8)
    name = writer.add_array(char_id, int_id, 16)
    flexible = writer.add_array(int_id, int_id, 0)
    node = writer.add_struct("node", 16, [("next", 7, 0), ("prev", 7, 64)])
    assert writer.add(PTR, size_or_type=node) == 7
    choice = writer.add_struct("", 8, [("id", long_id, 0), ("half", int_id, 0)], kind=UNION)
    owner = writer.add_struct(
        "owner",
        64,
        [
            ("", choice, 0),
            ("link", node, 64),
            ("name", name, 192),
            ("flags", int_id, 3 << 24 | 320),
            ("rest", flexible, 512),
        ],
        kind_flag=True,
    )
    pointer = writer.add(PTR, size_or_type=owner)
    double = writer.add(PTR, size_or_type=pointer)
    writer.add_struct(
        "many",
        24,
        [("table", double, 0), ("data", writer.add(PTR, size_or_type=0), 64), ("one", pointer, 128)],
    )
    writer.add(TYPEDEF, "owner_t", size_or_type=owner)
    proto = writer.add_proto(0, [("self", pointer), ("count", int_id)])
    writer.add(FUNC, "work", size_or_type=proto, vlen=1)
    writer.add(VAR, "everything", size_or_type=owner, extra=(1,))
    return btfmmap.open(data=writer.build())


SPELLINGS = [
    ("many.one->link.next", "ptr->one->link.next", "BPF_CORE_READ(ptr, one, link.next)"),
    ("many.one->flags", "ptr->one->flags", "BPF_CORE_READ_BITFIELD_PROBED(BPF_CORE_READ(ptr, one), flags)"),
    ("many.one->link", "ptr->one->link", "&BPF_CORE_READ(ptr, one)->link"),
    ("many.one->name", "ptr->one->name", "BPF_CORE_READ_STR_INTO(&buffer, ptr, one, name)"),
    ("many.one->name[2]", "ptr->one->name[2]", "BPF_CORE_READ(ptr, one, name[2])"),
    ("owner.rest", "ptr->rest", "BPF_CORE_READ_INTO(&buffer, ptr, rest)"),
    ("owner.flags", "ptr->flags", "BPF_CORE_READ_BITFIELD_PROBED(ptr, flags)"),
    ("owner.id", "ptr->id", "BPF_CORE_READ(ptr, id)"),
    ("owner_t.half", "ptr->half", "BPF_CORE_READ(ptr, half)"),
    ("everything.link.next", "everything.link.next", "BPF_CORE_READ(&everything, link.next)"),
    ("work.self->link.next", "self->link.next", "BPF_CORE_READ(self, link.next)"),
    (
        "container_of(node, owner_t, link)->id",
        "container_of(ptr, owner_t, link)->id",
        "BPF_CORE_READ(container_of(ptr, owner_t, link), id)",
    ),
    (
        "((struct owner *)many.data)->half",
        "((struct owner *)ptr->data)->half",
        "BPF_CORE_READ(((struct owner *)BPF_CORE_READ(ptr, data)), half)",
    ),
    (
        "((struct owner *)owner.name)->half",
        "((struct owner *)ptr->name)->half",
        "BPF_CORE_READ(((struct owner *)&ptr->name), half)",
    ),
]


@pytest.mark.parametrize(("expression", "c", "core_read"), SPELLINGS)
def test_spellings(btf: Btf, expression: str, c: str, core_read: str) -> None:
    plan = btf.path(expression)
    assert (plan.expression, plan.to_c(), plan.to_core_read()) == (expression, c, core_read)
    assert str(plan) == expression
    assert btf.path(plan.expression) == plan


def test_names_in_code(btf: Btf) -> None:
    plan = btf.path("many.one->link.next")
    assert plan.to_c("m") == "m->one->link.next"
    assert plan.to_core_read("m") == "BPF_CORE_READ(m, one, link.next)"
    assert plan.to_bpftrace() == "((struct many *)$ptr)->one->link.next"
    assert plan.to_bpftrace("arg0") == "((struct many *)arg0)->one->link.next"
    assert btf.path("work.self->name").to_bpftrace() == "args.self->name"
    up = btf.path("container_of(node, struct owner, link)->id")
    assert up.to_bpftrace() == (
        "((struct owner *)((uint64)((struct node *)$ptr) - offsetof(struct owner, link)))->id"
    )
    assert btf.path("many.table[i]->id").to_bpftrace() == "((struct many *)$ptr)->table[$i]->id"


def test_equal_meanings(btf: Btf) -> None:
    """Spaces, parentheses, qualifiers and dereferences that C allows too."""
    expected = btf.path("many.one->link.next->prev")
    for expression in (
        " many . one -> link . next -> prev ",
        "many->one->link.next->prev",
        "struct many.one->link.next->prev",
        "(many.one)->link.next->prev",
        "((many.one)->link).next->prev",
        "(*many.one).link.next->prev",
        "((const struct node *)many.one->link.next)->prev",
    ):
        plan = btf.path(expression)
        assert (plan.offsets, plan.type) == (expected.offsets, expected.type), expression
    variables = {"m": "struct many *", "mm": "const struct many **", "v": "struct many"}
    for expression in ("m->one->id", "(*m).one->id", "m[0].one->id", "v.one->id"):
        assert btf.path(expression, variables=variables).offsets == (16, 0)
    assert btf.path("m[2].one->id", variables=variables).offsets == (2 * 24 + 16, 0)
    assert btf.path("(*mm)->one->id", variables=variables).offsets == (0, 16, 0)
    assert btf.path("mm[3]->one->id", variables=variables).offsets == (24, 16, 0)
    assert btf.path("((struct many *)any)->one->id").offsets == (16, 0)
    assert btf.path("container_of(any, struct owner, link)->id").offsets == (-8,)


ERRORS = [
    ("owner.lnk", "lnk", "struct owner has no member 'lnk'; close to it: 'link'"),
    ("owner.nxt", "nxt", "struct owner has no member 'nxt'; close to it: 'link.next'"),
    ("many.one.id", "id", "this is a pointer (struct owner *); write '->'"),
    ("owner.link->next", "->", "this is struct node, not a pointer; write '.'"),
    ("owner.id.x", "x", "this is long, which has no members"),
    ("owner.id->x", "->", "this is long, not a pointer"),
    ("owner.name[16]", "16", "index 16 is past the end of char[16]"),
    ("owner.name[1 2]", "1 2]", "'1 2' is not an index: a number, or a name that leaves it open"),
    ("owner.id[0]", "0]", "this is long, which cannot be indexed"),
    ("many.data->x", "x", "this is void, which has no members"),
    ("many.data[1]", "1]", "this is void *, which cannot be indexed"),
    ("ownr.id", "ownr", "no type, function or variable named 'ownr'; close to it: 'owner', 'owner_t'"),
    ("work.slf->id", "slf", "function work has no parameter 'slf'; close to it: 'self'"),
    ("work.zz->id", "zz", "function work has no parameter 'zz'; its parameters are self, count"),
    ("work->id", "work", "work is a function; write work.PARAMETER"),
    ("int.x", "int", "int is int, which has no members"),
    ("owner.", "", "expected the name of a member"),
    ("owner.link.", "", "expected the name of a member"),
    ("owner.name[", "", "expected ']', found the end"),
    ("owner id", "i", "expected an operator: '.', '->' or '['"),
    ("owner.id)", ")", "expected an operator: '.', '->' or '['"),
    ("(owner.id", "", "expected ')', found the end"),
    ("", "", "expected a name, found the end"),
    ("*owner.id", "*", "this is long, not a pointer"),
    ("&owner.id", "&", "'&' is not needed: write the path to the member itself"),
    ("((struct ownr *)x)->id", "struct ownr", "no type named 'struct ownr'; close to it: 'owner', 'owner_t'"),
    ("((struct owner *)many.one->link)->id", "many.one->link", "struct node cannot be cast to a pointer"),
    (
        "(struct owner *)many.one",
        "(struct owner *)many.one",
        "the expression ends with a cast; follow it with '->'",
    ),
    (
        "((struct owner **)x)[1]",
        "((struct owner **)x)[1]",
        "the value is a pointer (struct owner *); follow it",
    ),
    ("container_of(x, struct owner, lnk)", "lnk", "struct owner has no member 'lnk'; close to it: 'link'"),
    ("container_of(x, long, y)", "long", "the second argument of container_of is a struct or union"),
    (
        "container_of(many.one, struct owner, link)->id",
        "many.one",
        "a pointer to struct owner is not one to the member, which is struct node",
    ),
    (
        "container_of(owner.id, struct owner, link)",
        "owner.id",
        "the first argument of container_of is a pointer",
    ),
    ("container_of(x, struct owner)", ")", "expected ',', found ')'"),
    ("container_of(x, struct owner, link", "", "expected ')', found the end"),
]


@pytest.mark.parametrize(("expression", "part", "reason"), ERRORS)
def test_errors(btf: Btf, expression: str, part: str, reason: str) -> None:
    """The message points at the part of the expression that is wrong."""
    with pytest.raises(ExpressionError) as caught:
        btf.path(expression)
    error = caught.value
    assert error.reason == reason
    assert expression[error.start : error.end] == part
    if part:
        assert error.start == expression.rindex(part)
    else:
        assert error.start == len(expression)
    first, shown, marks = str(error).splitlines()
    assert (first, shown) == (reason, f"  {expression}")
    assert marks == "  " + " " * error.start + "^" * max(1, len(part))
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.start) == (str(error), error.start)


def test_wrong_arguments(btf: Btf) -> None:
    with pytest.raises(TypeError, match="an expression is a str"):
        btf.path(7)  # type: ignore[arg-type]
    with pytest.raises(ExpressionError, match="the type of x, 'struct absent': no type named"):
        btf.path("x->y", variables={"x": "struct absent"})
    for expression in ("x", "*x"):
        with pytest.raises(ExpressionError, match=r"the value is a pointer \(struct owner \**\); follow it"):
            btf.path(expression, variables={"x": "struct owner **"})
    with pytest.raises(ExpressionError, match="nested more than 32 deep"):
        btf.path("(" * 1000 + "owner" + ")" * 1000)
    with pytest.raises(ExpressionError, match="nested more than 32 deep"):
        btf.path("*" * 1000 + "owner")
    with pytest.raises(ExpressionError, match="more than 4,096 characters"):
        btf.path("owner" + ".link" * 1000)


def test_plans_do_not_keep_a_btf_open(btf: Btf) -> None:
    """What is kept of expressions refers to no Btf, which only the garbage collector could free then."""
    other = btfmmap.open(data=bytes(btf.raw))
    assert other.path("owner.id") == other.path("owner.id")
    assert other.path("owner.id", variables={}) == other.path("owner.id")
    other.close()
    with pytest.raises(ValueError, match="closed"):
        other.path("owner.id")


def test_find_member_follows_arrows(btf: Btf) -> None:
    assert btf.find_member("many.one->link.next") == btf.find_member("owner.link.next")
    assert btf.find_member("many->one->link.next->prev") == btf.find_member("node.prev")
    found = btf.find_member("many.one->id")
    assert found is not None
    assert found.type.name == "long"
    assert btf["many.one->id"] == found
    assert "many.one->id" in btf
    assert "many.one->absent" not in btf
    assert btf.find_member("many.one->absent") is None
    assert btf.find_member("many.one.id") is None
    with pytest.raises(
        ValueError, match=r"^owner\.link->: owner\.link is of type struct node, not a pointer"
    ):
        btf.find_member("owner.link->next")
    with pytest.raises(ValueError, match="not an array"):
        btf.find_member("many.table[0]->id")  # `path` takes this
    with pytest.raises(btfmmap.NotFoundError, match=r"many\.one->lnk: .* has no member 'lnk'"):
        _ = btf["many.one->lnk"]


def test_core_read_compiles(btf: Btf, tmp_path: Path) -> None:
    """As BPF programs write it, with macros that say what libbpf's do."""
    source = tmp_path / "read.c"
    macros = """
        #define container_of(p, t, m) ((t *)((char *)(p) - __builtin_offsetof(t, m)))
        #define FIRST(a, ...) a
        #define R1(s, a) ((s)->a)
        #define R2(s, a, b) R1((s)->a, b)
        #define R3(s, a, b, c) R2((s)->a, b, c)
        #define PICK(_1, _2, _3, _4, name, ...) name
        #define BPF_CORE_READ(...) PICK(__VA_ARGS__, R3, R2, R1)(__VA_ARGS__)
        #define BPF_CORE_READ_INTO(to, ...) (*(to) = *(typeof(to))&BPF_CORE_READ(__VA_ARGS__))
        #define BPF_CORE_READ_STR_INTO(to, ...) BPF_CORE_READ_INTO(to, __VA_ARGS__)
        #define BPF_CORE_READ_BITFIELD_PROBED(s, f) ((s)->f)
        #define bpf_core_read(to, size, from) (*(to) = *(from))
        struct wrapped { char text[16]; } buffer;
    """
    lines = []
    for number, (expression, *_) in enumerate(
        [*SPELLINGS, ("many.table[1]->id", "", ""), ("many.table[i]", "", "")]
    ):
        plan = btf.path(expression)
        pointer = "struct many" if plan.origin != "type" or plan.root is None else plan.root.c_name
        name = plan.name if plan.is_pointer else f"*{plan.name}_ptr"
        if plan.origin == "parameter":
            pointer = "struct owner"
        declared = "" if plan.is_pointer else "extern struct owner everything;"
        lines.append(
            f"void f{number}({pointer} *{name}, int i) {{ {declared} (void)({plan.to_core_read()}); }}"
        )
    source.write_text(btf.to_c() + macros + "\n".join(lines))
    command = [requirements.tool("gcc"), "-std=gnu11", "-fsyntax-only", "-w", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
