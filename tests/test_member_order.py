"""Members in another order than that of their offsets, as Rust's compiler writes them.

They are compared with a map of a struct's bits, with the same structs in order, and with compilers.
"""

from __future__ import annotations

import ctypes
import random
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import requirements
from btf_writer import FWD, STRUCT, UNION, BtfWriter
from own_lint import lint
from stored_files import DATA

import btfmmap
from btfmmap import Btf, Kind, NotSupportedError


class Given(NamedTuple):
    """A synthetic member; bits count from the struct's start."""

    name: str
    type: str
    start: int
    bits: int  # number of bits covered
    bitfield: bool = False


SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "empty": 0, "flex": 0, "unknown": 0}


def written(structs: list[tuple[int, list[Given]]], order: str = "<") -> bytes:
    """A BTF of structs s0, s1, ... with these sizes in bytes and these members."""
    writer = BtfWriter(order)
    ids = {name: writer.add_int(name, SIZES[name], encoding=0) for name in ("u8", "u16", "u32", "u64")}
    ids["empty"] = writer.add_struct("empty", 0, [])
    ids["flex"] = writer.add_array(ids["u8"], ids["u32"], 0)
    ids["unknown"] = writer.add(FWD, "unknown")
    for number, (size, members) in enumerate(structs):
        fields = [
            (member.name, ids[member.type], (member.bits if member.bitfield else 0) << 24 | member.start)
            for member in members
        ]
        writer.add_struct(f"s{number}", size, fields, kind_flag=True)
    return writer.build()


def in_order(drawn: random.Random, *, bitfields: bool) -> tuple[int, list[Given]]:
    """Members in order as C lays them out, with gaps, some without size."""
    members: list[Given] = []
    end = 0
    for number in range(drawn.randrange(1, 9)):
        name = f"m{number}"
        type_ = drawn.choice(["u8", "u16", "u32", "u64", "empty", "flex", "unknown"])
        unit = 8 * SIZES[type_]
        if drawn.random() < 0.3:
            end += 8 * drawn.randrange(1, 12)
        if bitfields and unit and drawn.random() < 0.5:
            bits = drawn.randrange(1, unit + 1)
            if end // unit != (end + bits - 1) // unit:
                end = -(-end // unit) * unit
            members.append(Given(name, type_, end, bits, bitfield=True))
        else:
            align = max(8, unit)
            end = -(-end // align) * align
            bits = unit
            members.append(Given(name, type_, end, bits))
        end += bits
    return -(-end // 64) * 8, members


def overlapping(drawn: random.Random) -> tuple[int, list[Given]]:
    types = [drawn.choice(["u8", "u16", "u32", "u64", "empty"]) for _ in range(drawn.randrange(1, 9))]
    members = [
        Given(f"m{number}", type_, 8 * drawn.randrange(40), 8 * SIZES[type_])
        for number, type_ in enumerate(types)
    ]
    return 48, members


def shuffled(drawn: random.Random, members: list[Given]) -> list[Given]:
    return drawn.sample(members, len(members))


def structs_of(kind: str, count: int) -> list[tuple[int, list[Given]]]:
    drawn = random.Random(f"{kind} of 7")
    if kind == "overlapping":
        return [overlapping(drawn) for _ in range(count)]
    made = [in_order(drawn, bitfields=kind == "bitfields") for _ in range(count)]
    return [(size, shuffled(drawn, members)) for size, members in made]


def bit_map(size: int, members: list[Given]) -> list[int]:
    """Number of members that cover each bit."""
    covered = [0] * (8 * size)
    for member in members:
        for bit in range(member.start, member.start + member.bits):
            covered[bit] += 1
    return covered


def gaps(size: int, members: list[Given]) -> tuple[list[tuple[int, int]], int]:
    """Runs of uncovered bits as start and end, cut at members without size; and the number of bits after the
    last member."""
    covered = bit_map(size, members)
    last = max(member.start + member.bits for member in members)
    cuts = {member.start for member in members if not member.bits} | {last}
    runs = []
    start = None
    for bit in range(last + 1):
        free = bit < last and not covered[bit]
        if start is not None and (not free or bit in cuts):
            runs.append((start, bit))
            start = None
        if free and start is None:
            start = bit
    return runs, 8 * size - last


def rows(btf: Btf) -> Iterator[tuple[int, dict[str, int]]]:
    """Yield each test struct's number and its row of `layouts`."""
    columns = {name: column.tolist() for name, column in dict(btf.layouts).items()}
    for row, type_id in enumerate(columns["id"]):
        if btf.name(type_id)[1:].isdecimal():
            yield int(btf.name(type_id)[1:]), {name: column[row] for name, column in columns.items()}


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", ["plain", "overlapping"])
def test_holes_against_a_map_of_bits(kind: str, order: str) -> None:
    structs = structs_of(kind, 500)
    btf = btfmmap.open(data=written(structs, order))
    for number, ours in rows(btf):
        size, members = structs[number]
        runs, padding = gaps(size, members)
        assert (ours["holes"], ours["hole_bytes"]) == (
            len(runs),
            sum(end - start for start, end in runs) // 8,
        )
        assert 8 * ours["padding"] == padding
        assert ours["bit_holes"] == ours["bit_hole_bits"] == ours["bit_padding"] == 0
        last = max(range(len(members)), key=lambda i: (members[i].start, i))
        assert ours["flexible"] == (members[last].type == "flex")
        # Each hole is before one member, and ends where the member starts.
        layout = btf.layout(f"s{number}")
        assert [(member.name, member.offset) for member in layout.members] == [
            (member.name, member.start // 8) for member in members
        ]
        before = {8 * (each.offset - each.hole): 8 * each.offset for each in layout.members if each.hole}
        assert before == dict(runs)
        text = layout.text()
        assert text.count("hole, try to pack") == len(runs)
        end, seen = 0, []
        for line in text.splitlines():
            if hole := re.search(r"XXX (\d+) bytes? hole", line):
                seen.append((8 * end, 8 * (end + int(hole[1]))))
            elif place := re.search(r"; */\* +(\d+) +(\d+) \*/$", line):
                end = int(place[1]) + int(place[2])
        assert sorted(seen) == runs


@pytest.mark.parametrize("order", "<>")
def test_bitfields_as_in_order(order: str) -> None:
    """Every bit is counted once, and the counts equal those of the struct with its members in order, which
    other tests compare with pahole."""
    structs = structs_of("bitfields", 500)
    ordered = [
        (size, sorted(members, key=lambda each: (each.start, each.bits != 0, int(each.name[1:]))))
        for size, members in structs
    ]
    btf = btfmmap.open(data=written(structs, order))
    expected = dict(rows(btfmmap.open(data=written(ordered, order))))
    for number, ours in rows(btf):
        size, members = structs[number]
        free = 8 * (ours["hole_bytes"] + ours["padding"]) + ours["bit_hole_bits"] + ours["bit_padding"]
        assert free == bit_map(size, members).count(0)
        for name in ours.keys() - {"flexible"}:
            assert ours[name] == expected[number][name], (name, members)


@pytest.mark.parametrize("kind", ["plain", "bitfields", "overlapping"])
def test_lint_against_a_map_of_bits(kind: str) -> None:
    """A member overlaps if an earlier member covers one of its bits."""
    structs = structs_of(kind, 300)
    blob = written(structs)
    btf = btfmmap.open(data=blob)
    found = lint(data=blob)
    assert [each.offset for each in found] == sorted(each.offset or 0 for each in found)
    for number, (_, members) in enumerate(structs):
        expected = []
        for i, member in enumerate(members):
            key = (member.start, member.bits, i)
            earlier = [each for j, each in enumerate(members) if (each.start, each.bits, j) < key]
            if member.bits and any(each.start + each.bits > member.start for each in earlier):
                expected.append(i)
        id_ = btf[f"s{number}"].id
        notes = [each.message for each in found if each.type_id == id_ and each.rule == "overlap"]
        assert [int(text.split(" member ")[1].split()[0]) for text in notes] == expected
        late = [i for i in range(1, len(members)) if members[i].start < members[i - 1].start]
        assert sum(each.type_id == id_ and each.rule == "order" for each in found) == len(late)


def compiled(command: list[str], source: str, path: Path) -> str:
    path.write_text(source)
    words = [requirements.tool(command[0]), *command[1:], "-w", "-fsyntax-only", str(path)]
    return subprocess.run(words, capture_output=True, text=True, check=False).stderr


@pytest.mark.parametrize("kind", ["plain", "bitfields"])
def test_c_is_laid_out_alike(kind: str, tmp_path: Path) -> None:
    """The C dump has the same layout by gcc and clang. `test_values` checks the bits of bitfields by
    initialised structs."""
    structs = [
        (size, [member for member in members if member.type != "unknown"])
        for size, members in structs_of(kind, 200)
    ]
    btf = btfmmap.open(data=written(structs))
    lines = ["typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32;"]
    lines += ["typedef unsigned long long u64; struct empty {};"]
    for number, (size, members) in enumerate(structs):
        tag = f"struct s{number}"
        lines += [btf.c_declaration(tag), f'_Static_assert(sizeof({tag}) == {size}, "{tag}");']
        lines += [
            f'_Static_assert(__builtin_offsetof({tag}, {member.name}) == {member.start // 8}, "{tag}");'
            for member in members
            if not member.bitfield
        ]
    for command in (["gcc"], ["clang"], ["clang", "-target", "bpf"]):
        assert compiled(command, "\n".join(lines), tmp_path / "source.c") == ""


def test_values(tmp_path: Path) -> None:
    """Structs that a program fills and writes after our C declaration are read back by each reader of
    bytes."""
    structs = [
        (size, [member for member in members if SIZES[member.type]])
        for size, members in structs_of("bitfields", 150)
        if size
    ]
    btf = btfmmap.open(data=written(structs))
    drawn = random.Random(3)
    values = [{each.name: drawn.getrandbits(each.bits) for each in members} for _, members in structs]
    lines = ["#include <stdio.h>", "typedef unsigned char u8; typedef unsigned short u16;"]
    lines += ["typedef unsigned int u32; typedef unsigned long long u64;"]
    lines += [btf.c_declaration(f"s{number}") for number in range(len(structs))]
    for number, row in enumerate(values):
        fields = ", ".join(f".{name} = {value}ULL" for name, value in row.items())
        lines.append(f"struct s{number} v{number} = {{{fields}}};")
    writes = "".join(f"fwrite(&v{n}, sizeof(v{n}), 1, stdout);" for n in range(len(structs)))
    source, program = tmp_path / "program.c", tmp_path / "program"
    source.write_text("\n".join([*lines, f"int main(void) {{ {writes} }}"]))
    subprocess.run([requirements.tool("gcc"), "-w", source, "-o", program], check=True)
    data = subprocess.run([program], stdout=subprocess.PIPE, check=True).stdout
    as_classes = 0
    for number, (size, members) in enumerate(structs):
        raw, data = data[:size], data[size:]
        record = btf.records(f"s{number}", raw)[0]
        assert {each.name: int(record[each.name]) for each in members} == values[number]
        assert btf.dtype(f"s{number}", bitfields="omit").names == tuple(
            each.name for each in members if not each.bitfield
        )
        shown = btf.format(f"s{number}", raw, emit_zeroes=True, compact=True)
        assert [word.split(" = ")[0] for word in shown.split(".")[1:]] == [each.name for each in members]
        with suppress(NotSupportedError):  # ctypes has no unit for some bitfields
            seen = btf.ctypes(f"s{number}").from_buffer_copy(raw)
            assert {each.name: int(getattr(seen, each.name)) for each in members} == values[number]
            as_classes += 1
        for byte in range(size):
            covering = {
                each.name for each in members if each.start // 8 <= byte <= (each.start + each.bits - 1) // 8
            }
            assert set(btf.at(f"s{number}", byte)) == covering
    assert data == b""
    assert as_classes > len(structs) / 2


def test_flexible_array_that_is_not_the_last_of_the_record() -> None:
    members = [Given("tail", "flex", 64, 0), Given("a", "u32", 32, 32), Given("b", "u32", 0, 32)]
    btf = btfmmap.open(data=written([(8, members)]))
    assert [flag for _, row in rows(btf) for flag in [row["flexible"]]] == [True]
    records = btf.records("s0", b"\1\0\0\0\2\0\0\0xyz" * 2, size=11)
    assert [bytes(record.tail) for record in records] == [b"xyz"] * 2
    assert [(record.b, record.a) for record in records] == [(1, 2)] * 2
    assert ctypes.sizeof(btf.ctypes("s0")) == 8
    assert "tail[0];" in btf.layout("s0").text()
    # A member before others ends no run, at any position in the record.
    members = [Given("a", "u32", 32, 32), Given("b", "u16", 0, 16), Given("tail", "flex", 16, 0)]
    btf = btfmmap.open(data=written([(8, members)]))
    with pytest.raises(btfmmap.FormatError):
        btf.records("s0", b"\0" * 11)
    assert btf.at("s0", 4) == ["a"]


def test_anonymous_structs_out_of_order() -> None:
    writer = BtfWriter()
    u8, u32 = writer.add_int("u8", 1, encoding=0), writer.add_int("u32", 4, encoding=0)
    inner = writer.add_struct("", 12, [("c", u8, 64), ("d", u32, 32)])
    union = writer.add_struct("", 12, [("", inner, 0), ("e", u32, 0)], kind=UNION)
    writer.add_struct("outer", 20, [("", union, 64), ("a", u8, 0)])
    btf = btfmmap.open(data=writer.build())
    layout = btf.layout("outer")
    found = {member.name: (member.offset, member.hole, member.depth) for member in layout.members}
    # 7 bytes are free before the union, 4 more in the struct; c follows d.
    assert found == {"c": (16, 0, 2), "d": (12, 11, 2), "e": (8, 0, 1), "a": (0, 0, 0)}
    assert (layout.summary["holes"], layout.summary["hole_bytes"], layout.summary["padding"]) == (1, 7, 0)
    assert [btf.at("outer", byte) for byte in (0, 1, 8, 12, 16, 17)] == [["a"], [], ["e"], ["d"], ["c"], []]
    field = btf.find_member("outer.d")
    assert field is not None
    assert field.offset == 12


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([Given("a", "u32", 0, 32), Given("b", "u8", 16, 8)], "at bit 16, where another one ends at bit 32"),
        ([Given("a", "u8", 16, 8), Given("b", "u32", 0, 32)], "at bit 16, where another one ends at bit 32"),
        ([Given("a", "u8", 3, 8)], "at bit 3, within a byte"),
        ([Given("", "u8", 0, 8)], "at bit 0 without a name"),
        ([Given("a", "u64", 0, 64), Given("b", "empty", 8, 0)], "at bit 8, where another one ends at bit 64"),
    ],
)
def test_what_c_cannot_say(members: list[Given], why: str) -> None:
    btf = btfmmap.open(data=written([(8, members)]))
    for ask in (btf.c_declaration, btf.to_c):
        with pytest.raises(NotSupportedError, match=why):
            ask("s0")
    assert "struct s0 {" in (btf.dump("c", roots=["s0"]) or "")  # as in bpftool's output
    if members[-1].bits and len(members) == 2:
        with pytest.raises(NotSupportedError):
            btf.ctypes("s0")


def test_a_union_past_its_start() -> None:
    writer = BtfWriter()
    u8 = writer.add_int("u8", 1, encoding=0)
    writer.add_struct("u", 8, [("a", u8, 40)], kind=UNION)
    btf = btfmmap.open(data=writer.build())
    with pytest.raises(NotSupportedError, match="at bit 40 of a union"):
        btf.c_declaration("u")
    assert btf.at("u", 5) == ["a"]
    assert btf.records("u", b"\0\0\0\0\0\7\0\0")[0].a == 7


def reordered(btf: Btf, seed: int) -> bytes:
    """A BTF's bytes with the members of each struct permuted; members of one offset keep their order."""
    drawn = random.Random(seed)
    blob = bytearray(btf.raw.tobytes())
    types, start = btf.types, btf.raw.size - btf.string_section.size - btf.type_section.nbytes
    start = blob.index(btf.type_section.tobytes(), 24, start + btf.type_section.nbytes + 64)
    indptr, offsets = btf.members.indptr, btf.members.bit_offset
    for row in np.flatnonzero(types.kind == Kind.STRUCT).tolist():
        first, end = int(indptr[row]), int(indptr[row + 1])
        at = start + int(types.offset[row]) + 12
        elements = [bytes(blob[at + 12 * i : at + 12 * i + 12]) for i in range(end - first)]
        bits = offsets[first:end].tolist()
        new = drawn.sample(range(len(elements)), len(elements))
        places = {offset: iter(sorted(i for i in new if bits[i] == offset)) for offset in set(bits)}
        new = [next(places[bits[i]]) for i in new]
        blob[at : at + 12 * len(new)] = b"".join(elements[i] for i in new)
    return bytes(blob)


def test_a_kernel_reordered(kernel: Path) -> None:
    """Everything derived from offsets stays the same."""
    btf = btfmmap.open(kernel)
    other = btfmmap.open(data=reordered(btf, 11))
    assert other.members.bit_offset.tolist() != btf.members.bit_offset.tolist()
    for name, column in dict(btf.layouts).items():
        assert dict(other.layouts)[name].tolist() == column.tolist(), name
    assert not [each for each in btfmmap.lint(data=other.raw.tobytes()) if each.rule == "overlap"]
    structs = [type_ for type_ in btf if type_.kind == Kind.STRUCT and type_.vlen > 1][::40]
    for type_ in structs:
        # The text depends on the record's order only where that order decides.
        starts = [(member.bit_offset, member.bitfield_size) for member in type_.members]
        if len(set(starts)) == len(starts) and not any(bits for _, bits in starts):
            assert other.c_declaration(type_.id) == btf.c_declaration(type_.id)
        ours, theirs = other.layout(type_.id), btf.layout(type_.id)
        assert sorted(map(str, (m._replace(type=0) for m in ours.members))) == sorted(  # type: ignore[arg-type]
            map(str, (m._replace(type=0) for m in theirs.members))  # type: ignore[arg-type]
        )
        last = f"/* size: {type_.size}, cachelines:"
        assert ours.text().partition(last)[2] == theirs.text().partition(last)[2]
        for byte in range(0, type_.size or 0, 13):
            assert set(other.at(type_.id, byte)) == set(btf.at(type_.id, byte))


def test_bpftools_text(tmp_path: Path) -> None:
    """Raw and C dumps keep the order of the record."""
    path = tmp_path / "types.btf"
    structs = [
        (size, [member for member in members if SIZES[member.type]])  # bpftool divides by the alignment
        for size, members in structs_of("bitfields", 50)
    ]
    path.write_bytes(written(structs))
    words = [requirements.tool("bpftool"), "btf", "dump", "file", str(path)]
    raw = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert btfmmap.open(path).dump() == raw
    header = subprocess.run([*words, "format", "c"], capture_output=True, text=True, check=True).stdout
    ours, theirs = (
        re.findall(r"^struct s\d+ {.*?^}", text, re.DOTALL | re.MULTILINE)
        for text in (btfmmap.open(path).dump("c", sort=False) or "", header)
    )
    assert ours == theirs
    assert len(ours) > 40


def test_what_rustc_made() -> None:
    """Sizes and offsets equal the program's; it has no holes."""
    btf = btfmmap.open(DATA / "rust.bpf.o.xz")
    for name, size, offsets, padding in (
        ("Mixed", 16, {"a": 14, "b": 0, "c": 12, "d": 8}, 1),
        ("Wrap<u64>", 16, {"flag": 9, "val": 0, "tail": 8}, 6),
        ("Wrap<u32>", 8, {"flag": 5, "val": 0, "tail": 4}, 2),
    ):
        layout = btf.layout(btf.find(name, Kind.STRUCT) or 0)
        assert {member.name: member.offset for member in layout.members} == offsets
        summary = {key: layout.summary[key] for key in ("size", "holes", "bit_holes", "padding", "packed")}
        assert summary == {"size": size, "holes": 0, "bit_holes": 0, "padding": padding, "packed": False}
        assert "hole" not in layout.text()
        assert "__aligned__" not in layout.text()
    found = lint(DATA / "rust.bpf.o.xz")
    assert {each.rule for each in found} == {"order", "identifier", "duplicate"}
    with pytest.raises(NotSupportedError, match="without a name"):
        btf.c_declaration("Ev")  # an enum's union has its tag as an unnamed member


def test_many_members() -> None:
    """Members in reverse, all at one place, and each within the first."""
    count = 1 << 18
    for step in (-8, 0, 8):
        writer = BtfWriter()
        u8 = writer.add_int("u8", 1, encoding=0)
        array = writer.add_array(u8, u8, 1 << 21)
        members = np.zeros((count, 3), "<u4")
        members[:, 1] = u8
        members[:, 2] = [step * i % (1 << 24) for i in range(count)]
        members[0] = 0, array, 0
        head = writer.words(writer.string("s"), STRUCT << 24 | count, 1 << 21)
        writer.records.append(head + members.tobytes())
        btf = btfmmap.open(data=writer.build())
        assert (btf.layouts.hole_bytes.tolist(), btf.layouts.padding.tolist()) == ([0], [0])
        overlaps = [
            each for each in btfmmap.lint(data=btf.raw.tobytes(), limit=3 * count) if each.rule == "overlap"
        ]
        assert len(overlaps) >= count - 2
