"""`Type` objects: what they say equals what bpftool prints of the same type."""

from __future__ import annotations

from pathlib import Path

import bpftool_json as bpftool
import pytest
from btf_writer import every_kind

import btfmmap
from btfmmap import Btf, IntEncoding, Kind, NotFoundError, Type


@pytest.fixture
def btf() -> Btf:
    return btfmmap.open(data=every_kind().build())


def test_against_bpftool(kernel: Path) -> None:
    btf = btfmmap.open(kernel)
    # All of a small BTF; of a kernel every 50th type, and some rare ones.
    records = bpftool.records(kernel)
    chosen = records if len(records) < 1000 else records[::50] + records[-20:]
    for record in chosen:
        found = btf[record["id"]]
        assert found.kind.name == record["kind"]
        assert found.name == bpftool.name(record["name"])
        assert found.size == record.get("size")
        assert (found.type.id if found.type else None) == record.get("type_id", record.get("ret_type_id"))
        assert found.nelems == record.get("nr_elems")
        assert (found.index_type.id if found.index_type else None) == record.get("index_type_id")
        assert found.nr_bits == record.get("nr_bits")
        assert found.component_idx == record.get("component_idx")
        assert found.linkage == {None: None, "static": 0, "global": 1, "extern": 2}[record.get("linkage")]
        assert [(m.name, m.type.id, m.bit_offset, m.bitfield_size) for m in found.members] == [
            (bpftool.name(m["name"]), m["type_id"], m["bits_offset"], m.get("bitfield_size", 0))
            for m in record.get("members", [])
        ]
        if found.kind != Kind.FUNC:
            assert [(p.name, p.type.id) for p in found.params] == [
                (bpftool.name(p["name"]), p["type_id"]) for p in record.get("params", [])
            ]
        assert [(e.name, e.value % 2**32) for e in found.enumerators] == [
            (e["name"], e["val"] % 2**32) for e in record.get("values", [])
        ]
        assert [(s.type.id, s.offset, s.size) for s in found.secinfos] == [
            (s["type_id"], s["offset"], s["size"]) for s in record.get("vars", [])
        ]


def test_enumerator_values(btf: Btf) -> None:
    values = {value.name: value.value for found in btf for value in found.enumerators}
    assert values == {
        "LOW": -(2**31),
        "MINUS": -1,
        "ZERO": 0,
        "TOP": 2**32 - 1,
        "ONE": 1,
        "WIDE_TOP": 2**64 - 1,
        "WIDE_ONE": 1,
        "WIDE_LOW": -(2**63),
        "WIDE_MINUS": -1,
    }


def test_members(btf: Btf) -> None:
    left, anonymous, right = btf["struct pair"].members
    assert (left.name, left.type, left.bit_offset, left.offset) == ("left", btf["int"], 0, 0)
    assert (anonymous.name, anonymous.type.kind, anonymous.offset) == ("", Kind.ARRAY, 4)
    assert right.type.type == btf["char"]
    assert [(m.bit_offset, m.bitfield_size) for m in btf["flags"].members] == [(0, 1), (1, 31), (32, 0)]


def test_functions(btf: Btf) -> None:
    function = btf["print"]
    assert function.kind == Kind.FUNC
    assert function.linkage == 1
    assert function.type is not None
    assert function.type.kind == Kind.FUNC_PROTO
    assert function.type.type == btf["int"]
    assert function.params == function.type.params
    assert [(param.name, param.type.name) for param in function.params] == [("format", ""), ("", "void")]


def test_ints(btf: Btf) -> None:
    assert btf["char"].encoding == IntEncoding.SIGNED | IntEncoding.CHAR
    assert btf["_Bool"].encoding == IntEncoding.BOOL
    assert (btf["int"].nr_bits, btf["int"].bit_offset, btf["int"].size) == (32, 0, 4)


def test_what_a_kind_lacks(btf: Btf) -> None:
    void = btf[0]
    assert (void.name, void.kind, void.size, void.type) == ("void", Kind.VOID, None, None)
    assert (void.members, void.params, void.enumerators, void.secinfos) == ((), (), (), ())
    assert (void.nelems, void.index_type, void.encoding, void.nr_bits, void.bit_offset) == (None,) * 5
    assert (void.linkage, void.component_idx, void.vlen, void.kind_flag) == (None, None, 0, False)


def test_getting(btf: Btf) -> None:
    assert btf[7] == btf["pair"] == btf["struct pair"]
    assert hash(btf[7]) == hash(btf["pair"])
    assert btf[7] != btf[8]
    assert btf[7] != 7
    assert btf[7] != btfmmap.open(data=every_kind().build())[7]
    assert isinstance(btf[7], Type)
    assert repr(btf[7]) == "<Type [7] STRUCT pair>"
    assert repr(btf[5]) == "<Type [5] PTR (anon)>"
    for key in ("nothing", "union pair", -1, len(btf), 2**40):
        with pytest.raises(NotFoundError):
            btf[key]
        with pytest.raises(KeyError):
            btf[key]
        assert key not in btf
    assert str(NotFoundError("no type named 'x'")) == "no type named 'x'"
    for wrong in (1.5, None, b"pair"):
        with pytest.raises(TypeError):
            btf[wrong]  # type: ignore[index]
    assert "pair" in btf
    assert 0 in btf
    assert btf.types.id[5] in btf
    assert btf[5] in btf
    assert 1.5 not in btf


def test_iterating(btf: Btf) -> None:
    assert [found.id for found in btf] == list(range(len(btf)))
    assert [found.kind for found in btf] == btf.types.kind.tolist()
    assert len(btf) == len(every_kind().records) + 1
