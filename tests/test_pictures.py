"""Pictures: their data against what they show, and labels that neither overlap nor leave a picture."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requirements
from command import run_here
from hostile_names import NAMES, check_html, hostile_btf, hostile_object
from stored_files import stored, stored_objects

import btfmmap
from btfmmap import pages, pictures
from btfmmap.diffing.kinds import EntityKind
from btfmmap.pictures.lettering import ADVANCE, Lettering

agg = requirements.package("matplotlib.backends.backend_agg")
figures = requirements.package("matplotlib.figure")
texts_ = requirements.package("matplotlib.text")
HIDDEN = "import sys; sys.modules['matplotlib'] = None; import btfmmap; from btfmmap import pictures; "


class Recorded(Lettering):
    """Keeps the boxes of texts: left, top, right and bottom."""

    made: list[tuple[float, float, float, float, str]] = []  # noqa: RUF012 (emptied by the fixture)

    def add(self, x: float, y: float, text: str, size: tuple[float, float], points: float) -> None:
        assert text.replace("\N{HORIZONTAL ELLIPSIS}", "").isascii()
        assert text.isprintable()
        width, height = len(text) * ADVANCE * size[0], 0.75 * size[1]
        self.made.append((x, y - height / 2, x + width, y + height / 2, text))
        super().add(x, y, text, size, points)


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float, float, float, str]]:
    Recorded.made = []
    monkeypatch.setattr("btfmmap.pictures.canvas.Lettering", Recorded)
    return Recorded.made


def check_texts(found: list[tuple[float, float, float, float, str]], ax: Any) -> None:
    """No text overlaps another, or leaves the picture."""
    assert found
    width, height = ax.get_xlim()[1], ax.get_ylim()[0]
    boxes = np.array([each[:4] for each in found])
    assert (boxes[:, 0] >= -0.01).all()
    assert (boxes[:, 2] <= width + 0.05).all()
    assert (boxes[:, 1] >= -0.01).all()
    assert (boxes[:, 3] <= height + 0.01).all()
    for number, (left, top, right, bottom) in enumerate(boxes):
        others = boxes[number + 1 :]
        beside = (others[:, 2] <= left + 1e-6) | (others[:, 0] >= right - 1e-6)
        above = (others[:, 3] <= top + 1e-6) | (others[:, 1] >= bottom - 1e-6)
        overlapping = np.flatnonzero(~(beside | above))
        assert not len(overlapping), (found[number], found[number + 1 + overlapping[0]])


def drawn(ax: Any) -> Any:
    """Draw a picture, in which warnings are errors."""
    agg.FigureCanvasAgg(ax.figure).draw()
    return ax


@pytest.fixture(scope="module")
def btf() -> btfmmap.Btf:
    return btfmmap.open(data=stored("7.2-amd64.btf"))


@pytest.fixture(scope="module")
def other() -> btfmmap.Btf:
    return btfmmap.open(data=stored("6.12-s390x.btf"))


@pytest.fixture(scope="module")
def differing() -> btfmmap.DiffResult:
    kernels = {
        f"6.12.{number}": btfmmap.open(data=stored(f"6.12.{number}-cloud-amd64.part.btf"))
        for number in (73, 95)
    }
    return btfmmap.diff(kernels)


class TestStructs:
    @pytest.mark.parametrize("name", ["task_struct", "sk_buff", "list_head", "tcp_sock", "union bpf_attr"])
    def test_labels(self, btf: btfmmap.Btf, name: str, texts: list[Any]) -> None:
        layout = btf.layout(name)
        ax = drawn(pictures.struct_map(layout))
        check_texts(texts, ax)
        names = {member.name for member in layout.members if member.size >= 8}
        shown = "".join(re.sub("^[A-Z?] ", "", text) for *_, text in texts)
        whole = sum(name in shown for name in names)
        assert whole > 0.9 * len(names)

    def test_several(self, btf: btfmmap.Btf, other: btfmmap.Btf, texts: list[Any]) -> None:
        layouts = [each.layout("task_struct") for each in (btf, other)]
        ax = drawn(pictures.struct_map(layouts, names=["amd64", "s390x"]))
        check_texts(texts, ax)
        shown = {text for *_, text in texts}
        assert {"amd64, 6,080 bytes", "P *mm"} <= shown
        old, new = (
            {member.name: member.size for member in layout.members if member.name} for layout in layouts
        )
        marked = {text[3:]: text[2] for text in shown if text[1:3] in (" *", " +")}
        whole = {name: mark for name, mark in marked.items() if new.get(name, 0) >= 16}
        assert len(whole) > 20
        for name, mark in whole.items():
            assert (mark == "+") == (name not in old), name
        texts.clear()
        pictures.struct_map([btf.layout("task_struct")] * 2)
        assert not {text for *_, text in texts if text[1:3] in (" *", " +")}

    def test_small_axes(self, btf: btfmmap.Btf, texts: list[Any]) -> None:
        """What does not fit is left out."""
        ax = figures.Figure(figsize=(3, 2)).subplots()
        assert pictures.struct_map(btf.layout("task_struct"), ax=ax) is ax
        drawn(ax)
        wide = figures.Figure(figsize=(16, 3)).subplots()
        texts.clear()
        pictures.struct_map(btf.layout("sk_buff"), ax=wide)
        check_texts(texts, wide)

    def test_data(self, btf: btfmmap.Btf) -> None:
        for name in ("task_struct", "sk_buff"):
            layout = btf.layout(name)
            members = layout.members
            data = pictures.struct_map_data(layout)
            for row in range(len(data)):
                found = data[row]
                if found["member"] >= 0:
                    member = members[found["member"]]
                    assert found["name"] == member.name
                    assert found["start"] == 8 * member.offset + member.bit_position
                    assert found["end"] - found["start"] == member.bitfield_size or 8 * member.size
                else:
                    assert found["category"] in ("hole", "padding")

    def test_wrong(self, btf: btfmmap.Btf) -> None:
        with pytest.raises(ValueError, match="expected layouts"):
            pictures.struct_map([])
        with pytest.raises(ValueError, match="1 and 2"):
            pictures.struct_map(btf.layout("list_head"), names=["a", "b"])


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> btfmmap.CheckResult:
    folder = tmp_path_factory.mktemp("objects")
    for name, content in stored_objects().items():
        (folder / name).write_bytes(content)
    kernels = {name: btfmmap.open(data=stored(f"{name}.btf")) for name in ("7.2-amd64", "6.12-s390x")}
    return btfmmap.check([folder], kernels | {f"again {each}": kernels["7.2-amd64"] for each in range(9)})


class TestKernels:
    def test_verdicts(self, result: btfmmap.CheckResult, texts: list[Any]) -> None:
        data = pictures.verdicts_data(result)
        assert data.values.shape == (63, 11)
        assert (data.values == result.verdict.T).all()
        ax = drawn(pictures.verdicts(result))
        check_texts(texts, ax)
        letters = [text for *_, text in texts if text in (".", "?", "X", "-")]
        assert len(letters) == 63 * 11
        assert letters.count("X") == int((result.verdict == btfmmap.Verdict.BREAKS).sum())

    def test_relocations(self, result: btfmmap.CheckResult, texts: list[Any]) -> None:
        data = pictures.relocations_data(result)
        rows = {(name, tuple(row)) for name, row in zip(data.labels, data.values.tolist(), strict=True)}
        assert len(rows) == len(data.labels)
        assert {tuple(row) for row in result.status.T.tolist()} == {row for _, row in rows}
        check_texts(texts, drawn(pictures.relocations(result)))

    def test_offsets(self, differing: btfmmap.DiffResult, texts: list[Any]) -> None:
        data = pictures.member_offsets_data(differing, "task_struct.*")
        table, offsets = differing.offsets("task_struct.*")
        wanted = dict(zip(table.name.tolist(), offsets.tolist(), strict=True))
        assert dict(zip(data.labels, data.values.tolist(), strict=True)) == wanted
        ax = drawn(pictures.member_offsets(differing, "task_struct.*"))
        check_texts(texts, ax)
        moved = sum(old >= 0 and new >= 0 and old != new for old, new in wanted.values())
        added = sum(old < 0 for old, _ in wanted.values())
        assert sum(text.endswith("*") for *_, text in texts) == moved + added

    @pytest.mark.parametrize("kind", [None, "struct", "typedef"])
    def test_appearances(self, differing: btfmmap.DiffResult, kind: str | None, texts: list[Any]) -> None:
        data = pictures.appearances_data(differing, kind)
        kinds = differing.entities.kind
        mask = np.ones(len(kinds), bool) if kind is None else kinds == EntityKind[kind.upper()]
        presence = differing.presence[mask]
        assert len(data.values) == len(presence)
        assert (data.values[:, 0] > 0).sum() == (presence[:, 0] >= 0).sum()
        same = (presence[:, 1] >= 0) & (presence[:, 0] == presence[:, 1])
        assert (data.values[:, 1] == 1).sum() == same.sum()
        first = np.where(data.values[:, 0] > 0, 0, 1)
        assert (np.diff(first) >= 0).all()
        ax = drawn(pictures.appearances(differing, kind))
        check_texts(texts, ax)

    def test_few(self, texts: list[Any]) -> None:
        btf = btfmmap.open(btfmmap.SAMPLE_BTF)
        check_texts(texts, drawn(pictures.appearances(btfmmap.diff({"a": btf, "b": btf}))))


class TestOneKernel:
    def test_waste(self, btf: btfmmap.Btf) -> None:
        data = pictures.waste_data(btf)
        top = btf.wasteful(10)
        assert sorted(data.waste[:10].tolist()) == sorted(row["waste"] for row in top)
        by_id = dict(zip(data.id.tolist(), data.waste.tolist(), strict=True))
        assert all(by_id[row["id"]] == row["waste"] for row in btf.wasteful(500))
        ax = drawn(pictures.waste(btf))
        boxes = [texts_.Text.get_window_extent(text) for text in ax.texts]
        for number, box in enumerate(boxes):
            assert not any(box.overlaps(each) for each in boxes[number + 1 :])
        # The lines to the names do not cross.
        place = ax.transData + ax.transAxes.inverted()
        ways = [(np.array([*place.transform(text.xy), 0]), np.array([*text.xyann, 0])) for text in ax.texts]
        for number, (start, end) in enumerate(ways):
            for other in ways[:number]:
                sides = [np.cross(end - start, each - start)[2] for each in other]
                sides_of_other = [np.cross(other[1] - other[0], each - other[0])[2] for each in (start, end)]
                assert not np.prod(sides) < 0 > np.prod(sides_of_other)

    def test_neighbourhood(self, btf: btfmmap.Btf) -> None:
        networkx = requirements.package("networkx")
        root = btf["struct pid"]
        graph = btf.graph.to_networkx()
        graph.remove_node(0)
        for depth in (0, 1, 2):
            data = pictures.neighbourhood_data(btf, root, depth=depth, most=100_000)
            near = networkx.ego_graph(graph, root.id, radius=depth, undirected=True)
            assert set(data.ids.tolist()) == set(near.nodes)
            edges = zip(data.ids[data.source].tolist(), data.ids[data.target].tolist(), strict=True)
            assert sorted(edges) == sorted((source, target) for source, target, _ in near.edges)
            assert data.omitted == 0
        few = pictures.neighbourhood_data(btf, "struct pid", depth=1, most=3)
        assert len(few.ids) == 3
        assert few.omitted > 0

    def test_dot(self, btf: btfmmap.Btf) -> None:
        program = requirements.tool("dot")
        for source in (btf, btfmmap.open(data=hostile_btf())):
            for number in source.layouts.id[:12].tolist():
                dot = pictures.neighbourhood_dot(source, number)
                done = subprocess.run(
                    [program, "-Tsvg"], input=dot, capture_output=True, text=True, check=True
                )
                assert not done.stderr
                nodes = len(pictures.neighbourhood_data(source, number).ids)
                assert done.stdout.count('class="node"') == nodes

    def test_drawn(self, btf: btfmmap.Btf) -> None:
        requirements.tool("dot")
        drawn(pictures.neighbourhood(btf, "struct pid"))
        with pytest.raises(ValueError, match="must not be negative"):
            pictures.neighbourhood(btf, "struct pid", depth=-1)
        with pytest.raises(btfmmap.NotFoundError):
            pictures.neighbourhood(btf, "no such type")

    def test_without_graphviz(self, btf: btfmmap.Btf, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shutil, "which", lambda _: None)
        with pytest.raises(btfmmap.NotSupportedError, match="graphviz"):
            pictures.neighbourhood(btf, "struct pid")


@pytest.mark.parametrize("order", "<>")
def test_hostile_names(order: str, tmp_path: Path, texts: list[Any]) -> None:
    btf, moved = (btfmmap.open(data=hostile_btf(order, shift=shift)) for shift in (0, 4))
    kernels = {name: (btf, moved)[number % 2] for number, name in enumerate(NAMES) if isinstance(name, str)}
    made: list[Any] = [
        pictures.struct_map([btf.layout(row), moved.layout(row)]) for row in btf.layouts.id.tolist()
    ]
    made.append(pictures.waste(moved))
    result = btfmmap.check([hostile_object(tmp_path)], kernels)
    made += [pictures.verdicts(result), pictures.relocations(result)]
    differs = btfmmap.diff(kernels)
    made += [pictures.appearances(differs), pictures.member_offsets(differs, "everything.*")]
    assert texts  # `Recorded` checks their letters
    for number, ax in enumerate(made):
        ax.figure.savefig(tmp_path / "picture.svg")
        drawn(ax)
        text = (tmp_path / "picture.svg").read_text("utf-8")
        assert "<script" not in text, number
        assert all(letter.isprintable() or letter == "\n" for letter in text), number
    for row in btf.layouts.id.tolist():
        check_svg(pages.struct_svg(btf.layout(row)))


def check_svg(text: str) -> None:
    import xml.etree.ElementTree as ElementTree

    root = ElementTree.fromstring(text)
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert names <= {"svg", "title", "style", "rect", "text", "g", "defs", "pattern", "path"}
    check_html(
        text.replace(' xmlns="http://www.w3.org/2000/svg"', "").replace(' transform="translate(0 58)"', "")
    )


def test_axes_are_pyplots_if_it_is_there() -> None:
    code = (
        "import matplotlib; matplotlib.use('Agg'); import matplotlib.pyplot as plt, btfmmap; "
        "btf = btfmmap.open(btfmmap.SAMPLE_BTF); ax = btfmmap.pictures.struct_map(btf.layout('flow')); "
        "print(plt.get_fignums(), plt.gcf() is ax.figure)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[1] True\n"


def test_without_matplotlib() -> None:
    """The data is there, and pictures name the extra."""
    code = (
        f"{HIDDEN}btf = btfmmap.open(btfmmap.SAMPLE_BTF); layout = btf.layout('flow')\n"
        "print(len(pictures.struct_map_data(layout)), len(pictures.waste_data(btf)))\n"
        "try: pictures.struct_map(layout)\nexcept btfmmap.NotSupportedError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("needs the package matplotlib: pip install 'btfmmap[plot]'\n")


def test_command_without_matplotlib(tmp_path: Path) -> None:
    """The SVG of a struct needs none; other pictures name the extra."""
    code = f"{HIDDEN}from btfmmap.cli import main; sys.exit(main(sys.argv[1:]))"
    for name, returned in (("x.svg", 0), ("x.png", 1)):
        words = ["show", "flow", "--sample", "--plot", str(tmp_path / name)]
        done = subprocess.run(
            [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == returned
        assert done.stderr == (
            "btfmmap: needs the package matplotlib: pip install 'btfmmap[plot]'\n" if returned else ""
        )


@pytest.mark.parametrize("suffix", ["svg", "png", "SVG"])
def test_commands(suffix: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    requirements.tool("dot")
    picture = tmp_path / f"picture.{suffix}"
    old, new = tmp_path / "old.btf", tmp_path / "new.btf"
    for path, number in ((old, 73), (new, 95)):
        path.write_bytes(stored(f"6.12.{number}-cloud-amd64.part.btf"))
    objects = tmp_path / "cpudist.bpf.o"
    objects.write_bytes(stored_objects()["cpudist.bpf.o"])
    plot = ["--plot", str(picture)]
    for words, code in (
        (["show", "flow", "--sample", *plot], 0),
        (["holes", "--sample", *plot], 0),
        (["users", "list", "--sample", *plot], 0),
        (["diff", str(old), str(new), *plot], 1),
        (["diff", str(old), str(new), "--only", "struct task_struct", *plot], 1),
        (["check", str(objects), *plot, "--kernels", str(old), str(new)], None),
    ):
        found, out, error = run_here(capfd, *words)
        assert out == "", words
        assert code is None or found == code, error
        content = picture.read_bytes()
        assert content.startswith(b"\x89PNG") if suffix == "png" else b"<svg" in content
        picture.unlink()


def test_wrong_format(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_here(capfd, "show", "flow", "--sample", "--plot", str(tmp_path / "x.pdf"))
    assert "neither .svg nor .png" in capfd.readouterr().err
