"""What objects show in notebooks, and the keys that they complete."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requirements
from btf_writer import BtfWriter, every_kind
from hostile_names import NAMES, check_html, hostile_btf, hostile_object

import btfmmap
from btfmmap.html.tables import MAX_ROWS, shown_rows
from btfmmap.html.text import escaped, isolated, printable
from btfmmap.tables import Table


class Rows(HTMLParser):
    """Collects the cells of a table."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._is_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:  # noqa: ARG002
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self._is_cell = self._is_cell or tag in ("td", "th")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._is_cell = False

    def handle_data(self, data: str) -> None:
        if self._is_cell:
            self.rows[-1][-1] += data


def shown(subject: Any) -> str:
    page = subject._repr_html_()
    assert isinstance(page, str)
    return page


def rows(subject: Any) -> list[list[str]]:
    page = shown(subject)
    check_html(page)
    return Rows(page).rows


@pytest.fixture(scope="module")
def btf() -> btfmmap.Btf:
    return btfmmap.open(btfmmap.SAMPLE_BTF)


def test_elision_is_pandas() -> None:
    """The same rows as pandas shows, by default."""
    pd = requirements.package("pandas")
    for number in (0, 1, MAX_ROWS - 1, MAX_ROWS, MAX_ROWS + 1, 1000):
        found = Rows(pd.DataFrame({"x": np.arange(number)})._repr_html_()).rows[1:]
        wanted = [None if row[0] == "..." else int(row[0]) for row in found]
        assert shown_rows(number) == wanted


def test_table(btf: btfmmap.Btf) -> None:
    table = btf.vars
    found = rows(table)
    assert found[0] == ["", *table.columns]
    assert found[1:] == [
        [str(row), *(str(value) for value in table[row].values())] for row in range(len(table))
    ]


def test_long_table() -> None:
    table = Table.of({"number": np.arange(1000), "name": [str(each) for each in range(1000)]})
    found = rows(table)
    assert len(found) == 12
    assert found[1] == ["0", "0", "0"]
    assert found[-1] == ["999", "999", "999"]
    assert "1,000 rows" in table._repr_html_()


def test_type(btf: btfmmap.Btf) -> None:
    assert rows(btf["list"]) == [
        ["name", "type", "offset"],
        ["next", "struct list *", "0"],
        ["prev", "struct list *", "8"],
    ]
    assert ["priority", "__u32", "49", "1", "3"] in rows(btf["flow"])
    assert ["DENY", "-1"] in rows(btf["verdict"])
    assert ["size", "long"] in rows(btf["func judge"])
    assert rows(btf[0]) == [["type"], ["void"]]


@pytest.mark.parametrize("order", "<>")
def test_each_kind(order: str) -> None:
    btf = btfmmap.open(data=every_kind(order).build())
    for type_id in range(len(btf)):
        assert f"[{type_id}]" in shown(btf[type_id])


def test_layout(btf: btfmmap.Btf) -> None:
    layout = btf.layout("flow")
    found = rows(layout)
    members = sorted(layout.members, key=lambda member: member.offset)
    assert [row[5] for row in found[1:]] == [member.name for member in members]
    assert [row[1] for row in found[1:]] == [str(member.offset) for member in members]
    holes = [row[6] for row in found[1:] if "byte" in row[6]]
    assert sum(int(hole.split()[0]) for hole in holes) == layout.summary["hole_bytes"]


def test_graph(btf: btfmmap.Btf) -> None:
    found = {row[0]: int(row[1]) for row in rows(btf.graph)[1:]}
    assert sum(found.values()) == len(btf.graph.indices)
    assert found["member"] == len(btf.members)


def test_results(btf: btfmmap.Btf, tmp_path: Path) -> None:
    path, other = hostile_object(tmp_path), btfmmap.open(data=hostile_btf())
    checked = btfmmap.check([path], {"one": btf, "two": other})
    found = rows(checked)
    assert found[0] == ["object", "one", "two"]
    assert [row[1:] for row in found[1:]] == [
        [btfmmap.Verdict(verdict).name.lower() for verdict in row] for row in checked.verdict.T.tolist()
    ]
    differs = btfmmap.diff({"one": btf, "two": other, "three": tmp_path / "absent"})
    found = rows(differs)
    presence = differs.presence
    assert found[1][:2] == ["one", str((presence[:, 0] >= 0).sum())]
    assert found[2][2] == str(((presence[:, 1] >= 0) & (presence[:, 0] < 0)).sum())
    assert found[3][1] == "did not open"


def test_what_cannot_be_shown() -> None:
    """Notebooks then show the repr."""
    with btfmmap.open(btfmmap.SAMPLE_BTF) as btf:
        closed = btf["flow"], btf.layout("flow")
    assert [each._repr_html_() for each in closed] == [None, None]
    writer = BtfWriter()
    writer.add_struct("loop", 8, [("", 1, 0)])
    assert btfmmap.open(data=writer.build()).layout(1)._repr_html_() is None


@pytest.mark.parametrize("order", "<>")
def test_hostile_names(order: str, tmp_path: Path) -> None:
    btf = btfmmap.open(data=hostile_btf(order))
    for type_id in range(len(btf)):
        check_html(shown(btf[type_id]))
        if btf[type_id].kind == btfmmap.Kind.STRUCT:
            check_html(shown(btf.layout(type_id)))
    check_html(Table.of({"name": [name for name in NAMES if isinstance(name, str)]})._repr_html_())
    kernels = {name: btf for name in NAMES if isinstance(name, str)}
    check_html(btfmmap.check([hostile_object(tmp_path)], kernels)._repr_html_())
    check_html(btfmmap.diff(kernels)._repr_html_())


def test_text() -> None:
    assert printable("a" * 100) == "a" * 38 + "..." + "a" * 38
    assert printable("\u202e\x1b\udcff\n") == "\\u202e\\x1b\\udcff\\n"
    assert escaped("<a href=\"x\" title='y'>&") == "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;"
    assert isolated("\u05e9") == "<bdi>\u05e9</bdi>"
    assert isolated("name") == "name"


def completions(subject: Any, expression: str) -> list[str]:
    """What IPython completes after `subject["`."""
    found = requirements.package("IPython.core.completer")
    completer = found.IPCompleter(namespace={"subject": subject}, use_jedi=False)
    with found.provisionalcompleter():
        return [each.text for each in completer.completions(expression, len(expression))]


def test_key_completion(btf: btfmmap.Btf) -> None:
    assert set(btf._ipython_key_completions_()) == {name for name in btf.names() if name}
    assert btf.vars._ipython_key_completions_() == list(btf.vars.columns)
    assert btf["list"].members._ipython_key_completions_() == ["next", "prev"]
    assert btf.records("list", bytes(16))._ipython_key_completions_() == ["next", "prev"]
    with btfmmap.open_kernel(base=btf, modules=False) as kernel:
        assert set(kernel._ipython_key_completions_()) >= {"flow", "list"}


def test_ipython_completes_keys(btf: btfmmap.Btf) -> None:
    assert any("flow" in each for each in completions(btf, 'subject["fl'))
    assert any("linkage" in each for each in completions(btf.vars, 'subject["li'))
