"""Every row of every table against what others read from the same bytes."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import bpftool_json as bpftool
import numpy as np
import pytest
from btf_writer import every_kind
from support import pure_python

import btfmmap
from btfmmap import Btf, Kind
from btfmmap.tables import ChildTable, Table

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

COLUMNS = {
    "types": ("id", "kind", "kind_flag", "vlen", "name_off", "size_or_type", "offset"),
    "members": ("parent", "name_off", "type", "bit_offset", "bitfield_size"),
    "params": ("parent", "name_off", "type"),
    "enumerators": ("parent", "name_off", "value", "signed"),
    "arrays": ("id", "type", "index_type", "nelems"),
    "ints": ("id", "size", "encoding", "bit_offset", "nr_bits"),
    "funcs": ("id", "name_off", "type", "linkage"),
    "vars": ("id", "name_off", "type", "linkage"),
    "secinfos": ("parent", "type", "offset", "size"),
    "decl_tags": ("id", "name_off", "type", "component_idx"),
}

# As bpftool writes them.
INT_ENCODINGS = {"(none)": 0, "SIGNED": 1, "CHAR": 2, "BOOL": 4}
LINKAGES = {"static": 0, "global": 1, "extern": 2}


@pytest.fixture(scope="module")
def btf(kernel: Path) -> Btf:
    return btfmmap.open(kernel)


def rows(btf: Btf, table: Table, *columns: str) -> list[tuple[Any, ...]]:
    """A table as tuples, with names in the place of their offsets."""
    return list(
        zip(
            *(
                btf.strings(table[column]) if column == "name_off" else table[column].tolist()
                for column in columns
            ),
            strict=True,
        )
    )


class TestAgainstBpftool:
    """`bpftool -j btf dump file`, record by record."""

    def children(self, kernel: Path, key: str, *fields: str) -> list[tuple[Any, ...]]:
        return [
            (record["id"], *(child.get(field, 0) for field in fields))
            for record in bpftool.records(kernel)
            for child in record.get(key, [])
        ]

    def of_kind(self, kernel: Path, kind: str) -> list[bpftool.Record]:
        return [record for record in bpftool.records(kernel) if record["kind"] == kind]

    def test_types(self, kernel: Path, btf: Btf) -> None:
        expected = [
            (
                record["id"],
                Kind[record["kind"]],
                bpftool.name(record["name"]),
                record.get("size", record.get("type_id", record.get("ret_type_id", 0)))
                if record["kind"] != "ARRAY"
                else 0,
            )
            for record in bpftool.records(kernel)
        ]
        assert rows(btf, btf.types[1:], "id", "kind", "name_off", "size_or_type") == expected

    def test_vlen(self, kernel: Path, btf: Btf) -> None:
        expected = [
            record.get("vlen", LINKAGES[record["linkage"]] if record["kind"] == "FUNC" else 0)
            for record in bpftool.records(kernel)
        ]
        assert btf.types.vlen[1:].tolist() == expected

    def test_kind_flag(self, kernel: Path, btf: Btf) -> None:
        kinds = [Kind[record["kind"]] for record in bpftool.records(kernel)]
        # bpftool shows the flag of these kinds; of a struct only where it has a bitfield.
        shown = {
            record["id"]: record.get("encoding") == "SIGNED" or record.get("fwd_kind") == "union"
            for record, kind in zip(bpftool.records(kernel), kinds, strict=True)
            if kind in (Kind.ENUM, Kind.ENUM64, Kind.FWD)
        }
        with_bitfields = {
            record["id"]
            for record in bpftool.records(kernel)
            if any("bitfield_size" in member for member in record.get("members", []))
        }
        flags = btf.types.kind_flag
        assert shown
        assert {type_id: bool(flags[type_id]) for type_id in shown} == shown
        assert all(flags[type_id] for type_id in with_bitfields)

    def test_counts(self, kernel: Path, btf: Btf) -> None:
        expected: dict[str, int] = {}
        for record in bpftool.records(kernel):
            expected[record["kind"]] = expected.get(record["kind"], 0) + 1
        numbers, counts = np.unique(btf.types.kind[1:], return_counts=True)
        assert {Kind(number).name: count for number, count in zip(numbers, counts, strict=True)} == expected

    def test_members(self, kernel: Path, btf: Btf) -> None:
        expected = [
            (parent, bpftool.name(name), *rest)
            for parent, name, *rest in self.children(
                kernel, "members", "name", "type_id", "bits_offset", "bitfield_size"
            )
        ]
        got = rows(btf, btf.members, "parent", "name_off", "type", "bit_offset", "bitfield_size")
        assert got == expected

    def test_params(self, kernel: Path, btf: Btf) -> None:
        expected = [
            (parent, bpftool.name(name), type_id)
            for parent, name, type_id in self.children(kernel, "params", "name", "type_id")
        ]
        assert rows(btf, btf.params, "parent", "name_off", "type") == expected

    def test_enumerators(self, kernel: Path, btf: Btf) -> None:
        expected = []
        for record in bpftool.records(kernel):
            signed = record.get("encoding") == "SIGNED"
            # bpftool sign-extends an ENUM's unsigned values.
            bits = 64 if signed or record["kind"] == "ENUM64" else 32
            for value in record.get("values", []):
                expected.append((record["id"], value["name"], value["val"] % 2**bits, signed))
        got = [
            (parent, name, value % 2**64, signed)
            for parent, name, value, signed in rows(
                btf, btf.enumerators, "parent", "name_off", "value", "signed"
            )
        ]
        assert got == [(*row[:2], row[2] % 2**64, row[3]) for row in expected]

    def test_arrays(self, kernel: Path, btf: Btf) -> None:
        expected = [
            (record["id"], record["type_id"], record["index_type_id"], record["nr_elems"])
            for record in self.of_kind(kernel, "ARRAY")
        ]
        assert rows(btf, btf.arrays, *COLUMNS["arrays"]) == expected

    def test_ints(self, kernel: Path, btf: Btf) -> None:
        expected = [
            (
                record["id"],
                record["size"],
                INT_ENCODINGS[record["encoding"]],
                record["bits_offset"],
                record["nr_bits"],
            )
            for record in self.of_kind(kernel, "INT")
        ]
        assert rows(btf, btf.ints, *COLUMNS["ints"]) == expected

    @pytest.mark.parametrize("kind", ["FUNC", "VAR"])
    def test_funcs_and_vars(self, kernel: Path, btf: Btf, kind: str) -> None:
        expected = [
            (record["id"], record["name"], record["type_id"], LINKAGES[record["linkage"]])
            for record in self.of_kind(kernel, kind)
        ]
        table = btf.funcs if kind == "FUNC" else btf.vars
        assert rows(btf, table, "id", "name_off", "type", "linkage") == expected

    def test_secinfos(self, kernel: Path, btf: Btf) -> None:
        expected = self.children(kernel, "vars", "type_id", "offset", "size")
        assert rows(btf, btf.secinfos, *COLUMNS["secinfos"]) == expected

    def test_decl_tags(self, kernel: Path, btf: Btf) -> None:
        expected = [
            (record["id"], record["name"], record["type_id"], record["component_idx"])
            for record in self.of_kind(kernel, "DECL_TAG")
        ]
        assert rows(btf, btf.decl_tags, "id", "name_off", "type", "component_idx") == expected


@pytest.mark.parametrize("table", TABLES)
def test_against_pure_python(kernel: Path, btf: Btf, table: str) -> None:
    """The straightforward parser that the benchmarks measure against reads the same words."""
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
    for key in (None, True, np.array(3), np.array([[1]]), (1, 2), ["id", "kind"]):
        with pytest.raises(IndexError, match="rows are selected"):
            types[key]  # type: ignore[index]


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
    copy = pickle.loads(pickle.dumps(members))
    assert type(copy) is type(members)
    assert all(np.array_equal(copy[column], members[column]) for column in members.columns)
    assert np.array_equal(copy.indptr, members.indptr)
