"""The pages in a headless Chromium: no error, no request, and the filter and tooltips work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requirements
from browser import Browser, browser
from hostile_names import NAMES, hostile_btf, hostile_object
from stored_files import stored

import btfmmap
from btfmmap import pages

NARROW = 400


def struct(_: Path) -> str:
    return pages.struct_page(btfmmap.open(data=stored("7.2-amd64.btf")).layout("task_struct"))


def holes(_: Path) -> str:
    return pages.holes_page(btfmmap.open(data=stored("7.2-amd64.btf")))


def hostile_struct(_: Path) -> str:
    return pages.struct_page(btfmmap.open(data=hostile_btf()).layout("everything"))


def kernels() -> dict[str, btfmmap.Btf]:
    btfs = [btfmmap.open(data=hostile_btf(shift=shift)) for shift in (0, 4)]
    names = [name for name in NAMES if isinstance(name, str)]
    return {name: btfs[number % 2] for number, name in enumerate(names)}


def check(folder: Path) -> str:
    return pages.check_page(btfmmap.check([hostile_object(folder)], kernels()))


def diff(_: Path) -> str:
    return pages.diff_page(btfmmap.diff(kernels()))


def diff_of_two(_: Path) -> str:
    btfs = [btfmmap.open(data=stored(f"{name}.btf")) for name in ("6.12-s390x", "7.2-amd64")]
    page = pages.diff_page(btfmmap.diff(btfs, names=["struct file", "struct inode"]))
    assert page.count("<details") == 2
    return page


PAGES = pytest.mark.parametrize("made", [struct, holes, hostile_struct, check, diff, diff_of_two])


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(requirements.tool("chromium"), tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def page(made: Callable[[Path], str], tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(made(tmp_path), encoding="utf-8")
    return path


@PAGES
def test_page(chromium: Browser, page: Path) -> None:
    chromium.show(page)
    assert chromium.run("document.querySelector('#controls').hidden") is False
    rows = chromium.run("document.querySelectorAll('tr[data-m]').length")
    assert rows > 5

    # A tooltip says what an element's title said.
    tip = "document.querySelector('#tip')"
    assert chromium.run(f"{tip}.hidden") is True
    if chromium.run("document.querySelector('[data-tip]').closest('details:not([open])') !== null"):
        chromium.click("summary")
    said = chromium.run("document.querySelector('[data-tip]').dataset.tip")
    chromium.move_mouse("[data-tip]")
    assert chromium.run(f"{tip}.hidden ? null : {tip}.textContent") == said
    chromium.run("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))")
    assert chromium.run(f"{tip}.hidden") is True
    assert chromium.run("document.querySelectorAll('svg title, td[title]').length") == 0

    # The filter leaves the rows with all words, and fades the other parts of the picture.
    wanted = chromium.run("document.querySelector('tr[data-m]:last-child').textContent.trim().slice(0, 12)")
    chromium.write("#filter", wanted)
    shown = chromium.run(
        "[...document.querySelectorAll('tr[data-m]')].filter((row) => !row.hidden)"
        ".map((row) => row.textContent.toLowerCase())"
    )
    assert 0 < len(shown) <= rows
    assert all(word in text for text in shown for word in wanted.lower().split())
    chromium.write("#filter", " no such text")
    assert chromium.run("[...document.querySelectorAll('tr[data-m]')].every((row) => row.hidden)") is True
    assert chromium.run("[...document.querySelectorAll('g[data-m]')].every((g) => g.matches('.dim'))") is True
    assert (
        chromium.run("[...document.querySelectorAll('li[data-m]')].every((li) => li.matches('.dim'))") is True
    )
    assert chromium.run("[...document.querySelectorAll('details')].every((each) => each.hidden)") is True
    assert chromium.run("document.querySelector('#count').textContent") == f"0 of {rows} rows"
    assert chromium.errors() == []
    assert chromium.requests() == [page.as_uri()]


@PAGES
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_narrow(chromium: Browser, page: Path, dark: bool) -> None:
    """Only regions scroll sideways, and text has the contrast that WCAG 2 asks for."""
    chromium.show(page, width=NARROW, dark=dark)
    assert chromium.run("document.documentElement.scrollWidth") <= NARROW
    lightness = chromium.run(
        "(() => { const style = getComputedStyle(document.body); "
        "return [style.color, style.backgroundColor].map((text) => text.match(/\\d+/g).slice(0, 3)"
        ".reduce((sum, each) => sum + Number(each), 0)); })()"
    )
    assert (lightness[0] > lightness[1]) == dark
    assert abs(lightness[0] - lightness[1]) > 400
    assert chromium.errors() == []


# Boxes of elements, as far as they are shown.
SHOWN = """
    const boxes = (selector) => [...document.querySelectorAll(selector)]
        .map((each) => each.getBoundingClientRect()).filter((box) => box.width > 0);
"""


@PAGES
@pytest.mark.parametrize("width", [NARROW, 1000])
def test_no_cell_is_cut(chromium: Browser, page: Path, width: int) -> None:
    """On a narrow screen, a row is a list of its cells, each with the title of its column."""
    chromium.show(page, width=width)
    cells = "table:not(.matrix) td, .bars span, .bars svg"
    edges = chromium.run(
        f"(() => {{ {SHOWN} const found = boxes('{cells}');"
        " return [found.length, Math.min(...found.map((box) => box.left)),"
        " Math.max(...found.map((box) => box.right))]; })()"
    )
    assert edges[0] > 5
    assert 0 <= edges[1] < edges[2] <= width
    if width != NARROW:
        return
    labels = chromium.run(
        "[...document.querySelectorAll('table:not(.matrix)')].map((table) => ["
        "[...table.querySelectorAll('th')].map((head) => JSON.stringify(head.textContent)),"
        "[...table.querySelector('tbody tr').cells]"
        ".map((cell) => getComputedStyle(cell, '::before').content)])"
    )
    assert labels
    assert all(heads == before for heads, before in labels)


@PAGES
def test_narrow_tables_are_tables(chromium: Browser, page: Path) -> None:
    """To those who do not see them, too."""
    chromium.show(page, width=NARROW)
    tree = chromium.ask("Accessibility.getFullAXTree")["nodes"]
    roles = [node["role"]["value"] for node in tree if not node["ignored"]]
    rows = chromium.run("[...document.querySelectorAll('tr')].length")
    heads, cells = (
        chromium.run(f"document.querySelectorAll('{name}').length") for name in ("thead th", "td")
    )
    empty = chromium.run("document.querySelectorAll('.stacked td:empty').length")
    assert roles.count("row") == rows
    assert roles.count("columnheader") == heads
    assert cells - empty <= roles.count("cell") + roles.count("gridcell") <= cells


@pytest.mark.parametrize("made", [check, diff])
@pytest.mark.parametrize("width", [NARROW, 1000])
def test_matrix_scrolls(chromium: Browser, page: Path, width: int) -> None:
    """Within a region that the keyboard reaches; the names of its rows and columns stay."""
    chromium.show(page, width=width, height=600)
    region = "document.querySelector('.matrix').closest('[tabindex=\"0\"][role=region][aria-label]')"
    chromium.run(f"{region}.scrollIntoView(); {region}.scrollTo(9999, 9999)")
    found = chromium.run(
        f"(() => {{ {SHOWN} const place = {region}.getBoundingClientRect();"
        " return [[place], boxes('.matrix tr:last-child td:last-child'), boxes('.matrix tr:last-child th'),"
        " boxes('.matrix thead th:last-child')].map((each) => {"
        " const box = each.at(-1); return [box.left, box.right, box.top, box.bottom]; }); })()"
    )
    (left, right, top, bottom), cell, row, column = found
    assert 0 <= left < right <= width
    for place in (cell, row, column):
        assert left - 1 <= place[0] < place[1] <= right + 1
        assert top - 1 <= place[2] < place[3] <= bottom + 1


@pytest.mark.parametrize(("width", "beside"), [(NARROW, False), (1280, False), (1400, True)])
def test_maps_of_a_pair(chromium: Browser, tmp_path: Path, width: int, beside: bool) -> None:
    """They lie beside each other where they fit, and below each other elsewhere."""
    path = tmp_path / "page.html"
    path.write_text(diff_of_two(tmp_path), encoding="utf-8")
    chromium.show(path, width=width)
    chromium.run("document.querySelector('details').open = true")
    one, other = chromium.run(
        "[...document.querySelector('.pair').querySelectorAll('svg')]"
        ".map((map) => map.getBoundingClientRect()).map((box) => [box.left, box.right, box.top, box.bottom])"
    )
    assert one[1] <= other[0] if beside else one[3] <= other[2]
    assert not beside or other[1] <= width


def test_maps_of_rows_that_are_left_out(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Maps are there until a text is typed that no row has."""
    monkeypatch.setattr("btfmmap.pages.diffs.MAX_ROWS", 1)
    page = tmp_path / "page.html"
    page.write_text(diff_of_two(tmp_path), encoding="utf-8")
    chromium.show(page)
    hidden = "[...document.querySelectorAll('details')].map((each) => each.hidden)"
    assert chromium.run("document.querySelectorAll('tr[data-m]').length") == 1
    assert chromium.run(hidden) == [False, False]
    chromium.write("#filter", "no such text")
    assert chromium.run(hidden) == [True, True]


@PAGES
def test_without_scripts(chromium: Browser, page: Path) -> None:
    """Everything is there, and what needs scripts is not shown."""
    chromium.set_scripts(enabled=False)
    try:
        chromium.show(page)
        text = page.read_text("utf-8")
        assert chromium.run("document.querySelector('#controls').hidden") is True
        assert chromium.run("document.querySelectorAll('tr').length") == text.count("<tr")
        assert chromium.run("document.querySelectorAll('svg title').length") == text.count("<title>") - 1
    finally:
        chromium.set_scripts(enabled=True)


@PAGES
def test_axe(chromium: Browser, page: Path) -> None:
    """axe-core finds nothing."""
    for dark in (False, True):
        chromium.show(page, width=NARROW if dark else 1280, dark=dark)
        assert chromium.violations() == []


def test_only_the_pages_script_runs(chromium: Browser, tmp_path: Path) -> None:
    """If escaping failed, the policy would still refuse a script."""
    path = tmp_path / "page.html"
    text = pages.struct_page(btfmmap.open(btfmmap.SAMPLE_BTF).layout("flow"))
    evil = "<script>document.title = 'evil'</script><img src='https://example.org/x.png'>"
    path.write_text(text.replace("<main>", f"<main>{evil}"))
    chromium.show(path)
    assert chromium.run("document.title") == "struct flow"
    assert len(chromium.errors()) >= 2
