"""Sums and products of sizes from files do not wrap, least of all on 32-bit hosts."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path

import pytest
import requirements
from btf_writer import BtfWriter, every_kind
from elf_writer import ElfWriter
from wrapping import cases

import btfmmap
from btfmmap import FormatError, NotSupportedError


def test_each_case() -> None:
    opened = refused = 0
    for case in cases():
        try:
            with btfmmap.open(data=case.content) as btf:
                assert len(btf.types) > 1
                assert bytes(btf.string_section).endswith(b"\0")
                if btf.ext is not None:
                    assert len(btf.ext.line_info) == 1
            assert case.valid, case.name
            opened += 1
        except FormatError:
            assert not case.valid, case.name
            refused += 1
    assert opened >= 10
    assert refused >= 1000


@pytest.mark.parametrize("back", [256, 1 << 30])
def test_strings_before_the_file(tmp_path: Path, back: int) -> None:
    """The outcome: it opened, its strings lay before its bytes, or it crashed."""
    content = bytearray(every_kind().build())
    struct.pack_into("<I", content, 16, (1 << 32) - 24 - back)
    path = tmp_path / "before.btf"
    path.write_bytes(content)
    for method in ("auto", "read", "mmap"):
        with pytest.raises(FormatError, match=r"string section .* ends past the file's"):
            btfmmap.open(path, method=method)
    with pytest.raises(FormatError, match=r"string section .* ends past the file's"):
        btfmmap.open(data=content)
    assert btfmmap.lint(path)[0].rule == "header"


def sparse(path: Path, size: int, content: bytes = b"") -> Path:
    with path.open("wb") as file:
        file.write(content)
        file.truncate(size)
    return path


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("at", [(1 << 31) - 4096, 1 << 31, 3 << 30, (1 << 32) - (1 << 20)])
def test_section_far_into_a_large_file(tmp_path: Path, bits: int, at: int) -> None:
    """Only the needed parts are read, wherever they are."""
    writer = ElfWriter(bits=bits)
    writer.add(".text", b"\0" * 16)
    writer.add(".BTF", every_kind().build(), at=at)
    path = tmp_path / "large"
    writer.write_sparse(path)
    assert os.stat(path).st_size > at
    with btfmmap.open(path) as btf:
        assert bytes(btf.raw) == every_kind().build()
        assert btf.find("int") == 1


@pytest.mark.parametrize("size", [1 << 31, 3 << 30, (1 << 32) - 1])
def test_raw_file_that_is_large(tmp_path: Path, size: int) -> None:
    path = sparse(tmp_path / "large.btf", size, every_kind().build())
    if requirements.NARROW:
        for method in ("auto", "read", "mmap"):
            with pytest.raises(NotSupportedError, match=f"large.btf: {size}.* 32-bit process"):
                btfmmap.open(path, method=method)
    else:
        with btfmmap.open(path, method="mmap") as btf:
            assert btf.source.size == size
            assert btf.find("int") == 1


@pytest.mark.parametrize("size", [1 << 32, 5 << 30])
def test_file_of_more_than_4_gib(tmp_path: Path, size: int) -> None:
    path = sparse(tmp_path / "huge.btf", size, every_kind().build())
    for method in ("auto", "read", "mmap"):
        with pytest.raises(FormatError, match=f"the file has {size} bytes; BTF has at most 4 GiB"):
            btfmmap.open(path, method=method)


def test_section_that_is_large(tmp_path: Path) -> None:
    """A file of 2 GiB cannot be read with 32-bit pointers; elsewhere its map is borrowed."""
    writer = ElfWriter()
    writer.add(".BTF", every_kind().build(), sh_size=1 << 31)
    writer.add(".end", b"\0", at=(1 << 31) + (1 << 20))
    path = tmp_path / "large.o"
    writer.write_sparse(path)
    if requirements.NARROW:
        for method in ("auto", "mmap"):
            with pytest.raises(NotSupportedError, match="32-bit process"):
                btfmmap.open(path, method=method)
    else:
        with btfmmap.open(path, method="mmap") as btf:
            assert btf.find("int") == 1


TYPED_ERRORS = (btfmmap.BtfError, ValueError, MemoryError)


@pytest.mark.parametrize("size", [(1 << 31) - 1, 1 << 31, 3 << 30, (1 << 32) - 8, (1 << 32) - 1])
def test_types_of_gigabytes(size: int) -> None:
    """Every question has an answer or a typed error, and sizes are right."""
    writer = BtfWriter()
    char = writer.add_int("char", 1)
    writer.add_int("long", 8)
    text = writer.add_array(char, char, size)
    many = writer.add_array(writer.add(2, size_or_type=char), char, size // 8)
    inner = writer.add_struct("inner", size, [("text", text, 0)])
    outer = writer.add_struct("outer", size, [("first", char, 0), ("inner", inner, 8), ("many", many, 64)])
    either = writer.add_struct("either", size, [("inner", inner, 0), ("many", many, 0)], kind=5)
    number = writer.add_int("number", size)
    btf = btfmmap.open(data=writer.build())
    types = [text, many, inner, outer, either, number]
    assert btf.sizeof(types).tolist() == [size, size // 8 * 8, size, size, size, size]
    assert [btf[type_id].size for type_id in types[2:]] == [size] * 4
    for type_id in types:
        for question in (
            lambda: btf.dtype(type_id),  # noqa: B023
            lambda: btf.ctypes(type_id),  # noqa: B023
            lambda: btf.records(type_id, bytes(1 << 20)),  # noqa: B023
            lambda: btf.format(type_id, bytes(1 << 20)),  # noqa: B023
            lambda: btf.layout(type_id).text(expand=True),  # noqa: B023
            lambda: btf.at(type_id, size - 1),  # noqa: B023
            lambda: btf.to_c(type_id),  # noqa: B023
        ):
            with suppress(*TYPED_ERRORS):
                question()
    if size < 1 << 31:
        assert btf.dtype(text).itemsize == size
    else:
        with pytest.raises(NotSupportedError, match="numpy"):
            btf.dtype(text)
