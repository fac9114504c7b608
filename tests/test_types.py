"""`Type` objects equal bpftool's records of the same types."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable, Collection
from pathlib import Path

import bpftool_json as bpftool
import pytest
from btf_writer import CONST, PTR, UNION, BtfWriter, every_kind

import btfmmap
from btfmmap import Btf, IntEncoding, Kind, NotFoundError, Type


@pytest.fixture
def btf() -> Btf:
    return btfmmap.open(data=every_kind().build())


def test_against_bpftool(kernel: Path) -> None:
    btf = btfmmap.open(kernel)
    # All types of a small BTF; every 50th of a kernel, and some rare ones.
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


def test_items_by_name(kernel: Path) -> None:
    btf = btfmmap.open(kernel)
    unnamed = shadowed = 0
    for found in list(btf)[:: max(1, len(btf) // 5000)]:
        for items in (found.members, found.params, found.enumerators):
            first: dict[str, object] = {}
            for item in items:
                first.setdefault(item.name, item)
            unnamed += "" in first
            shadowed += len(first) < len(items)
            names: Collection[object] = items  # mypy refuses to look for other types in a tuple
            assert all(items[name] == item and name in names for name, item in first.items() if name)
            assert "" not in names
            assert "no such name" not in names
            assert all(item in items for item in items)
            assert items[:2] == tuple(items)[:2]
    assert unnamed  # such as the last parameter of printk
    assert shadowed  # two unnamed members


def test_items_that_are_not_there() -> None:
    writer = BtfWriter()
    int_id = writer.add_int()
    inner = writer.add_struct("", 4, [("inside", int_id, 0)])
    writer.add_struct("outer", 12, [("", inner, 0), ("length", int_id, 32), ("width", int_id, 64)])
    writer.add_enum("colour", [("RED", 0), ("GREEN", 1)])
    proto = writer.add_proto(int_id, [("buffer", int_id), ("size", int_id)])
    writer.add(12, "read", size_or_type=proto)
    writer.add_struct("", 0, [])
    btf = btfmmap.open(data=writer.build())
    outer, colour, read = btf["outer"], btf["colour"], btf["read"]
    questions: list[tuple[Callable[[], object], str]] = [
        (
            lambda: outer.members["lenght"],
            "no member 'lenght'; close to it: 'length'; Btf.find",
        ),
        (lambda: outer.members["inside"], "struct outer has no member 'inside'; Btf.find_member also"),
        (lambda: outer.members[""], "struct outer has no member ''; Btf.find_member"),
        (
            lambda: colour.enumerators["GREED"],
            "enum colour has no enumerator 'GREED'; close to it: 'GREEN', 'RED'$",
        ),
        (lambda: read.params["length"], "func read has no parameter 'length'$"),
        (
            lambda: btf[proto].params["sizes"],
            r"\[5\] has no parameter 'sizes'; close to it: 'size'$",
        ),
        (lambda: btf[7].members["x"], r"struct \[7\] has no member 'x'$"),
        (lambda: outer.members["x" * 10**6], "struct outer has no member 'xxx"),
    ]
    for ask, message in questions:
        with pytest.raises(NotFoundError, match=message):
            ask()
    for wrong in (3, -4):
        with pytest.raises(IndexError):
            outer.members[wrong]
    with pytest.raises(TypeError):
        outer.members[1.5]  # type: ignore[call-overload]


def test_items_travel(tmp_path: Path) -> None:
    path = tmp_path / "every.btf"
    path.write_bytes(every_kind().build())
    members = btfmmap.open(path)["pair"].members
    for other in (copy.copy(members), pickle.loads(pickle.dumps(members))):
        assert [member.name for member in other] == [member.name for member in members]
        assert other["left"].bit_offset == members["left"].bit_offset
        with pytest.raises(NotFoundError, match="struct pair has no member 'x'"):
            other["x"]


def test_paths(kernel: Path) -> None:
    btf = btfmmap.open(kernel)
    structs = [found for found in btf if found.kind.is_composite and found.name and found.members]
    checked = 0
    for found in structs[:: max(1, len(structs) // 300)]:
        for member in btf.layout(found.name).members:
            path = f"{found.kind.name.lower()} {found.name}.{member.name}"
            if member.name and btf.find(path) is None:
                assert btf[path] == btf.find_member(path)
                assert path in btf
                checked += 1
    assert checked > 10


def test_paths_that_lead_nowhere() -> None:
    writer = BtfWriter()
    int_id = writer.add_int()
    array = writer.add_array(int_id, int_id, 3)
    pointer = writer.add(2, size_or_type=4)
    assert (
        writer.add_struct("point", 24, [("x", int_id, 0), ("more", array, 32), ("next", pointer, 128)]) == 4
    )
    section = writer.add_datasec(".maps", 0, [])
    dotted = writer.add(8, "point.x", size_or_type=int_id)
    odd = writer.add_struct("odd", 4, [])
    btf = btfmmap.open(data=writer.build())
    assert (btf[".maps"].id, btf["point.x"].id) == (section, dotted)  # whole names come first
    assert btf["struct point.x"].bit_offset == 0
    assert btf["point.more[2]"].bit_offset == 96
    for path, message in {
        "point.z": "point.z: struct point has no member 'z'",
        "point.mere": "point.mere: struct point has no member 'mere'; close to it: 'more'",
        "point.": "point.: struct point has no member ''",
        "line.x": "no type named 'line'",
        ".data": "no type named '.data'",
        "int.x": "int is of kind INT",
        "point.x[0]": "point.x[0]: point.x is of type int, not an array",
        "point.x.y": "point.x.y: point.x is of type int, not a struct or union",
        "point.more.y": "point.more.y: point.more is an array (int[3]), not a struct or union",
        "point.more[0].y": "point.more[0].y: point.more[0] is of type int, not a struct or union",
        "point.more[0][1]": "point.more[0][1]: point.more[0] is of type int, not an array",
        "point.more[x]": "point.more[x]: '[x]' is not an index",
        "point.more[1": "point.more[1: '[1' is not an index",
        "point.more[-1]": "'[-1]' is not an index",
        "point.more[3]": "point.more[3]: index 3 is past the end of int[3]",
        "point.next.x": "point.next.x: point.next is a pointer (struct point *), not a struct or union",
        "point.next[0]": "point.next[0]: point.next is a pointer (struct point *), not an array",
        "odd.x": "odd.x: struct odd has no member 'x'",
    }.items():
        with pytest.raises(NotFoundError, match=re.escape(message)):
            btf[path]
        assert path not in btf
    assert btf[odd].members == ()
    looped = BtfWriter()
    looped.add_struct("loop", 4, [("", 2, 0)])
    looped.add_struct("", 4, [("", 2, 0)])
    broken = btfmmap.open(data=looped.build())
    for ask in (lambda: broken["loop.x"], lambda: "loop.x" in broken):
        with pytest.raises(btfmmap.FormatError, match="contains itself"):
            ask()


def test_repr() -> None:
    writer = BtfWriter()
    int_id = writer.add_int()
    const = writer.add(CONST, size_or_type=int_id)
    pointer = writer.add(PTR, size_or_type=const)
    proto = writer.add_proto(int_id, [("a", pointer), ("", 0)])
    union = writer.add_struct("", 4, [("a", int_id, 0)], kind=UNION)
    long = writer.add_struct("long" * 10**5, 0, [])
    controls = writer.add_struct(b"a\nb\x1b[31m\xff", 0, [])
    loop = writer.add(PTR, size_or_type=9)
    writer.add(CONST, size_or_type=loop)
    btf = btfmmap.open(data=writer.build())
    for type_id, text in {
        int_id: "<Type [1] INT int>",
        const: "<Type [2] CONST const int>",
        pointer: "<Type [3] PTR const int *>",
        proto: f"<Type [4] FUNC_PROTO {btf[proto].c_name}>",
        union: f"<Type [5] UNION {btf[union].c_name}>",
    }.items():
        assert repr(btf[type_id]) == text
    assert "union" in repr(btf[union])
    assert "int" in repr(btf[proto])
    for type_id in range(len(btf)):
        assert len(repr(btf[type_id])) < 500
        assert repr(btf[type_id]).isprintable()
    assert repr(btf[long]).endswith("...>")
    assert "31m" in repr(btf[controls])
    assert repr(btf[loop]).startswith(f"<Type [{loop}] PTR ")
    found = btf[1]
    btf.close()
    assert repr(found) == "<Type [1] of a closed Btf>"


def test_repr_on_a_closed_base(module: tuple[Path, Path]) -> None:
    base = btfmmap.open(module[0])
    split = btfmmap.open(module[1], base=base)
    lowest = split.first_id
    unnamed = [found for found in split if not found.name and found.type and 0 < found.type.id < lowest]
    assert unnamed
    base.close()
    assert all(repr(found).startswith(f"<Type [{found.id}]") for found in unnamed)
