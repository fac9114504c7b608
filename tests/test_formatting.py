"""`Btf.format` against libbpf's typed dump: byte for byte where libbpf is right, and the differences where it
is wrong."""

from __future__ import annotations

import random
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import btf_writer
import pytest
import requirements
from btf_writer import BtfWriter
from typed_dump import TypedDump, normal

import btfmmap
from btfmmap import FormatError, Kind, NotSupportedError, Type

SOURCE = r"""
#include <stdio.h>
enum color { RED, GREEN = 7, BLUE = 3 };
typedef unsigned char byte;
typedef const volatile long strange;
struct inner { int x, y; };
struct everything {
    char c; signed char s; byte b; _Bool yes, no;
    short h; unsigned short uh; int i; unsigned u; long l; unsigned long long ull;
    __int128 huge, small; float f; double d;
    enum color green, blue, none;
    void *p; int (*call)(int, char *); struct inner *in;
    struct inner in1, in2; const struct inner qualified; strange q;
    union { int word; unsigned short halves[2]; };
    struct { int deep; struct { long deeper; }; } named;
    int ints[4], zeroes[3], grid[2][3]; struct inner inners[3]; void *pointers[2];
    unsigned a : 3, : 4, z : 5; long long big : 40;
    char text[6];
};
struct everything it = {
    'a', -5, 200, 1, 0, -300, 60000, -70000, 4000000000u, -5000000000, 18000000000000000000ull,
    ((__int128)1 << 100) + 5, 77, 1.5f, -1e100, GREEN, BLUE, 99,
    (void *)0x1234, (void *)0x5678, (void *)0x9abc,
    {1, 2}, {3, 0}, {5, 6}, -9, {0x10002}, {4, {8}},
    {1, 0, 3}, {}, {{0, 1, 2}, {3, 4}}, {{1, 0}, {0, 2}}, {(void *)1, (void *)2},
    5, 17, -1234567, {'a', '"', 127, -1, '\'', 'z'},
};
int main(void) { fwrite(&it, sizeof it, 1, stdout); }
"""


NARROW_LIBBPF = pytest.mark.skipif(
    requirements.NARROW,
    reason="there libbpf 1.1 gives an enum's 64 bits to a %d, and what follows is printed wrong",
)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if requirements.NARROW:
        pytest.skip("this host's compiler has no __int128")
    path = tmp_path_factory.mktemp("format") / "program"
    path.with_suffix(".c").write_text(SOURCE)
    subprocess.run([requirements.tool("gcc"), "-gbtf", "-w", path.with_suffix(".c"), "-o", path], check=True)
    return path


OPTIONS: list[dict[str, Any]] = [
    {},
    {"compact": True},
    {"skip_names": True},
    {"compact": True, "skip_names": True, "emit_zeroes": True},
    {"emit_zeroes": True},
    {"indent": "  ", "indent_level": 3},
    {"indent": "", "emit_zeroes": True, "skip_names": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_program(program: Path, options: dict[str, Any]) -> None:
    data = subprocess.run([program], capture_output=True, check=True).stdout
    btf = btfmmap.open(program)
    everything = btf["struct everything"]
    reference = TypedDump(program)
    text = reference(everything.id, data, **options)
    assert text is not None
    assert len(text) > 300
    assert normal(btf.format(everything, data, **options)) == normal(text)
    for member in everything.members:
        if not member.bitfield_size:
            part = data[member.offset :][: btf._size(member.type.id)]
            alone = reference(member.type.id, part, **options)
            assert alone is not None
            assert normal(btf.format(member.type, part, **options)) == normal(alone), member.name


def random_bytes(seed: int, size: int, lowest: int) -> bytes:
    return bytes(random.Random(seed).choices(range(lowest, 256), k=size))


def parts(type_: Type, seen: set[int]) -> Iterator[Type]:
    """The types that a struct's bytes belong to."""
    if type_.id in seen:
        return
    seen.add(type_.id)
    yield type_
    inner = [member.type for member in type_.members]
    if type_.kind not in (Kind.PTR, Kind.FUNC_PROTO) and type_.type is not None:
        inner.append(type_.type)
    for part in inner:
        yield from parts(part, seen)


def is_characters(type_: Type) -> bool:
    from btfmmap.fields import resolved

    return type_.kind == Kind.ARRAY and resolved(type_.type or type_).size == 1


def has_odd_enum(type_: Type) -> bool:
    """Whether there is an enum that is a bitfield, unaligned or signed, or has values that libbpf takes for
    signed."""
    from btfmmap.fields import resolved

    if type_.kind in (Kind.ENUM, Kind.ENUM64):
        return type_.kind_flag or any(value >= 2**31 for _, value in type_.enumerators)
    return any(
        resolved(member.type).kind in (Kind.ENUM, Kind.ENUM64)
        and (member.bitfield_size or member.bit_offset % (8 * type_.btf._size(member.type.id)))
        for member in type_.members
    )


def may_be_zero(type_: Type) -> bool:
    """Whether a member can be zero whatever its bytes are: bitfields, and members without size."""
    return any(member.bitfield_size or type_.btf._size(member.type.id) == 0 for member in type_.members)


def straddles(type_: Type) -> bool:
    """Whether a bitfield exceeds the bytes of its type's size from its first byte, or these exceed the
    struct."""
    return any(
        member.bitfield_size
        and (
            member.bit_offset % 8 + member.bitfield_size > 8 * type_.btf._size(member.type.id)
            or member.offset + type_.btf._size(member.type.id) > (type_.size or 0)
        )
        for member in type_.members
    )


@NARROW_LIBBPF
def test_structs_of_a_kernel() -> None:
    """Random bytes with `emit_zeroes`, without arrays of characters, after which libbpf goes wrong. Without
    `emit_zeroes`, nonzero bytes that are not letters, and no members that could be zero."""
    path = requirements.kernel_btf()
    btf, reference = btfmmap.open(path), TypedDump(path)
    compared = {True: 0, False: 0}
    structs = [type_ for type_ in btf if type_.kind in (Kind.STRUCT, Kind.UNION) and type_.name]
    for type_ in random.Random(5).sample(structs, 1500):
        inside = list(parts(type_, set()))
        if any(has_odd_enum(part) or straddles(part) for part in inside) or (type_.size or 0) > 4000:
            continue
        characters = any(map(is_characters, inside))
        for emit_zeroes in (True, False):
            if characters if emit_zeroes else any(map(may_be_zero, inside)):
                continue
            data = random_bytes(type_.id, type_.size or 0, 0 if emit_zeroes else 0x81)
            text = reference(type_.id, data, emit_zeroes=emit_zeroes)
            if text is None:
                # Arrays of empty structs: see `a member of no size` for what is printed.
                assert any(part.kind == Kind.ARRAY and btf._size(part.id) == 0 for part in inside), type_
                continue
            assert normal(btf.format(type_, data, emit_zeroes=emit_zeroes)) == normal(text), type_
            compared[emit_zeroes] += 1
    assert min(compared.values()) > 500


class TestWhereLibbpfIsWrong:
    """Each case with libbpf's text, or the text of the installed version."""

    @pytest.fixture
    def shown(self, tmp_path: Path) -> Any:
        """Our text and libbpf's of a writer's last type, on one line each."""

        def both(writer: BtfWriter, data: bytes, **options: Any) -> tuple[str, str | None]:
            path = tmp_path / "types.btf"
            path.write_bytes(writer.build())
            type_id = len(writer.records)
            ours = btfmmap.open(path).format(type_id, data, compact=True, skip_names=True, **options)
            reference = TypedDump(path)(type_id, data, compact=True, skip_names=True, **options)
            return ours, reference

        return both

    def test_a_struct_whose_first_member_is_zero(self, shown: Any) -> None:
        writer = BtfWriter()
        integer = writer.add_int()
        inner = writer.add_struct("inner", 8, [("a", integer, 0), ("b", integer, 32)])
        writer.add_struct("outer", 12, [("first", integer, 0), ("second", inner, 32)])
        ours, reference = shown(writer, struct.pack("=3i", 1, 0, 2))
        assert ours == "{1,{2,},}"
        assert reference in ("{1,}", ours)

    def test_what_follows_characters(self, shown: Any) -> None:
        """libbpf takes all that follows an array of characters for part of it."""
        writer = BtfWriter()
        integer, byte = writer.add_int(), writer.add_int("unsigned char", 1, encoding=0)
        text, numbers = writer.add_array(byte, integer, 4), writer.add_array(integer, integer, 3)
        writer.add_struct("s", 20, [("t", text, 0), ("n", numbers, 32), ("b", byte, 128), ("c", byte, 136)])
        ours, reference = shown(writer, struct.pack("=4s3iBBxx", b"ab", 0, 7, 0, 65, 66))
        assert ours == "{['a','b',],[0,7,0,],65,66,}"
        assert reference in ("{['a','b',],[7,],'A','B',}", ours)

    def test_a_zero_among_bytes(self, shown: Any) -> None:
        """libbpf skips the zero, or all elements if it is the first; we leave out nothing that is not
        zero."""
        writer = BtfWriter()
        integer, byte = writer.add_int(), writer.add_int("unsigned char", 1, encoding=0)
        text = writer.add_array(byte, integer, 6)
        writer.add_struct("s", 12, [("x", text, 0), ("y", text, 48)])
        ours, reference = shown(writer, b"ab\0\1\0\0" + b"\0\2c\0\0\0")
        assert ours == "{['a','b','\\0',1,],['\\0',2,'c',],}"
        assert reference in ("{['a','b',1,],}", ours)
        whole, _ = shown(writer, b"ab\0\1\0\0" + b"\0\2c\0\0\0", emit_zeroes=True)
        assert whole == "{['a','b','\\0',1,'\\0',],['\\0',2,'c','\\0',],}"

    @NARROW_LIBBPF
    def test_an_unsigned_enum_above_2_31(self, shown: Any) -> None:
        writer = BtfWriter()
        writer.add_enum("e", [("TOP", 2**32 - 1)])
        ours, reference = shown(writer, b"\xff" * 4)
        assert ours == "TOP"
        assert reference in ("4294967295", ours)

    def test_enums_in_bitfields(self, shown: Any) -> None:
        """libbpf reads neither the sign of bitfields nor whether they are zero from their bits."""
        writer = BtfWriter()
        enum = writer.add_enum("e", [("MINUS", -1), ("THREE", 3)], signed=True)
        offsets = [size << 24 | offset for size, offset in ((3, 0), (3, 3), (4, 6), (6, 10))]
        members = [(name, enum, offset) for name, offset in zip("abcd", offsets, strict=True)]
        writer.add_struct("s", 4, members, kind_flag=True)
        ours, reference = shown(writer, (7 | 0 << 3 | 3 << 6 | 9 << 10).to_bytes(4, "little"))
        assert ours == "{MINUS,THREE,9,}"
        assert reference != ours

    def test_an_enum_that_is_not_aligned(self, shown: Any) -> None:
        writer = BtfWriter()
        byte, enum = writer.add_int("char", 1), writer.add_enum("e", [("MINUS", -1)], signed=True)
        writer.add_struct("s", 5, [("c", byte, 0), ("e", enum, 8)])
        ours, reference = shown(writer, b"\1" + b"\xff" * 4)
        assert ours == "{1,MINUS,}"
        assert reference != ours

    def test_a_signed_enum_without_that_value(self, shown: Any) -> None:
        """libbpf omits the comma and the end of the line."""
        writer = BtfWriter()
        enum = writer.add_enum("e", [("MINUS", -1)], signed=True)
        writer.add_struct("s", 8, [("a", enum, 0), ("b", enum, 32)])
        ours, reference = shown(writer, struct.pack("=ii", -7, 8))
        assert ours == "{-7,8,}"
        assert reference in ("{-78}", ours)

    def test_a_bitfield_in_more_bytes_than_its_type(self, shown: Any) -> None:
        writer = BtfWriter()
        byte = writer.add_int("unsigned char", 1, encoding=0)
        members = [("a", byte, 3 << 24), ("b", byte, 7 << 24 | 3)]
        writer.add_struct("s", 2, members, kind_flag=True)
        ours, reference = shown(writer, (5 | 0b1100001 << 3).to_bytes(2, "little"))
        assert ours == "{0x5,0x61,}"
        assert reference != ours

    def test_a_bitfield_of_an_old_compiler(self, shown: Any) -> None:
        """The INT says which of its bits count."""
        writer = BtfWriter()
        old = writer.add(btf_writer.INT, "unsigned int", size_or_type=4, extra=(4 << 16 | 3,))
        writer.add_struct("s", 4, [("a", old, 0)])
        ours, reference = shown(writer, (0b1010101).to_bytes(4, "little"))
        assert ours == "{0x5,}"
        assert reference in ("{85,}", ours)

    def test_empty_elements(self, shown: Any) -> None:
        writer = BtfWriter()
        integer, empty = writer.add_int(), writer.add_struct("empty", 0, [])
        array = writer.add_array(empty, integer, 2**32 - 1)
        writer.add_struct("s", 4, [("a", array, 0), ("b", integer, 0)])
        ours, reference = shown(writer, struct.pack("=i", 1), emit_zeroes=True)
        assert ours == "{[],1,}"
        assert reference in (None, ours)

    def test_strings(self, shown: Any) -> None:
        """Older versions of libbpf refuse the option; later ones omit the comma and indent twice."""
        writer = BtfWriter()
        integer, char = writer.add_int(), writer.add_int("char", 1)
        text = writer.add_array(char, integer, 6)
        ours, reference = shown(writer, b"a\x01\xffb\0c", emit_strings=True)
        assert ours == '"a\\x01\\xffb"'
        assert reference in (None, ours)
        ours, reference = shown(writer, b"abcdef", emit_strings=True)
        assert ours == "['a','b','c','d','e','f',]"
        assert reference in (None, ours)
        writer.add_struct("s", 12, [("a", text, 0), ("b", text, 48)])
        ours, reference = shown(writer, b"abc\0\0\0d\0\0\0\0\0", emit_strings=True)
        assert ours == '{"abc","d",}'
        assert reference in (None, '{"abc""d"}', ours)


def test_variables(tmp_path: Path) -> None:
    writer = BtfWriter()
    integer = writer.add_int()
    array = writer.add_array(integer, integer, 2)
    variables = [
        writer.add(btf_writer.VAR, name, size_or_type=type_id, extra=(linkage,))
        for name, type_id, linkage in (("a", integer, 0), ("b", array, 1), ("c", integer, 2))
    ]
    section = writer.add_datasec(
        ".data", 16, [(variables[0], 0, 4), (variables[1], 4, 8), (variables[2], 12, 4)]
    )
    path = tmp_path / "types.btf"
    path.write_bytes(writer.build())
    btf, reference, data = btfmmap.open(path), TypedDump(path), struct.pack("=4i", 1, 0, -5, 0)
    for options in OPTIONS:
        for type_id in (section, *variables):
            assert btf.format(type_id, data, **options) == reference(type_id, data, **options)


def test_the_other_byte_order() -> None:
    """The same values give the same text in either byte order."""
    texts = []
    for order in "<>":
        writer = BtfWriter(order)
        integer, long_id = writer.add_int(), writer.add_int("long", 8)
        enum, double = writer.add_enum("e", [("SEVEN", 7)]), writer.add(btf_writer.FLOAT, "d", size_or_type=8)
        pointer = writer.add(btf_writer.PTR)
        names = zip("abcde", (integer, enum, long_id, double, pointer), (0, 32, 64, 128, 192), strict=True)
        # Compilers allocate bitfields from the low end of a word, for big-endian machines from its high end.
        bits = [("f", integer, 3 << 24 | 256), ("g", integer, 13 << 24 | 259)]
        writer.add_struct("s", 40, [*names, *bits], kind_flag=True)
        word = 5 | 1234 << 3 if order == "<" else 5 << 29 | 1234 << 16
        data = struct.pack(f"{order}iIqdQIxxxx", -1, 7, -(2**40), 1.5, 2**63, word)
        texts.append(btfmmap.open(data=writer.build()).format("s", data))
    assert texts[0] == texts[1]
    assert ".e = (void *)0x8000000000000000,\n\t.f = (int)0x5,\n\t.g = (int)0x4d2,\n" in texts[0]


class TestBadInput:
    def test_too_few_bytes(self) -> None:
        btf = btfmmap.open(btfmmap.SAMPLE_BTF)
        size = btf["struct flow"].size or 0
        with pytest.raises(
            FormatError, match=f"flow has {size} bytes, but data has {size - 1}; pad it with zeros"
        ):
            btf.format("flow", bytes(size - 1))
        assert btf.format("flow", bytes(size + 1)) == "(struct flow){\n}"

    def test_types_without_values(self) -> None:
        writer = BtfWriter()
        integer = writer.add_int()
        forward = writer.add(btf_writer.FWD, "f")
        writer.add_proto(0, [])
        wide = writer.add(btf_writer.FLOAT, "long double", size_or_type=16)
        holder = writer.add_struct("s", 4, [("f", forward, 0)])
        outside = writer.add_struct("o", 4, [("x", integer, 8)])
        btf = btfmmap.open(data=writer.build())
        for type_id in (0, forward, 3):
            with pytest.raises(ValueError, match="has no size"):
                btf.format(type_id, b"")
        with pytest.raises(NotSupportedError, match="a float of 16 bytes"):
            btf.format(wide, bytes(16))
        with pytest.raises(NotSupportedError, match="kind FWD, which has no values"):
            btf.format(holder, bytes(4))
        with pytest.raises(FormatError, match="ends at byte 5, but data has 4 bytes"):
            btf.format(outside, bytes(4))
        with pytest.raises(btfmmap.NotFoundError):
            btf.format(99, b"")

    def test_unions_of_unions(self) -> None:
        writer = BtfWriter()
        inner = writer.add_int()
        for number in range(50):
            inner = writer.add_struct(
                f"u{number}", 4, [("a", inner, 0), ("b", inner, 0)], kind=btf_writer.UNION
            )
        with pytest.raises(NotSupportedError, match="too many members"):
            btfmmap.open(data=writer.build()).format(inner, b"\1\2\3\4")

    @pytest.mark.parametrize("data", [bytes(4), b"\0\0\0\1"])
    def test_a_deep_struct(self, data: bytes) -> None:
        writer = BtfWriter()
        inner = writer.add_int()
        for number in range(5000):
            inner = writer.add_struct(f"s{number}", 4, [("a", inner, 0)])
        with pytest.raises(NotSupportedError, match="too deep"):
            btfmmap.open(data=writer.build()).format(inner, data, emit_zeroes=data == bytes(4))
        holder = writer.add_struct("s", 4, [("a", inner, 0)])
        with pytest.raises(NotSupportedError, match="too deep"):
            btfmmap.open(data=writer.build()).format(holder, data)

    def test_a_struct_that_holds_itself(self) -> None:
        writer = BtfWriter()
        writer.add_struct("me", 8, [("again", 1, 0)])
        with pytest.raises(NotSupportedError, match="too deep"):
            btfmmap.open(data=writer.build()).format("me", bytes(8))
