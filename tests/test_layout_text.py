"""The text of layouts: hostile types, unusual names, split BTF.

tests/test_layouts.py compares real kernels with pahole.
"""

from __future__ import annotations

import re
import struct

import pytest
from btf_writer import CONST, PTR, STRUCT, TYPEDEF, UNION, BtfWriter
from little_stack import on_little_stack
from split_writer import SplitWriter

import btfmmap
from btfmmap import Btf, FormatError, NotSupportedError

LIMIT = 65_536
BOTH = pytest.mark.parametrize("expand", [False, True], ids=["plain", "expanded"])


def opened(writer: BtfWriter) -> Btf:
    return btfmmap.open(data=writer.build())


def doubled(depth: int, name: str) -> BtfWriter:
    """Structs that hold the one before twice: 2^depth members if all are written."""
    writer = BtfWriter()
    inner = writer.add_int()
    for number in range(depth):
        members = [("a" if name else "", inner, 0), ("b" if name else "", inner, 32)]
        inner = writer.add_struct(f"{name}{number}" if name else "", 8, members)
    return writer


@pytest.mark.parametrize("name", ["", "s"], ids=["anonymous", "named"])
def test_members_that_double(name: str) -> None:
    btf = opened(doubled(40, name))
    last = len(btf) - 1
    with pytest.raises(FormatError, match=r"more than 65,536 members, reached in type \[\d+\]") as caught:
        btf.layout(last).text(expand=True)
    assert caught.value.type_id in range(2, last)
    if name:
        assert str(btf.layout(last)).count(";") == 3
    btf = opened(doubled(15, name))
    text = btf.layout(len(btf) - 1).text(expand=True)
    assert text.count("int") == 1 << 15
    assert text.count("{") == text.count("}") == (1 << 15) - 1


@BOTH
def test_more_members_than_the_limit(expand: bool) -> None:
    writer = BtfWriter()
    integer = writer.add_int()
    name = writer.string("m")
    members = [word for number in range(LIMIT + 1) for word in (name, integer, 32 * number)]
    for count, struct_name in ((LIMIT, "most"), (LIMIT + 1, "many")):
        head = writer.string(struct_name), STRUCT << 24 | count, 4 * count
        writer.records.append(writer.words(*head, *members[: 3 * count]))
    btf = opened(writer)
    assert btf.layout("most").text(expand=expand).count(" m;") == LIMIT
    with pytest.raises(FormatError, match=r"more than 65,536 members, reached in type \[3\]") as caught:
        btf.layout("many").text(expand=expand)
    assert caught.value.type_id == 3


@pytest.mark.parametrize("kind", [STRUCT, UNION])
@pytest.mark.parametrize("name", ["", "s"], ids=["anonymous", "named"])
def test_nesting(name: str, kind: int) -> None:
    """64 levels are written out, on a thread with a stack of 128 KiB."""
    writer = BtfWriter()
    inner = writer.add_int()
    for number in range(1_000):
        inner = writer.add_struct(f"{name}{number}" if name else "", 4, [("m", inner, 0)], kind=kind)
    btf = opened(writer)
    texts: list[str] = []
    on_little_stack(lambda: texts.append(btf.layout(inner).text(expand=True)))
    assert texts[0].count(" {\n") == texts[0].count("}") - (not name) == 64


@BOTH
@pytest.mark.parametrize("through", [None, PTR, CONST, TYPEDEF])
def test_cycles(through: int | None, expand: bool) -> None:
    """A type is not written out inside of itself."""
    writer = BtfWriter()
    writer.add_struct("", 8, [("again", 2 if through else 1, 0), ("other", 3, 0)])
    writer.add(through or PTR, "alias" if through == TYPEDEF else "", size_or_type=1)
    writer.add_struct("", 8, [("first", 1, 0)], kind=UNION)
    btf = opened(writer)
    for type_id in (1, 3):
        text = btf.layout(type_id).text(expand=expand)
        assert text.count("struct {\n") == text.count("union {\n") == 1


def enumerators() -> BtfWriter:
    """A struct of many anonymous enums of many values."""
    writer = BtfWriter()
    name = writer.string("value")
    values = [word for number in range(LIMIT) for word in (name, number)]
    writer.records.append(writer.words(0, 6 << 24 | LIMIT, 4, *values))
    writer.add_struct("top", 4, [("e", 1, 0)] * LIMIT, kind=UNION)
    return writer


def long_name(where: str) -> BtfWriter:
    """A struct of members that have a long name, or a type that has one."""
    writer = BtfWriter()
    name = writer.string("n" * (1 << 20))
    writer.records.append(writer.words(name, 1 << 24, 4, 32))
    members = [word for _ in range(LIMIT) for word in (name if where == "member" else 0, 1, 0)]
    writer.records.append(writer.words(writer.string("top"), UNION << 24 | LIMIT, 4, *members))
    return writer


def prototypes() -> BtfWriter:
    """A struct of pointers to a prototype of prototypes."""
    writer = BtfWriter()
    writer.add_proto(2, [("", 2), ("", 2)])
    writer.add(PTR, size_or_type=1)
    writer.add_struct("top", 8, [("call", 2, 0)] * LIMIT, kind=UNION)
    return writer


@BOTH
@pytest.mark.parametrize(
    "make",
    [enumerators, lambda: long_name("member"), lambda: long_name("type"), prototypes],
    ids=["enumerators", "names of members", "names of types", "prototypes"],
)
def test_text_without_end(make: object, expand: bool) -> None:
    assert callable(make)
    layout = opened(make()).layout("top")
    with pytest.raises(NotSupportedError, match=r"more than \d+ bytes of text"):
        layout.text(expand=expand)


NAMES = [
    b"plain",
    "caf\N{LATIN SMALL LETTER E WITH ACUTE}".encode(),
    "\N{GRINNING FACE}\N{EURO SIGN}".encode(),
    b"\xff\xfe\xfd",
    b"\xc3",  # cut short
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\xe2\x82z",
    b"\xc0\xaf\xe0\x80\x80",  # overlong
    b"\xed\xa0\x80",  # a surrogate
    b"\xf4\x90\x80\x80",  # past the last code point
    b"\x80\xbf",
    b"\x1b[1m\x07",
]


@pytest.mark.parametrize("name", NAMES)
def test_columns_count_characters(name: bytes) -> None:
    """The comments start in one column, whatever bytes a name has."""
    writer = BtfWriter()
    integer = writer.add_int()
    named = writer.add_struct(name, 4, [("m", integer, 0)])
    pointer = writer.add(PTR, size_or_type=named)
    enum = writer.add_enum("", [("LONGER_NAME", 1), ("X", 2)])
    values = writer.records[-1][:12] + struct.pack(
        "<4I", writer.string(name), 1, writer.string("LONGER_NAME"), 2
    )
    writer.records[-1] = values
    rows = [("a", pointer, 0), ("b", named, 64), ("e", enum, 96)]
    members = [word for member, type_id, offset in rows for word in (writer.string(member), type_id, offset)]
    members += [writer.string(name), integer, 128]
    writer.records.append(writer.words(writer.string("top"), STRUCT << 24 | 4, 20, *members))
    text = str(opened(writer).layout("top"))
    shown = name.decode("utf-8", "surrogateescape")
    lines = text.split("\n")
    columns = {line.index("/*") for line in lines if re.search(r"; +/\*", line) and "}" not in line}
    assert columns == {1 + 26 + 23}
    assert f"\tstruct {shown} *" in text
    assert f"\tint                        {shown};" in text
    width = max(len(shown), len("LONGER_NAME"))
    assert f"\t\t{shown.ljust(width)} = 1,\n\t\t{'LONGER_NAME'.ljust(width)} = 2,\n" in text


@pytest.mark.parametrize("order", ["<", ">"])
def test_values_of_enums(order: str) -> None:
    """Written as C has them, by size, sign and kind."""
    writer = BtfWriter(order)
    ids = [
        writer.add_enum("", [("A", -1), ("B", -(2**31))], signed=True),
        writer.add_enum("", [("C", 2**32 - 1)]),
        writer.add_enum64("", [("D", 2**64 - 1), ("E", 2**63)]),
        writer.add_enum64("", [("F", -1), ("G", -(2**63))], signed=True),
    ]
    writer.add_struct(
        "top", 8, [(f"m{number}", type_id, 0) for number, type_id in enumerate(ids)], kind=UNION
    )
    text = str(opened(writer).layout("top"))
    assert re.findall(r"\t(\w) = (-?\d+),\n", text) == [
        ("A", "-1"),
        ("B", str(-(2**31))),
        ("C", str(2**32 - 1)),
        ("D", str(2**64 - 1)),
        ("E", str(2**63)),
        ("F", "-1"),
        ("G", str(-(2**63))),
    ]
    assert re.findall(r"\}( __attribute__\(\(__packed__\)\))? m(\d)", text) == [
        ("", "0"),
        ("", "1"),
        (" __attribute__((__packed__))", "2"),
        (" __attribute__((__packed__))", "3"),
    ]


def types_of_base(writer: BtfWriter) -> None:
    integer = writer.add_int()
    char = writer.add_int("char", 1)
    writer.add_struct("inner", 12, [("c", char, 0), ("i", integer, 32), ("d", char, 64)])
    writer.add_struct("", 16, [("pair", 3, 0), ("last", char, 96)])


def types_of_split(writer: BtfWriter) -> None:
    writer.add_struct("outer", 80, [("one", 3, 0), ("two", 4, 96), ("own", 1, 288), ("far", 1, 512)])


@BOTH
def test_split_is_as_in_one_file(expand: bool) -> None:
    """Members of a base's types have the text that they have in a BTF of all types."""
    whole = BtfWriter()
    types_of_base(whole)
    types_of_split(whole)
    base = BtfWriter()
    types_of_base(base)
    split = SplitWriter(base)
    types_of_split(split)
    btf = btfmmap.open(data=split.build(), base=btfmmap.open(data=base.build()))
    expected = opened(whole).layout("outer").text(expand=expand)
    assert "XXX last struct has 3 bytes of padding" in expected
    assert btf.layout("outer").text(expand=expand) == expected
    assert btf.layout("inner").text() == opened(base).layout("inner").text()
