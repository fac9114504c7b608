"""`Btf.match` against `fnmatch` and `re` over bpftool's names; `lookup` of all names; both ways to find."""

from __future__ import annotations

import fnmatch
import json
import random
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import bpftool_json as bpftool
import btf_writer
import numpy as np
import pytest
from btf_writer import BtfWriter, every_kind
from command import run_btfmmap

import btfmmap
from btfmmap import Kind

GLOBS = (
    "tcp_*",
    "*",
    "task_struct",
    "*_t",
    "[a-c]?*_ops",
    "[!_a-z]*",
    "struct tcp_*",
    "union *",
    "enum *_type",
)
EXPRESSIONS = ("^tcp_", "_ops$", "(sk|net)_buff", "^.{3}$", "struct ^tcp_", "enum type$", "[0-9]{3}")
KEYWORDS = {"struct": {"STRUCT"}, "union": {"UNION"}, "enum": {"ENUM", "ENUM64"}}


def expected(
    records: list[bpftool.Record], pattern: str, *, regex: bool, kind: str | None = None
) -> list[int]:
    kinds = {kind} if kind else None
    keyword, space, rest = pattern.partition(" ")
    if space:
        kinds, pattern = KEYWORDS[keyword], rest
    named = [(0, "VOID", "void")]
    named += [(each["id"], each["kind"], bpftool.name(each["name"])) for each in records]
    return [
        type_id
        for type_id, its_kind, name in named
        if name
        and (kinds is None or its_kind in kinds)
        and (re.search(pattern, name) if regex else fnmatch.fnmatchcase(name, pattern))
    ]


def test_match(kernel: Path) -> None:
    btf = btfmmap.open(kernel)
    records = bpftool.records(kernel)
    for glob in GLOBS:
        assert btf.match(glob) == expected(records, glob, regex=False)
    for expression in EXPRESSIONS:
        assert btf.match(expression, regex=True) == expected(records, expression, regex=True)
    for kind in ("FUNC", "TYPEDEF", "STRUCT"):
        assert btf.match("*s*", Kind[kind]) == expected(records, "*s*", regex=False, kind=kind)


def test_match_of_a_module(module: tuple[Path, Path]) -> None:
    base, path = module
    btf = btfmmap.open(path, base=btfmmap.open(base))
    records = bpftool.records(base) + bpftool.records(path, base)
    for glob in ("tun_*", "struct tun_*", "*sk_buff*"):
        assert btf.match(glob) == expected(records, glob, regex=False)
    assert max(btf.match("tun_*")) >= btf.first_id > min(btf.match("tun_*"))


def drawn_glob(drawn: random.Random, name: str) -> str:
    """A name with some parts replaced by wildcards."""
    for _ in range(drawn.randint(1, 3)):
        start = drawn.randrange(len(name) + 1)
        end = start + drawn.randint(0, 4)
        char = name[start : start + 1] or "_"
        wildcards = ["*", "?", "**", f"[{char}]", f"[!{char}]", f"[a-{char}]", f"[!{char}-z]", f"[]{char}-]"]
        name = name[:start] + drawn.choice(wildcards) + name[end:]
    return name


def drawn_expression(drawn: random.Random, name: str) -> str:
    """A regular expression about part of a name."""
    start = drawn.randrange(len(name))
    part, rest = re.escape(name[start : start + 4]), re.escape(name[start + 4 : start + 6])
    forms = ["{}", "^{}", "{}$", r"\A.{{2}}{}", r"{}\Z", "{}.*{}", "({}|{})", "{}?{}", "(?i){}", r"{}\w+{}"]
    forms += [r"\d{{1,2}}|{}", "[^{}]{}", "{}(?!{})", r"\b{}", r"(?<!_){}", "(?m)^{}|{}$", "(?:{})*{}"]
    forms += ["(?s).{}", r"({})\1", "{}{{2}}", ".+{}.*"]
    return drawn.choice(forms).format(part, rest or part)


def test_drawn_patterns(kernel: Path) -> None:
    btf = btfmmap.open(kernel)
    records = bpftool.records(kernel)
    drawn = random.Random(kernel.name)
    names = sorted({name for record in records if (name := bpftool.name(record["name"])) and " " not in name})
    for name in drawn.choices(names, k=30):
        glob, expression = drawn_glob(drawn, name), drawn_expression(drawn, name)
        assert btf.match(glob) == expected(records, glob, regex=False), glob
        assert btf.match(expression, regex=True) == expected(records, expression, regex=True), expression


@pytest.mark.parametrize(
    "letters",
    ["ab-!]^[\\&~|", "a\xe9\u4e2d\U0001f600\n", "\udcc3\udca9a\udcff\xe9\n", "kK\u212as\u017f_0\x1c"],
)
def test_odd_names(letters: str) -> None:
    """Names with brackets, newlines, several bytes a character, and bytes that are not UTF-8."""
    drawn = random.Random(ascii(letters))
    writer = BtfWriter()
    for _ in range(200):
        name = "".join(drawn.choices(letters, k=drawn.randint(1, 8)))
        writer.add(btf_writer.FWD, name.encode("utf-8", "surrogateescape"))
    btf = btfmmap.open(data=writer.build())
    names = btf.names()
    for _ in range(600):
        glob = "".join(drawn.choices(letters + "***??[[]!-", k=drawn.randint(1, 9)))
        glob = glob.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
        found = [type_id for type_id, name in enumerate(names) if fnmatch.fnmatchcase(name, glob)]
        assert btf.match(glob) == found, glob
        expression = drawn_expression(drawn, drawn.choice(names))
        found = [type_id for type_id, name in enumerate(names) if re.search(expression, name)]
        assert btf.match(expression, regex=True) == found, expression


def test_patterns_that_backtrack() -> None:
    """They take time in proportion to the name, not more for each asterisk."""
    writer = BtfWriter()
    type_id = writer.add(btf_writer.FWD, "a" * 100_000)
    btf = btfmmap.open(data=writer.build())
    assert btf.match("*a" * 50 + "b") == btf.match("*[ab]" * 50 + "b") == []
    assert btf.match("*a" * 50 + "*") == btf.match("(a+)+$", regex=True) == [type_id]
    assert btf.match("a" * 100_000) == btf.match("?" * 100_000) == [type_id]
    assert btf.match("?" * 100_001) == btf.match("?" * 99_999) == []


def test_wrong_patterns() -> None:
    btf = btfmmap.open(data=every_kind().build())
    with pytest.raises(ValueError, match=r"^'\(' is not a regular expression: missing \), "):
        btf.match("(", regex=True)
    with pytest.raises(ValueError, match="'struct x' says struct, but kind is UNION"):
        btf.match("struct x", Kind.UNION)
    with pytest.raises(TypeError, match="kind is 'struct', must be a Kind or its number"):
        btf.match("x", kind="struct")  # type: ignore[arg-type]
    assert btf.match("struct *", Kind.STRUCT) == btf.match("*", Kind.STRUCT) == [7, 8]
    assert btf.match("(") == btf.match("") == []


def test_lookup_of_every_name(kernel: Path) -> None:
    btf = btfmmap.open(kernel)
    lowest: dict[str, int] = {}
    functions: dict[str, int] = {}
    for record in bpftool.records(kernel):
        lowest.setdefault(record["name"], record["id"])
        if record["kind"] == "FUNC":
            functions.setdefault(record["name"], record["id"])
    lowest["(anon)"] = -1
    names = [*random.Random(3).sample(sorted(lowest), len(lowest)), "", "no_such_type"]
    found = btf.lookup(names)
    assert found.dtype == np.int64
    assert found.tolist() == [lowest.get(name, -1) for name in names]
    assert btf.lookup(iter(names), Kind.FUNC).tolist() == [functions.get(name, -1) for name in names]
    assert btf.lookup([]).tolist() == []
    with pytest.raises(TypeError):
        btf.lookup([b"int"])  # type: ignore[list-item]


def test_sorted_or_not_the_answers_are_the_same() -> None:
    """The same records in the order of their names, as in 7.x kernels, and in another."""
    drawn = random.Random(11)
    names = [f"{drawn.choice('abc')}{drawn.randrange(2000)}" for _ in range(3000)] + [
        "a",
        "a",
        "\xff",
        "z" * 300,
    ]
    kinds = [drawn.choice([btf_writer.FWD, btf_writer.TYPEDEF, btf_writer.STRUCT]) for _ in names]
    types = sorted(zip(names, kinds, strict=True), key=lambda each: each[0].encode())

    asked = [*{*names}, *(f"struct {name}" for name in names[:500]), "", "b", "c9999", "zz", "\xfe"]
    for order in [types, drawn.sample(types, len(types))]:
        writer = BtfWriter()
        ids = defaultdict(list)
        for name, kind in order:
            type_id = writer.add(kind, name)
            ids[name].append(type_id)
            if kind == btf_writer.STRUCT:
                ids[f"struct {name}"].append(type_id)
        btf = btfmmap.open(data=writer.build())
        assert btf.lookup(asked).tolist() == [ids[name][0] if ids[name] else -1 for name in asked]
        assert [btf.find_all(name) for name in asked] == [ids[name] for name in asked]


class TestCommand:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "every_kind.btf"
        path.write_bytes(every_kind().build())
        return path

    def test_json(self, file: Path) -> None:
        btf = btfmmap.open(file)
        for words, ids in [
            (["*i*"], btf.match("*i*")),
            (["struct *"], [7, 8]),
            (["^[a-f]", "--regex", "--kind", "enum64"], []),
            (["_", "-r", "-k", "typedef"], btf.match("_", Kind.TYPEDEF, regex=True)),
            (["pair"], [7]),
            (["void"], [0]),
        ]:
            done = run_btfmmap("find", *words, "--json", "-f", file)
            assert json.loads(done.stdout) == [
                {"id": type_id, "kind": btf[type_id].kind.name, "name": btf[type_id].name} for type_id in ids
            ]

    def test_text(self, file: Path) -> None:
        lines = run_btfmmap("find", "*wide", "-f", file).stdout.splitlines()
        assert [line.split() for line in lines] == [["12", "ENUM64", "wide"], ["13", "ENUM64", "signed_wide"]]

    def test_errors(self, file: Path) -> None:
        for words, message in [
            (["nothing*"], "no type named 'nothing*'"),
            (["pai"], "no type named 'pai'; close to it: pair"),
            (["pair", "-k", "func"], "no type of kind FUNC named 'pair'; there is struct pair [7]"),
        ]:
            done = run_btfmmap("find", *words, "-f", file)
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr.startswith(f"btfmmap: {message}")
            assert done.stderr.count("\n") == 1

    def test_members_and_enumerators(self) -> None:
        """They are not types, but the message says where they are."""
        for name, where in (
            ("prev", "a member of struct list [3]"),
            ("LIMIT_MOST", "an enumerator of enum64 limit [15], value 18446744073709551615"),
        ):
            for command in ("find", "show"):
                done = run_btfmmap(command, name, "--sample")
                assert (done.returncode, done.stdout) == (1, "")
                assert done.stderr == f"btfmmap: no type named {name!r}; it is {where}\n"

    def test_many_members_of_one_name(self, tmp_path: Path) -> None:
        writer = BtfWriter()
        number = writer.add_int()
        for count in range(11):
            writer.add_struct(f"s{count}", 4, [("same", number, 0)])
        (tmp_path / "many.btf").write_bytes(writer.build())
        done = run_btfmmap("find", "same", "-f", tmp_path / "many.btf")
        assert done.stderr.count("a member of struct") == 8
        assert done.stderr.endswith(" and 3 more\n")

    def test_no_regular_expression(self, file: Path) -> None:
        done = run_btfmmap("find", "(", "--regex", "-f", file)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("btfmmap: '(' is not a regular expression: ")

    def test_unknown_kind(self, file: Path) -> None:
        done = run_btfmmap("find", "x", "--kind", "thing", "-f", file)
        assert (done.returncode, done.stdout) == (2, "")
        assert "unknown kind 'thing'; kinds are void, int," in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["find", "*i*"],
        ["find", "i", "--regex"],
        ["find", "pair", "--json"],
        ["users", "char"],
        ["users", "pair", "--json"],
    ],
)
def test_starts_without_numpy(words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "every_kind.btf"
    path.write_bytes(every_kind().build())
    code = (
        "import sys; from btfmmap.cli import main\n"
        "assert main(sys.argv[1:]) == 0\nassert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, *words, "-f", path], check=True, capture_output=True)
