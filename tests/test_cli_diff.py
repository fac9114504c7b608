"""`btfmmap diff`: the report, the table of many kernels, JSON and exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from btf_writer import BtfWriter
from command import run_btfmmap, run_here
from stored_files import stored

import btfmmap
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


def test_renamed(capfd: pytest.CaptureFixture[str]) -> None:
    _, out, _ = report(capfd, "a", "c")
    assert re.search(r"^    4 y: int +\| 4 renamed: int$", out, re.MULTILINE)


@pytest.mark.parametrize("words", [["a", "a"], ["a", "b", "--only", "struct absent*", "--kind", "union"]])
def test_no_differences(capfd: pytest.CaptureFixture[str], words: list[str]) -> None:
    code, out, err = report(capfd, *words)
    assert "no differences" in out
    assert code == (DONE if words == ["a", "a"] else WANTING)
    assert ("no kernel has struct absent*" in err) == (code == WANTING)


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
    assert report(capfd, "one", "other", "--layout-only")[:2] == (DONE, "one -> other\nno differences\n")
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
    # A word, such as the name of a member, is not broken.
    long = [line for line in out.splitlines() if len(line) > width]
    assert all(len(line.split()[-1]) > width // 2 for line in long)
    assert "note: the architectures differ: arm64, x86_64" in " ".join(out.split())


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
