"""The site builds without a warning, its links lead somewhere, and it has every public name and command."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import public_api
import pytest
import requirements
import site_pages
from browser import Browser, browser

import btfmmap
from btfmmap.cli import COMMANDS

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for name in ("furo", "myst_parser", "sphinx"):
        requirements.package(name)
    folder = tmp_path_factory.mktemp("site")
    program = ROOT / "tools" / "site_pages.py"
    # In a process of its own: Sphinx's extensions cause warnings of Python.
    done = subprocess.run(
        [sys.executable, program, folder / "html"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "html"


class Page(HTMLParser):
    """The targets and the links of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.ids.add(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in ("script", "img") and "src" in given:
            self.loaded.append(given["src"])
        if tag == "link" and given.get("rel") == "stylesheet":
            self.loaded.append(given["href"])


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html")}


def inventory(site: Path) -> dict[str, str]:
    """What other projects can link to: the role of each name."""
    data = (site / "objects.inv").read_bytes()
    lines = zlib.decompress(data.split(b"\n", 4)[4]).decode().splitlines()
    return {line.split()[0]: line.split()[1] for line in lines}


def test_links_lead_somewhere(pages: dict[Path, Page]) -> None:
    checked = 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.exists(), f"{path.name}: {link}"
            if parts.fragment and target.suffix == ".html":
                assert unquote(parts.fragment) in pages[target].ids, f"{path.name}: {link}"
            checked += 1
    assert checked > 1_000


def test_pages_load_nothing_from_the_network(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        assert not [link for link in page.loaded if urlsplit(link).scheme or link.startswith("//")], path


def public_names() -> Iterator[str]:
    """As the reference has them: in the package if they are exported there, else in their module."""
    for name in btfmmap.__all__:
        value = getattr(btfmmap, name)
        if inspect.ismodule(value):
            yield from (f"{name}.{each}" for each in value.__all__)
        elif not name.startswith("__"):
            yield name
    for name, value in public_api.public_classes().items():
        place = name if name in btfmmap.__all__ else f"{value.__module__.partition('.')[2]}.{name}"
        yield place
        for attribute in public_api.attributes(value):
            inherited = attribute.name not in vars(value)
            if not attribute.name.startswith("_") and attribute.value is not None and not inherited:
                yield f"{place}.{attribute.name}"


def test_reference_has_every_public_name(site: Path) -> None:
    known = inventory(site)
    assert not [name for name in public_names() if f"btfmmap.{name}" not in known]


def test_reference_has_inherited_names(site: Path) -> None:
    """Tables excepted, which would repeat the same methods."""
    known = inventory(site)
    for owner in ("Btf", "Kernel"):
        names = [name for name, _ in inspect.getmembers(getattr(btfmmap, owner)) if name[0] != "_"]
        assert not [name for name in names if f"btfmmap.{owner}.{name}" not in known]


def test_every_named_tuple_lists_its_fields(site: Path) -> None:
    text = "".join(path.read_text() for path in (site / "reference").glob("*.html"))
    assert "Alias for field number" not in text
    assert "byte_order" in (site / "reference" / "opening.html").read_text()


def test_every_command_has_a_page(site: Path) -> None:
    for command in COMMANDS:
        module = importlib.import_module(f"btfmmap.cli.{command.replace('-', '_')}")
        text = (site / "commands" / f"{command}.html").read_text()
        assert f"btfmmap {command} [OPTION ...]" in text
        assert module.__doc__ is not None


def test_every_page_is_in_the_contents() -> None:
    """A page that nobody lists cannot be found."""
    listed = {page for group in site_pages.CONTENTS.values() for page in group}
    found = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    assert found <= listed


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name of the base class)
        del format, args


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """The address of the site: browsers let a page in a file read less than one of a server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(requirements.tool("chromium"), tmp_path_factory.mktemp("profile")) as opened:
        yield opened


# One of each kind.
SHOWN = pytest.mark.parametrize(
    "page",
    ["index", "tutorial", "bpf-authors", "commands/show", "reference/index", "reference/values", "search"],
)


@SHOWN
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_page_in_a_browser(chromium: Browser, address: str, page: str, dark: bool) -> None:
    """No error, no request to others, and on a narrow screen only tables and code scroll sideways."""
    chromium.show(f"{address}{page}.html", width=400, dark=dark)
    assert chromium.run("document.documentElement.scrollWidth") <= 400
    assert chromium.errors() == []
    assert all(link.startswith((address, "data:")) for link in chromium.requests())


# What lies right of the screen, and not in a part of the page that scrolls and can have the focus.
CUT = """
    (() => {
        const scrolls = (each) => /auto|scroll/.test(getComputedStyle(each).overflowX);
        const region = (each) => {
            while (each && each !== document.body && !scrolls(each)) each = each.parentElement;
            return each === document.body ? null : each;
        };
        const edge = document.documentElement.clientWidth + 1;
        const wide = [...document.querySelectorAll("article *")]
            .filter((each) => each.getBoundingClientRect().width && each.getBoundingClientRect().right > edge)
            .map((each) => [each, region(each)]);
        return [wide.length, wide.filter(([, its]) => !its?.closest("[tabindex='0']"))
            .map(([each]) => each.outerHTML.slice(0, 200))];
    })()
"""


def test_nothing_is_cut_on_a_narrow_screen(chromium: Browser, address: str, pages: dict[Path, Page]) -> None:
    """No page is cut: what is wider scrolls within itself, with the keyboard too."""
    site = Path(os.path.commonpath([*pages]))
    wide = 0
    for path in pages:
        chromium.show(f"{address}{path.relative_to(site)}", width=400)
        assert chromium.run("document.documentElement.scrollWidth") <= 400, path.name
        found, cut = chromium.run(CUT)
        assert cut == [], path.name
        wide += found
        assert chromium.errors() == []
        assert all(link.startswith((address, "data:")) for link in chromium.requests())
    assert wide > 100


def test_search_finds_a_command(chromium: Browser, address: str) -> None:
    chromium.show(f"{address}search.html?q=holes")
    deadline = time.monotonic() + 60
    links: list[str] = []
    while not any("commands/holes" in link for link in links) and time.monotonic() < deadline:
        links = chromium.run("[...document.querySelectorAll('#search-results a')].map((each) => each.href)")
    assert any("commands/holes" in link for link in links)
    assert chromium.errors() == []


@SHOWN
def test_axe(chromium: Browser, address: str, page: str) -> None:
    for dark in (False, True):
        chromium.show(f"{address}{page}.html", width=400 if dark else 1280, dark=dark)
        assert chromium.violations() == []
