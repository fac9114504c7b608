"""`lint`: every fault of hand-made files, none of real ones, and what is odd, counted by others."""

from __future__ import annotations

import json
import lzma
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import bpftool_json as bpftool
import pytest
from btf_writer import (
    ARRAY,
    CONST,
    ENUM,
    FLOAT,
    FUNC,
    FWD,
    INT,
    PTR,
    STRUCT,
    TYPE_TAG,
    TYPEDEF,
    UNION,
    VAR,
    VOLATILE,
    BtfWriter,
    every_kind,
)
from elf_writer import ElfWriter
from exercise import walk
from own_lint import lint
from stored_files import DATA

import btfmmap
from btfmmap import Diagnostic, Kind

HEAD = 24
TAKES, REFUSES = (f"Linux {btfmmap.KERNEL_RULES_VERSION} {verb} this BTF" for verb in ("takes", "refuses"))
MODIFIERS = ("TYPEDEF", "CONST", "VOLATILE", "RESTRICT", "TYPE_TAG")


def place(writer: BtfWriter, type_id: int, word: int) -> int:
    """Where a word of a record is in the blob."""
    return HEAD + sum(map(len, writer.records[: type_id - 1])) + 4 * word


def brief(found: list[Diagnostic]) -> list[tuple[str, str, int | None, int | None]]:
    return [(each.severity, each.rule, each.type_id, each.offset) for each in found]


def notes(writer: BtfWriter) -> list[tuple[str, int | None, int | None]]:
    found = lint(data=writer.build())
    assert all(each.severity == "note" for each in found), found
    btfmmap.open(data=writer.build())
    return [(each.rule, each.type_id, each.offset) for each in found]


# -- errors


@pytest.mark.parametrize("order", "<>")
def test_every_bad_reference(order: str) -> None:
    """All of them in order, and the first one is what `open` says."""
    writer = BtfWriter(order)
    good = writer.add_int()
    expected: list[tuple[int, int]] = []

    def bad(type_id: int, *words: int) -> None:
        expected.extend((type_id, word) for word in words)

    bad(writer.add(PTR, size_or_type=1000), 2)
    writer.records.append(writer.words(2**32 - 1, TYPEDEF << 24, 999))
    bad(len(writer.records), 0, 2)
    bad(writer.add_array(998, 997, 1), 3, 4)
    bad(writer.add(STRUCT, "s", size_or_type=8, vlen=2, extra=(7777, good, 0, 0, 996, 32)), 3, 7)
    bad(writer.add(FUNC, "f", size_or_type=good), 2)
    writer.add_proto(good, [("a", good)])
    bad(writer.add_proto(995, [("a", 994), ("b", good), ("c", 993)]), 2, 4, 8)
    bad(writer.add(ENUM, "e", size_or_type=4, vlen=2, extra=(0x10000, 1, 0x20000, 2)), 3, 5)
    blob = writer.build()
    found = lint(data=blob)
    errors = [each for each in found if each.severity == "error"]
    assert found[: len(errors)] == errors
    assert brief(errors) == [
        ("error", "reference", type_id, place(writer, type_id, word)) for type_id, word in expected
    ]
    with pytest.raises(btfmmap.FormatError) as raised:
        btfmmap.open(data=blob)
    first = errors[0]
    assert (raised.value.type_id, raised.value.offset) == (first.type_id, first.offset)
    assert str(raised.value).endswith(first.message)


def test_each_error_is_needed() -> None:
    """Repaired one after the other in the order of the list, the file opens after the last, not before."""
    writer = every_kind()
    blob = bytearray(writer.build())
    for type_id, word in [(5, 2), (7, 4), (20, 2), (20, 4), (23, 3)]:
        at = place(writer, type_id, word)
        blob[at : at + 4] = b"\xff" * 4
    errors = [each for each in lint(data=blob) if each.severity == "error"]
    for left in range(len(errors), 0, -1):
        found = [each for each in lint(data=blob) if each.severity == "error"]
        assert len(found) == left
        with pytest.raises(btfmmap.FormatError):
            btfmmap.open(data=bytes(blob))
        assert found[0].offset is not None
        at = found[0].offset
        blob[at : at + 4] = writer.build()[at : at + 4]
    btfmmap.open(data=bytes(blob))


@pytest.mark.parametrize("tail", [b"\0" * 8, (STRUCT << 24 | 100).to_bytes(8, "big"), None])
def test_a_record_that_cannot_be_stepped_over_ends_the_list(tail: bytes | None) -> None:
    writer = BtfWriter()
    writer.add(PTR, size_or_type=3)  # of what may come after the fault: nobody can tell
    writer.add(CONST, size_or_type=2**30)  # there is no room for so many
    at = len(writer.type_section)
    if tail is None:
        tail = writer.words(0, 99 << 24, 0)
    found = lint(data=writer.build(types=writer.type_section + tail))
    assert brief(found)[:2] == [
        ("error", "reference", 2, place(writer, 2, 2)),
        ("error", "record", 3, HEAD + at),
    ]
    assert found[0].message == "type [2] refers to type [1073741824], the last one is at most [3]"
    assert [each.severity for each in found[2:]] == ["note"] * len(found[2:])


@pytest.mark.parametrize(
    "header",
    [
        {"hdr_len": 23},
        {"hdr_len": 2**32 - 1},
        {"version": 2},
        {"str_len": 2**31},
        {"type_off": 4},
        {"type_off": 1},
    ],
)
def test_header_faults(header: dict[str, int]) -> None:
    blob = every_kind().build(types=None, strings=None, **header)
    with pytest.raises(btfmmap.FormatError) as raised:
        btfmmap.open(data=blob)
    (only,) = lint(data=blob)
    assert (only.severity, only.rule, only.offset) == ("error", "header", raised.value.offset)
    assert str(raised.value).endswith(only.message)


def test_what_is_no_btf_is_refused_as_by_open(tmp_path: Path) -> None:
    with pytest.raises(btfmmap.FormatError, match="neither BTF nor"):
        lint(data=b"something else")
    with pytest.raises(btfmmap.MissingBaseError):
        lint(data=every_kind().build(strings=b""))
    with pytest.raises(FileNotFoundError):
        lint(tmp_path / "none")
    with pytest.raises(ValueError, match="embedded null"):
        lint("a\0b")
    with pytest.raises(ValueError, match="only one is allowed"):
        lint("a", data=b"")
    with pytest.raises(ValueError, match="limit"):
        lint(data=b"", limit=-1)


def test_limit() -> None:
    writer = BtfWriter()
    for number in range(50):
        writer.add(PTR, size_or_type=1000 + number)
        writer.add(VOLATILE, kind_flag=True)
    found = lint(data=writer.build(), limit=20)
    counts = Counter((each.severity, each.rule) for each in found)
    assert counts == {("error", "reference"): 20, ("note", "kind-flag"): 20, ("error", "limit"): 1}
    assert found[-1].message.startswith("30 more errors and 30 more notes ")
    assert len(lint(data=writer.build())) == 100
    (last,) = lint(data=writer.build(), limit=0)
    assert (last.severity, last.rule) == ("error", "limit")


# -- real files


def test_real_kernels_have_no_errors_and_duplicates_as_bpftool_has_them(kernel: Path) -> None:
    found = lint(kernel)
    assert not [each for each in found if each.severity == "error"]
    first: dict[tuple[str, str], int] = {}
    expected = []
    for record in bpftool.records(kernel):
        if record["kind"] in ("STRUCT", "UNION") and bpftool.name(record["name"]):
            key = record["kind"], record["name"]
            if first.setdefault(key, record["id"]) != record["id"]:
                expected.append((record["id"], first[key], record["name"]))
    got = [each for each in found if each.rule == "duplicate"]
    assert [each.type_id for each in got] == [type_id for type_id, _, _ in expected]
    for each, (_, lowest, name) in zip(got, expected, strict=True):
        assert f"'{name}'" in each.message
        assert each.message.endswith(f"[{lowest}]")
    high = [
        record["id"]
        for record in bpftool.records(kernel)
        if record["kind"] in ("ENUM", "ENUM64")
        and record["encoding"] == "UNSIGNED"
        # Its JSON extends the sign of 32 bits to 64.
        and any(
            value["val"] % 2 ** (8 * record["size"]) >= 2 ** (8 * record["size"] - 1)
            for value in record["values"]
        )
    ]
    assert [each.type_id for each in found if each.rule == "sign"] == high
    assert not [each for each in found if each.rule not in ("duplicate", "sign")]


def test_module_on_its_base_and_on_another(tmp_path: Path) -> None:
    base = tmp_path / "vmlinux"
    base.write_bytes(lzma.decompress((DATA / "7.2-amd64.btf.xz").read_bytes()))
    module = tmp_path / "tun.ko.xz"
    module.write_bytes((DATA / "tun.ko.xz").read_bytes())
    with btfmmap.open(base) as right:
        assert lint(module, base=right) == lint(module) == []
    with btfmmap.open(btfmmap.SAMPLE_BTF) as wrong:
        found = lint(module, base=wrong)
        errors = [each for each in found if each.severity == "error"]
        assert len(errors) > 100
        with pytest.raises(btfmmap.FormatError) as raised:
            btfmmap.open(module, base=wrong)
        assert str(raised.value).endswith(errors[0].message)


def test_in_elf_on_a_distilled_base(tmp_path: Path) -> None:
    base = every_kind()
    distilled = BtfWriter()
    distilled.add_int("int")
    split = BtfWriter(strings=b"")
    good = split.add(PTR, size_or_type=1)
    split.add(CONST, size_or_type=good + 1)
    bad = split.add(PTR, size_or_type=9)
    path = tmp_path / "module.ko"
    file = ElfWriter()
    file.add(".BTF", split.build(strings=b""))
    file.add(".BTF.base", distilled.build())
    path.write_bytes(file.build())
    (only,) = lint(path)
    assert brief([only]) == [("error", "reference", 1 + bad, place(split, bad, 2))]
    with pytest.raises(btfmmap.FormatError), btfmmap.open(data=base.build()) as full:
        btfmmap.open(path, base=full)


# -- notes


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("header_size", [24, 32])
def test_every_kind(order: str, header_size: int) -> None:
    """Well-formed but for an encoding of two bits, a struct's array that is too long, and enums that may lack
    the kind flag."""
    writer = every_kind(order, header_size)
    found = lint(data=writer.build())
    expected = [("encoding", 4, 3), ("outside", 7, 3 + 3 + 2), ("overlap", 7, 3 + 6 + 2)]
    expected += [("sign", 11, 4), ("sign", 12, 4)]
    assert [(each.rule, each.type_id, each.offset) for each in found] == [
        (rule, type_id, place(writer, type_id, word) + header_size - HEAD) for rule, type_id, word in expected
    ]


def plain() -> BtfWriter:
    """Nothing odd about it."""
    writer = BtfWriter()
    writer.add_struct("s", 4, [("a", writer.add_int(), 0)])
    return writer


def test_duplicates_here_and_in_the_base() -> None:
    base = BtfWriter()
    int_id = base.add_int()
    base.add_struct("x", 4, [("a", int_id, 0)])
    base.add_struct("x", 4, [("a", int_id, 0)], kind=UNION)  # another kind
    base.add(FWD, "x")
    base.add_struct("", 0, [])
    base.add_struct("", 0, [])
    third = base.add_struct("x", 8, [("a", int_id, 0)])
    fourth = base.add_struct("x", 8, [("a", int_id, 0)])
    expected = [("duplicate", type_id, place(base, type_id, 0)) for type_id in (third, fourth)]
    assert notes(base) == expected
    split = BtfWriter(strings=b"")
    split.records.append(split.words(base.strings.index(b"x"), STRUCT << 24, 0))
    split.records.append(split.words(len(base.strings), STRUCT << 24, 0))
    with btfmmap.open(data=base.build()) as btf:
        (only,) = lint(data=split.build(strings=b"own\0"), base=btf)
        assert brief([only]) == [("note", "duplicate", len(btf), HEAD)]
        assert only.message.endswith("the first one is [2]")


def test_cycles() -> None:
    writer = BtfWriter()
    first = writer.add(TYPEDEF, "a", size_or_type=2)
    writer.add(CONST, size_or_type=3)
    writer.add(VOLATILE, size_or_type=1)
    alone = writer.add(TYPEDEF, "alone", size_or_type=4)
    array = writer.add_array(5, 0, 2)
    outer = writer.add_struct("outer", 8, [("inner", 7, 0)])
    writer.add_struct("inner", 8, [("", 8, 0)], kind=UNION)
    writer.add(TYPEDEF, "back", size_or_type=outer)
    pointer = writer.add(PTR, size_or_type=9)
    proto = writer.add_proto(11, [("", 0)])
    writer.add(PTR, size_or_type=proto)
    # Not a cycle: through a pointer, and to one.
    node = writer.add_struct("node", 8, [("next", 13, 0)])
    writer.add(PTR, size_or_type=node)
    writer.add(CONST, size_or_type=first)
    found = lint(data=writer.build())
    cycles = [(each.type_id, each.message.partition("] ")[2]) for each in found if each.rule == "cycle"]
    more = ", in a cycle with"
    by_value, indirect = "holds itself", "refers to itself without a struct or union in between"
    assert cycles == [
        (first, f"{by_value}{more} 2 more types"),
        (alone, by_value),
        (array, by_value),
        (outer, f"{by_value}{more} 2 more types"),
        (pointer, indirect),
        (proto, f"{indirect}{more} 1 more types"),
    ]


def sizes_of(records: list[bpftool.Record]) -> dict[int, int | None]:
    """In bytes, of every type, from bpftool's JSON."""
    by_id = {record["id"]: record for record in records}
    sizes: dict[int, int | None] = {0: None}

    def size(type_id: int, depth: int = 0) -> int | None:
        if type_id in sizes:
            return sizes[type_id]
        assert depth < 100
        record = by_id[type_id]
        result: int | None = None
        if record["kind"] == "PTR":
            result = 8
        elif record["kind"] == "ARRAY":
            inner = size(record["type_id"], depth + 1)
            result = None if inner is None else inner * record["nr_elems"]
        elif record["kind"] in MODIFIERS:
            result = size(record["type_id"], depth + 1)
        elif record["kind"] not in ("FUNC", "FUNC_PROTO", "FWD", "VAR", "DECL_TAG"):
            result = record["size"]
        sizes[type_id] = result
        return result

    for record in records:
        size(record["id"])
    return sizes


def is_integer(records: list[bpftool.Record], type_id: int) -> bool:
    """Whether modifiers and typedefs, a few at most, end at an INT."""
    while type_id != 0 and records[type_id - 1]["kind"] in MODIFIERS:
        type_id = records[type_id - 1]["type_id"]
    return type_id != 0 and records[type_id - 1]["kind"] == "INT"


def odd_members(records: list[bpftool.Record], kind_flag: list[bool]) -> list[tuple[str, int]]:
    """(rule, type id) for each member that is out of its place, in order. Which ones may not begin within a
    byte is taken from the kernel's check_member functions."""
    sizes = sizes_of(records)
    odd: list[tuple[str, int]] = []
    for record in records:
        last = 0
        extents = [
            (
                member["bits_offset"],
                member["bits_offset"] + (member.get("bitfield_size") or 8 * (sizes[member["type_id"]] or 0)),
                number,
            )
            for number, member in enumerate(record.get("members", []))
        ]
        for member, extent in zip(record.get("members", []), extents, strict=True):
            start, end, _ = extent
            size = sizes[member["type_id"]]
            if size is None:
                odd.append(("unsized", record["id"]))
            may_be_bits = "bitfield_size" in member or (
                not kind_flag[record["id"]] and is_integer(records, member["type_id"])
            )
            if start % 8 != 0 and not may_be_bits:
                odd.append(("unaligned", record["id"]))
            if end > 8 * record["size"]:
                odd.append(("outside", record["id"]))
            if record["kind"] == "STRUCT":
                if start < last:
                    odd.append(("order", record["id"]))
                if start < end and any(other < extent and start < other[1] for other in extents):
                    odd.append(("overlap", record["id"]))
            last = start
    return odd


def test_members_out_of_place_as_bpftool_reads_them(tmp_path: Path) -> None:
    """A real kernel, its structs' sizes and members' offsets changed here and there."""
    blob = bytearray(lzma.decompress((DATA / "7.2-amd64.btf.xz").read_bytes()))
    random_ = random.Random(23)
    with btfmmap.open(data=bytes(blob)) as btf:
        types, start = btf.types, btf.header["hdr_len"] + btf.header["type_off"]
        composite = types[(types.kind == STRUCT) | (types.kind == UNION)]
        structs = zip(composite.offset.tolist(), composite.vlen.tolist(), strict=True)
    for offset, vlen in random_.sample([each for each in structs if each[1]], 400):
        size = start + offset + 8
        member = start + offset + 12 + 12 * random_.randrange(vlen) + 8
        if random_.random() < 0.5:
            blob[size : size + 4] = random_.randrange(64).to_bytes(4, "little")
        else:
            blob[member] = random_.randrange(256)
    path = tmp_path / "changed.btf"
    path.write_bytes(blob)
    expected = odd_members(bpftool.records(path), types.kind_flag.tolist())
    rules = ("outside", "overlap", "order", "unaligned", "unsized")
    got = [(each.rule, each.type_id) for each in lint(path) if each.rule in rules]
    assert got == expected
    assert min(Counter(rule for rule, _ in expected)[rule] for rule in rules[:4]) > 50


def test_a_member_of_an_unknown_type_may_be_a_bitfield() -> None:
    """Where the kind flag does not tell, and its type comes after the record that ends the list."""
    writer = BtfWriter()
    writer.add_struct("s", 4, [("x", 3, 3)])
    flagged = writer.add_struct("f", 4, [("x", 4, 3)], kind_flag=True)
    tail = writer.words(0, 99 << 24, 0) + 2 * writer.words(0, INT << 24, 4, 1)
    found = lint(data=writer.build(types=writer.type_section + tail))
    assert [(each.rule, each.type_id) for each in found] == [("record", 3), ("unaligned", flagged)]


def test_bitfields_told_by_their_int() -> None:
    """As producers wrote them before the kind flag: the INT says how many bits, and from which one."""
    writer = BtfWriter()
    int_id = writer.add_int()
    three = writer.add(INT, "int", size_or_type=4, extra=(1 << 24 | 3,))
    shifted = writer.add(INT, "int", size_or_type=4, extra=(1 << 24 | 8 << 16 | 3,))
    writer.add_struct("good", 4, [("a", three, 0), ("b", three, 3), ("c", shifted, 0)])
    bad = writer.add_struct("bad", 4, [("a", three, 0), ("b", three, 2), ("c", int_id, 8)])
    assert notes(writer) == [
        ("overlap", bad, place(writer, bad, 3 + 3 + 2)),
        ("outside", bad, place(writer, bad, 3 + 6 + 2)),
    ]


def test_sections() -> None:
    writer = BtfWriter()
    var = writer.add(VAR, "v", size_or_type=writer.add_int(), extra=(1,))
    writer.add_datasec(".bss", 0, [(var, 0, 4), (var, 0, 4)])  # as a compiler leaves it
    odd = writer.add_datasec(".data", 8, [(var, 0, 4), (var, 2, 4), (var, 6, 4)])
    assert notes(writer) == [
        ("overlap", odd, place(writer, odd, 3 + 3 + 1)),
        ("outside", odd, place(writer, odd, 3 + 6 + 1)),
    ]


def test_section_entries() -> None:
    """The kernel wants a VAR, a BPF object's .ksyms has FUNCs too; opening takes anything, as libbpf does."""
    writer = every_kind()
    count = len(writer.records)
    ids = range(count + 2)
    section = writer.add_datasec(".odd", 4 * len(ids), [(type_id, 4 * type_id, 4) for type_id in ids])
    btf = btfmmap.open(data=writer.build())
    good = [found.id for found in btf if found.kind in (Kind.VAR, Kind.FUNC)]
    assert len(good) == 2
    errors = [each for each in lint(data=writer.build()) if each.severity == "error"]
    assert [(each.rule, each.type_id, each.offset) for each in errors] == [
        ("section-entry", section, place(writer, section, 3 + 3 * type_id))
        for type_id in ids
        if type_id not in good
    ]
    assert btf[section].secinfos[1].type == btf[1]
    walk(btf, [section])


def test_names() -> None:
    writer = BtfWriter()
    int_id = writer.add_int("long unsigned int")
    expected: list[tuple[str, int, int]] = []

    def odd(rule: str, type_id: int, word: int = 0) -> None:
        expected.append((rule, type_id, place(writer, type_id, word)))

    odd("identifier", writer.add_struct("two words", 0, []))
    odd("identifier", writer.add(TYPEDEF, "1st", size_or_type=int_id))
    odd("identifier", writer.add(FWD, "Vec<u8>"))
    odd("identifier", writer.add(FWD, b"caf\xe9"))
    odd("identifier", writer.add_int("int\n"))
    odd("identifier", writer.add_datasec("a b", 0, []))
    odd("identifier", writer.add_struct("m", 4, [("a.b", int_id, 0)], kind=UNION), 3)
    odd("identifier", writer.add_proto(0, [("", int_id), ("*", int_id)]), 5)
    odd("identifier", writer.add_enum("e", [("A", 0), ("B-C", 1)]), 5)
    odd("name", writer.add_enum64("e64", [("", 0)]), 3)
    odd("name", writer.add(PTR, "p", size_or_type=int_id))
    odd("name", writer.add_proto(0, []) and writer.add(VOLATILE, "v", size_or_type=int_id))
    for kind in (TYPEDEF, FWD, FLOAT):
        odd("name", writer.add(kind, size_or_type=8 if kind == FLOAT else 0))
    odd("name", writer.add(FWD, "x" * 512))
    writer.add(FWD, "x" * 511)
    # What is not odd: compilers number local variables and clones, and tags are text.
    proto = writer.add_proto(0, [])
    writer.add(FUNC, "f.isra.0", size_or_type=proto)
    writer.add(VAR, "counter.12", size_or_type=int_id, extra=(0,))
    writer.add(TYPE_TAG, "any text!", size_or_type=int_id)
    assert notes(writer) == expected


def test_words_that_mean_nothing_where_they_are() -> None:
    writer = BtfWriter()
    int_id = writer.add_int()
    proto = writer.add_proto(0, [])
    expected: list[tuple[str, int, int]] = []

    def odd(rule: str, type_id: int, word: int) -> None:
        expected.append((rule, type_id, place(writer, type_id, word)))

    odd("kind-flag", writer.add(PTR, size_or_type=int_id, kind_flag=True), 1)
    odd("vlen", writer.add(CONST, size_or_type=int_id, vlen=1), 1)
    odd("linkage", writer.add(FUNC, "f", size_or_type=proto, vlen=3), 1)
    odd("linkage", writer.add(VAR, "v", size_or_type=int_id, extra=(3,)), 3)
    odd("encoding", writer.add_int("both", 1, encoding=3), 3)
    odd("size", writer.add_int("wide", 4, bits=33), 3)
    odd("size", writer.add_int("none", 4, bits=0), 3)
    odd("size", writer.add(ENUM, "e", size_or_type=3), 2)
    odd("size", writer.add(FLOAT, "f3", size_or_type=3), 2)
    odd("size", writer.add(FWD, "fwd", size_or_type=1), 2)
    odd("size", writer.add(ARRAY, size_or_type=1, extra=(int_id, int_id, 1)), 2)
    assert notes(writer) == expected


def test_header_notes() -> None:
    writer = plain()
    types = writer.type_section
    found = lint(data=writer.build(flags=3) + b"tail!")
    assert brief(found) == [
        ("note", "header", None, 3),
        ("note", "header", None, HEAD + len(types) + len(writer.strings)),
    ]
    long = BtfWriter(header_size=40)
    assert brief(lint(data=long.build())) == [("note", "header", None, 4)]
    gap = writer.build(types=b"\0" * 12 + types, type_off=12, type_len=len(types), str_off=12 + len(types))
    assert brief(lint(data=gap)) == [("note", "header", None, HEAD)]


# -- hostile input


@pytest.mark.parametrize("shape", ["one name", "chain", "bad", "cycle", "members"])
def test_large_and_hostile(shape: str) -> None:
    """Each of these takes less than a second; hours, if each record looked at all the others."""
    count = 300_000
    writer = BtfWriter()
    if shape == "one name":
        writer.strings = b"\0" + b"x" * (8 * count) + b"\0"
        types = writer.words(1, STRUCT << 24, 0) * count
    elif shape == "chain":
        types = b"".join(writer.words(0, CONST << 24, (number + 2) % count) for number in range(count))
    elif shape == "bad":
        types = writer.words(2**31, PTR << 24, 2**31) * count
    elif shape == "cycle":
        types = b"".join(writer.words(0, PTR << 24, number % count + 1) for number in range(1, count + 1))
    else:
        types = writer.words(0, STRUCT << 24 | count, 4) + writer.words(0, 1, 0) * count
    found = lint(data=writer.build(types=types), limit=10)
    counts = {
        "one name": [("name", 10), ("limit", 1)],
        "chain": [],
        "bad": [("reference", 10), ("limit", 1)],
        "cycle": [("cycle", 1), ("limit", 1)],  # of the kernel's notes
        "members": [("overlap", 10), ("limit", 1)],
    }
    assert list(Counter(each.rule for each in found).items()) == counts[shape]


# -- the command


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "btfmmap", "lint", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_command(tmp_path: Path) -> None:
    writer = plain()
    clean, odd, bad = (tmp_path / name for name in ("clean.btf", "odd.btf", "bad.btf"))
    clean.write_bytes(writer.build())
    writer.add_struct("two\x1bwords", 0, [])
    odd.write_bytes(writer.build())
    type_id = writer.add(PTR, size_or_type=1000)
    bad.write_bytes(writer.build())

    done = run(clean)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"0 errors, 0 notes; {TAKES}\n", "")
    done = run(odd)
    assert done.returncode == 0
    assert "[identifier]\n" in done.stdout
    assert done.stdout.endswith(f" [kernel]\n0 errors, 2 notes; {REFUSES}\n")
    assert "two\\x1bwords" in done.stdout
    done = run(bad)
    assert done.returncode == 1
    line = f"{bad}: {place(writer, type_id, 2):#x}: error: type [{type_id}] refers to type [1000], "
    assert done.stdout.startswith(line)
    assert done.stdout.endswith(f"\n1 error, 2 notes; {REFUSES}\n")
    rows = json.loads(run(bad, "--json").stdout)
    assert rows == [each._asdict() for each in btfmmap.lint(bad)]
    assert run(bad, "--limit", "0").returncode == 1
    assert run(bad, "--limit", "-1").returncode == 2
    done = run(tmp_path / "none")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such file" in done.stderr


def test_command_with_a_base(tmp_path: Path) -> None:
    base, split = tmp_path / "base.btf", tmp_path / "split.btf"
    base.write_bytes(every_kind().build())
    writer = BtfWriter(strings=b"")
    writer.add(PTR, size_or_type=5)
    split.write_bytes(writer.build())
    assert run(split, "--base", base).returncode == 0
    done = run(split)
    assert done.returncode == 2
    assert done.stderr.startswith(f"btfmmap: {split}: ")
    assert "to be opened on its base" in done.stderr
