"""Tables in the libraries that read Arrow equal the numpy columns, and share their memory."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from btf_writer import BtfWriter, every_kind
from requirements import package
from split_writer import SplitWriter

import btfmmap
from btfmmap import Btf, Kind, NotFoundError, Role
from btfmmap.tables import CLASSES, Table

pa = package("pyarrow")

TABLES = [*CLASSES, "layouts", "fingerprints"]
WORDS = {"kind": [kind.name for kind in Kind], "linkage": ["static", "global", "extern"]}
ODD_NAMES = [b"a", b"twelve bytes", b"thirteen byte", "größer als zwölf".encode(), b"x" * 300]


def odd_names(order: str, *more: bytes) -> Btf:
    """Ints with names on both sides of the limit of inlined views, one of them the tail of another."""
    writer = BtfWriter(order)
    for name in [*ODD_NAMES, *more]:
        writer.add_int(name)
    return btfmmap.open(data=bytes(writer.build()))


def split_btf() -> Btf:
    base = every_kind()
    writer = SplitWriter(base)
    writer.add_int("a name in the split BTF")
    writer.records.append(base.records[0])  # its name is in the base
    return btfmmap.open(data=bytes(writer.build()), base=btfmmap.open(data=bytes(base.build())))


BTFS: dict[str, Callable[[], Btf]] = {
    "sample": lambda: btfmmap.open(btfmmap.SAMPLE_BTF),
    "mapped file": lambda: btfmmap.open(btfmmap.SAMPLE_BTF, method="mmap"),
    "little-endian": lambda: btfmmap.open(data=bytes(every_kind("<").build())),
    "big-endian": lambda: btfmmap.open(data=bytes(every_kind(">").build())),
    "split": split_btf,
    "odd names": lambda: odd_names(">"),
    "not UTF-8": lambda: odd_names("<", b"\xff\xfe of more than twelve bytes", b"\xe2\x82"),
}


@pytest.fixture(params=BTFS)
def btf(request: pytest.FixtureRequest) -> Btf:
    return BTFS[request.param]()


def expected(table: Table) -> dict[str, list[Any]]:
    """The columns of a table, with the names of its numbers."""
    return {
        name: [WORDS[name][value] if value < len(WORDS[name]) else str(value) for value in column.tolist()]
        if name in WORDS
        else column.tolist()
        for name, column in dict(table).items()
    }


def raw(texts: list[str]) -> list[bytes]:
    return [text.encode(errors="surrogateescape") for text in texts]


def as_bytes(values: list[Any]) -> list[bytes]:
    return [value if isinstance(value, bytes) else value.encode() for value in values]


def read_by_pyarrow(pa: Any, table: Table) -> dict[str, list[Any]]:
    converted = pa.table(table)
    converted.validate(full=True)
    assert pa.schema(table) == converted.schema
    return converted.to_pydict()  # type: ignore[no-any-return]


def read_by_polars(polars: Any, table: Table) -> dict[str, list[Any]]:
    return polars.DataFrame(table).to_dict(as_series=False)  # type: ignore[no-any-return]


def read_by_pandas(pandas: Any, table: Table) -> dict[str, list[Any]]:
    if not hasattr(pandas.DataFrame, "from_arrow"):
        pytest.skip("pandas 3 reads Arrow, which needs Python 3.11")
    return {name: values.tolist() for name, values in pandas.DataFrame.from_arrow(table).items()}


def read_by_duckdb(duckdb: Any, table: Any) -> dict[str, list[Any]]:
    rows_of = table  # noqa: F841 (duckdb looks it up)
    found = duckdb.sql("select * from rows_of")
    rows = found.fetchall()
    return {name: [row[i] for row in rows] for i, name in enumerate(found.columns)}


def read_by_nanoarrow(nanoarrow: Any, table: Table) -> dict[str, list[Any]]:
    stream = nanoarrow.ArrayStream(table)
    names = [field.name for field in stream.schema.fields]
    rows = [*stream.iter_tuples()]
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


READERS = {
    "pyarrow": read_by_pyarrow,
    "polars": read_by_polars,
    "pandas": read_by_pandas,
    "duckdb": read_by_duckdb,
    "nanoarrow": read_by_nanoarrow,
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("library", READERS)
def test_libraries_read_the_columns(btf: Btf, library: str, name: str) -> None:
    table = getattr(btf, name)
    assert READERS[library](package(library), table) == expected(table)


@pytest.mark.parametrize("name", TABLES)
def test_names_are_those_of_the_btf(btf: Btf, name: str) -> None:
    table = getattr(btf, name)
    converted = table.to_arrow(names=btf)
    converted.validate(full=True)
    wanted: dict[str, list[bytes]] = {}
    if "name_off" in table.columns:
        wanted["name"] = raw(btf.strings(table.name_off))
    elif "id" in table.columns:
        wanted["name"] = raw(btf.names(table.id))
    if "parent" in table.columns:
        wanted["parent_name"] = raw(btf.names(table.parent))
        wanted["kind_name"] = raw(btf.kind_names(table.parent))
    elif "kind" not in table.columns:
        wanted["kind_name"] = raw(btf.kind_names(table.id))
    if "type" in table.columns:
        wanted["type_name"] = raw(btf.c_names(table.type))
    found = converted.to_pydict()
    assert {each: as_bytes(found.pop(each)) for each in wanted} == wanted
    assert found == expected(table)
    assert len(table.with_names(btf)) == len(table)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("library", ["polars", "duckdb"])
def test_libraries_read_the_names(btf: Btf, library: str, name: str) -> None:
    """As pyarrow does."""
    table = getattr(btf, name)
    wanted = table.to_arrow(names=btf)
    if library == "polars":
        package("polars")
        frame = table.to_polars(names=btf)
        found = {each: frame[each].to_list() for each in frame.columns}
    else:
        found = read_by_duckdb(package("duckdb"), table.with_names(btf))
    assert [*found] == wanted.column_names
    for each, values in found.items():
        if each.endswith("name"):
            assert as_bytes(values) == as_bytes(wanted[each].to_pylist())


@pytest.mark.parametrize(("which", "type_"), [("odd names", "string_view"), ("not UTF-8", "binary_view")])
def test_names_are_text_if_they_are_utf8(which: str, type_: str) -> None:
    btf = BTFS[which]()
    assert str(btf.types.to_arrow(names=btf).schema.field("name").type) == type_


@pytest.mark.parametrize("name", ["members", "params", "enumerators"])
def test_numbers_are_not_copied(name: str) -> None:
    table = getattr(btfmmap.open(btfmmap.SAMPLE_BTF), name)
    converted = pa.table(table)
    for column, array in dict(table).items():
        if array.dtype != bool:
            assert converted[column].chunk(0).buffers()[1].address == array.ctypes.data


@pytest.mark.parametrize("name", ["members", "params", "enumerators"])
def test_polars_does_not_copy_numbers(name: str) -> None:
    table = getattr(btfmmap.open(btfmmap.SAMPLE_BTF), name)
    frame = package("polars").DataFrame(table)
    for column, array in dict(table).items():
        if array.dtype != bool:
            assert frame[column].to_numpy(allow_copy=False).ctypes.data == array.ctypes.data


def test_names_are_views_into_the_strings_unless_these_may_change(tmp_path: Path) -> None:
    path = tmp_path / "copy.btf"
    path.write_bytes(Path(btfmmap.SAMPLE_BTF).read_bytes())
    buffer = bytearray(path.read_bytes())
    shared, mapped, borrowed = (
        btfmmap.open(path),
        btfmmap.open(path, method="mmap"),
        btfmmap.open(data=buffer),
    )
    texts = [each.types.to_arrow(names=each)["name"] for each in (shared, mapped, borrowed)]
    places = [text.chunk(0).buffers()[2].address for text in texts]
    assert places[0] == shared.string_section.ctypes.data
    assert places[1] != mapped.string_section.ctypes.data
    assert places[2] != borrowed.string_section.ctypes.data
    before = texts[0].to_pylist()
    path.write_bytes(bytes(len(buffer)))
    buffer[:] = bytes(len(buffer))
    assert texts[1].to_pylist() == texts[2].to_pylist() == before


def test_tables_outlive_their_btf() -> None:
    btf = btfmmap.open(btfmmap.SAMPLE_BTF)
    wanted, names = btf.members.bit_offset.tolist(), btf.strings(btf.members.name_off)
    converted = btf.members.to_arrow(names=btf)
    btf.close()
    del btf
    gc.collect()
    assert converted["bit_offset"].to_pylist() == wanted
    assert converted["name"].to_pylist() == names


def test_selections_and_texts_are_tables_too(btf: Btf) -> None:
    every_second = btf.types[::2]
    assert pa.table(every_second).to_pydict() == expected(every_second)
    table = Table.of({"text": ["a", "", "a"], "yes": np.array([True, False, True]), "n": np.arange(3) - 1})
    assert pa.table(table).to_pylist() == [
        {"text": "a", "yes": True, "n": -1},
        {"text": "", "yes": False, "n": 0},
        {"text": "a", "yes": True, "n": 1},
    ]
    assert pa.table(table[:0]).shape == (0, 3)


def test_polars_reads_empty_tables() -> None:
    table = Table.of({"text": ["a"], "yes": np.array([True]), "n": np.arange(1)})
    assert package("polars").DataFrame(table[:0]).shape == (0, 3)


def test_numbers_without_a_name_keep_their_number() -> None:
    writer = BtfWriter()
    prototype = writer.add(13)
    writer.add(12, "function", vlen=7, size_or_type=prototype)
    btf = btfmmap.open(data=bytes(writer.build()))
    assert pa.table(btf.funcs)["linkage"].to_pylist() == ["7"]
    wide = btf.vars[:0].__class__({"linkage": np.array([2**32 - 1], np.uint32)})
    assert pa.table(wide).to_pydict() == {"linkage": [2**32 - 1]}


def test_kernels_look_up_names_in_each_module() -> None:
    base = btfmmap.open(btfmmap.SAMPLE_BTF)
    kernel = btfmmap.open_kernel(base=base, modules=False)
    converted = kernel.members.to_arrow(names=kernel)
    assert converted["name"].to_pylist() == kernel.strings(kernel.members.module, kernel.members.name_off)
    assert converted["parent_name"].to_pylist() == base.names(base.members.parent)


def test_edges_of_a_graph(btf: Btf) -> None:
    for graph in (btf.graph, btf.graph.reverse):
        edges = pa.table(graph).to_pydict()
        assert edges["target"] == graph.indices.tolist()
        assert edges["role"] == [Role(role).name for role in graph.role.tolist()]
        assert edges["row"] == graph.row.tolist()
        starts = np.searchsorted(np.array(edges["source"]), np.arange(len(graph) + 1))
        assert starts.tolist() == graph.indptr.tolist()


def test_names_of_edges(btf: Btf) -> None:
    """As of tables: the names and kinds of both types, in all conversions."""
    for graph in (btf.graph, btf.graph.reverse):
        edges = graph.edges
        assert [*edges.columns] == ["source", "target", "role", "row"]
        assert np.shares_memory(edges.target, graph.indices) == (len(edges) > 0)
        assert not edges.source.flags.writeable
        wanted = {
            f"{end}_{what}": look_up(edges[end])
            for end in ("source", "target")
            for what, look_up in (("name", btf.names), ("kind_name", btf.kind_names))
        }
        for converted in (pa.table(graph.with_names(btf)), graph.to_arrow(names=btf), edges.to_arrow(btf)):
            found = converted.to_pydict()
            assert [*found] == [*edges.columns, *wanted]
            assert {name: found[name] for name in wanted} == wanted
        assert graph.to_arrow().column_names == [*edges.columns]
    package("polars")
    frame = btf.graph.to_polars(names=btf)
    assert frame.to_dict(as_series=False) == btf.graph.to_arrow(names=btf).to_pydict()
    assert btf.graph.to_polars().columns == [*btf.graph.edges.columns]


def test_edges_in_pandas(btf: Btf) -> None:
    package("pandas")
    frame = btf.graph.to_pandas(names=btf)
    found = btf.graph.to_arrow(names=btf).to_pydict()
    assert [*frame.columns] == [*found]
    assert [Role(role).name for role in frame.role] == found["role"]
    assert all(frame[name].tolist() == found[name] for name in found if name != "role")
    assert [*btf.graph.to_pandas().columns] == [*btf.graph.edges.columns]


def test_tables_that_are_no_edges_get_no_names_of_ends() -> None:
    btf = btfmmap.open(btfmmap.SAMPLE_BTF)
    table = Table.of({"target": np.array([1, 2], np.uint32)})
    assert table.to_arrow(names=btf).column_names == ["target"]


def test_names_of_another_btf_are_refused() -> None:
    with pytest.raises(NotFoundError, match=r"^no (type|string)"):
        btfmmap.open(btfmmap.SAMPLE_BTF).members.with_names(odd_names("<"))
    with pytest.raises(NotFoundError, match=r"^no type"):
        btfmmap.open(btfmmap.SAMPLE_BTF).graph.with_names(odd_names("<"))


def test_a_child_may_be_moved_out_of_its_parent() -> None:
    """As consumers do that keep one column of a batch."""
    column = pa.table(btfmmap.open(btfmmap.SAMPLE_BTF).types)["kind"].combine_chunks()
    gc.collect()
    assert column.dictionary.to_pylist() == [kind.name for kind in Kind]
    assert column[0].as_py() == "VOID"


def test_release_after_the_end_of_the_interpreter() -> None:
    """What a library still holds when Python ends is not released: there is no lock to take."""
    code = (
        "import btfmmap, pyarrow, ctypes\n"
        "table = pyarrow.table(btfmmap.open(btfmmap.SAMPLE_BTF).types)\n"
        "ctypes.pythonapi.Py_IncRef(ctypes.py_object(table))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
