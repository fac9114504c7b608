"""Every row of every table, against other readers of the same bytes."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpftool_json as bpftool
import numpy as np
import pytest
from btf_writer import every_kind
from support import pure_python
from table_rows import COLUMNS, check_kind_flags, expected_tables, rows

import btfmmap
from btfmmap import Btf, Kind
from btfmmap.tables import ChildTable, Table

if TYPE_CHECKING:
    from btfmmap.tables import U8, Text

CHILD_TABLES = ("members", "params", "enumerators", "secinfos")
TABLES = ("types", "arrays", "ints", "funcs", "vars", "decl_tags", *CHILD_TABLES)

DTYPES = {
    "kind": "u1",
    "kind_flag": "?",
    "bitfield_size": "u1",
    "value": "i8",
    "signed": "?",
    "encoding": "u1",
    "nr_bits": "u1",
    "component_idx": "i4",
    ("ints", "bit_offset"): "u1",
    ("funcs", "linkage"): "u1",
}


@pytest.fixture(scope="module")
def btf(kernel: Path) -> Btf:
    return btfmmap.open(kernel)


@pytest.mark.parametrize("table", TABLES)
def test_against_bpftool(kernel: Path, btf: Btf, table: str) -> None:
    assert rows(btf, table) == expected_tables(bpftool.records(kernel))[table]


def test_kind_flags_against_bpftool(kernel: Path, btf: Btf) -> None:
    check_kind_flags(btf, bpftool.records(kernel))


@pytest.mark.parametrize("table", TABLES)
def test_against_pure_python(kernel: Path, btf: Btf, table: str) -> None:
    """The plain parser that the benchmarks measure against reads the same words."""
    expected = pure_python.parse(kernel.read_bytes())[table]
    columns = [getattr(btf, table)[column].tolist() for column in COLUMNS[table]]
    assert list(zip(*columns, strict=True)) == expected


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("header_size", [24, 32, 40])
@pytest.mark.parametrize("table", TABLES)
def test_every_kind(order: str, header_size: int, table: str) -> None:
    blob = every_kind(order, header_size).build()
    btf = btfmmap.open(data=blob)
    expected = pure_python.parse(blob)[table]
    assert expected
    columns = [getattr(btf, table)[column].tolist() for column in COLUMNS[table]]
    assert list(zip(*columns, strict=True)) == expected


@pytest.mark.parametrize("name", TABLES)
def test_shape(name: str) -> None:
    table = getattr(btfmmap.open(data=every_kind().build()), name)
    assert table.columns == table.keys() == tuple(table) == COLUMNS[name]
    assert dict(table).keys() == set(COLUMNS[name])
    for column in table.columns:
        array = getattr(table, column)
        assert array is table[column]
        assert array.shape == (len(table),)
        assert array.dtype == np.dtype(DTYPES.get((name, column), DTYPES.get(column, "u4")))
        assert array.dtype.isnative


@pytest.mark.parametrize("name", TABLES)
def test_copies_are_read_only(name: str) -> None:
    table = getattr(btfmmap.open(btfmmap.SAMPLE_BTF), name)
    for copied in (pickle.loads(pickle.dumps(table)), copy.deepcopy(table)):
        assert repr(copied) == repr(table)
        arrays = [*dict(copied).values(), *([copied.indptr] if isinstance(table, ChildTable) else [])]
        assert not any(array.flags.writeable for array in arrays)


@pytest.mark.parametrize("name", TABLES)
def test_read_only(name: str) -> None:
    table = getattr(btfmmap.open(data=every_kind().build()), name)
    arrays = [
        *dict(table).values(),
        *dict(table[1:]).values(),
        *dict(table[table[table.columns[0]] > 0]).values(),
    ]
    if isinstance(table, ChildTable):
        arrays.append(table.indptr)
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    for array in dict(table).values():
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
    with pytest.raises(AttributeError, match="read-only"):
        table.id = 0
    with pytest.raises(AttributeError, match="read-only"):
        del table.id


class Named(Table):
    name: Text
    size: U8


class TestText:
    """Tables of results have columns of text."""

    def table(self) -> Named:
        return Named.of({"name": ["a\x1b[31m", "b" * 100, ""], "size": np.array([4, 8, 16], np.uint8)})

    def test_rows_and_selections(self) -> None:
        table = self.table()
        assert table[1] == {"name": "b" * 100, "size": 8}
        assert table[table.name == ""].size.tolist() == [16]
        assert table[::2].name.tolist() == ["a\x1b[31m", ""]
        assert type(table[0]["name"]) is str
        assert table.to_pandas().name.tolist() == table.name.tolist()

    def test_repr(self) -> None:
        """Names of a hostile file change nothing on a terminal, and long ones keep both ends."""
        assert repr(self.table()).splitlines() == [
            "Named: 3 rows",
            "   name                                     size",
            "0  a\\x1b[31m                                   4",
            f"1  {'b' * 18}...{'b' * 18}     8",
            "2                                             16",
        ]

    def test_read_only(self) -> None:
        sizes = np.array([1])
        table = Named.of({"size": sizes, "name": ["x"]})
        sizes[0] = 2  # the caller's own array stays writable
        assert table.size.tolist() == [2]
        for copied in (table, pickle.loads(pickle.dumps(table)), table[:]):
            for column in dict(copied).values():
                with pytest.raises(ValueError, match="read-only"):
                    column[0] = 3

    def test_sequences_as_text(self) -> None:
        """Each item is one, whatever it could be converted to."""
        assert Named.of({"name": ["1", "2"]}).name.tolist() == ["1", "2"]
        assert len(Table.of({"name": [], "size": np.empty(0)})) == 0

    def test_refused(self) -> None:
        columns: Any
        with pytest.raises(ValueError, match="must not start with '_': '_count'"):
            Table.of({"_count": np.array([1])})
        for columns in ({}, {"a": ["x"], "b": ["x", "y"]}, {"a": np.zeros((2, 2))}, {"a": np.array(1)}):
            with pytest.raises(ValueError, match="one dimension and equal lengths"):
                Table.of(columns)


@pytest.mark.parametrize("name", CHILD_TABLES)
def test_indptr(btf: Btf, name: str) -> None:
    table = getattr(btf, name)
    assert table.indptr.shape == (len(btf.types) + 1,)
    assert table.indptr[0] == 0
    assert table.indptr[-1] == len(table)
    counts = np.bincount(table.parent.astype(np.intp), minlength=len(btf.types))
    assert np.array_equal(np.diff(table.indptr.astype(np.int64)), counts)
    assert np.all(np.diff(table.parent.astype(np.int64)) >= 0)
    with pytest.raises(AttributeError, match="selection"):
        _ = table[1:].indptr


class TestOnDemand:
    """Columns are built when they are first asked for."""

    @pytest.mark.parametrize("name", TABLES)
    def test_one_at_a_time(self, name: str) -> None:
        """Each is the same as if all are built together, in any order."""
        content = every_kind().build()
        expected = dict(getattr(btfmmap.open(data=content), name))
        for order in (list(expected), list(expected)[::-1]):
            table = getattr(btfmmap.open(data=content), name)
            assert len(table) == len(next(iter(expected.values())))
            for number, column in enumerate(order, 1):
                found = getattr(table, column)
                assert found.dtype == expected[column].dtype
                assert np.array_equal(found, expected[column])
                assert found is getattr(table, column) is table[column]
                assert len(vars(table).keys() & expected.keys()) == number, "the others are not built"

    def test_after_close(self) -> None:
        with btfmmap.open(data=every_kind().build()) as btf:
            expected = btf.members.bit_offset.tolist()
        with btfmmap.open(data=every_kind().build()) as btf:
            members = btf.members
        assert members.bit_offset.tolist() == expected
        assert members.indptr[-1] == len(members)

    @pytest.mark.parametrize("name", TABLES)
    def test_copied(self, name: str) -> None:
        """A copy has all columns."""
        btf = btfmmap.open(data=every_kind().build())
        copied = copy.copy(getattr(btf, name))
        for column, values in dict(getattr(btf, name)).items():
            assert np.array_equal(copied[column], values)

    def test_listed(self) -> None:
        """Completion knows columns that were not asked for."""
        members = btfmmap.open(data=every_kind().build()).members
        before = dir(members)
        assert {"bit_offset", "indptr", "to_pandas"} <= {*before}
        _ = dict(members), members.indptr
        assert dir(members) == before

    def test_no_such_column(self) -> None:
        types = btfmmap.open(data=every_kind().build()).types
        with pytest.raises(AttributeError, match="'Types' object has no attribute 'member'"):
            _ = types.member  # type: ignore[attr-defined]  # a type checker says so, too
        with pytest.raises(KeyError, match="indptr"):
            _ = btfmmap.open(data=every_kind().build()).members["indptr"]


def test_void_row(btf: Btf) -> None:
    assert set(btf.types[0].values()) == {0}


def test_selecting() -> None:
    types = btfmmap.open(data=every_kind().build()).types
    assert types[3] == {column: types[column][3] for column in types.columns}
    assert types[-1]["id"] == len(types) - 1
    assert types[2:5].id.tolist() == [2, 3, 4]
    assert types[types.kind == Kind.INT].id.tolist() == [1, 2, 3, 4]
    assert types[np.array([4, 2])].id.tolist() == [4, 2]
    with pytest.raises(IndexError):
        types[len(types)]
    with pytest.raises(KeyError):
        types["no_such_column"]
    for key in (None, True, np.array(3), np.array([[1]]), (1, 2), 1.5):
        with pytest.raises(IndexError, match="rows are selected"):
            types[key]  # type: ignore[index]
    with pytest.raises(IndexError, match=r"table\['id'\] is one column"):
        types[["id", "kind"]]  # type: ignore[index]


def test_empty() -> None:
    btf = btfmmap.open(data=every_kind().build(types=b"", str_off=0))
    assert len(btf) == len(btf.types) == 1
    for name in TABLES[1:]:
        table = getattr(btf, name)
        assert len(table) == 0
        assert "0 rows" in repr(table)


def test_repr_shows_both_ends(btf: Btf) -> None:
    text = repr(btf.types)
    assert text.startswith(f"Types: {len(btf)} rows\n")
    for column in COLUMNS["types"]:
        assert column in text
    assert str(btf.types.offset[-1]) in text.splitlines()[-1]


def test_pickled_table() -> None:
    members = btfmmap.open(data=every_kind().build()).members
    pickled = pickle.loads(pickle.dumps(members))
    assert type(pickled) is type(members)
    assert all(np.array_equal(pickled[column], members[column]) for column in members.columns)
    assert np.array_equal(pickled.indptr, members.indptr)
