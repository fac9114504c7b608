"""Names of several types: which type a question takes, and what commands say of the others.

Against a plain reading of bpftool's JSON for every such name of real kernels, and against ids for synthetic
types.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpftool_json as bpftool
import btf_writer
import pytest
from btf_writer import BtfWriter
from command import run_btfmmap
from split_writer import SplitWriter

import btfmmap
from btfmmap import Btf, Kind, NotFoundError, NotSupportedError

MODIFIERS = ("TYPEDEF", "CONST", "VOLATILE", "RESTRICT", "TYPE_TAG")
STRUCTS = ["STRUCT", "UNION"]
DECLARATIONS = ["FWD", "DECL_TAG", "TYPE_TAG"]
KEYWORDS = {
    "struct": ["STRUCT"],
    "union": ["UNION"],
    "enum": ["ENUM", "ENUM64"],
    "func": ["FUNC"],
    "typedef": ["TYPEDEF"],
    "var": ["VAR"],
}
LAYOUT_QUESTIONS = ("layout", "records", "find_member")
VALUES = [*STRUCTS, "ARRAY", "ENUM", "ENUM64", "INT", "FLOAT", "PTR"]


class Named:
    """The types of each shared name, by bpftool's JSON."""

    def __init__(self, path: Path) -> None:
        self.records: list[bpftool.Record] = [{"id": 0, "kind": "VOID", "name": "void"}]
        self.records += bpftool.records(path)
        by_name: dict[str, list[bpftool.Record]] = defaultdict(list)
        for record in self.records:
            by_name[bpftool.name(record["name"])].append(record)
        self.several = {name: types for name, types in by_name.items() if name and len(types) > 1}

    def below(self, record: bpftool.Record) -> bpftool.Record:
        while record["kind"] in MODIFIERS:
            record = self.records[record["type_id"]]
        return record

    def taken(self, name: str, kinds: list[str]) -> int:
        """The type that a question about these kinds takes: one pass per group, in order."""
        types = self.several[name]
        defined = [record for record in types if record["kind"] not in DECLARATIONS]
        suitable = [record for record in defined if self.below(record)["kind"] in kinds]
        groups: list[Callable[[bpftool.Record], bool]] = [
            lambda record: record["kind"] in STRUCTS,
            lambda record: self.below(record)["kind"] in STRUCTS,
            lambda record: record["kind"] == "TYPEDEF",
            lambda record: record["kind"] not in ("VAR", "DATASEC"),
            lambda _: True,
        ]
        preferred = [record for group in groups for record in suitable if group(record)]
        return int([*preferred, *defined, *types][0]["id"])


@pytest.fixture(scope="module")
def named(kernel: Path) -> Named:
    return Named(kernel)


def test_every_name_of_several(kernel: Path, named: Named) -> None:
    btf = btfmmap.open(kernel)
    for name, types in named.several.items():
        assert btf.find_all(name) == [record["id"] for record in types]
        assert btf.find(name) == btf[name].id == types[0]["id"]
        for question, kinds in [
            *((question, STRUCTS) for question in LAYOUT_QUESTIONS),
            ("at", [*STRUCTS, "ARRAY"]),
            ("at_each", [*STRUCTS, "ARRAY"]),
            ("dtype", VALUES),
            ("ctypes", VALUES),
            ("users", VALUES),
            ("format", [*VALUES, "VAR", "DATASEC"]),
        ]:
            found = btf.candidates(name, question)  # type: ignore[arg-type]
            assert found[0] == named.taken(name, kinds), (name, question)
            below = {named.below(each)["id"] for each in types if each["kind"] not in DECLARATIONS}
            suitable = {type_id for type_id in below if named.records[type_id]["kind"] in kinds}
            if suitable and question != "users":
                assert {named.below(named.records[type_id])["id"] for type_id in found} == suitable
                assert len(found) == len(suitable)
    assert len(named.several) > 100 or kernel.name == "sample.btf"


def test_structs_are_taken(kernel: Path, named: Named) -> None:
    """Structs that share their names, asked by name and by id."""
    btf = btfmmap.open(kernel)
    shared = 0
    for name, types in named.several.items():
        ids = [record["id"] for record in types if record["kind"] in STRUCTS]
        if not ids:
            continue
        shared += 1
        assert btf.layout(name).type.id == ids[0]
        size = btf[ids[0]].size or 0
        offsets = range(0, min(size, 64), 8)
        assert btf.at_each(name, offsets) == btf.at_each(ids[0], offsets)
        assert btf.dtype(name, bitfields="omit") == btf.dtype(ids[0], bitfields="omit")
        data = bytes(size)
        assert btf.format(name, data, compact=True) == btf.format(ids[0], data, compact=True)
        member = next((member.name for member in btf[ids[0]].members if member.name), None)
        if member is not None:
            assert btf.find_member(f"{name}.{member}") == btf.find_member(
                f"{_keyword(btf, ids[0])} {name}.{member}"
            )
        assert btf.to_c(name) == btf.to_c(named.taken(name, []))
    assert shared > 50 or kernel.name == "sample.btf"


def _keyword(btf: Btf, type_id: int) -> str:
    return btf[type_id].kind.name.lower()


@pytest.mark.parametrize("kernel", ["6.12-s390x"], indirect=True)
@pytest.mark.parametrize("name", ["input_event", "audit_context"])
def test_a_function_before_the_struct(kernel: Path, name: str) -> None:
    btf = btfmmap.open(kernel)
    assert btf[name].kind == Kind.FUNC
    assert btf.at(name, 0) == btf.at(f"struct {name}", 0) != []
    assert btf.layout(name).type == btf[f"struct {name}"]
    with pytest.raises(ValueError, match=f"^{name} is of kind FUNC, not a struct, union or array$"):
        btf.at(f"func {name}", 0)


@pytest.mark.parametrize("kernel", ["running", "7.2-amd64", "6.12-s390x"], indirect=True)
def test_keywords(kernel: Path, named: Named) -> None:
    """find, find_all, lookup, match and [] agree."""
    btf = btfmmap.open(kernel)
    for name, types in named.several.items():
        for keyword, kinds in KEYWORDS.items():
            text = f"{keyword} {name}"
            ids = [record["id"] for record in types if record["kind"] in kinds]
            assert btf.find_all(text) == ids
            assert btf.find(text) == (ids[0] if ids else None)
            assert btf.lookup([text]).tolist() == (ids[:1] or [-1])
            assert (text in btf) == bool(ids)
            if ids:
                assert btf[text].id == ids[0]
    tcp = [record for record in named.records if record["name"].startswith("tcp_")]
    for keyword, kinds in KEYWORDS.items():
        expected = [record["id"] for record in tcp if record["kind"] in kinds]
        assert btf.match(f"{keyword} tcp_*") == expected
        assert btf.match(f"{keyword}  ^tcp_ ", regex=True) == expected


@pytest.mark.parametrize(("keyword", "kinds"), KEYWORDS.items())
def test_a_keyword_and_a_kind(keyword: str, kinds: list[str]) -> None:
    btf = btfmmap.open(data=one_of_each("x"))
    text = f"{keyword} x"
    for kind in Kind:
        for ask in (
            lambda kind=kind: btf.find(text, kind),
            lambda kind=kind: btf.find_all(text, kind),
            lambda kind=kind: btf.lookup([text], kind),
            lambda kind=kind: btf.match(text, kind),
            lambda kind=kind: btf.match(text, kind, regex=True),
        ):
            if kind.name in kinds:
                ask()
            else:
                with pytest.raises(ValueError, match=f"^'{text}' says {keyword}, but kind is {kind.name}$"):
                    ask()
    for wrong in (-1, 128, 256):
        with pytest.raises(ValueError, match=f"kind is {wrong}, must be below 128"):
            btf.match(text, wrong)
    with pytest.raises(TypeError, match="kind is 'func', must be a Kind or its number"):
        btf.match(text, "func")  # type: ignore[arg-type]


NAMED_KINDS = [
    "FUNC",
    "FWD",
    "DECL_TAG",
    "TYPE_TAG",
    "VAR",
    "INT",
    "FLOAT",
    "ENUM",
    "ENUM64",
    "TYPEDEF",
    "STRUCT",
    "UNION",
]


def one_of_each(name: str, kinds: list[str] = NAMED_KINDS) -> bytes:
    """An INT, a prototype, an array of 4, and from id 4 on one type per kind given, all of one name."""
    writer = BtfWriter()
    other = writer.add_int("other")
    proto = writer.add_proto(other, [])
    array = writer.add_array(other, other, 4)
    for kind in kinds:
        if kind in STRUCTS:
            second = 0 if kind == "UNION" else 32
            writer.add_struct(name, 8, [("m", other, 0), ("n", other, second)], kind=Kind[kind])
        elif kind == "INT":
            writer.add_int(name)
        elif kind == "ENUM":
            writer.add_enum(name, [(f"{name}_ONE", 1)])
        elif kind == "ENUM64":
            writer.add_enum64(name, [(f"{name}_BIG", 2**40)])
        elif kind == "FLOAT":
            writer.add(btf_writer.FLOAT, name, size_or_type=8)
        elif kind == "VAR":
            writer.add(btf_writer.VAR, name, size_or_type=other, extra=(1,))
        elif kind == "DECL_TAG":
            writer.add(btf_writer.DECL_TAG, name, size_or_type=3 + len(kinds), extra=(-1,))
        else:
            target = {"FUNC": proto, "FWD": 0, "TYPEDEF": array, "TYPE_TAG": other}[kind]
            writer.add(Kind[kind], name, size_or_type=target)
    return writer.build()


NUMBERS = ["ENUM", "ENUM64", "INT", "FLOAT"]
# In order of preference, best first. The typedef names an array.
PREFERRED: dict[str, list[list[str]]] = {
    **{question: [STRUCTS] for question in LAYOUT_QUESTIONS},
    **{question: [STRUCTS, ["TYPEDEF"]] for question in ("at", "at_each")},
    **{question: [STRUCTS, ["TYPEDEF"], NUMBERS] for question in ("dtype", "ctypes", "users")},
    "format": [STRUCTS, ["TYPEDEF"], NUMBERS, ["VAR"]],
}
ASKED: dict[str, Callable[[Btf, int | str], Any]] = {
    "layout": lambda btf, type_: btf.layout(type_).type,
    "records": lambda btf, type_: btf.records(type_, bytes(16)).to_dict()["n"].tolist(),
    "at": lambda btf, type_: btf.at(type_, 4),
    "at_each": lambda btf, type_: btf.at_each(type_, [4, 0]),
    "dtype": lambda btf, type_: btf.dtype(type_),
    "format": lambda btf, type_: btf.format(type_, bytes(range(16)), compact=True),
    "users": lambda btf, type_: btf.users(type_),
}


@pytest.mark.parametrize("kinds", list(itertools.permutations(NAMED_KINDS, 2)), ids="-".join)
def test_every_pair_of_kinds(kinds: tuple[str, str]) -> None:
    btf = btfmmap.open(data=one_of_each("x", list(kinds)))
    for question, groups in PREFERRED.items():
        rank = {kind: number for number, group in enumerate(groups) for kind in group}
        ids = [4 + number for number in range(2) if kinds[number] in rank]
        expected = sorted(ids, key=lambda type_id: (rank[kinds[type_id - 4]], type_id))
        if expected:
            assert btf.candidates("x", question) == expected, question  # type: ignore[arg-type]
            if question in ASKED:
                assert ASKED[question](btf, "x") == ASKED[question](btf, expected[0]), question
    defined = [4 + number for number in range(2) if kinds[number] not in DECLARATIONS]
    assert btf.candidates("x") == (defined or [4, 5])
    assert btf.find("x") == 4
    first = (defined or [4, 5])[0]
    assert btf.to_c("x") == btf.to_c(first)
    assert btf.dump("raw", roots="x") == btf.dump("raw", roots=[first])


@pytest.mark.parametrize("kind", ["FUNC", "FWD", "VAR", "INT", "ENUM"])
def test_what_is_refused_says_what_it_is(kind: str) -> None:
    btf = btfmmap.open(data=one_of_each("x", [kind]))
    with_parts: list[Callable[[], object]] = [lambda: btf.at("x", 0), lambda: btf.at_each("x", [])]
    for ask in with_parts:
        with pytest.raises(ValueError, match=f"^x is of kind {kind}, not a struct, union or array$"):
            ask()
    composite: list[Callable[[], object]] = [
        lambda: btf.layout("x"),
        lambda: btf.records("x", b""),
        lambda: btf.find_member("x.m"),
    ]
    for ask in composite:
        with pytest.raises(ValueError, match=f"^x is of kind {kind}, not a struct or union$"):
            ask()


def test_functions_have_no_values() -> None:
    btf = btfmmap.open(data=one_of_each("x", ["FUNC", "FWD"]))
    values: list[Callable[[], object]] = [lambda: btf.dtype("x"), lambda: btf.ctypes("x")]
    for ask in values:
        with pytest.raises(NotSupportedError, match="of kind FUNC"):
            ask()


def test_an_array_has_parts() -> None:
    btf = btfmmap.open(data=one_of_each("x", ["FUNC", "TYPEDEF"]))
    assert btf.at(3, 7) == btf.at("x", 7) == ["[1]"]


def test_typedefs() -> None:
    writer = BtfWriter()
    int_id = writer.add_int()
    pointer = writer.add(btf_writer.PTR, size_or_type=5)
    writer.add(btf_writer.TYPEDEF, "t", size_or_type=pointer)
    writer.add(btf_writer.TYPEDEF, "t", size_or_type=7)
    writer.add_struct("s", 4, [("m", int_id, 0)])
    writer.add(btf_writer.TYPEDEF, "s", size_or_type=5)
    writer.add(btf_writer.CONST, size_or_type=8)
    writer.add(btf_writer.TYPEDEF, "between", size_or_type=5)
    writer.add(btf_writer.TYPEDEF, "circle", size_or_type=10)
    writer.add(btf_writer.TYPEDEF, "circle", size_or_type=9)
    btf = btfmmap.open(data=writer.build())
    # A typedef of a struct, through others and qualifiers, precedes one of a pointer.
    assert btf.candidates("t", "layout") == [4]
    assert btf.candidates("t", "dtype") == [4, 3]
    assert btf.candidates("t") == [3, 4]
    assert btf.at("t", 0) == ["m"]
    # A typedef of the type before it adds no candidate.
    assert btf.candidates("s") == btf.candidates("s", "users") == btf.candidates("s", "at") == [5]
    assert btf.candidates("circle", "layout") == [9, 10]
    with pytest.raises(ValueError, match="circle is of kind TYPEDEF, not a struct or union"):
        btf.layout("circle")


def test_names_and_questions() -> None:
    btf = btfmmap.open(data=one_of_each("x"))
    assert btf.candidates("nothing") == btf.candidates("nothing", "at") == btf.candidates("func other") == []
    assert btf.candidates("func x", "at") == btf.candidates("func x") == [4]
    with pytest.raises(ValueError, match=r"^question is 'size', must be None or one of layout, records, "):
        btf.candidates("x", "size")  # type: ignore[arg-type]
    for ask in (lambda: btf.at("nothing", 0), lambda: btf.users("nothing"), lambda: btf.to_c("nothing")):
        with pytest.raises(NotFoundError, match=r"^no type named 'nothing'$"):
            ask()


def split_on_base() -> tuple[bytes, bytes]:
    """A base with a forward declaration of a type that the module defines, and a struct that both define."""
    base = BtfWriter()
    int_id = base.add_int()
    base.add(btf_writer.FWD, "declared")
    base.add_struct("both", 4, [("in_base", int_id, 0)])
    split = SplitWriter(base)
    split.add_struct("declared", 4, [("defined", int_id, 0)])
    split.add_struct("both", 8, [("in_module", int_id, 32)])
    return base.build(), split.build()


def test_split() -> None:
    base_blob, split_blob = split_on_base()
    base = btfmmap.open(data=base_blob)
    module = btfmmap.open(data=split_blob, base=base)
    assert module.find("declared") == 2
    assert module.candidates("declared") == module.candidates("declared", "layout") == [4]
    assert module.at("declared", 0) == ["defined"]
    assert module.candidates("both", "at") == [3, 5]
    assert module.at("both", 0) == ["in_base"]
    with pytest.raises(ValueError, match="declared is of kind FWD, not a struct or union"):
        base.layout("declared")
    with pytest.raises(NotFoundError, match="belongs to another BTF"):
        base.layout(module[5])


def test_kernel(tmp_path: Path) -> None:
    base_blob, split_blob = split_on_base()
    for name, blob in (("vmlinux", base_blob), ("one", split_blob), ("two", split_blob)):
        (tmp_path / name).write_bytes(blob)
    with btfmmap.open_kernel(tmp_path) as kernel:

        def places(name: str) -> list[tuple[str, int]]:
            return [(kernel.module_of(each), each.id) for each in kernel.find_all(name)]

        assert places("both") == [("vmlinux", 3), ("one", 5), ("two", 5)]
        assert kernel["both"].id == 3
        assert places("declared") == [("vmlinux", 2), ("one", 4), ("two", 4)]
        assert kernel["declared"].kind == Kind.FWD
        assert kernel["struct declared"] == kernel.modules["one"][4]
        with pytest.raises(ValueError, match="'typedef both' says typedef, but kind is STRUCT"):
            kernel.find("typedef both", Kind.STRUCT)


class TestCommands:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "several.btf"
        path.write_bytes(one_of_each("x", ["FWD", "FUNC", "STRUCT", "STRUCT", "ENUM"]))
        return path

    def test_which_is_taken_and_which_others_there_are(self, file: Path) -> None:
        any_kind = "func [5] (taken), struct [6], struct [7], enum [8]"
        structs = "struct [6] (taken), struct [7]"
        values = f"{structs}, enum [8]"
        cases: list[tuple[list[str], int, str]] = [
            (["show", "x"], 4, any_kind),
            (["show", "x", "--c"], 4, any_kind),
            (["show", "x", "--json"], 4, any_kind),
            (["dump", str(file), "--root", "x"], 4, any_kind),
            (["dump", str(file), "--root", "x", "--format", "c"], 4, any_kind),
            (["show", "x", "--expand"], 2, structs),
            (["at", "x", "0"], 2, structs),
            (["at", "x", "0", "--json"], 2, structs),
            (["dtype", "x"], 3, values),
            (["users", "x", "--json"], 3, values),
        ]
        for words, count, listed in cases:
            source = [] if words[0] == "dump" else ["-f", str(file)]
            taken = listed.partition("[")[2].partition("]")[0]
            done = run_btfmmap(*words, *source)
            assert done.returncode == 0, done.stderr
            first, *rest = done.stderr.splitlines(keepends=True)
            assert first == f"btfmmap: {count} types are named 'x': {listed}; choose by id\n"
            assert len(rest) == ("c" in words), "a header declares no function"
            by_id = run_btfmmap(*(taken if word == "x" else word for word in words), *source)
            assert (by_id.stdout, by_id.stderr) == (done.stdout, "".join(rest))
            if "--json" in words:
                json.loads(done.stdout)

    def test_keywords(self, file: Path) -> None:
        for keyword, kind, listed in [
            ("func", "FUNC", ""),
            ("enum", "ENUM", ""),
            (
                "struct",
                "STRUCT",
                "btfmmap: 2 types are named 'struct x': struct [6] (taken), struct [7]; choose by id\n",
            ),
        ]:
            done = run_btfmmap("show", f"{keyword} x", "--json", "-f", file)
            assert (json.loads(done.stdout)["kind"], done.stderr) == (kind, listed)
        for wrong in ("var x", "typedef x", "union x"):
            done = run_btfmmap("show", wrong, "-f", file)
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr.startswith(f"btfmmap: no type named '{wrong}'")
        done = run_btfmmap("at", "func x", "0", "-f", file)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "btfmmap: x is of kind FUNC, not a struct, union or array\n"
        for words in (["func x"], ["func x*"], ["func ^x", "--regex"]):
            assert run_btfmmap("find", *words, "-f", file).stdout == "5  FUNC  x\n"
        done = run_btfmmap("find", "func x", "--kind", "struct", "-f", file)
        assert (done.returncode, done.stderr) == (2, "btfmmap: 'func x' says func, but kind is STRUCT\n")

    def test_one_type_of_a_name(self, file: Path) -> None:
        for words in (["show", "other"], ["users", "other"], ["dtype", "other"], ["show", "6"]):
            assert run_btfmmap(*words, "-f", file).stderr == ""

    def test_a_typedef_of_what_is_shown(self, tmp_path: Path) -> None:
        """The typedef may be the first or the last type."""
        for typedef_first in (False, True):
            writer = BtfWriter()
            int_id = writer.add_int()
            if typedef_first:
                writer.add(btf_writer.TYPEDEF, "s", size_or_type=3)
            writer.add_struct("s", 4, [("m", int_id, 0)])
            if not typedef_first:
                writer.add(btf_writer.TYPEDEF, "s", size_or_type=2)
            path = tmp_path / "typedef.btf"
            path.write_bytes(writer.build())
            for words in (
                ["show", "s"],
                ["show", "s", "-E"],
                ["at", "s", "0"],
                ["dtype", "s"],
                ["users", "int"],
            ):
                assert run_btfmmap(*words, "-f", path).stderr == ""

    def test_many(self, tmp_path: Path) -> None:
        writer = BtfWriter()
        offset = writer.string("\x1b[31m")
        types = b"".join(writer.words(offset, btf_writer.STRUCT << 24, 0) for _ in range(20_000))
        path = tmp_path / "many.btf"
        path.write_bytes(writer.build(types=types))
        done = run_btfmmap("show", "\x1b[31m", "-f", path)
        assert done.returncode == 0
        assert done.stderr == (
            "btfmmap: 20,000 types are named '\\x1b[31m': struct [1] (taken), "
            + "".join(f"struct [{number}], " for number in range(2, 9))
            + "19,992 more; choose by id\n"
        )

    def test_a_closed_standard_error(self, file: Path) -> None:
        command = f'exec "{sys.executable}" -m btfmmap at x 0 --json -f "{file}" 2>&-'
        done = subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True)
        (row,) = json.loads(done.stdout)
        assert (row["offset"], [member["path"] for member in row["members"]]) == (0, ["m"])
