"""`Btf.ctypes`: classes that C code fills and reads."""

from __future__ import annotations

import contextlib
import ctypes
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import btf_writer
import c_records
import pytest
import requirements
from btf_writer import STRUCT, UNION, BtfWriter

import btfmmap
from btfmmap import NotSupportedError


def python_path(place: str) -> list[str | int]:
    return [int(word) if word.isdecimal() else word for word in re.findall(r"\w+", place)]


def get(record: Any, place: str) -> Any:
    for word in python_path(place):
        record = record[word] if isinstance(word, int) else getattr(record, word)
    return record


def put(record: Any, place: str, value: Any) -> None:
    *path, last = python_path(place)
    for word in path:
        record = record[word] if isinstance(word, int) else getattr(record, word)
    if isinstance(last, int):
        record[last] = value
    else:
        setattr(record, last, value)


# gcc 12 has an array's dimensions in reverse; ctypes has no unit for bitfields of 64 bits in nine bytes.
CHANGES = {
    "smalls[2][3]": "smalls[6]",
    "cube[2][3][4]": "cube[24]",
    "unsigned long long all : 64; u32 z : 1;": "unsigned z : 10; unsigned long long all : 47;",
}
STRUCTS = c_records.STRUCTS
for _old, _new in CHANGES.items():
    assert _old in STRUCTS
    STRUCTS = STRUCTS.replace(_old, _new)
PLACES = [
    place
    for leaf in c_records.LEAVES
    for place in c_records.places(leaf.replace("[2][3][4]", "[24]").replace("[2][3]", "[6]"))
    if not place.startswith(("name[", "function", "link", "unaligned.all"))
]
REALS = ("real", "single", "doubled")
WITHOUT_OTHER_UNIONS = sys.version_info < (3, 11)  # of the other byte order


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    gets = "".join(
        f"case {number}: return r->{place};\n" for number, place in enumerate(PLACES) if place not in REALS
    )
    sets = "".join(f"case {number}: r->{place} = value; break;\n" for number, place in enumerate(PLACES))
    return c_records.compiled(
        tmp_path_factory.mktemp("ctypes"),
        ["gcc", "-gbtf", "-shared", "-fPIC"],
        f"""{STRUCTS}
        long long get(const struct all *r, int which) {{ switch (which) {{ {gets} }} return 0; }}
        void set(struct all *r, int which, long long value) {{ switch (which) {{ {sets} }} }}
        struct all *same(struct all *r) {{ return r; }}
        struct pair {{ int x; double y; }};
        struct pair swap(struct pair p) {{ return (struct pair){{p.y, p.x}}; }}
        unsigned long size(void) {{ return sizeof(struct all); }}
        """,
        "library.so",
    )


def test_c_reads_and_writes(library: Path) -> None:
    native = ctypes.CDLL(str(library))
    native.get.restype = ctypes.c_longlong
    native.set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_longlong]
    native.size.restype = ctypes.c_ulong
    btf = btfmmap.open(library)
    made = btf.ctypes("struct all")
    assert ctypes.sizeof(made) == native.size()
    for number, place in enumerate(PLACES):
        for value in (1, -1, 0x5A5A5A5A5A5A5A5A, -(2**63)):
            from_c, from_python = made(), made()
            native.set(ctypes.byref(from_c), number, value)
            seen = get(from_c, place)
            if place in REALS:
                assert seen == ctypes.c_float(value).value if place != "doubled" else float(value)
            else:
                expected = native.get(ctypes.byref(from_c), number)
                expected = c_records.read_by_btf(btf, place, expected)
                number_seen = seen[0] if isinstance(seen, bytes) else seen or 0
                # C widens a pointer as if it were signed.
                width = 2**8 if isinstance(seen, bytes) else 2 ** (8 * ctypes.sizeof(ctypes.c_void_p))
                assert number_seen % width == expected % width, place
            put(from_python, place, seen)
            assert bytes(from_python) == bytes(from_c), place


def test_by_value(library: Path) -> None:
    native = ctypes.CDLL(str(library))
    pair = btfmmap.open(library).ctypes("struct pair")
    native.swap.argtypes, native.swap.restype = [pair], pair
    swapped = native.swap(pair(3, 4.0))
    assert (swapped.x, swapped.y) == (4, 3.0)


@pytest.mark.parametrize("target", ["bpfeb", "bpfel"])
def test_laid_out_by_clang(tmp_path: Path, target: str) -> None:
    if WITHOUT_OTHER_UNIONS and target != f"bpf{'eb' if sys.byteorder == 'big' else 'el'}":
        pytest.skip("unions of the other byte order need Python 3.11")
    source, rows = c_records.initialised(50, STRUCTS, PLACES)
    path = c_records.compiled(tmp_path, ["clang", "-target", target, "-g", "-c"], source, "object")
    subprocess.run(
        [requirements.tool("llvm-objcopy"), "--dump-section", f".data={tmp_path / 'data'}", path], check=True
    )
    btf = btfmmap.open(path)
    data = (tmp_path / "data").read_bytes()
    made = btf.ctypes("all")
    for number, row in enumerate(rows):
        record = made.from_buffer_copy(data, number * ctypes.sizeof(made))
        for place, value in row.items():
            seen = get(record, place)
            if isinstance(seen, bytes):
                assert seen == bytes([value % 256])
            else:
                assert seen == c_records.read_by_btf(btf, place, value), place


def test_every_struct_of_a_kernel(kernel: Path) -> None:
    """Every seventh type is a class of its size or refused with the member's name; a big-endian kernel's
    too."""
    btf = btfmmap.open(kernel)
    if WITHOUT_OTHER_UNIONS and btf.source.byte_order != sys.byteorder:
        pytest.skip("unions of the other byte order need Python 3.11")
    structs = [type_ for type_ in btf if type_.kind in (btfmmap.Kind.STRUCT, btfmmap.Kind.UNION)][::7]
    refused = []
    for type_ in structs:
        try:
            made = btf.ctypes(type_)
        except NotSupportedError as error:
            refused.append(str(error))
        else:
            assert ctypes.sizeof(made) == type_.size
    assert all(
        re.search("has an offset or size that ctypes cannot reproduce|ctypes does not have", text)
        for text in refused
    )
    assert len(refused) <= len(structs) // 20


@pytest.mark.parametrize("kind", [STRUCT, UNION])
@pytest.mark.parametrize("name", ["", "_anonymous_0", "_anonymous_1", "_anonymous_2", "a"])
@pytest.mark.parametrize("levels", [1, 2, 5])
def test_made_up_names(name: str, kind: int, levels: int) -> None:
    """An anonymous field is not called as what lies in it, on which ctypes crashes."""
    writer = BtfWriter()
    int_id = writer.add_int()
    array = writer.add_array(int_id, int_id, 1)
    for member in (int_id, array, writer.add_struct("", 4, [(name, array, 0)])):
        inner = member
        for _ in range(levels):
            inner = writer.add_struct("", 4, [(name, inner, 0)], kind=kind)
        inner = writer.add_struct("", 8, [("", inner, 0), ("", inner, 32)])
        outer = writer.add_struct("outer", 16, [("", inner, 0), ("", member, 64), ("last", int_id, 96)])
        made = btfmmap.open(data=writer.build()).ctypes(outer)
        assert ctypes.sizeof(made) == 16
        assert made.from_buffer_copy(struct.pack("<4i", *range(4))).last == 3


def test_a_name_that_looks_made_up() -> None:
    """A member of that name stays one, and its own are not those of the struct around it."""
    writer = BtfWriter()
    inner = writer.add_struct("inner", 4, [("x", writer.add_int(), 0)])
    outer = writer.add_struct("outer", 8, [("_anonymous_0", inner, 0), ("", inner, 32)])
    made = btfmmap.open(data=writer.build()).ctypes(outer)
    record = made.from_buffer_copy(struct.pack("<2i", 1, 2))
    assert (record._anonymous_0.x, record.x) == (1, 2)


@pytest.mark.parametrize(
    "name", ["_fields_", "_pack_", "_anonymous_", "_swappedbytes_", "__dict__", "__class__"]
)
@pytest.mark.parametrize("order", ["<", ">"])
def test_names_that_ctypes_has(name: str, order: str) -> None:
    """A class with the member in its place, or a typed error."""
    writer = BtfWriter(order)
    outer = writer.add_struct("outer", 8, [("a", writer.add_int(), 0), (name, 1, 32)])
    with contextlib.suppress(NotSupportedError):
        made = btfmmap.open(data=writer.build()).ctypes(outer)
        assert vars(made)[name].offset == 4


def test_refused() -> None:
    writer = BtfWriter()
    int_id = writer.add_int()
    long_id = writer.add_int("__int128", 16, bits=128)
    forward = writer.add(btf_writer.FWD, "forward")
    writer.add_struct("long", 16, [("value", long_id, 0)])
    writer.add_struct("incomplete", 4, [("it", forward, 0)])
    within = writer.add_struct("within", 8, [("a", int_id, 3)])
    u64 = writer.add_int("u64", 8, encoding=0)
    writer.add_struct("nine_bytes", 16, [("a", int_id, 0), ("b", u64, 64 << 24 | 33)], kind_flag=True)
    writer.add_struct("past", 4, [("a", int_id, 0), ("b", int_id, 32)])
    writer.add_struct("outer", 8, [("in", within, 0)])
    writer.add_struct("itself", 4, [("me", len(writer.records) + 1, 0)])
    btf = btfmmap.open(data=writer.build())
    for name, why in {
        "struct long": r"long\.value is of kind INT and 16 bytes, which ctypes does not have",
        "incomplete": r"incomplete\.it is of kind FWD",
        "within": r"within\.a has an offset or size that ctypes cannot reproduce",
        "nine_bytes": r"nine_bytes\.b has an offset or size that ctypes cannot reproduce",
        "past": r"past has an offset or size that ctypes cannot reproduce",
        "outer": r"outer\.in\.a has an offset or size that ctypes cannot reproduce",
        "itself": r"itself(\.me)+ is nested in more than 64 structs and arrays",
    }.items():
        with pytest.raises(NotSupportedError, match=f"^{why}"):
            btf.ctypes(name)
    assert ctypes.sizeof(btf.ctypes("int")) == 4
