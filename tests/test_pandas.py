"""Tables and records as DataFrames; what numpy and pandas would misread is refused."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from btf_writer import PTR, UNION, BtfWriter, every_kind
from requirements import package
from stored_files import stored

import btfmmap
from btfmmap import Btf, Kernel, NotSupportedError, Records
from btfmmap.tables import CLASSES, Table

pd = package("pandas")


def a_record(order: str) -> Btf:
    """struct outer { int number; char text[4]; struct { short x; bool on; } inner; unsigned low:3, high:5;
    short list[3]; struct point { short a, b; } points[2]; __int128 big; union { int i; float f; } u; }"""
    writer = BtfWriter(order)
    number = writer.add_int()
    char = writer.add_int("char", 1, encoding=1)
    short = writer.add_int("short", 2)
    boolean = writer.add_int("_Bool", 1, encoding=4)
    unsigned = writer.add_int("unsigned int", 4, encoding=0)
    text = writer.add_array(char, number, 4)
    inner = writer.add_struct("inner", 4, [("x", short, 0), ("on", boolean, 16)])
    shorts = writer.add_array(short, number, 3)
    point = writer.add_struct("point", 4, [("a", short, 0), ("b", short, 16)])
    points = writer.add_array(point, number, 2)
    big = writer.add_int("__int128", 16)
    real = writer.add(16, "float", size_or_type=4)
    either = writer.add_struct("either", 4, [("i", number, 0), ("f", real, 0)], kind=UNION)
    members = [
        ("number", number, 0),
        ("text", text, 32),
        ("inner", inner, 64),
        ("low", unsigned, 3 << 24 | 96),
        ("high", unsigned, 5 << 24 | 99),
        ("list", shorts, 128),
        ("points", points, 176),
        ("big", big, 256),
        ("u", either, 384),
    ]
    writer.add_struct("outer", 52, members, kind_flag=True)
    return btfmmap.open(data=writer.build())


def bytes_of(order: str, row: int) -> bytes:
    bits = row % 8 | (row + 1) << 3 if order == "<" else (row % 8) << 5 | row + 1
    packed = struct.pack(
        f"{order}i4shBxB3x3h4h2x16sf",
        row - 1,
        b"ab",
        -row,
        row % 2,
        bits,
        1,
        2,
        row,
        3,
        4,
        5,
        row,
        b"B" * 16,
        row,
    )
    assert len(packed) == 52
    return packed


@pytest.fixture(params="<>")
def records(request: pytest.FixtureRequest) -> Records:
    order: str = request.param
    return a_record(order).records("outer", b"".join(bytes_of(order, row) for row in range(3)))


def tables() -> dict[str, Table]:
    btf = btfmmap.open(data=every_kind().build())
    kernel = Kernel(btf, {}, {}, owns_base=False)
    found = {name: getattr(btf, name) for name in CLASSES}
    found |= {f"kernel.{name}": getattr(kernel, name) for name in CLASSES}
    return found | {
        "layouts": btf.layouts,
        "a selection": btf.types[btf.types.kind == 4],
        "no rows": btf.types[:0],
        "copied": btf.members[[0, 2, 1]],
    }


TABLES = tables()


@pytest.mark.parametrize("name", TABLES)
def test_a_table(name: str) -> None:
    table = TABLES[name]
    frame = table.to_pandas()
    assert type(frame) is pd.DataFrame
    assert tuple(frame.columns) == table.columns
    assert len(frame) == len(table)
    assert list(frame.index) == list(range(len(table)))
    for column in table.columns:
        values = frame[column].to_numpy()
        assert values.dtype == table[column].dtype
        assert values.tolist() == table[column].tolist()
        assert not len(table) or np.shares_memory(values, table[column])
    pd.testing.assert_frame_equal(frame, pd.DataFrame(dict(table)), check_column_type=False)


def test_a_frame_of_a_table_is_usable() -> None:
    btf = btfmmap.open(data=every_kind().build())
    frame = btf.members.to_pandas()
    frame["name"] = btf.strings(btf.members.name_off)
    assert frame.groupby("parent").size().sum() == len(btf.members)
    assert frame[frame.bitfield_size > 0]["name"].tolist() == ["bit", "rest"]
    copied = frame.copy()
    copied.loc[0, "bit_offset"] = 7
    assert copied.bit_offset[0] == 7
    assert btf.members.bit_offset[0] == 0


@pytest.mark.parametrize("name", [*CLASSES, "layouts"])
def test_names_of_a_table(name: str) -> None:
    """They are those of `with_names`, which are columns for libraries that read Arrow."""
    btf = btfmmap.open(data=every_kind().build())
    table: Table = getattr(btf, name)
    arrow = package("pyarrow").table(table.with_names(btf))
    frame = table.to_pandas(names=btf)
    assert frame.columns.tolist() == arrow.column_names
    for column in frame.columns[len(table.columns) :]:
        assert frame[column].tolist() == arrow[column].to_pylist()


def test_names_of_another_table() -> None:
    btf = btfmmap.open(data=every_kind().build())
    with pytest.raises(TypeError, match="take"):
        btf.members.to_pandas(names="struct")  # type: ignore[arg-type]
    with pytest.raises(btfmmap.NotFoundError):
        btfmmap.open(btfmmap.SAMPLE_BTF).members.to_pandas(names=btfmmap.open(data=BtfWriter().build()))


def test_names_of_a_kernel(tmp_path: Path) -> None:
    """Each row is looked up in the BTF of its module."""
    (tmp_path / "vmlinux").write_bytes(stored("7.2-amd64.btf"))
    (tmp_path / "tun.ko").write_bytes(stored("tun.ko"))
    with btfmmap.open_kernel(tmp_path) as kernel:
        members = kernel.members[kernel.members.module == 1]
        frame = members.to_pandas(names=kernel)
        tun = kernel.modules["tun"]
        assert frame["name"].tolist() == tun.strings(members.name_off)
        assert frame["parent_name"].tolist() == tun.names(members.parent)
        assert frame["type_name"].tolist() == tun.c_names(members.type)


MISREADINGS: dict[str, Callable[[Any], object]] = {
    "asarray": np.asarray,
    "array": np.array,
    "asanyarray": np.asanyarray,
    "with dtype": lambda table: np.asarray(table, dtype=object),
    "with copy": lambda table: np.array(table, copy=True),
    "a list of them": lambda table: np.array([table]),
    "concatenate": lambda table: np.concatenate([table, table]),
    "a ufunc": lambda table: np.add(table, 1),
    "DataFrame": lambda table: pd.DataFrame(table),
    "DataFrame of columns": lambda table: pd.DataFrame(table, columns=["a"]),
    "Series": lambda table: pd.Series(table),
    "Index": lambda table: pd.Index(table),
}


@pytest.mark.parametrize("reading", MISREADINGS)
@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_no_array(name: str, reading: str) -> None:
    with pytest.raises(TypeError, match=r"dict\(table\).*to_pandas\(\)"):
        MISREADINGS[reading](TABLES[name])


@pytest.mark.parametrize("reading", MISREADINGS)
def test_records_are_no_array(records: Records, reading: str) -> None:
    for several in (records, records.inner, records.points):
        with pytest.raises(TypeError, match=r"to_dict\(\).*to_pandas\(\)"):
            MISREADINGS[reading](several)
    # pandas asks a Series' data for its length first.
    with pytest.raises(TypeError, match=r"to_pandas\(\)|a single record has no length"):
        MISREADINGS[reading](records[0])


class TestRecords:
    NAMES = ("number", "text", "inner.x", "inner.on", "low", "high", "list", "points.a", "points.b", "big")

    def test_columns(self, records: Records) -> None:
        frame = records.to_pandas()
        assert tuple(frame.columns) == (*self.NAMES, "u.i", "u.f")
        assert list(frame.index) == [0, 1, 2]
        dtypes = ("i4", "O", "i2", "?", "u8", "u8", "O", "O", "O", "O", "i4", "f4")
        assert [column.dtype for _, column in frame.items()] == [np.dtype(name) for name in dtypes]
        assert frame.number.tolist() == [-1, 0, 1]
        assert frame.text.tolist() == [b"ab"] * 3
        assert frame["inner.x"].tolist() == [0, -1, -2]
        assert frame["inner.on"].tolist() == [False, True, False]
        assert frame.low.tolist() == [0, 1, 2]
        assert frame.high.tolist() == [1, 2, 3]
        assert [cell.tolist() for cell in frame["list"]] == [[1, 2, row] for row in range(3)]
        assert [cell.tolist() for cell in frame["points.a"]] == [[3, 5]] * 3
        assert [cell.tolist() for cell in frame["points.b"]] == [[4, row] for row in range(3)]
        assert frame.big.tolist() == [b"B" * 16] * 3
        assert frame["u.f"].tolist() == [0.0, 1.0, 2.0]

    def test_it_can_be_written_to(self, records: Records) -> None:
        frame = records.to_pandas()
        frame.loc[0, "number"] = 5
        assert records.number[0] == -1
        assert frame.sort_values("number").number.tolist() == [0, 1, 5]

    def test_one(self, records: Records) -> None:
        expected = records.to_pandas()[1:2].reset_index(drop=True)
        found = records[1].to_pandas()
        assert len(found) == 1
        for name in (*self.NAMES[:6], "u.i"):
            assert found[name].tolist() == expected[name].tolist()

    def test_none(self, records: Records) -> None:
        frame = records[:0].to_pandas()
        assert frame.shape == (0, 12)

    def test_texts(self) -> None:
        writer = BtfWriter()
        number, char = writer.add_int(), writer.add_int("char", 1, encoding=1)
        state = writer.add_enum("state", [("IDLE", 0), ("BUSY", 1)])
        text = writer.add_array(char, number, 4)
        inner = writer.add_struct("inner", 8, [("state", state, 0), ("name", text, 32)])
        writer.add_struct("task", 12, [("inner", inner, 0), ("pid", number, 64)])
        btf = btfmmap.open(data=writer.build())
        records = btf.records("task", struct.pack("=i4sii4si", 1, b"ab", 7, 5, b"c\xff", 8))
        frame = records.to_pandas(enum_names=True, text=True)
        assert frame.columns.tolist() == ["inner.state", "inner.name", "pid"]
        assert frame["inner.state"].tolist() == ["BUSY", "5"]
        assert frame["inner.name"].tolist() == ["ab", "c\udcff"]
        assert records.to_pandas()["inner.name"].tolist() == [b"ab", b"c\xff"]

    def test_structs_in_them(self, records: Records) -> None:
        assert records.inner.to_pandas().to_dict("list") == {"x": [0, -1, -2], "on": [False, True, False]}
        assert [cell.tolist() for cell in records.points.to_pandas().a] == [[3, 5]] * 3


def test_names_that_meet() -> None:
    """A name may contain any letters, those of a path too."""
    writer = BtfWriter()
    number = writer.add_int()
    inner = writer.add_struct("inner", 4, [("x", number, 0)])
    writer.add_struct("outer", 8, [("a.x", number, 0), ("a", inner, 32)])
    frame = btfmmap.open(data=writer.build()).records("outer", struct.pack("<2i", 1, 2)).to_pandas()
    assert list(frame.columns) == ["a.x", "a.x"]
    assert frame.to_numpy().tolist() == [[1, 2]]


def test_no_members() -> None:
    writer = BtfWriter()
    writer.add_struct("opaque", 4, [])
    frame = btfmmap.open(data=writer.build()).records("opaque", bytes(12)).to_pandas()
    assert frame.shape == (3, 0)


def unions_of_unions(levels: int) -> tuple[Btf, int]:
    """Unions that each contain the one before twice: 2^levels numbers in four bytes."""
    writer = BtfWriter()
    last = writer.add_int()
    for level in range(levels):
        last = writer.add_struct(f"u{level}", 4, [("a", last, 0), ("b", last, 0)], kind=UNION)
    return btfmmap.open(data=writer.build()), last


def test_more_columns_than_can_be() -> None:
    btf, union = unions_of_unions(3)
    assert btf.records(union, bytes(8)).to_pandas().shape == (2, 8)
    btf, union = unions_of_unions(17)
    with pytest.raises(NotSupportedError, match="more than 65,536 columns"):
        btf.records(union, bytes(8)).to_pandas()
    # numpy itself does not end here.
    btf, union = unions_of_unions(40)
    for question in (btf.dtype, lambda type_id: btf.records(type_id, bytes(8))):
        with pytest.raises(NotSupportedError, match="has more than 262,144 members"):
            question(union)


def test_pointers_of_another_size() -> None:
    writer = BtfWriter()
    pointer = writer.add(PTR, size_or_type=writer.add_int("long", 4))
    writer.add_struct("holder", 4, [("pointer", pointer, 0)])
    btf = btfmmap.open(data=writer.build())
    assert btf.records("holder", struct.pack("<2I", 1, 2**32 - 1)).to_pandas().pointer.tolist() == [
        1,
        2**32 - 1,
    ]


@pytest.mark.parametrize("make", [lambda btf: btf.types, lambda btf: btf.records("pair", bytes(16))])
def test_without_the_extra(make: Callable[[Btf], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(NotSupportedError, match=r"needs the package pandas: pip install 'btfmmap\[pandas\]'"):
        make(btfmmap.open(data=every_kind().build())).to_pandas()
