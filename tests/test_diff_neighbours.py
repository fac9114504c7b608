"""Which kernels `diff` compares: neighbours, and of several architectures those within each."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from btf_writer import BtfWriter
from command import run_here
from hostile_names import check_html

import btfmmap
from btfmmap import pages, pictures
from btfmmap.cli.exit_codes import DONE, NOTHING_TRIED, WANTING
from btfmmap.diffing.neighbours import by_architecture, neighbours

# The architectures differ in `arch`, and the versions of amd64 in `version`.
KERNELS = {
    "6.1-amd64": (4, 0),
    "6.1-arm64": (12, 0),
    "6.2-amd64": (4, 0),
    "6.2-arm64": (12, 0),
    "6.10-amd64": (4, 8),
    "6.10-riscv64": (20, 0),
}
ORDER = ["6.1-arm64", "6.2-arm64", "6.10-riscv64", "6.1-amd64", "6.2-amd64", "6.10-amd64"]
PAIRS = [("6.1-arm64", "6.2-arm64"), ("6.1-amd64", "6.2-amd64"), ("6.2-amd64", "6.10-amd64")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("kernels")
    for name, (of_architecture, of_version) in KERNELS.items():
        writer = BtfWriter()
        number = writer.add_int()
        writer.add_struct("arch", 24, [("member", number, 8 * of_architecture)])
        writer.add_struct("version", 12, [("member", number, 8 * of_version)])
        (made / f"{name}.btf").write_bytes(writer.build())
    return made


@pytest.fixture
def result(folder: Path) -> btfmmap.DiffResult:
    return btfmmap.diff(folder)


@pytest.mark.parametrize(
    ("architectures", "order", "pairs"),
    [
        ([], [], []),
        (["a"], [0], []),
        (["b", "a"], [0, 1], [(0, 1)]),  # two, as they are
        (["b", None, "a"], [0, 1, 2], [(0, 2)]),
        (["b", "b", None, "b"], [0, 1, 2, 3], [(0, 1), (1, 3)]),
        (["b", "a", "b"], [1, 0, 2], [(0, 2)]),
        (["c", "b", "a"], [2, 1, 0], []),
        (["b", "", None, "a", "", "b"], [3, 0, 5, 1, 4, 2], [(0, 5), (1, 4)]),
        (["", "", ""], [0, 1, 2], [(0, 1), (1, 2)]),
    ],
)
def test_order(architectures: list[str | None], order: list[int], pairs: list[tuple[int, int]]) -> None:
    assert by_architecture(architectures) == order
    assert neighbours(architectures) == pairs


def test_result(result: btfmmap.DiffResult) -> None:
    """Versions ascend within each architecture, and rows stay those of the arguments."""
    labels = result.kernel_labels
    assert labels == [*KERNELS]
    assert [labels[row] for row in result.order] == ORDER
    assert [(labels[old], labels[new]) for old, new in result.neighbours] == PAIRS
    (note,) = result.notes
    assert note.startswith("the architectures differ: x86_64, arm64, riscv64; kernels are compared with the")
    changed = [[each.name for each in result.changed(*pair)] for pair in result.neighbours]
    assert changed == [[], [], ["version"]]


def test_report(folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, out, err = run_here(capfd, "diff", str(folder), "--only", "arch", "--only", "version")
    assert (code, err) == (WANTING, "")
    assert "compared with the one before of the same architecture" in out
    lines = [re.split(r"\s{2,}", line.strip()) for line in out.splitlines()]
    assert [line for line in lines if line == ORDER] == [ORDER] * 2
    assert ["changed", "0", "0", "1"] in lines  # a kernel without one before has no number
    assert ["struct version", *"111112"] in lines
    assert not any(line[0] == "struct arch" for line in lines)
    assert "6.2-amd64 -> 6.10-amd64" in out.splitlines()
    assert "6.10-riscv64 -> 6.1-amd64" not in out


def test_json_and_exit_codes(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run_here(capfd, "diff", str(folder), "--json")
    found = json.loads(out)
    names = [kernel["name"] for kernel in found["kernels"]]
    assert code == WANTING
    assert [(names[each["old"]], names[each["new"]]) for each in found["comparisons"]] == PAIRS
    amd64, arm64, riscv64 = (
        [str(path) for path in folder.glob(f"*-{arch}.btf")] for arch in ("amd64", "arm64", "riscv64")
    )
    old = [path for path in amd64 if "6.10" not in path]
    assert run_here(capfd, "diff", *old, *arm64, *riscv64)[0] == DONE
    assert run_here(capfd, "diff", arm64[0], riscv64[0])[0] == WANTING
    code, out, err = run_here(capfd, "diff", amd64[0], arm64[0], riscv64[0])
    assert code == NOTHING_TRIED
    assert err == "btfmmap: nothing was compared: no two kernels are of one architecture\n"
    assert "struct" not in out


def test_page_and_notebook(result: btfmmap.DiffResult) -> None:
    page = pages.diff_page(result)
    texts = check_html(page).texts
    heads = [text for text in texts if text in KERNELS]
    assert heads[: len(ORDER)] == ORDER
    assert "arch" not in texts
    assert "2*" in texts
    rows = re.findall(r"<tr>(.*?)</tr>", result._repr_html_(), re.DOTALL)
    cells = [re.sub(r"<[^>]*>", " ", row).split() for row in rows]
    counts = {row[0]: row[2:] for row in cells if row and row[0] in KERNELS}
    assert [*counts] == ORDER
    assert [name for name, numbers in counts.items() if numbers] == [new for _, new in PAIRS]
    assert counts["6.10-amd64"] == ["0", "0", "1"]
    alone = btfmmap.diff([result.kernels.path[row] for row in (0, 1, 5)])
    assert "Nothing was compared" in pages.diff_page(alone)


def test_pictures(result: btfmmap.DiffResult, monkeypatch: pytest.MonkeyPatch) -> None:
    data = pictures.appearances_data(result, "struct")
    assert data.kernels == ORDER
    assert dict(zip(data.labels, data.values.tolist(), strict=True)) == {
        "struct arch": [2, 1, 2, 2, 1, 1],
        "struct version": [2, 1, 2, 2, 1, 2],
    }
    data = pictures.member_offsets_data(result, "*.member")
    assert data.kernels == ORDER
    assert data.values.tolist() == [[96, 96, 160, 32, 32, 32], [0, 0, 0, 0, 0, 64]]
    drawn: list[str] = []
    monkeypatch.setattr(
        "btfmmap.pictures.offsets.draw_matrix",
        lambda _ax, data, _marks, _colours, text: drawn.extend(
            text(row, kernel) for row, kernel in np.ndindex(data.values.shape)
        ),
    )
    pictures.member_offsets(result, "*.member")
    assert drawn == [*("12", "12", "20", "4", "4", "4"), *("0", "0", "0", "0", "0", "8*")]
