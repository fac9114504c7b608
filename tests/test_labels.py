"""Labels of files and kernels whose names are equal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bpf_object import BpfObject
from btf_writer import PTR, BtfWriter
from command import run_here

import btfmmap
from btfmmap import pages, pictures
from btfmmap.labels import distinct, labels_of_files
from btfmmap.pictures.canvas import Canvas


def test_distinct() -> None:
    assert distinct([]) == []
    assert distinct(["a", "b"]) == ["a", "b"]
    assert distinct(["a", "a", "b", "a"]) == ["a", "a #2", "b", "a #3"]
    assert distinct(["a", "a", "a #2", "a #2", "a"]) == ["a", "a #3", "a #2", "a #2 #2", "a #4"]


def test_labels_of_files() -> None:
    assert labels_of_files(["a", "a", "b"], ["x/a", "y/a", "x/b"]) == ["x/a", "y/a", "b"]
    assert labels_of_files(["a", "a"], ["x/a", "x/a"]) == ["a", "a #2"]
    assert labels_of_files(["a", "a", "a"], ["", "", "x/a"]) == ["a", "a #2", "x/a"]


@pytest.fixture
def kernels(tmp_path: Path) -> list[Path]:
    """Two kernels of one name, which differ."""
    paths = []
    for number, folder in enumerate(("one", "two")):
        writer = BtfWriter()
        word = writer.add_int("int", 4)
        writer.add_struct("s", 12, [("a", word, 0), ("b", word, 32 + 32 * number)])
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "x.btf")
        paths[-1].write_bytes(writer.build())
    return paths


def test_kernels_of_one_name(kernels: list[Path], capfd: pytest.CaptureFixture[str]) -> None:
    labels = [*map(str, kernels)]
    result = btfmmap.diff(kernels)
    assert result.kernels.name.tolist() == ["x", "x"]
    assert result.kernel_labels == labels
    assert btfmmap.check([], kernels).kernel_labels == labels
    assert pictures.appearances_data(result).kernels == labels
    assert pictures.member_offsets_data(result, "s.*").kernels == labels
    page = pages.diff_page(result)
    assert all(label in page for label in labels)
    for arguments in ([], [labels[0]]):
        code, out, _ = run_here(capfd, "diff", *labels, *arguments)
        assert code == 1
        assert all(label in "".join(out.split()) for label in labels)


@pytest.fixture
def objects(tmp_path: Path) -> list[Path]:
    """Two objects of one name. They relocate a member of one name, of another type."""
    paths = []
    for folder in ("integer", "pointer"):
        writer = BtfWriter()
        word = writer.add_int("int", 4)
        member = word if folder == "integer" else writer.add(PTR, size_or_type=word)
        object_ = BpfObject(writer)
        struct = writer.add_struct("s", 8, [("a", member, 0)])
        for _ in range(2):
            object_.add_immediate(0, struct, "0:0", 0)
        (tmp_path / folder).mkdir()
        paths.append(tmp_path / folder / "x.bpf.o")
        paths[-1].write_bytes(object_.build())
    return paths


def test_objects_of_one_name(objects: list[Path], kernels: list[Path]) -> None:
    result = btfmmap.check(objects, kernels)
    labels = [*map(str, objects)]
    assert result.objects.name.tolist() == ["x.bpf.o", "x.bpf.o"]
    assert result.object_labels == pictures.verdicts_data(result).labels == labels
    page = pages.check_page(result)
    assert all(f">{label}</th>" in page for label in labels)


def test_relocations_of_one_subject(objects: list[Path], kernels: list[Path]) -> None:
    """Those with other statuses are told apart by the place of the first."""
    result = btfmmap.check(objects, kernels)
    assert [len({*row}) for row in result.status.tolist()] == [2, 2]
    data = pictures.relocations_data(result)
    first = result.relocations.insn_off.tolist()[0]
    section = result.relocations.section[0]
    assert data.labels == [f"s.a field byte offset, {path} {section}+{first}" for path in objects]
    assert len({*map(tuple, data.values.tolist())}) == 2
    (alone,) = pictures.relocations_data(btfmmap.check(objects[0], kernels)).labels
    assert alone == "s.a field byte offset"


def test_labels_that_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that differ in their middle only are told apart in pictures and pages, too."""
    btf = btfmmap.open(btfmmap.SAMPLE_BTF)
    names = [f"{'a' * 200}{number}{'z' * 200}" for number in range(3)]
    page = pages.diff_page(
        btfmmap.diff({**dict.fromkeys(names, btf), "other": btfmmap.open(data=BtfWriter().build())})
    )
    heads = re.findall('<th scope="col"><span>(.*?)</span>', page)
    assert len(heads) == len({*heads}) == 4
    pytest.importorskip("matplotlib")
    texts: list[str] = []
    upwards = Canvas.upwards

    def kept(self: Canvas, x: float, y: float, text: str) -> None:
        texts.append(text)
        upwards(self, x, y, text)

    monkeypatch.setattr(Canvas, "upwards", kept)
    pictures.verdicts(btfmmap.check([], dict.fromkeys(names, btf)))
    assert len(texts) == len({*texts}) == 3
