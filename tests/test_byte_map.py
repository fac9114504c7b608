"""The map of a struct's bytes, against its members marked bit by bit."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from btf_writer import STRUCT, UNION, BtfWriter, every_kind
from hostile_names import hostile_btf
from stored_files import stored

import btfmmap
from btfmmap.pictures.byte_map import (
    _MAX_LANES,
    HOLE,
    PADDING,
    ByteMap,
    bit_map,
    bits_text,
    byte_map,
    in_lines,
    short_bits,
    shortened,
)
from btfmmap.struct_layout import LayoutMember, StructLayout


def check(layout: StructLayout, members: list[LayoutMember], drawn: ByteMap) -> None:
    """Bits of boxes are those of members, free bits are those of holes, and the rows have all of them."""
    taken = [0] * (8 * layout.size)
    for member in members:
        start = 8 * member.offset + member.bit_position
        for bit in range(start, min(start + (member.bitfield_size or 8 * member.size), len(taken))):
            taken[bit] += 1
    found = [0] * len(taken)
    free = [False] * len(taken)
    for box in drawn.boxes:
        for bit in range(box.start, box.end):
            if box.member < 0:
                assert not free[bit]
                free[bit] = True
            else:
                found[bit] += 1
    assert free == [not count for count in taken]
    if not drawn.omitted:
        assert found == taken
    last = max((bit for bit, count in enumerate(taken) if count), default=-1)
    for box in drawn.boxes:
        if box.member < 0:
            assert (box.category == PADDING) == (box.start > last)
            assert box.category in (HOLE, PADDING)
    if drawn.cut:
        return
    pieces = [0] * len(taken)
    for row in drawn.rows:
        places: set[tuple[int, int]] = set()
        for piece in row.pieces:
            assert 0 <= piece.start < piece.end <= drawn.row_bits
            assert 0 <= piece.lane < piece.lanes <= row.lanes
            lanes = {(bit, piece.lane) for bit in range(piece.start, piece.end)}
            assert not lanes & places  # nothing overlaps
            places |= lanes
            for repeated in range(row.lines):
                at = (row.line + repeated) * drawn.row_bits
                for bit in range(at + piece.start, at + piece.end):
                    pieces[bit] += 1
    assert pieces == [count + is_free for count, is_free in zip(found, free, strict=True)]
    labelled = [piece.box for row in drawn.rows for piece in row.pieces if piece.labelled]
    assert sorted(labelled) == list(range(len(drawn.boxes)))


@pytest.mark.parametrize("name", ["7.2-amd64.btf", "6.12-s390x.btf"])
def test_kernel(name: str) -> None:
    btf = btfmmap.open(data=stored(name))
    layouts = [layout for layout in map(btf.layout, btf.layouts.id[::29].tolist()) if layout.size < 1 << 14]
    layouts += [
        btf.layout(each) for each in ("task_struct", "sk_buff", "list_head", "tcp_sock", "union bpf_attr")
    ]
    assert len(layouts) > 300
    for layout in layouts:
        members = layout.members
        drawn = byte_map(layout, members)
        check(layout, members, drawn)
        assert not drawn.omitted
        # Without anonymous structs, whose own holes pahole counts apart, the sums are pahole's.
        if layout.type.kind == btfmmap.Kind.STRUCT and all(member.name for member in layout.type.members):
            facts = layout.summary
            free = sum(box.end - box.start for box in drawn.boxes if box.member < 0)
            wanted = 8 * (facts["hole_bytes"] + facts["padding"])
            assert free == wanted + facts["bit_hole_bits"] + facts["bit_padding"]
        bits = bit_map(drawn, members)
        of_bits = {piece.box for row in bits.rows for piece in row.pieces}
        bitfields = {number for number, member in enumerate(members) if member.bitfield_size}
        assert {bits.boxes[box].member for box in of_bits} >= bitfields
        assert all(box.member < 0 or box.member in bitfields for box in bits.boxes)


@pytest.mark.parametrize("seed", range(200))
def test_random_structs(seed: int) -> None:
    """Members anywhere, beyond the end and over one another too."""
    chance = random.Random(seed)
    writer = BtfWriter(chance.choice("<>"))
    types = [writer.add_int("int", size) for size in (1, 2, 4, 8)]
    types.append(writer.add_array(types[0], types[0], chance.randrange(300)))
    size = chance.randrange(700)
    flag = chance.random() < 0.5
    extra: list[int] = []
    count = chance.randrange(12)
    for _ in range(count):
        type_id, bits = chance.choice(types), 0
        at = chance.randrange(8 * size + 1)
        if flag and type_id < 5 and chance.random() < 0.5:
            bits = chance.randrange(1, 8 << (type_id - 1))
        elif not flag or type_id == 5:
            at &= ~7
        extra += (writer.string("m"), type_id, bits << 24 | at)
    kind = chance.choice((STRUCT, UNION))
    root = writer.add(kind, "root", size_or_type=size, vlen=count, kind_flag=flag, extra=tuple(extra))
    btf = btfmmap.open(data=writer.build())
    layout = btf.layout(root)
    members = layout.members
    drawn = byte_map(layout, members)
    if all(8 * member.offset + member.bit_position >= 0 for member in members):
        check(layout, members, drawn)


def test_categories() -> None:
    btf = btfmmap.open(data=every_kind().build())
    for struct in ("flow", "pair"):
        if btf.find(struct, btfmmap.Kind.STRUCT) is not None:
            layout = btf.layout(struct)
            assert all(box.category for box in byte_map(layout, layout.members).boxes)
    sample = btfmmap.open(btfmmap.SAMPLE_BTF).layout("flow")
    members = sample.members
    drawn = byte_map(sample, members)
    found = {members[box.member].name: box.category for box in drawn.boxes if box.member >= 0}
    wanted = {"link": "struct", "packets": "integer", "from": "union", "limit": "enum"}
    assert {name: found[name] for name in wanted} == wanted


class TestLarge:
    def test_equal_rows_are_one(self) -> None:
        writer = BtfWriter()
        char = writer.add_int("char", 1)
        array = writer.add_array(char, char, (1 << 32) - 129)
        root = writer.add_struct("big", (1 << 32) - 1, [("first", char, 0), ("rest", array, 512)])
        layout = btfmmap.open(data=writer.build()).layout(root)
        drawn = byte_map(layout, layout.members)
        assert len(drawn.rows) < 10
        assert sum(row.lines for row in drawn.rows) == 1 << 26

    def test_many_members_at_one_place(self) -> None:
        writer = BtfWriter()
        word = writer.add_int("int", 4)
        root = writer.add_struct("many", 4, [("m", word, 0)] * 60_000)
        layout = btfmmap.open(data=writer.build()).layout(root)
        drawn = byte_map(layout, layout.members)
        assert drawn.omitted == 60_000 - _MAX_LANES
        assert drawn.rows[0].lanes == _MAX_LANES

    def test_many_rows(self) -> None:
        writer = BtfWriter()
        word = writer.add_int("int", 4)
        root = writer.add_struct("long", 1 << 20, [("m", word, 2048 * at) for at in range(4096)])
        layout = btfmmap.open(data=writer.build()).layout(root)
        drawn = byte_map(layout, layout.members)
        assert drawn.cut
        assert len(drawn.rows) == 1000


def test_empty() -> None:
    writer = BtfWriter()
    root = writer.add_struct("empty", 0, [])
    layout = btfmmap.open(data=writer.build()).layout(root)
    assert byte_map(layout, layout.members).rows == []


def test_hostile() -> None:
    btf = btfmmap.open(data=hostile_btf())
    layout = btf.layout("bits")
    drawn = byte_map(layout, layout.members)
    assert len([box for box in drawn.boxes if box.member >= 0]) == 10


def test_texts() -> None:
    assert [bits_text(bits) for bits in (0, 1, 8, 21)] == ["0 bytes", "1 bit", "1 byte", "2 bytes 5 bits"]
    assert [short_bits(bits) for bits in (32, 21, 3)] == ["4", "2B 5 bits", "3 bits"]
    assert [shortened("I name", room) for room in (6, 5, 3, 1, 0, -1)] == [
        "I name",
        "I na…",
        "I",
        "I",
        "",
        "",
    ]
    for label in ("I rcu_tasks_exit_list", "I x", "S abcdefghijklmnop"):
        for room in range(30):
            for lines in (1, 2):
                shown = in_lines(label, room, lines)
                assert len(shown) <= lines
                assert all(0 < len(line) <= room for line in shown)
    assert in_lines("I wakee_flips", 9, 2) == ["I wakee_", "flips"]


def test_starts_without_numpy() -> None:
    code = (
        "import sys; sys.modules['numpy'] = None; import btfmmap; from btfmmap.pages import struct_page; "
        "print(len(struct_page(btfmmap.open(btfmmap.SAMPLE_BTF).layout('flow'))) > 5000)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
