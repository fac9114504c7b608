"""Malformed BTF is refused with an error that names the fault and its place; it never crashes."""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import Callable
from pathlib import Path

import btf_writer
import pytest
from btf_writer import BtfWriter, every_kind

import btfmmap
from btfmmap import FormatError

HEADER = 24


def refuse(blob: bytes, message: str, offset: int | None = None, type_id: int | None = None) -> None:
    with pytest.raises(FormatError, match=re.escape(message)) as caught:
        btfmmap.open(data=blob)
    assert caught.value.offset == offset
    assert caught.value.type_id == type_id
    assert isinstance(caught.value, btfmmap.BtfError)
    assert isinstance(caught.value, ValueError)


def one_int() -> BtfWriter:
    writer = BtfWriter()
    writer.add_int("int")
    return writer


class TestHeader:
    @pytest.mark.parametrize("size", [2, 23])
    def test_short(self, size: int) -> None:
        refuse(one_int().build()[:size], f"too short for BTF: {size} bytes")

    def test_magic(self) -> None:
        refuse(b"", "neither BTF nor a file that may contain it (ELF, compressed data, a tar archive")
        refuse(b"\x9f", "starts with bytes 9f")
        refuse(b"\x7fEL" + bytes(100), "starts with bytes 7f 45 4c 00")

    @pytest.mark.parametrize("version", [0, 2, 255])
    def test_version(self, version: int) -> None:
        refuse(one_int().build(version=version), f"BTF version {version}", 2)

    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("length", [0, 23, 10_000, 2**32 - 1])
    def test_header_length(self, order: str, length: int) -> None:
        refuse(every_kind(order).build(hdr_len=length), f"header length is {length}", 4)

    @pytest.mark.parametrize("length", [25, 28, 31, 33, 100])
    def test_odd_header_lengths_are_read(self, length: int) -> None:
        """The kernel and libbpf accept any length from 24 up."""
        writer = every_kind(header_size=length)
        assert len(btfmmap.open(data=writer.build())) == len(writer.records) + 1

    def test_strings_past_the_end(self) -> None:
        refuse(one_int().build(str_len=1000), "string section (offset 16, 1000 bytes) ends past", 16)
        refuse(one_int().build(str_off=2**32 - 1), "ends past", 16)
        refuse(one_int().build(str_off=2**32 - 1, str_len=2**32 - 1), "ends past", 16)

    def test_types_overlap_strings(self) -> None:
        refuse(one_int().build(type_len=20), "type section (offset 0, 20 bytes) overlaps", 8)
        refuse(one_int().build(type_off=2**32 - 4, type_len=8), "overlaps", 8)

    def test_unaligned_types(self) -> None:
        refuse(one_int().build(type_off=2, type_len=14), "not aligned", 8)

    @pytest.mark.parametrize(
        ("layout_off", "layout_len", "message"),
        [(2, 4, "multiple of 4"), (16, 6, "multiple of 4"), (0, 4, "between"), (16, 400, "between")],
    )
    def test_layout(self, layout_off: int, layout_len: int, message: str) -> None:
        blob = every_kind(header_size=32).build(layout_off=layout_off, layout_len=layout_len)
        refuse(blob, message, 24)


class TestStrings:
    def test_none(self) -> None:
        refuse(one_int().build(strings=b""), "the string section is empty: this is a split BTF")

    def test_first_byte(self) -> None:
        refuse(one_int().build(strings=b"int\0"), "does not start with a NUL byte: this is a split BTF")

    def test_last_byte(self) -> None:
        refuse(one_int().build(strings=b"\0int"), "does not end with a NUL", HEADER + 16 + 3)


class TestRecords:
    def test_cut_in_its_head(self) -> None:
        refuse(
            one_int().build(types=one_int().type_section + bytes(8)), "type [2] is cut short", HEADER + 16, 2
        )

    def test_cut_in_its_rest(self) -> None:
        writer = one_int()
        writer.add_struct("s", 4, [("m", 1, 0)])
        types = writer.type_section[:-4]
        refuse(
            writer.build(types=types), "type [2] is cut short: its record has 24 bytes, 20", HEADER + 16, 2
        )

    @pytest.mark.parametrize(("kind", "size"), [(4, 12), (5, 12), (6, 8), (13, 8), (15, 12), (19, 12)])
    def test_largest_vlen(self, kind: int, size: int) -> None:
        writer = one_int()
        blob = writer.build(types=writer.words(0, kind << 24 | 0xFFFFFF, 0))
        refuse(blob, f"its record has {12 + 0xFFFFFF * size} bytes, 12 are left", HEADER, 1)

    @pytest.mark.parametrize("kind", [0, 20, 31, 32, 127])
    def test_unknown_kind(self, kind: int) -> None:
        writer = one_int()
        writer.add(kind)
        refuse(writer.build(), f"type [2] has the unknown kind {kind}", HEADER + 16, 2)

    @pytest.mark.parametrize("size", range(1, 12))
    def test_every_cut(self, size: int) -> None:
        """A type section that ends within a record is refused."""
        writer = every_kind()
        types = writer.type_section
        refuse(writer.build(types=types[:size]), "type [1] is cut short", HEADER, 1)


def _name(writer: BtfWriter) -> None:
    writer.records.append(writer.words(1000, btf_writer.FWD << 24, 0))


def _element_name(kind: int, words: int) -> Callable[[BtfWriter], None]:
    def add(writer: BtfWriter) -> None:
        writer.add(kind, vlen=2, extra=(*[0] * words, 1000, *[0] * (words - 1)))

    return add


class TestReferences:
    @pytest.mark.parametrize(
        ("add", "at"),
        [
            (_name, 0),
            (_element_name(btf_writer.STRUCT, 3), 24),
            (_element_name(btf_writer.UNION, 3), 24),
            (_element_name(btf_writer.ENUM, 2), 20),
            (_element_name(btf_writer.ENUM64, 3), 24),
            (_element_name(btf_writer.FUNC_PROTO, 2), 20),
        ],
    )
    def test_name_offset(self, add: Callable[[BtfWriter], None], at: int) -> None:
        writer = one_int()
        add(writer)
        refuse(writer.build(), "offset 1000, past the 5 bytes of strings", HEADER + 16 + at, 2)

    def test_name_offset_equal_to_the_length(self) -> None:
        writer = one_int()
        writer.records.append(writer.words(len(writer.strings), btf_writer.FWD << 24, 0))
        refuse(writer.build(), "name offset 5", HEADER + 16, 2)

    @pytest.mark.parametrize("kind", [2, 8, 9, 10, 11, 13, 14, 17, 18])
    def test_type_id(self, kind: int) -> None:
        writer = one_int()
        extra = (0,) if kind in (btf_writer.VAR, btf_writer.DECL_TAG) else ()
        writer.add(kind, size_or_type=3, extra=extra)
        refuse(writer.build(), "type [2] refers to type [3], the last one is [2]", HEADER + 16 + 8, 2)

    @pytest.mark.parametrize(
        ("kind", "vlen", "extra", "at"),
        [
            (btf_writer.ARRAY, 0, (9, 1, 1), 12),
            (btf_writer.ARRAY, 0, (1, 9, 1), 16),
            (btf_writer.STRUCT, 2, (0, 1, 0, 0, 9, 0), 28),
            (btf_writer.UNION, 1, (0, 9, 0), 16),
            (btf_writer.FUNC_PROTO, 1, (0, 9), 16),
            (btf_writer.DATASEC, 2, (1, 0, 0, 9, 0, 0), 24),
        ],
    )
    def test_element_type_id(self, kind: int, vlen: int, extra: tuple[int, ...], at: int) -> None:
        writer = one_int()
        writer.add(kind, vlen=vlen, extra=extra)
        refuse(writer.build(), "type [2] refers to type [9]", HEADER + 16 + at, 2)

    @pytest.mark.parametrize("target", [0, 1, 2])
    def test_func_of_no_prototype(self, target: int) -> None:
        writer = one_int()
        writer.add(btf_writer.FUNC, "f", size_or_type=target)
        message = f"type [2] is a FUNC whose type [{target}] is not a FUNC_PROTO"
        refuse(writer.build(), message, HEADER + 24, 2)

    def test_the_message_names_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "bad.btf"
        path.write_bytes(one_int().build(version=7))
        with pytest.raises(FormatError, match=f"^{re.escape(str(path))}: BTF version 7"):
            btfmmap.open(path)

    def test_cycles_are_legal(self) -> None:
        writer = BtfWriter()
        writer.add(btf_writer.TYPEDEF, "a", size_or_type=2)
        writer.add(btf_writer.CONST, size_or_type=1)
        writer.add_struct("self", 8, [("me", 3, 0)])
        btf = btfmmap.open(data=writer.build())
        assert btf.types.size_or_type[1:3].tolist() == [2, 1]


def test_truncations() -> None:
    """Every prefix of a file is refused (its string section ends past the end)."""
    blob = every_kind().build()
    for size in range(len(blob)):
        with pytest.raises(FormatError):
            btfmmap.open(data=blob[:size])


def test_mutations() -> None:
    """A randomly changed file opens and answers every question, or is refused by a FormatError."""
    generator = random.Random(20261123)
    opened = 0
    for _ in range(3000):
        order = generator.choice("<>")
        blob = bytearray(every_kind(order, generator.choice([24, 32])).build())
        for _ in range(generator.randint(1, 4)):
            blob[generator.randrange(len(blob))] = generator.choice(
                [0, 1, 4, 127, 128, 255, generator.randrange(256)]
            )
        try:
            btf = btfmmap.open(data=bytes(blob))
        except FormatError:
            continue
        opened += 1
        btf.names()
        btf.strings(btf.members.name_off)
        for found in btf:
            repr((found, found.members, found.params, found.enumerators, found.secinfos, found.size))
        assert btf.find_all("int") is not None
    assert 300 < opened < 2700


def test_bytes_that_change_after_opening() -> None:
    """A borrowed bytearray may be overwritten: wrong answers or errors then, never a crash."""
    generator = random.Random(20261124)
    original = every_kind().build()
    for _ in range(300):
        data = bytearray(original)
        btf = btfmmap.open(data=data)
        for position in range(len(data)):
            if generator.random() < 0.3:
                data[position] = generator.randrange(256)
        for name in ("types", "members", "params", "enumerators", "arrays", "ints", "funcs", "secinfos"):
            len(getattr(btf, name))
        for question in (
            btf.names,
            lambda btf=btf: btf.find("int"),
            lambda btf=btf: [t.members for t in btf],
        ):
            with contextlib.suppress(btfmmap.BtfError):
                question()
