"""Members by path and by byte: against the compiler's offsetof in both byte orders, against a plain reading
of bpftool's JSON for real kernels, and on hostile types."""

from __future__ import annotations

import resource
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import bpftool_json as bpftool
import pytest
import requirements
from btf_writer import UNION, BtfWriter

import btfmmap
from btfmmap import Btf, FormatError, NotFoundError

SOURCE = """
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef struct { u32 low, high; } pair;
struct point { short x, y; };
struct all {
    u8 first;
    union {
        u64 whole;
        struct { u16 a; union { u16 b; u8 c[2]; }; pair d; };
    };
    struct point points[3][5];
    struct { const struct point in; volatile pair qualified; } named;
    struct { struct { struct { u8 deep; u32 odd; } __attribute__((packed)); }; u32 after; };
    pair *pointer;
    u32 bit : 3, bits : 17;
    u64 packed __attribute__((packed));
    struct point flexible[];
};
struct all variable;
"""
# Paths of single values, and of members with parts.
VALUES = [
    *("first", "whole", "a", "b", "c[1]", "d.low", "d.high", "points[0][0].x", "points[2][4].y"),
    *("named.in.y", "named.qualified.high", "deep", "odd", "after", "pointer", "packed"),
]
PARTS = ["c", "d", "points", "points[2]", "points[1][3]", "named", "named.in"]
PATHS = [*VALUES, *PARTS]
# gcc before 12.4 writes the dimensions of arrays of arrays in reverse (its bug 114186).
REVERSED_BY_GCC = {"points[2]", "points[1][3]", "points[2][4].y"}


def compiled(folder: Path, *compiler: str) -> tuple[Btf, list[int]]:
    """The BTF of `SOURCE`; the compiler's offsets and sizes of `PATHS`; the struct's size and the offset of
    `flexible`. They are read from the assembly, so that foreign targets need not run."""
    numbers = "".join(f"offsetof(struct all, {path}), sizeof(variable.{path}), " for path in PATHS)
    source = folder / "fields.c"
    source.write_text(
        f"#define offsetof __builtin_offsetof\n{SOURCE}"
        f"unsigned long long numbers[] = {{{numbers}sizeof(struct all), offsetof(struct all, flexible)}};\n"
    )
    subprocess.run([*compiler, "-w", "-c", "-o", folder / "fields.o", source], check=True)
    done = subprocess.run(
        [*compiler, "-S", "-w", "-g0", "-o", "-", source], check=True, capture_output=True, text=True
    )
    words = done.stdout.partition("\nnumbers:")[2].replace(".8byte", ".quad").split()
    printed = [int(words[i + 1]) for i, word in enumerate(words) if word == ".quad"]
    assert len(printed) == 2 * len(PATHS) + 2
    return btfmmap.open(folder / "fields.o"), printed


@pytest.mark.parametrize(
    "compiler",
    [
        (*requirements.WIDE_GCC, "-gbtf"),
        ("clang", "-g", "-target", "bpfel"),
        ("clang", "-g", "-target", "bpfeb"),
    ],
    ids=["gcc", "bpfel", "bpfeb"],
)
def test_against_the_compiler(tmp_path: Path, compiler: tuple[str, ...]) -> None:
    btf, printed = compiled(tmp_path, requirements.tool(compiler[0]), *compiler[1:])
    assert btf.source.byte_order == ("big" if "bpfeb" in compiler else "little")
    numbers = dict(zip(PATHS, zip(printed[::2], printed[1::2], strict=True), strict=False))
    size, flexible = printed[-2:]
    if "-gbtf" in compiler:
        numbers = {path: each for path, each in numbers.items() if path not in REVERSED_BY_GCC}
    assert btf["struct all"].size == size
    row = btf.layouts[btf.layouts.id == btf["struct all"].id]
    assert (row.size.tolist(), row.flexible.tolist()) == ([size], [True])
    for path, (offset, length) in numbers.items():
        field = btf.find_member(f"all.{path}")
        assert field is not None, path
        assert (field.bit_offset, field.bitfield_size) == (8 * offset, 0), path
        assert btf.sizeof([field.type.id]) == [length], path
    field = btf.find_member("struct all.flexible[7].y")
    assert field is not None
    assert field.offset == flexible + 7 * 4 + 2
    first = {path: numbers[path][0] for path in VALUES if path in numbers}
    last = {path: sum(numbers[path]) - 1 for path in VALUES if path in numbers}
    for path in first:
        assert path in btf.at("all", first[path])
        assert path in btf.at("all", last[path])
        assert path not in btf.at("all", first[path] - 1)
        assert path not in btf.at("all", last[path] + 1)
    layout = {member.name: member for member in btf.layout("all").members}
    for path in VALUES + PARTS:
        if path in layout:
            assert (layout[path].offset, layout[path].size) == numbers[path]
    # The two bitfields follow the pointer in source order, in which both C and BTF count bits.
    after = sum(numbers["pointer"])
    bit, bits = btf.find_member("all.bit"), btf.find_member("all.bits")
    assert bit is not None
    assert bits is not None
    assert (bit.bit_offset, bit.bitfield_size) == (8 * after, 3)
    assert (bits.bit_offset, bits.bitfield_size) == (8 * after + 3, 17)
    assert [btf.at("all", after + byte) for byte in range(3)] == [["bit", "bits"], ["bits"], ["bits"]]


def test_what_is_no_path(tmp_path: Path) -> None:
    btf, _ = compiled(
        tmp_path, requirements.tool(requirements.WIDE_GCC[0]), *requirements.WIDE_GCC[1:], "-gbtf"
    )
    for absent in ("no", "a.b", "points.x", "first.x", "", "named.", ".first", "d.low.x", "pointer.low"):
        assert btf.find_member(f"all.{absent}") is None
    assert btf.find_member("all.points[1000]") is None
    assert btf.find_member("all") is None
    for wrong in (
        "first[0]",
        "points[x]",
        "points[0",
        "points[0]x",
        "points[-1]",
        "points[]",
        "points[0][0][0]",
    ):
        with pytest.raises(ValueError, match=r"is not an index$|, not an array$|past the end"):
            btf.find_member(f"all.{wrong}")
    for unknown in ("alle.first", "struct pair.low", ""):
        with pytest.raises(NotFoundError):
            btf.find_member(unknown)
    with pytest.raises(ValueError, match="is of kind INT"):
        btf.find_member("short int.x" if "short int" in btf else "short.x")
    with pytest.raises(ValueError, match="u8 resolves to a type of kind INT, not a struct or union"):
        btf.layout("u8")
    size = btf["struct all"].size
    assert size is not None
    assert btf.at("all", size) == btf.at("all", -1) == btf.at("all", 2**70) == []
    assert btf.at_each("all", []) == []
    with pytest.raises(NotFoundError):
        btf.at("alle", 0)
    with pytest.raises(TypeError):
        btf.at("all", 1.5)  # type: ignore[arg-type]


class Reader:
    """Members by bpftool's JSON, found by recursion."""

    MODIFIERS = ("TYPEDEF", "CONST", "VOLATILE", "RESTRICT", "TYPE_TAG")

    def __init__(self, path: Path) -> None:
        self.records = [{"kind": "VOID"}, *bpftool.records(path)]

    def resolved(self, type_id: int) -> bpftool.Record:
        record = self.records[type_id]
        return self.resolved(record["type_id"]) if record["kind"] in self.MODIFIERS else record

    def size(self, record: bpftool.Record) -> int:
        if record["kind"] == "ARRAY":
            return int(record["nr_elems"]) * self.size(self.resolved(record["type_id"]))
        return 8 if record["kind"] == "PTR" else int(record.get("size", 0))

    def members(
        self, record: bpftool.Record, base: int = 0
    ) -> Iterator[tuple[str, int, int, bpftool.Record]]:
        """Name, bit offset, bitfield size and type, anonymous structs flattened."""
        for member in record["members"]:
            inner = self.resolved(member["type_id"])
            offset = base + member["bits_offset"]
            if member["name"] == "(anon)" and inner["kind"] in ("STRUCT", "UNION"):
                yield from self.members(inner, offset)
            else:
                yield bpftool.name(member["name"]), offset, member.get("bitfield_size", 0), inner

    def leaves(
        self, record: bpftool.Record, path: str, base: int, bits: int
    ) -> Iterator[tuple[str, int, int]]:
        """Path, first bit and number of bits of each leaf."""
        if record["kind"] == "ARRAY":
            element = self.resolved(record["type_id"])
            for number in range(record["nr_elems"]):
                yield from self.leaves(
                    element, f"{path}[{number}]", base + 8 * number * self.size(element), 0
                )
        elif record["kind"] in ("STRUCT", "UNION"):
            for name, offset, bitfield_size, inner in self.members(record):
                yield from self.leaves(
                    inner, f"{path}.{name}" if path else name, base + offset, bitfield_size
                )
        else:
            yield path, base, bits or 8 * self.size(record)

    def has_empty_array(self, record: bpftool.Record) -> bool:
        if record["kind"] == "ARRAY":
            return not record["nr_elems"] or self.has_empty_array(self.resolved(record["type_id"]))
        members = record.get("members", [])
        return any(self.has_empty_array(self.resolved(member["type_id"])) for member in members)


def test_members_of_a_kernel(kernel: Path) -> None:
    btf = btfmmap.open(kernel)
    reader = Reader(kernel)
    structs = [r for r in reader.records if r["kind"] in ("STRUCT", "UNION") and r["name"] != "(anon)"]
    first = {r["name"]: r for r in reversed(structs)}
    asked = 0
    for record in list(first.values())[::40]:
        keyword = record["kind"].lower()
        expected: dict[str, tuple[int, int]] = {}
        for name, offset, bits, inner in reader.members(record):
            expected.setdefault(name, (offset, bits))
            if inner["kind"] == "STRUCT" and name:
                for inner_name, inner_offset, inner_bits, _ in reader.members(inner):
                    expected.setdefault(f"{name}.{inner_name}", (offset + inner_offset, inner_bits))
        for path, place in expected.items():
            if path and not path.endswith("."):
                field = btf.find_member(f"{keyword} {record['name']}.{path}")
                assert field is not None, path
                assert (field.bit_offset, field.bitfield_size) == place, path
                asked += 1
    assert asked > len(first) // 40


def test_bytes_of_a_kernel(kernel: Path) -> None:
    """All paths at all bytes: each leaf of a struct marks the bytes that it has bits of."""
    btf = btfmmap.open(kernel)
    reader = Reader(kernel)
    structs = [r for r in reader.records if r["kind"] in ("STRUCT", "UNION") and 0 < r["size"] <= 1024]
    asked = 0
    for record in structs[:: 1 + len(structs) // 200]:
        if reader.has_empty_array(record):
            continue
        at_byte = defaultdict(list)
        for path, start, bits in reader.leaves(record, "", 0, 0):
            for byte in range(start // 8, (start + bits + 7) // 8):
                at_byte[byte].append(path)
        offsets = range(0, record["size"] + 1, 1 + record["size"] // 64)
        assert btf.at_each(record["id"], offsets) == [at_byte[byte] for byte in offsets], record["name"]
        asked += len(offsets)
    assert asked


def test_members_at_bytes_of_a_kernel(kernel: Path) -> None:
    """The places of the members whose paths `at` gives."""
    btf = btfmmap.open(kernel)
    reader = Reader(kernel)
    structs = [r for r in reader.records if r["kind"] in ("STRUCT", "UNION") and 0 < r["size"] <= 512]
    asked = 0
    for record in structs[:: 1 + len(structs) // 50]:
        if reader.has_empty_array(record):
            continue
        leaves = list(reader.leaves(record, "", 0, 0))
        for offset in range(0, record["size"] + 1, 1 + record["size"] // 16):
            found = btf.members_at(record["id"], offset)
            assert [member.path for member in found] == btf.at(record["id"], offset)
            places = [(m.path, m.bit_offset, m.bitfield_size or 8 * m.size) for m in found]
            assert places == [
                leaf for leaf in leaves if leaf[1] // 8 <= offset < (leaf[1] + leaf[2] + 7) // 8
            ]
            assert all(member.offset <= offset for member in found)
            asked += len(found)
    assert asked


def test_fields_of_a_kernel(kernel: Path) -> None:
    """All members of all structs, anonymous ones flattened."""
    btf = btfmmap.open(kernel)
    reader = Reader(kernel)
    asked = 0
    for record in reader.records[:: 1 + len(reader.records) // 20_000]:
        if record["kind"] not in ("STRUCT", "UNION"):
            continue
        expected = [(name, start, bits) for name, start, bits, _ in reader.members(record)]
        found = btf.layout(record["id"]).members
        places = [(m.name, 8 * m.offset + m.bit_position, m.bitfield_size) for m in found]
        assert places == expected, record["name"]
        asked += len(expected)
    assert asked > 10


def test_sk_buff() -> None:
    """A known kernel struct, by the same reading."""
    path = requirements.kernel_btf()
    btf = btfmmap.open(path)
    reader = Reader(path)
    record = reader.records[btf["struct sk_buff"].id]
    expected = [
        path
        for path, start, bits in reader.leaves(record, "", 0, 0)
        if start // 8 <= 0x70 < (start + bits + 7) // 8
    ]
    assert expected
    assert btf.at("sk_buff", 0x70) == expected


def test_who_has_a_name(kernel: Path) -> None:
    btf = btfmmap.open(kernel)
    members: dict[str, list[tuple[int, int]]] = defaultdict(list)
    values: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for record in bpftool.records(kernel):
        for member in record["members"] if record["kind"] in ("STRUCT", "UNION") else ():
            members[bpftool.name(member["name"])].append((record["id"], member["bits_offset"]))
        for value in record.get("values", ()):
            number = value["val"]
            if record["kind"] == "ENUM" and record["encoding"] == "UNSIGNED":
                number %= 2**32  # bpftool extends a sign that the value lacks
            values[value["name"]].append((record["id"], number))
    common = sorted(members, key=lambda name: -len(members[name]))
    for name in [*common[:20], *common[20::100]]:
        found = [(type_.id, member.bit_offset) for type_, member in btf.find_members(name)]
        assert found == members[name], name
    for name in list(values)[::100]:
        assert [(type_.id, value.value) for type_, value in btf.find_enumerators(name)] == values[name], name
    for absent in ("no such name", "\0"):
        assert btf.find_members(absent) == []
        assert btf.find_enumerators(absent) == []


def doubled(depth: int, names: tuple[str, str]) -> bytes:
    """Each struct holds the one before twice: 2^depth members if written out."""
    writer = BtfWriter()
    inner = writer.add_int()
    for number in range(depth):
        last = number + 1 == depth
        members = [(name if number else "x", inner, 0) for name in names]
        inner = writer.add_struct(
            "top" if last else "" if not names[0] else f"s{number}", 4, members, kind=UNION
        )
    return writer.build()


def nested(depth: int, name: str) -> bytes:
    writer = BtfWriter()
    inner = writer.add_int()
    for number in range(depth):
        inner = writer.add_struct(
            "top" if number + 1 == depth else name, 4, [(name if number else "x", inner, 0)]
        )
    return writer.build()


def cycle(name: str) -> bytes:
    writer = BtfWriter()
    writer.add_struct("top", 4, [(name, 2, 0)])
    writer.add_struct(name, 4, [(name, 1, 0)])
    return writer.build()


@pytest.mark.parametrize(
    "blob", [doubled(60, ("", "")), nested(100_000, ""), cycle("")], ids=["doubled", "nested", "cycle"]
)
def test_hostile_anonymous(blob: bytes) -> None:
    btf = btfmmap.open(data=blob)
    for ask in (
        lambda: btf.find_member("top.no"),
        lambda: btf.at("top", 0),
        lambda: btf.layout("top").members,
        lambda: btf.layout("top").to_dict(),
    ):
        with pytest.raises(
            FormatError, match=r"contains itself|nests more than|more than 65,536 members"
        ) as caught:
            ask()
        assert caught.value.type_id is not None


@pytest.mark.parametrize(
    "blob", [doubled(60, ("a", "b")), nested(100_000, "m"), cycle("m")], ids=["doubled", "nested", "cycle"]
)
def test_hostile_named(blob: bytes) -> None:
    """Names are followed only in searches by name, bytes always."""
    btf = btfmmap.open(data=blob)
    assert btf.find_member("top.no") is None
    assert len(btf.layout("top").members) <= 2
    with pytest.raises(FormatError, match=r"nests more than 64 deep|too many members"):
        btf.at("top", 0)


def test_many_paths_at_one_byte() -> None:
    """2^12 paths are an answer, 2^16 are too many, and so are 2^12 of 24,000 characters each."""
    btf = btfmmap.open(data=doubled(12, ("a", "b")))
    paths = btf.at("top", 0)
    assert (len(paths), len(set(paths))) == (2**12, 2**11)  # the innermost union has two members x
    assert (paths[0], paths[-1]) == (".".join("a" * 11) + ".x", ".".join("b" * 11) + ".x")
    assert btf.at_each("top", [0, 4, 0]) == [paths, [], paths]
    long = btfmmap.open(data=doubled(12, ("a" * 2000, "b" * 2000)))
    with pytest.raises(FormatError, match=r"more than 16 MiB of paths at byte 0"):
        long.at("top", 0)
    with pytest.raises(FormatError, match="too many members at byte 3"):
        btfmmap.open(data=doubled(40, ("a", "b"))).at_each("top", [4, 3])


def test_a_member_before_what_is_refused() -> None:
    writer = BtfWriter()
    int_id = writer.add_int()
    writer.add_struct("top", 8, [("first", int_id, 0), ("", 2, 32), ("last", int_id, 0)])
    btf = btfmmap.open(data=writer.build())
    field = btf.find_member("top.first")
    assert field is not None
    assert (field.number, field.bit_offset) == (0, 0)
    with pytest.raises(FormatError, match=r"type \[2\] contains itself"):
        btf.find_member("top.last")


def test_memory_of_kept_fields() -> None:
    """4 million fields are asked for, and at most 2^18 are kept."""
    writer = BtfWriter()
    int_id = writer.add_int()
    large = writer.add_struct("", 8000, [(f"m{number}", int_id, 32 * number) for number in range(2000)])
    for number in range(2000):
        writer.add_struct(f"s{number}", 8000, [("", large, 0)])
    btf = btfmmap.open(data=writer.build())

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    assert btf.at("s0", 7999) == ["m1999"]
    before = resident()
    for number in range(2000):
        assert btf.find_member(f"s{number}.m1000") is not None
        assert btf.at(f"s{number}", 17) == ["m4"]
    assert resident() - before < 64 << 20


def test_a_struct_of_too_many_members() -> None:
    writer = BtfWriter()
    int_id = writer.add_int()
    members = [("m", int_id, 32 * number) for number in range(200_000)]
    writer.add_struct("top", 800_000, members)
    writer.add_struct("most", 4 * 65_536, [*members[:65_535], ("last", int_id, 32 * 65_535)])
    btf = btfmmap.open(data=writer.build())
    for ask in (
        lambda: btf.find_member("top.no"),
        lambda: btf.at("top", 0),
        lambda: btf.layout("top").members,
        lambda: btf.format("top", bytes(800_000)),
    ):
        with pytest.raises(FormatError, match="more than 65,536 members"):
            ask()
    field = btf.find_member("most.last")
    assert field is not None
    assert field.offset == 4 * 65_535
    assert btf.at("most", 4 * 65_536 - 1) == ["last"]
    assert btf.layouts.members.tolist() == [200_000, 65_536]


def test_absurd_sizes() -> None:
    writer = BtfWriter()
    int_id = writer.add_int()
    huge = writer.add_array(int_id, int_id, 2**32 - 1)
    nothing = writer.add_array(int_id, int_id, 0)
    empty = writer.add_struct("empty", 0, [("x", int_id, 0)])
    members = [("huge", huge, 0), ("empty", empty, 64), ("none", nothing, 96), ("far", int_id, 2**32 - 8)]
    writer.add_struct("top", 2**32 - 1, members)
    btf = btfmmap.open(data=writer.build())
    assert btf.at("empty", 0) == []
    assert btf.at("top", 0) == []  # an array of 16 GiB has no size
    assert btf.at("top", 2**29 - 1) == ["far"]
    assert btf.at("top", 2**32 - 2) == []
    field = btf.find_member("top.huge[4294967294]")
    assert field is not None
    assert field.offset == 4 * (2**32 - 2)
    last = btf.find_member("top.none[2305843009213693951]")
    assert last is None  # farther than 2^62 bits
    assert btf.find_member(f"top.none[{10**30}]") is None
    far = btf.find_member("top.none[1000000000000]")
    assert far is not None
    assert far.offset == 12 + 4 * 10**12
