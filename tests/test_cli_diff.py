"""`btfmmap diff`: the report, the table of many kernels, JSON and exit codes."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Literal

import pytest
from btf_writer import UNION, BtfWriter
from command import run_btfmmap, run_here
from diff_report_text import report as expected_text
from stored_files import stored

import btfmmap
from btfmmap import ChangeKind, EntityKind, Kind
from btfmmap.cli.exit_codes import DONE, NOTHING_TRIED, WANTING, WRONG_INPUT

KERNELS = ("6.12-cloud-arm64", "7.2-amd64")


def small(members: list[tuple[str, int]], values: list[tuple[str, int]], extra: str = "") -> bytes:
    """A struct of ints at byte offsets, another that contains it, and an enum."""
    writer = BtfWriter()
    int_id = writer.add_int()
    size = max(offset for _, offset in members) + 4
    inner = writer.add_struct("inner", size, [(name, int_id, 8 * offset) for name, offset in members])
    writer.add_struct("outer", size + 4, [("inner", inner, 0), ("last", int_id, 8 * size)])
    writer.add_enum("state", values)
    if extra:
        writer.add_struct(extra, 4, [("member", int_id, 0)])
    return writer.build()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("diff")
    for name in KERNELS:
        (made / f"{name}.btf").write_bytes(stored(f"{name}.btf"))
    values = [("IDLE", 0), ("RUN", 1), ("STOP", 2)]
    (made / "a").write_bytes(small([("x", 0), ("y", 4)], values, "gone"))
    (made / "b").write_bytes(
        small([("x", 0), ("new", 4), ("y", 8)], [("IDLE", 0), ("WAIT", 1), ("RUN", 2), ("STOP", 3)])
    )
    (made / "c").write_bytes(small([("x", 0), ("renamed", 4)], values, "gone"))
    return made


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("COLUMNS", raising=False)


def report(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    return run_here(capfd, "diff", *words)


def test_report(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = report(capfd, "a", "b")
    assert (code, err) == (WANTING, "")
    paragraphs = [block.splitlines() for block in out.rstrip().split("\n\n")]
    assert paragraphs[0] == ["a -> b"]
    assert [line.split() for line in paragraphs[1]] == [
        ["added", "removed", "changed", "follow"],
        ["structs", "0", "1", "1", "1"],
        ["enums", "0", "0", "1", "0"],
    ]
    assert paragraphs[3] == [
        "Causes: what others contain by value",
        "  struct inner, 8 -> 12 bytes: 1 follows",
    ]
    assert paragraphs[4] == ["structs removed: 1", "  gone"]
    assert paragraphs[5][:2] == ["structs changed: 1", "  struct inner, 8 -> 12 bytes"]
    assert [line.split() for line in paragraphs[5][2:]] == [
        ["+", "4", "new:", "int"],
        ["4", "y:", "int", "|", "8", "y:", "int"],
    ]
    assert paragraphs[6] == [
        "enums changed: 1",
        "  enum state",
        "    + WAIT = 1",
        "      RUN 1 -> 2 ... STOP: 2 values by +1",
    ]


def test_followers_of_given_names(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = report(capfd, "a", "b", "--only", "struct outer", "--layout-only", "--fail-on", "layout")
    assert code == WANTING
    assert "  struct inner, 8 -> 12 bytes: 1 follows\n      struct outer\n" in out


def test_followers_have_the_depth_of_the_report(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A function that takes an enum by value has no layout that could follow from the enum's."""
    for name, values in (("old", 1), ("new", 2)):
        writer = BtfWriter()
        enum = writer.add_enum("state", [(f"V{value}", value) for value in range(values)])
        writer.add(Kind.FUNC, "takes", size_or_type=writer.add_proto(0, [("state", enum)]), vlen=1)
        (tmp_path / name).write_bytes(writer.build())
    files = [str(tmp_path / "old"), str(tmp_path / "new")]
    assert "enum state: 1 follows" in report(capfd, *files)[1]
    assert "follows" not in report(capfd, *files, "--layout-only")[1]
    json_of = [json.loads(report(capfd, *files, "--json", *more)[1]) for more in ((), ("--layout-only",))]
    followers = [[each["followers"] for each in found["comparisons"][0]["causes"]] for found in json_of]
    assert [len(each) for each in followers] == [1, 0]


def test_renamed(capfd: pytest.CaptureFixture[str]) -> None:
    _, out, _ = report(capfd, "a", "c")
    assert re.search(r"^    4 y: int +\| 4 renamed: int$", out, re.MULTILINE)


def test_no_differences(capfd: pytest.CaptureFixture[str]) -> None:
    assert report(capfd, "a", "a") == (DONE, "a -> a #2\nno differences\n", "")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("struct absent*", "no kernel has struct absent*"),
        ("struct Innner", "no kernel has struct Innner; close to it: struct inner"),
        ("STATE", "no kernel has STATE; close to it: state"),
        ("outer.inner", "--only takes names of types, not members: outer"),
        ("./absent.txt", "./absent.txt: no such file, and no name"),
        ("", "a name of --only is empty"),
    ],
)
def test_names_that_match_nothing(capfd: pytest.CaptureFixture[str], name: str, message: str) -> None:
    assert report(capfd, "a", "b", "--only", name) == (WRONG_INPUT, "", f"btfmmap: {message}\n")
    code, out, err = report(capfd, "a", "b", "--only", name, "--only", "enum64 state")
    assert (code, err) == (WRONG_INPUT, f"btfmmap: {message}\n")
    assert "enum state" in out


def test_arguments_that_are_no_kernels() -> None:
    for name in ("inner", "struct inner"):
        ran = run_btfmmap("diff", "a", "b", name)
        assert (ran.returncode, ran.stdout) == (WRONG_INPUT, "")
        assert f"to compare only {name}, write --only {shlex.quote(name)}" in ran.stderr
    ran = run_btfmmap("diff", "a", "b", "--kind", "struct,union")
    assert (ran.returncode, ran.stdout) == (WRONG_INPUT, "")
    assert "repeat it, --kind struct --kind union" in ran.stderr


@pytest.mark.parametrize("width", [1, 40, 77, 100, 300, sys.maxsize])
@pytest.mark.parametrize("depth", ["layout", "declaration", "deep"])
def test_text_of_changes(folder: Path, width: int, depth: Literal["layout", "declaration", "deep"]) -> None:
    """Each line, made a second time in Python."""
    result = compared(folder)
    report = result.report(depth=depth)
    found = result.changed(depth=depth)
    for kind in EntityKind:
        pieces: list[str] = []
        report.write(kind, pieces.append, width)
        # In wider lines, the old side gets no more room.
        text = expected_text(found, kind, min(width, 1031), depth == "deep")
        assert "".join(pieces).splitlines() == text.splitlines()
        assert (report.count(kind) == 0) == (text == "")
        for names, change in ((report.added, ChangeKind.ADDED), (report.removed, ChangeKind.REMOVED)):
            single = [each.name for each in found if (each.kind, each.changes[0].kind) == (kind, change)]
            assert names(kind) == sorted(single)
            assert names(kind, 3) == sorted(single)[:3]


def test_a_callback_may_use_the_result(folder: Path) -> None:
    result = compared(folder)
    report = result.report()
    pieces: list[str] = []
    found: list[object] = []

    def write(text: str) -> None:
        pieces.append(text)
        found.append((result.name(0), report.headline(0), len(result.changed())))
        report.write(EntityKind.UNION, found.append)

    report.write(EntityKind.STRUCT, write)
    again: list[str] = []
    report.write(EntityKind.STRUCT, again.append)
    assert pieces == again
    assert len(found) > len(pieces) > 1

    def refuse(text: str) -> None:
        raise RuntimeError(text[:8])

    for _ in range(2):
        with pytest.raises(RuntimeError, match="  struct"):
            report.write(EntityKind.STRUCT, refuse)
    assert result.name(0)


@lru_cache(maxsize=1)
def compared(folder: Path) -> btfmmap.DiffResult:
    return btfmmap.diff(*(folder / f"{name}.btf" for name in KERNELS))


def test_names_with_any_bytes(capfd: pytest.CaptureFixture[str], folder: Path) -> None:
    """Control characters, letters outside ASCII, bytes that are not UTF-8; long words are broken."""
    names = ["a\tb", "\N{LATIN SMALL LETTER E WITH ACUTE}" * 30, "\udcff", "x" * 200, "\x7f\x1b[31m"]
    for file, size in (("plain", 4), ("grown", 8)):
        writer = BtfWriter()
        int_id = writer.add_int()
        for name in names:
            members = [(name.replace("\udcff", "y"), int_id, 8 * (size - 4))]
            writer.add_struct(f"s{name}".encode(errors="surrogateescape"), size, members)
        (folder / file).write_bytes(writer.build())
    code, out, err = report(capfd, "plain", "grown")
    assert (code, err) == (WANTING, "")
    lines = out.splitlines()
    assert "  struct sa\\tb, 4 -> 8 bytes" in lines
    assert any("s\\udcff" in line for line in lines)
    assert any("s\\x7f\\x1b[31m" in line for line in lines)
    assert all(line.isprintable() for line in lines)
    result = btfmmap.diff("plain", "grown")
    for width in (40, 41, 80, 90):
        pieces: list[str] = []
        result.report().write(EntityKind.STRUCT, pieces.append, width)
        expected = expected_text(result.changed(), EntityKind.STRUCT, width, False)
        assert [each.translate({0xDCFF: "\\udcff"}) for each in "".join(pieces).splitlines()] == [
            each.translate({0xDCFF: "\\udcff"}) for each in expected.splitlines()
        ]


def test_one_form_per_struct(capfd: pytest.CaptureFixture[str], folder: Path) -> None:
    """If a member is too long for half a line, all are below each other; what kept its name is one line."""
    for file, grown in (("narrow", 0), ("wide", 4)):
        writer = BtfWriter()
        int_id = writer.add_int()
        inner = writer.add_struct("i", 4 + grown, [("x", int_id, 0)])
        writer.add_struct(
            "outer",
            12 + 2 * grown,
            [
                ("embedded_" * 5, inner, 0),
                (f"renamed_{grown}", int_id, 32 + 8 * grown),
                ("second", inner, 64 + 8 * grown),
            ],
        )
        (folder / file).write_bytes(writer.build())
    _, out, _ = report(capfd, "narrow", "wide", "--only", "struct outer")
    assert out.endswith(
        f"""
  struct outer, 12 -> 20 bytes
       0 {"embedded_" * 5}: struct i (inside)
    -  4 renamed_0: int
    +  8 renamed_4: int
       8 -> 12 second: struct i (inside)
"""
    )


def test_members_that_have_two_paths(capfd: pytest.CaptureFixture[str], folder: Path) -> None:
    """A member of a group: a union of two structs with the same members, one of which has a name."""
    for file, count in (("before", 1), ("after", 2)):
        writer = BtfWriter()
        int_id = writer.add_int()
        members = [(name, int_id, 32 * number) for number, name in enumerate(("a", "b")[:count])]
        plain, named = (writer.add_struct("", 8, members) for _ in range(2))
        union = writer.add_struct("", 8, [("", plain, 0), ("group", named, 0)], kind=UNION)
        writer.add_struct("outer", 8, [("", union, 0)])
        (folder / file).write_bytes(writer.build())
    _, out, _ = report(capfd, "before", "after", "--only", "outer")
    assert [line.split() for line in out.splitlines()[-2:]] == [["struct", "outer"], ["+", "4", "b:", "int"]]
    (found,) = btfmmap.diff("before", "after", names="outer").changed()
    assert {each.path_new for each in found.changes} >= {"b", "group.b"}


def test_encoding_of_a_base_type(capfd: pytest.CaptureFixture[str], folder: Path) -> None:
    for file, encoding in (("char", 1), ("uchar", 0)):
        writer = BtfWriter()
        writer.add_int("char", 1, encoding=encoding)
        (folder / file).write_bytes(writer.build())
    _, out, _ = report(capfd, "char", "uchar", "--only", "type char")
    assert out.endswith("base types changed: 1\n  type char (signed -> unsigned)\n")


def test_depths(capfd: pytest.CaptureFixture[str]) -> None:
    _, usual, _ = report(capfd, "a", "b")
    _, deep, _ = report(capfd, "a", "b", "--deep")
    assert "struct outer" not in usual
    assert "struct outer, 12 -> 16 bytes (follows)" in deep
    _, everything, _ = report(capfd, "a", "b", "--all")
    assert re.search(r"1 follows\n +struct outer", everything)
    _, numbers, _ = report(capfd, "a", "b", "--stat")
    assert usual.startswith(numbers)


def test_layouts_that_are_the_same(capfd: pytest.CaptureFixture[str], folder: Path) -> None:
    """Only a parameter's name differs: no headings without anything below them."""
    for name in ("one", "other"):
        writer = BtfWriter()
        int_id = writer.add_int()
        writer.add(12, "function", size_or_type=writer.add_proto(int_id, [(name, int_id)]))
        (folder / name).write_bytes(writer.build())
    code, out, _ = report(capfd, "one", "other", "--layout-only")
    assert (code, out) == (DONE, "one -> other\nno layout differs (1 function differs otherwise)\n")
    code, out, _ = report(capfd, "one", "other")
    assert code == WANTING
    assert "one -> other: int" in out


def test_fail_on(capfd: pytest.CaptureFixture[str], folder: Path) -> None:
    assert report(capfd, "b", "a", "--fail-on", "layout")[0] == WANTING
    (folder / "stable").write_text("# promised\nstruct gone\n\nenum state\n")
    assert report(capfd, "a", "c", "--only", "stable", "--fail-on", "declaration")[0] == DONE
    assert report(capfd, "a", "b", "--only", "stable", "--fail-on", "layout")[0] == WANTING
    assert report(capfd, "a", "b", "--only", "struct gone", "--fail-on", "layout")[0] == WANTING
    # What is new breaks nothing.
    assert report(capfd, "b", "a", "--only", "struct gone", "--fail-on", "layout")[0] == DONE
    assert report(capfd, "b", "a", "--only", "struct gone")[0] == WANTING


def test_many_kernels(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = report(capfd, "a", "b", "c", "a", "--all")
    assert (code, err) == (WANTING, "")
    rows = {
        " ".join(line.split()[:-4]): line.split()[-4:]
        for line in out.splitlines()
        if line.startswith(("struct ", "enum "))
    }
    assert rows == {
        "struct inner": ["1", "2", "3", "1"],
        "struct gone": ["1", "-", "1", "1"],
        "enum state": ["1", "2", "1", "1"],
    }


def test_many_kernels_by_layout(capfd: pytest.CaptureFixture[str], folder: Path) -> None:
    """Versions are numbered by what is compared; what changed about a few names follows."""
    for file, type_, size in (("p", "int", 4), ("q", "other", 4), ("r", "other", 8)):
        writer = BtfWriter()
        int_id = writer.add_int(type_)
        writer.add_struct("s", size, [("m", int_id, 0)])
        (folder / file).write_bytes(writer.build())
    for words, versions in (([], "1  2  3"), (["--layout-only"], "1  1  2")):
        code, out, _ = report(capfd, "p", "q", "r", "--only", "struct s", *words)
        assert code == WANTING
        assert f"struct s  {versions}" in out
        assert ("m: int" in out) == (words == [])
        assert "q -> r\n\nstructs changed: 1\n  struct s, 4 -> 8 bytes\n" in out
    assert btfmmap.diff("p", "q", "r").match("type other")


def test_many_kernels_that_only_follow(capfd: pytest.CaptureFixture[str], folder: Path) -> None:
    """From one of them to the next, the struct changed only because of a member's type."""
    for file, inner_size, own_size in (("t", 4, 4), ("u", 8, 4), ("v", 8, 8)):
        writer = BtfWriter()
        int_id = writer.add_int()
        inner = writer.add_struct("inner", inner_size, [("m", int_id, 0)])
        members = [("inner", inner, 0), ("x", int_id, 8 * inner_size)]
        writer.add_struct("holder", inner_size + own_size, members)
        (folder / file).write_bytes(writer.build())
    _, out, _ = report(capfd, "t", "u", "v", "--only", "struct holder")
    assert out.endswith(
        """
t -> u
no changes of their own; --deep lists what follows from others

u -> v

structs changed: 1
  struct holder, 12 -> 16 bytes
"""
    )
    _, out, _ = report(capfd, "t", "u", "v", "--only", "struct holder", "--deep")
    assert "t -> u\n\nstructs changed: 1\n  struct holder, 8 -> 12 bytes (follows)\n" in out


def test_json(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = report(capfd, "a", "b", "--json")
    document = json.loads(out)
    assert code == WANTING
    assert document["schema"] == {"name": "btfmmap.diff", "version": 1}
    assert [kernel["name"] for kernel in document["kernels"]] == ["a", "b"]
    (comparison,) = document["comparisons"]
    result = btfmmap.diff(["a", "b"])
    assert [
        (each["name"], [change["kind"] for change in each["changes"]]) for each in comparison["entities"]
    ] == [(each.name, [change.kind.name for change in each.changes]) for each in result.changed()]
    (cause,) = comparison["causes"]
    assert (cause["name"], [each["name"] for each in cause["followers"]]) == ("inner", ["outer"])


@pytest.mark.parametrize("width", [60, 80, 132])
def test_fits_the_width(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    files = [f"{name}.btf" for name in KERNELS]
    code, out, _ = report(capfd, *files, "--only", "struct s*", "--only", "enum b*", "--only", "vfs_*")
    assert code == WANTING
    assert max(map(len, out.splitlines())) <= width
    assert "note: the architectures differ: arm64, x86_64" in " ".join(out.split())


@pytest.mark.parametrize("width", ["0", "-5", "wide"])
def test_widths_that_are_none(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: str
) -> None:
    _, expected, _ = report(capfd, "a", "b")
    monkeypatch.setenv("COLUMNS", width)
    assert report(capfd, "a", "b") == (WANTING, expected, "")


def test_exit_codes(capfd: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "broken").write_bytes(b"\x9f\xeb\x01")
    assert report(capfd, "a")[0] == WRONG_INPUT
    assert report(capfd, "a", "broken")[0] == WRONG_INPUT
    assert report(capfd, "a", "broken", "--ignore-failed")[0] == NOTHING_TRIED
    assert report(capfd, "a", "broken", "b", "--ignore-failed")[0] == WANTING
    assert report(capfd, "a", "a", "broken", "--ignore-failed")[0] == DONE
    code, _, err = report(capfd, "a", "b", "no*such")
    assert code == WRONG_INPUT
    assert "no kernel matches" in err


def test_unknown_kind() -> None:
    ran = run_btfmmap("diff", "a", "b", "--kind", "thing")
    assert ran.returncode == WRONG_INPUT
    assert "unknown kind 'thing'; kinds are struct, union" in ran.stderr


def test_jobs_and_names(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = report(capfd, "a", "b", "--name", "b=next", "-j", "2")
    assert code == WANTING
    assert out == report(capfd, "a", "b", "--name", "b=next")[1]
    assert out.startswith("a -> next\n")


def test_two_kernels_need_no_numpy() -> None:
    code = (
        "import sys; from btfmmap.cli import main; main(['diff', 'a', 'b']); "
        "main(['diff', 'a', 'b', 'c']); sys.exit('numpy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
