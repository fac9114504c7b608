"""The pages of `--html`: what they say, and that names are only text in them."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from btf_writer import BtfWriter
from command import run_here
from hostile_names import NAMES, check_html, hostile_btf, hostile_object
from stored_files import stored, stored_objects

import btfmmap
from btfmmap import pages
from btfmmap.pages.pairs import Side
from btfmmap.pages.script import SCRIPT, SCRIPT_HASH
from btfmmap.pictures.byte_map import byte_map


def words(page: str) -> set[str]:
    return set(check_html(page).texts)


def marks(page: str, element: str) -> list[str]:
    """The numbers that parts of the picture and rows of the table share."""
    return re.findall(rf'<{element}\b[^>]* data-m="(-?\d+)"', page)


@pytest.fixture(scope="module")
def btf() -> btfmmap.Btf:
    return btfmmap.open(data=stored("7.2-amd64.btf"))


@pytest.mark.parametrize("name", ["task_struct", "sk_buff", "list_head", "union bpf_attr"])
def test_struct(btf: btfmmap.Btf, name: str) -> None:
    layout = btf.layout(name)
    page = pages.struct_page(layout)
    found = words(page)
    assert {member.name for member in layout.members} - {""} <= found
    assert {member.type.c_name for member in layout.members} <= found
    # Each box has a row, and each row that takes bytes a box.
    assert set(marks(page, "g")) <= set(marks(page, "tr"))
    sized = {str(number) for number, member in enumerate(layout.members) if member.size}
    assert sized <= set(marks(page, "g"))


def test_holes(btf: btfmmap.Btf) -> None:
    page = pages.holes_page(btf, 30)
    found = words(page)
    for row in btf.wasteful(30):
        assert row["name"] in found
        assert f"{row['waste']:,}" in found
    assert len(marks(page, "tr")) == len(marks(page, "li")) == 30
    with pytest.raises(ValueError, match="top is -1"):
        pages.holes_page(btf, -1)


def test_check(btf: btfmmap.Btf, tmp_path: Path) -> None:
    paths = []
    for name in ("bindsnoop.bpf.o", "cpudist.bpf.o"):
        (tmp_path / name).write_bytes(stored_objects()[name])
        paths.append(tmp_path / name)
    other = btfmmap.open(data=stored("6.12-s390x.btf"))
    result = btfmmap.check(paths, {"amd64": btf, "s390x": other, "absent": tmp_path / "no"})
    page = pages.check_page(result)
    found = words(page)
    assert {"bindsnoop.bpf.o", "cpudist.bpf.o", "amd64", "s390x", "BREAKS", "ok", "not tried"} <= found
    for problem in result.problems():
        assert problem.subject[:40] in " ".join(found)
    assert page.count(">BREAKS<") == int((result.verdict == btfmmap.Verdict.BREAKS).sum()) + sum(
        problem.verdict == btfmmap.Verdict.BREAKS for problem in result.problems()
    )


def test_diff(tmp_path: Path) -> None:
    old, new = (stored(f"6.12.{number}-cloud-amd64.part.btf") for number in (73, 95))
    kernels: dict[str, btfmmap.Btf | Path] = {
        "old": btfmmap.open(data=old),
        "new": btfmmap.open(data=new),
    }
    result = btfmmap.diff(kernels)
    changed = result.changed()
    page = pages.diff_page(result)
    found = words(page)
    assert {each.name for each in changed if len(each.name) <= 80} <= found
    assert len(marks(page, "tr")) == sum(len(each.changes) for each in changed)
    last = {"absent": tmp_path / "no", "last": kernels["old"]}
    three = pages.diff_page(btfmmap.diff(kernels | last))
    assert {"old", "new", "last", "2*", "1*"} <= words(three)
    assert "absent did not open" in three
    with pytest.raises(ValueError, match="depth must be"):
        pages.diff_page(result, depth="shallow")  # type: ignore[arg-type]


def test_maps_of_two_kernels(btf: btfmmap.Btf) -> None:
    """They have the boxes of the maps of each kernel, and count what differs between these."""
    structs = ["task_struct", "sk_buff", "tcp_sock", "mm_struct", "inode", "file", "perf_event", "uuid_t"]
    kernels = {"s390x": btfmmap.open(data=stored("6.12-s390x.btf")), "amd64": btf}
    result = btfmmap.diff(kernels, names=[f"struct {name}" for name in structs])
    page = pages.diff_page(result)
    check_html(page)
    summaries = re.findall("<summary>struct (.*?): (.*?)</summary>", page)
    assert len(summaries) == len([each for each in result.changed() if each.layout]) > 5
    for name, said in summaries:
        layouts = [each.layout(name) for each in kernels.values()]
        (entity,) = result.match(f"struct {name}")
        for kernel, layout in enumerate(layouts):
            found = Side(result, entity, kernel)
            boxes = byte_map(layout, layout.members).boxes
            assert sorted(each[1:4] for each in found.drawn.boxes) == sorted(each[1:4] for each in boxes)
        old, new = (
            {
                member.name: (member.offset, member.bit_position, member.bitfield_size or 8 * member.size)
                for member in layout.members
            }
            for layout in layouts
        )
        moved = sum(name in old and old[name] != place for name, place in new.items())
        added, removed = len(new.keys() - old.keys()), len(old.keys() - new.keys())
        assert f"members: {moved:,} moved or resized, {added:,} new, {removed:,} gone" in said


def test_pairs_of_a_name_that_looks_like_paths() -> None:
    """Megabytes of dots are read once."""
    kernels = []
    for offset in (0, 64):
        writer = BtfWriter()
        number = writer.add_int()
        writer.add_struct("long", 16, [("a" + ".a" * 1_000_000, number, offset), ("a", number, 32)])
        kernels.append(btfmmap.open(data=writer.build()))
    page = pages.diff_page(btfmmap.diff(kernels))
    assert "members: 1 moved or resized, 0 new, 0 gone" in page


@pytest.mark.parametrize("order", "<>")
def test_hostile_names(order: str, tmp_path: Path) -> None:
    btf, other = (btfmmap.open(data=hostile_btf(order, shift=shift)) for shift in (0, 4))
    made = [pages.struct_page(btf.layout(number)) for number in btf.layouts.id.tolist()]
    made.append(pages.holes_page(other))
    names = [name for name in NAMES if isinstance(name, str)]
    kernels = {name: (btf, other)[number % 2] for number, name in enumerate(names)}
    made.append(pages.check_page(btfmmap.check([hostile_object(tmp_path)], kernels, similar=True)))
    made.append(pages.diff_page(btfmmap.diff(kernels)))
    made.append(pages.diff_page(btfmmap.diff({names[0]: btf, names[5]: other}), depth="deep"))
    for page in made:
        checked = check_html(page)
        assert checked.elements["script"] == 1
        assert checked.elements["title"] == 1 + page.count("</g>\n") - page.count("</g></g>")


def test_policy() -> None:
    """Browsers run the page's own script and no other."""
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert f"sha256-{digest}" == SCRIPT_HASH


def test_commands(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    btf = btfmmap.open(btfmmap.SAMPLE_BTF)
    page = tmp_path / "page.html"
    assert run_here(capfd, "show", "flow", "--sample", "--html", str(page)) == (0, "", "")
    assert page.read_text() == pages.struct_page(btf.layout("flow"))
    assert run_here(capfd, "holes", "--sample", "--html", str(page), "--top", "2") == (0, "", "")
    assert page.read_text() == pages.holes_page(btf, 2)
    old, new = tmp_path / "old.btf", tmp_path / "new.btf"
    old.write_bytes(hostile_btf())
    new.write_bytes(hostile_btf(shift=4))


def test_gates_write_pages_beside_their_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`check` and `diff` print the same, and exit with the same code, as without `--html`."""
    old, new = tmp_path / "old.btf", tmp_path / "new.btf"
    old.write_bytes(hostile_btf())
    new.write_bytes(hostile_btf(shift=4))
    path, page = hostile_object(tmp_path), tmp_path / "page.html"
    kernels = [str(old), str(new)]
    picture = ["--plot", str(tmp_path / "picture.svg")]
    for command, expected in (
        (["diff", *kernels], pages.diff_page(btfmmap.diff(kernels))),
        (
            ["check", str(path), "--kernels", *kernels],
            pages.check_page(btfmmap.check(path, kernels, similar=True)),
        ),
    ):
        for form in ([], ["--json"], picture):
            if form == picture and not importlib.util.find_spec("matplotlib"):
                continue
            without = run_here(capfd, *command, *form)
            assert without[0] == 1
            assert bool(without[1]) == (form != picture)
            assert run_here(capfd, *command, *form, "--html", str(page)) == without
            assert page.read_text() == expected
            page.unlink()


def test_pages_after_other_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A page that cannot be written is an error, but the report is printed; a closed pipe leaves the page."""
    path, page = hostile_object(tmp_path), tmp_path / "page.html"
    kernel = tmp_path / "old.btf"
    kernel.write_bytes(hostile_btf())
    command = ["check", str(path), "--kernels", str(kernel)]
    _, report, _ = run_here(capfd, *command)
    absent = str(tmp_path / "absent" / "page.html")
    code, out, error = run_here(capfd, *command, "--html", absent)
    assert (code, out) == (2, report)
    assert f"{absent}: No such file" in error
    with open("/dev/full", "w") as full:
        words = [sys.executable, "-m", "btfmmap", *command, "--json", "--html", str(page)]
        ended = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == 2
    assert page.read_text().endswith("</html>\n")


@pytest.mark.parametrize("option", ["--html", "--plot"])
@pytest.mark.parametrize("command", ["show flow --sample", "holes --sample", "diff KERNEL", "check OBJECT"])
def test_a_full_disk(tmp_path: Path, capfd: pytest.CaptureFixture[str], command: str, option: str) -> None:
    """The error names the page or picture, and not standard output."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    if option == "--plot":
        pytest.importorskip("matplotlib")
    kernel = tmp_path / "kernel"
    kernel.write_bytes(hostile_btf())
    page = tmp_path / "page.svg"
    page.symlink_to("/dev/full")
    names = {"KERNEL": f"{kernel} {kernel}", "OBJECT": f"{hostile_object(tmp_path)} --kernels {kernel}"}
    words = " ".join(names.get(word, word) for word in command.split()).split()
    code, _, error = run_here(capfd, *words, option, str(page))
    assert code == 2
    assert error.splitlines()[-1] == f"btfmmap: {page}: No space left on device"


def test_page_on_standard_output(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands that print nothing else write it there; the others refuse."""
    monkeypatch.chdir(tmp_path)
    for words in (["show", "flow", "--sample"], ["holes", "--sample"]):
        code, page, error = run_here(capfd, *words, "--html", "-")
        assert (code, error) == (0, "")
        assert run_here(capfd, *words, "--html", "page.html") == (0, "", "")
        assert page == Path("page.html").read_text()
    Path("page.html").unlink()
    for words in (["check", "x.o"], ["diff", "x", "y"]):
        with pytest.raises(SystemExit) as ended:
            run_here(capfd, *words, "--html", "-")
        assert ended.value.code == 2
        assert "argument --html: standard output gets the report; name a file" in capfd.readouterr().err
    assert [*tmp_path.iterdir()] == []


def test_wrong_usage(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    absent = str(tmp_path / "absent" / "page.html")
    code, _, error = run_here(capfd, "show", "flow", "--sample", "--html", absent)
    assert code == 2
    assert f"{absent}: No such file" in error
    code, _, error = run_here(capfd, "show", "verdict", "--sample", "--html", str(tmp_path / "x.html"))
    assert code == 1
    assert "verdict" in error
    assert not (tmp_path / "x.html").exists()
    for words_ in (["show", "flow", "--json"], ["holes", "--json"]):
        with_page = [*words_, "--sample", "--html", str(tmp_path / "x.html")]
        try:
            code, _, error = run_here(capfd, *with_page)
        except SystemExit as ended:
            code, error = int(str(ended.code)), capfd.readouterr().err
        assert code == 2
        assert "--json" in error
