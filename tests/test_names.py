"""Names to ids and back, against bpftool's list of the same file."""

from __future__ import annotations

import re
from pathlib import Path

import bpftool_json as bpftool
import btf_writer
import numpy as np
import pytest
from btf_writer import BtfWriter, every_kind

import btfmmap
from btfmmap import Kind, NotFoundError


def test_every_name(kernel: Path) -> None:
    btf = btfmmap.open(kernel)
    expected = ["void"] + [bpftool.name(record["name"]) for record in bpftool.records(kernel)]
    assert btf.names() == expected
    assert btf.names(range(len(btf))) == expected
    assert btf.names(btf.types.id[::-7]) == expected[::-7]
    assert [btf.name(type_id) for type_id in (0, 1, len(btf) - 1)] == [expected[0], expected[1], expected[-1]]


def test_find_every_name(kernel: Path) -> None:
    btf = btfmmap.open(kernel)
    by_name: dict[str, list[int]] = {"void": [0]}
    for record in bpftool.records(kernel):
        by_name.setdefault(bpftool.name(record["name"]), []).append(record["id"])
    del by_name[""]
    assert {name: btf.find_all(name) for name in by_name} == by_name
    assert {name: btf.find(name) for name in by_name} == {name: ids[0] for name, ids in by_name.items()}
    assert btf.find("") is None
    assert btf.find_all("") == []
    for absent in ("no such type", "task_struc", "task_struct1", "int\0", "int\0x"):
        assert btf.find(absent) is None
        assert btf.find_all(absent) == []


def test_find_by_kind(kernel: Path) -> None:
    btf = btfmmap.open(kernel)
    keywords = {"STRUCT": "struct", "UNION": "union", "ENUM": "enum", "ENUM64": "enum"}
    with pytest.raises(TypeError, match="kind is 'struct', must be a Kind"):
        btf.find("task_struct", kind="struct")  # type: ignore[arg-type]
    by_kind: dict[tuple[str, str], list[int]] = {}
    by_keyword: dict[str, list[int]] = {}
    for record in bpftool.records(kernel):
        name = bpftool.name(record["name"])
        if name:
            by_kind.setdefault((name, record["kind"]), []).append(record["id"])
            if record["kind"] in keywords:
                by_keyword.setdefault(f"{keywords[record['kind']]} {name}", []).append(record["id"])
    for (name, kind), ids in list(by_kind.items())[::5]:
        assert btf.find_all(name, Kind[kind]) == ids
        assert btf.find(name, Kind[kind]) == ids[0]
    for name, ids in by_keyword.items():
        assert btf.find_all(name) == ids
        assert btf[name].id == ids[0]


def test_spelling() -> None:
    writer = BtfWriter()
    writer.add(btf_writer.FWD, "x")
    writer.add_struct("x", 0, [])
    writer.add_struct("x", 0, [], kind=btf_writer.UNION)
    writer.add_enum64("x", [])
    writer.add_enum("x", [])
    writer.add_int("struct x")
    btf = btfmmap.open(data=writer.build())
    assert btf.find_all("x") == [1, 2, 3, 4, 5]
    assert btf.find_all("struct x") == [2]
    assert btf.find_all("union  x ") == [3]
    assert btf.find_all("enum x") == [4, 5]
    assert btf.find("enum x", Kind.ENUM) == 5
    assert btf.find("x", Kind.INT) is None
    assert btf.find("x", 127) is None
    with pytest.raises(ValueError, match="says struct"):
        btf.find("struct x", Kind.UNION)
    with pytest.raises(ValueError, match="must be below 128"):
        btf.find("x", 128)
    with pytest.raises(ValueError, match="256, must be below 128"):
        btf.find("x", 256)


def test_void() -> None:
    """void is found, as by libbpf's btf__find_by_name, which returns 0."""
    btf = btfmmap.open(data=every_kind().build())
    assert btf.name(0) == "void"
    assert btf.find("void") == 0
    assert btf.find("void", Kind.VOID) == 0
    assert btf.find("void", Kind.INT) is None
    assert btf["void"].kind == Kind.VOID


def test_any_bytes_in_a_name() -> None:
    writer = BtfWriter()
    writer.add(btf_writer.FWD, b"\xff\xfe caf\xc3\xa9")
    btf = btfmmap.open(data=writer.build())
    assert btf.name(1) == "\udcff\udcfe café"
    assert btf.find(btf.name(1)) == 1
    with pytest.raises(UnicodeEncodeError):
        btf.find("\ud800")


def test_names_that_share_bytes() -> None:
    """Offsets into the middle of a string are valid."""
    writer = BtfWriter()
    offset = writer.string("long_name")
    for shift in (0, 5):
        writer.records.append(writer.words(offset + shift, btf_writer.FWD << 24, 0))
    btf = btfmmap.open(data=writer.build())
    assert btf.names() == ["void", "long_name", "name"]
    assert (btf.find("long_name"), btf.find("name"), btf.find("ame")) == (1, 2, None)


def test_long_names() -> None:
    """Names longer than the hashed part that differ only at the end."""
    writer = BtfWriter()
    names = ["x" * 200 + suffix for suffix in ("", "a", "b")]
    for name in names * 2:
        writer.add(btf_writer.FWD, name)
    btf = btfmmap.open(data=writer.build())
    assert [btf.find_all(name) for name in names] == [[1, 4], [2, 5], [3, 6]]
    assert btf.find("x" * 199) is None


def test_a_million_records_of_one_long_name() -> None:
    """Time is linear although every record points into one 4 MB string; hashing whole names would not end."""
    writer = BtfWriter()
    offset = writer.string("x" * 4_000_000)
    types = b"".join(writer.words(offset + i, btf_writer.FWD << 24, 0) for i in range(300_000))
    btf = btfmmap.open(data=writer.build(types=types))
    assert btf.find("y") is None


class TestStrings:
    def test_bulk(self) -> None:
        btf = btfmmap.open(data=every_kind().build())
        offsets = btf.members.name_off
        expected = [btf.string(int(offset)) for offset in offsets]
        assert expected[:3] == ["left", "", "right"]
        for same in (offsets, list(offsets), offsets.astype(">u4"), offsets.astype("i8"), iter(offsets)):
            assert btf.strings(same) == expected
        assert btf.strings(np.array([0, 1], "u1")) == btf.strings([0, 1])
        assert btf.strings(np.array([0, 1], "i2")) == btf.strings([0, 1])
        assert btf.strings([]) == []

    @pytest.mark.parametrize("offset", [-1, 10_000, 2**32, 2**63, 2**64, -(2**63), -(2**70)])
    def test_outside(self, offset: int) -> None:
        btf = btfmmap.open(data=every_kind().build())
        with pytest.raises(NotFoundError, match="no string at offset"):
            btf.strings([0, offset])
        with pytest.raises(NotFoundError, match="no type"):
            btf.names([0, offset])

    def test_outside_one(self) -> None:
        btf = btfmmap.open(data=every_kind().build())
        with pytest.raises(NotFoundError, match="no string at offset 10000"):
            btf.string(10_000)
        with pytest.raises(NotFoundError, match=r"no type \[-1\]"):
            btf.name(-1)
        with pytest.raises(NotFoundError):
            btf.strings(np.array([2**64 - 1], "u8"))

    @pytest.mark.parametrize("wrong", [5, "text", [1.5], np.zeros(2), [None]])
    def test_no_integers(self, wrong: list[int]) -> None:
        with pytest.raises(TypeError):
            btfmmap.open(data=every_kind().build()).strings(wrong)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("places", range(1, 8))
@pytest.mark.parametrize("split", [False, True])
def test_first_find_among_many(order: str, places: int, split: bool) -> None:
    """The first searches come before there is an index. Types near the end are found by their name's offset,
    and a name may be the end of another one."""
    base = BtfWriter(order=order)
    base.add_int()
    whole = [f"{'_' * length}wanted" for length in range(places)]
    strings = b"\0" + b"".join(name.encode() + b"\0" for name in whole)
    base.strings += strings[1:]
    offsets = [match.end() - len("wanted\0") for match in re.finditer(b"wanted\0", base.strings)]
    assert len(offsets) == places
    writer = BtfWriter(order=order, strings=b"" if split else base.strings)
    before = len(base.records) if split else 0
    plain = writer.string("other")
    shift = len(base.strings) if split else 0
    many = 10_000
    writer.records += [writer.words(plain + shift, btf_writer.FWD << 24, 0)] * many
    expected = []
    for offset in reversed(offsets):
        writer.records.append(writer.words(offset, btf_writer.FWD << 24, 0))
        expected.append(before + len(writer.records))
    opened_base = btfmmap.open(data=base.build()) if split else None

    def opened() -> btfmmap.Btf:
        return btfmmap.open(data=writer.build(), base=opened_base)

    assert opened().find("wanted") == expected[0]
    assert opened().find_all("wanted") == expected
    for missing in ("want", "anted", "wanted\0", "wanted\0_", "nothing like it", "a" * 100_000):
        assert opened().find_all(missing) == []
    assert opened().find("other") == before + 1


def test_one_name_is_not_many() -> None:
    btf = btfmmap.open(btfmmap.SAMPLE_BTF)
    with pytest.raises(TypeError, match=r"names is a single string; pass \['flow'\], or use find"):
        btf.lookup("flow")
    with pytest.raises(TypeError, match="expected a name, an id or a Type, not NoneType"):
        btf.users(None)  # type: ignore[arg-type]
