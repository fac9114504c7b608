"""`Btf.format` against libbpf's typed dump, byte for byte where that is right, and evidence where it is not."""

from __future__ import annotations

import ctypes
import random
import re
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import btf_writer
import pytest
import tools
from btf_writer import BtfWriter

import btfmmap
from btfmmap import Btf, FormatError, Kind, NotSupportedError, Type

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


class TypedDump:
    """libbpf's `btf_dump__dump_type_data`, of the library that is installed."""

    def __init__(self, path: Path) -> None:
        try:
            library: Any = ctypes.CDLL("libbpf.so.1")
        except OSError:
            tools.absent("libbpf.so.1")
        self._library, self._libc = library, ctypes.CDLL(None)
        library.libbpf_set_print.argtypes = [ctypes.c_void_p]
        library.libbpf_set_print(None)
        library.btf__parse.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        library.btf_dump__new.argtypes = [ctypes.c_void_p] * 4
        library.btf__parse.restype = library.btf_dump__new.restype = ctypes.c_void_p
        library.btf_dump__dump_type_data.argtypes = [
            ctypes.c_void_p,
            ctypes.c_uint32,
            ctypes.c_void_p,
            ctypes.c_size_t,
            ctypes.c_void_p,
        ]
        self._libc.open_memstream.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self._libc.open_memstream.restype = ctypes.c_void_p
        self._libc.fflush.argtypes = self._libc.rewind.argtypes = [ctypes.c_void_p]
        self._text, self._size = ctypes.c_void_p(), ctypes.c_size_t()
        self._stream = self._libc.open_memstream(ctypes.byref(self._text), ctypes.byref(self._size))
        btf = library.btf__parse(str(path).encode(), None)
        vfprintf = ctypes.cast(self._libc.vfprintf, ctypes.c_void_p)
        self._dump = library.btf_dump__new(btf, vfprintf, self._stream, None)
        assert self._dump is not None

    def __call__(
        self,
        type_id: int,
        data: bytes,
        *,
        compact: bool = False,
        skip_names: bool = False,
        emit_zeroes: bool = False,
        indent: str = "\t",
        indent_level: int = 0,
    ) -> str | None:
        """The text; None where libbpf gives up."""
        indentation = ctypes.create_string_buffer(indent.encode())
        flags = (compact, skip_names, emit_zeroes)
        options = struct.pack("NPi3?x", 24, ctypes.addressof(indentation), indent_level, *flags)
        # Whether a value is aligned, libbpf asks its address.
        room = ctypes.create_string_buffer(len(data) + 64)
        start = (ctypes.addressof(room) + 63) & ~63
        ctypes.memmove(start, data, len(data))
        self._libc.rewind(self._stream)
        done = self._library.btf_dump__dump_type_data(self._dump, type_id, start, len(data), options)
        self._libc.fflush(self._stream)
        text = ctypes.string_at(self._text.value or 0, self._size.value).decode()
        return text if done >= 0 else None


def normal(text: str) -> str:
    """libbpf prints a null pointer that is aligned with %p, as (nil), any other as 0x0, which C understands.
    It numbers namesakes, and older versions write () for (void)."""
    return re.sub(r"___\d+\b", "", text.replace("(nil)", "0x0").replace("()", "(void)"))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("format") / "program"
    path.with_suffix(".c").write_text(SOURCE)
    subprocess.run([tools.tool("gcc"), "-gbtf", "-w", path.with_suffix(".c"), "-o", path], check=True)
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
    """The types that a struct's bytes are of."""
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
    """An enum that is a bitfield, is not aligned, is signed, or has values that libbpf takes for signed."""
    from btfmmap.fields import resolved

    if type_.kind in (Kind.ENUM, Kind.ENUM64):
        return type_.kind_flag or any(value >= 2**31 for _, value in type_.enumerators)
    return any(
        resolved(member.type).kind in (Kind.ENUM, Kind.ENUM64)
        and (member.bitfield_size or member.bit_offset % (8 * type_.btf._size(member.type.id)))
        for member in type_.members
    )


def may_be_zero(type_: Type) -> bool:
    """Whatever the bytes: bitfields, and what has none."""
    return any(member.bitfield_size or type_.btf._size(member.type.id) == 0 for member in type_.members)


def straddles(type_: Type) -> bool:
    """A bitfield that does not lie in as many bytes as its type has from where it starts, or where those
    are not all in its struct."""
    return any(
        member.bitfield_size
        and (
            member.bit_offset % 8 + member.bitfield_size > 8 * type_.btf._size(member.type.id)
            or member.offset + type_.btf._size(member.type.id) > (type_.size or 0)
        )
        for member in type_.members
    )


def test_structs_of_a_kernel() -> None:
    """Bytes of any value with `emit_zeroes`, where no array of characters changes what libbpf does from
    there on; without it bytes that are neither letters nor zero, and no members that could be."""
    path = tools.kernel_btf()
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
                # Arrays of empty structs: `a member of no size` has what is printed instead.
                assert any(part.kind == Kind.ARRAY and btf._size(part.id) == 0 for part in inside), type_
                continue
            assert normal(btf.format(type_, data, emit_zeroes=emit_zeroes)) == normal(text), type_
            compared[emit_zeroes] += 1
    assert min(compared.values()) > 500
