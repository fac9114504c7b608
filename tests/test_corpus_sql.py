"""The questions of docs/corpus-sql.md: DuckDB, Polars and the Python API give the same answers."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requirements
from stored_files import DATA

from btfmmap import Btf, corpus

PAGE = (Path(__file__).parent.parent / "docs" / "corpus-sql.md").read_text()
QUESTIONS = re.split(r"^## \d+\. ", PAGE, flags=re.MULTILINE)[1:]
KERNELS = ("6.12.73-cloud-amd64", "6.12.95-cloud-amd64", "7.2-amd64")
Rows = list[tuple[Any, ...]]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the page defines before the questions, with a corpus of three kernels, two of them parts."""
    for package in ("pyarrow", "duckdb", "polars"):
        requirements.package(package)
    folder = tmp_path_factory.mktemp("sql")
    for kernel in KERNELS:
        (stored,) = DATA.glob(f"{kernel}*.btf.xz")
        shutil.copy(stored, folder / f"{kernel}.btf.xz")
    corpus.build(folder / "kernels.corpus", folder)
    found: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for block in blocks(PAGE.partition("## 1.")[0], "python"):
            exec(block, found)
    yield found
    found["connection"].close()


def each_btf(opened: corpus.Corpus) -> Iterator[tuple[str, Btf]]:
    for number, name in enumerate(opened.kernels["name"].to_pylist()):
        yield name, opened.btf(number)


def history(opened: corpus.Corpus, path: str, *columns: str) -> Rows:
    return [
        tuple(row[column] for column in columns) for row in opened.history(path).to_pylist() if row["present"]
    ]


def of_table(table: Any, *columns: str) -> Rows:
    return [tuple(row[column] for column in columns) for row in table.to_pylist()]


def pointers(opened: corpus.Corpus) -> Rows:
    return [
        (name, owner, member)
        for name, btf in each_btf(opened)
        for owner, member, spelling in zip(
            btf.names(btf.members.parent),
            btf.strings(btf.members.name_off),
            btf.c_names(btf.members.type),
            strict=True,
        )
        if owner and spelling == "struct sk_buff *"
    ]


def functions(opened: corpus.Corpus) -> Rows:
    """The prototype of the API has the name of the function before its parameters."""
    return [
        (row["name"], row["kernel"], row["prototype"].replace(f"{row['name']}(", "(", 1))
        for row in opened.functions("*_vma").to_pylist()
    ]


def holes(opened: corpus.Corpus) -> Rows:
    return [
        (name, struct, hole_bytes)
        for name, btf in each_btf(opened)
        for struct, hole_bytes in zip(btf.names(btf.layouts.id), btf.layouts.hole_bytes.tolist(), strict=True)
        if struct and hole_bytes >= 200
    ]


def counts(opened: corpus.Corpus) -> Rows:
    found = Counter(
        (row["kernel"], row["kind"])
        for keyword in ("struct", "union", "func")
        for row in opened.presence(f"{keyword} *").to_pylist()
    )
    return [(*key, count) for key, count in found.items()]


ANSWERS: list[Callable[[corpus.Corpus], Rows]] = [
    lambda opened: history(opened, "task_struct.comm", "kernel", "bit_offset", "type"),
    lambda opened: of_table(opened.offsets(["sk_buff.len", "sk_buff.data"]), "kernel", "path", "bit_offset"),
    lambda opened: of_table(
        opened.size_changes(), "name", "old_kernel", "new_kernel", "old_size", "new_size"
    ),
    lambda opened: of_table(opened.presence("struct netns_*"), "name", "kernel", "size"),
    functions,
    lambda opened: history(opened, "enum cpuhp_state.CPUHP_ONLINE", "kernel", "value"),
    lambda opened: [(name,) for name in {*opened.diff().stable("struct").name.tolist()} if name],
    pointers,
    holes,
    counts,
]


@pytest.mark.parametrize("number", range(10), ids=lambda number: str(number + 1))
def test_engines_agree_with_the_api(number: int, names: dict[str, Any]) -> None:
    question = QUESTIONS[number]
    (query,), (program,) = blocks(question, "sql"), blocks(question, "python")
    expected = sorted(ANSWERS[number](names["opened"]))
    assert expected
    assert sorted(names["connection"].execute(query).fetchall()) == expected
    own = dict(names)
    exec(program, own)
    assert sorted(own["answer"].collect().rows()) == expected


def test_there_are_ten() -> None:
    assert len(QUESTIONS) == len(ANSWERS) == 10
