"""`Btf.format_each`: many records at once, and the numbers in them against Python's own."""

from __future__ import annotations

import ctypes
import io
import locale
import os
import random
import signal
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import btf_writer
import pytest
import requirements
from btf_writer import BtfWriter
from typed_dump import TypedDump, normal

import btfmmap
from btfmmap import Btf, FormatError, Kind, NotSupportedError

ORDERS = {"<": "little", ">": "big"}


def events(order: str = "<") -> Btf:
    """A struct of 24 bytes with numbers, bitfields, an enum, characters and a union."""
    writer = BtfWriter(order)
    integer, long_id = writer.add_int(), writer.add_int("long", 8)
    char = writer.add_int("char", 1)
    enum = writer.add_enum("verdict", [("DENY", 0), ("ALLOW", 1)])
    comm = writer.add_array(char, integer, 4)
    words = writer.add_array(char, integer, 8)
    either = writer.add_struct("either", 8, [("whole", long_id, 0), ("bytes", words, 0)], kind=5)
    members = [
        ("pid", integer, 0),
        ("flag", integer, 3 << 24 | 32),
        ("rest", integer, 13 << 24 | 35),
        ("verdict", enum, 64),
        ("comm", comm, 96),
        ("either", either, 128),
    ]
    writer.add_struct("event", 24, members, kind_flag=True)
    return btfmmap.open(data=writer.build())


def random_records(count: int, size: int, seed: int = 1) -> bytes:
    """Records in which some bytes are zero, some are letters and some are random."""
    generator = random.Random(seed)
    choices = [*range(256), *[0] * 128, *b"abcdefgh" * 8, *[1] * 32]
    return bytes(generator.choices(choices, k=count * size))


OPTIONS: list[dict[str, Any]] = [
    {},
    {"compact": True},
    {"compact": True, "skip_names": True, "emit_zeroes": True},
    {"emit_strings": True, "indent": "  ", "indent_level": 2},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("order", ORDERS)
def test_each_is_formatted_alone(order: str, options: dict[str, Any]) -> None:
    btf, data = events(order), random_records(2000, 24)
    texts = btf.format_each("event", data, **options)
    assert texts == [btf.format("event", data[at : at + 24], **options) for at in range(0, len(data), 24)]


@pytest.mark.skipif(requirements.NARROW, reason="libbpf 1.1 prints 64 bits with %d there")
def test_libbpf_of_each() -> None:
    """Records of some structs of a kernel, without zeros, which libbpf takes for missing values, and without
    arrays of characters, after which it goes wrong."""
    path = requirements.kernel_btf()
    btf, reference = btfmmap.open(path), TypedDump(path)
    for name in ("list_head", "hlist_node", "timespec64", "rb_node", "callback_head"):
        size = btf[name].size
        assert size
        data = bytes(random.Random(name).choices(range(0x81, 256), k=100 * size))
        texts = btf.format_each(name, data)
        assert texts is not None
        assert len(texts) == 100
        for number, text in enumerate(texts):
            expected = reference(btf[name].id, data[number * size :][:size])
            assert expected is not None
            assert normal(text) == normal(expected)


class TestFiles:
    BTF = events()
    DATA = random_records(500, 24)
    TEXT = "".join(text + "\n" for text in BTF.format_each("event", DATA, compact=True) or ())

    def test_path(self, tmp_path: Path) -> None:
        path = tmp_path / "events"
        assert self.BTF.format_each("event", self.DATA, file=path, compact=True) is None
        assert path.read_text() == self.TEXT
        assert os.listdir(tmp_path) == ["events"]

    def test_open_files(self, tmp_path: Path) -> None:
        """The text follows what was written before."""
        with (
            io.BytesIO() as memory,
            open(tmp_path / "buffered", "wb") as buffered,
            open(tmp_path / "unbuffered", "wb", buffering=0) as unbuffered,
        ):
            for file in (memory, buffered, unbuffered):
                file.write(b"first ")
                self.BTF.format_each("event", self.DATA, file=file, compact=True)
            assert memory.getvalue().decode() == "first " + self.TEXT
        with io.StringIO() as text, open(tmp_path / "text", "w") as written:
            for stream in (text, written):
                stream.write("first ")
                self.BTF.format_each("event", self.DATA, file=stream, compact=True)
            assert text.getvalue() == "first " + self.TEXT
        for name in os.listdir(tmp_path):
            assert (tmp_path / name).read_text() == "first " + self.TEXT, name

    @pytest.mark.parametrize("end", ["", "\n\n", "\0", "\N{SNOWMAN}"])
    def test_end(self, end: str) -> None:
        file = io.StringIO()
        self.BTF.format_each("event", self.DATA, file=file, end=end, compact=True)
        assert file.getvalue() == self.TEXT.replace("\n", end)

    def test_no_records(self, tmp_path: Path) -> None:
        assert self.BTF.format_each("event", b"") == []
        self.BTF.format_each("event", b"", file=tmp_path / "none")
        assert (tmp_path / "none").read_bytes() == b""

    def test_a_text_of_many_pieces(self, tmp_path: Path) -> None:
        data = self.DATA * 100
        self.BTF.format_each("event", data, file=tmp_path / "events", compact=True)
        assert (tmp_path / "events").stat().st_size > 1 << 20
        assert (tmp_path / "events").read_text() == self.TEXT * 100
        texts = self.BTF.format_each("event", data, compact=True)
        assert texts == self.TEXT.splitlines() * 100

    def test_not_a_file(self) -> None:
        with pytest.raises(TypeError, match="must be a path or an open file"):
            self.BTF.format_each("event", self.DATA, file=1)  # type: ignore[arg-type]

    def test_an_error_of_the_file(self) -> None:
        class Full(io.BytesIO):
            def write(self, _: Any) -> int:
                raise OSError(28, "No space left on device")

        with pytest.raises(OSError, match="No space left"):
            self.BTF.format_each("event", self.DATA, file=Full())

    def test_the_buffer_cannot_be_resized_meanwhile(self) -> None:
        data = bytearray(self.DATA)

        class Resizing(io.BytesIO):
            def write(self, _: Any) -> int:
                data.clear()
                return 0

        with pytest.raises(BufferError):
            self.BTF.format_each("event", data, file=Resizing())
        data.clear()


class TestSizes:
    BTF = events()

    def test_more_than_the_type_has(self) -> None:
        records = [random_records(1, 24, seed) for seed in range(9)]
        padded = b"".join(record + b"\xff" * 8 for record in records)
        assert self.BTF.format_each("event", padded, size=32) == self.BTF.format_each(
            "event", b"".join(records)
        )

    @pytest.mark.parametrize("size", [23, 0, -1])
    def test_less_than_the_type_has(self, size: int) -> None:
        with pytest.raises(ValueError, match=f"size is {size}, but a record of event has at least 24 bytes"):
            self.BTF.format_each("event", bytes(48), size=size)

    def test_not_a_whole_number(self) -> None:
        with pytest.raises(
            FormatError,
            match=r"47 bytes are not a whole number of event \(24 bytes each\); longer records need size=",
        ):
            self.BTF.format_each("event", bytes(47))
        with pytest.raises(FormatError, match=r"48 bytes are not .* event \(25 bytes each\)$"):
            self.BTF.format_each("event", bytes(48), size=25)

    def test_types_without_bytes(self) -> None:
        writer = BtfWriter()
        empty = writer.add_struct("empty", 0, [])
        forward = writer.add(btf_writer.FWD, "f")
        btf = btfmmap.open(data=writer.build())
        assert btf.format_each(empty, b"") == []
        with pytest.raises(FormatError, match="empty has no bytes, so records cannot be told apart"):
            btf.format_each(empty, b"1")
        assert btf.format_each(empty, b"123", size=1, compact=True) == ["(struct empty){}"] * 3
        with pytest.raises(ValueError, match="of kind FWD and has no size"):
            btf.format_each(forward, b"")


def nested_unions(levels: int) -> Btf:
    """A struct of a number and of 2^levels values in the same four bytes.

    If they are zero, they are compared once; if not, they are shown.
    """
    writer = BtfWriter()
    integer = inner = writer.add_int()
    for number in range(levels):
        inner = writer.add_struct(f"u{number}", 4, [("a", inner, 0), ("b", inner, 0)], kind=5)
    writer.add_struct("s", 8, [("n", integer, 0), ("u", inner, 32)])
    return btfmmap.open(data=writer.build())


class TestErrors:
    BTF = nested_unions(15)
    DATA = struct.pack("=8i", 1, 0, 2, 0, 3, 0, 4, 1)

    def test_of_one_record(self, tmp_path: Path) -> None:
        """An open file has the records before it; a path keeps what it had."""
        path, stream = tmp_path / "records", io.BytesIO()
        path.write_text("before")
        for file in (None, path, stream):
            with pytest.raises(NotSupportedError, match=r"^record 3: type \[\d+\] has too many members"):
                self.BTF.format_each("s", self.DATA, file=file, compact=True)
        assert path.read_text() == "before"
        assert os.listdir(tmp_path) == ["records"]
        assert stream.getvalue().decode() == "".join(f"(struct s){{.n = (int){n},}}\n" for n in (1, 2, 3))

    def test_keeps_the_type_of_the_error(self) -> None:
        writer = BtfWriter()
        outside = writer.add_struct("s", 4, [("n", writer.add_int(), 8)])
        with pytest.raises(
            FormatError, match=r"record 0: type \[1\] ends at byte 5, but data has 4"
        ) as caught:
            btfmmap.open(data=writer.build()).format_each(outside, b"\1\1\1\1")
        assert caught.value.type_id == 1

    @pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="no signals here")
    @pytest.mark.parametrize("to_file", [False, True])
    def test_signals_interrupt(self, tmp_path: Path, to_file: bool) -> None:
        """The records would take more than an hour, and make too little text for a piece to be written."""

        class AlarmError(Exception):
            pass

        def handle(*_: object) -> None:
            raise AlarmError

        data = bytes(1 << 27)
        path = tmp_path / "records"
        before = signal.signal(signal.SIGALRM, handle)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.2)
            with pytest.raises(AlarmError):
                self.BTF.format_each("s", data, file=path if to_file else None, compact=True)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert os.listdir(tmp_path) == []

    def test_other_threads_run_meanwhile(self) -> None:
        """Several threads format records of one Btf, and get what one of them gets."""
        btf, data = events(), random_records(20_000, 24)
        expected = btf.format_each("event", data, compact=True)
        with ThreadPoolExecutor(4) as pool:
            for texts in pool.map(lambda _: btf.format_each("event", data, compact=True), range(8)):
                assert texts == expected


class TestHostileTypes:
    """Their cost is in proportion to the bytes of the data and of the BTF."""

    def test_long_names(self) -> None:
        """30 GB of text, were it written."""
        writer = BtfWriter()
        member = (writer.string("n" * 1_000_000), writer.add_int(), 0)
        writer.add(btf_writer.STRUCT, "s", vlen=30_000, size_or_type=4, extra=member * 30_000)
        btf = btfmmap.open(data=writer.build())
        with pytest.raises(NotSupportedError, match="too many members"):
            btf.format("s", b"\1\1\1\1")
        assert btf.format("s", bytes(4), compact=True) == "(struct s){}"

    @pytest.mark.parametrize("options", [{}, {"emit_strings": True}, {"emit_zeroes": True}], ids=str)
    def test_large_arrays_in_a_union(self, options: dict[str, Any]) -> None:
        """60,000 arrays of 256 KiB each, all in the same bytes."""
        size = 1 << 18
        writer = BtfWriter()
        integer, char = writer.add_int(), writer.add_int("char", 1)
        arrays = [writer.add_array(type_, integer, size // each) for type_, each in ((integer, 4), (char, 1))]
        for array in arrays:
            union = writer.add(btf_writer.UNION, vlen=60_000, size_or_type=size, extra=(0, array, 0) * 60_000)
            data = bytes(size - 4) + b"\0\0\1\0"
            with pytest.raises(NotSupportedError, match="too many members"):
                btfmmap.open(data=writer.build()).format(union, data, compact=True, **options)

    def test_sections_of_sections(self) -> None:
        writer = BtfWriter()
        inner = writer.add_int()
        for _ in range(100_000):
            inner = writer.add_datasec(".data", 4, [(inner, 0, 4)])
        btf = btfmmap.open(data=writer.build())
        with pytest.raises(NotSupportedError, match="is a DATASEC inside of 4 others"):
            btf.format(inner, bytes(4))
        text = 'SEC(".data") ' * 4 + "(int)0" + ";" * 4
        assert btf.format(5, bytes(4), compact=True) == text

    def test_variables_of_variables(self) -> None:
        writer = BtfWriter()
        writer.add(btf_writer.VAR, "loop", size_or_type=1, extra=(1,))
        chain = writer.add_int()
        for _ in range(100_000):
            chain = writer.add(btf_writer.VAR, "v", size_or_type=chain, extra=(1,))
        section = writer.add_datasec(".data", 4, [(1, 0, 4)])
        other = writer.add_datasec(".data", 4, [(chain, 0, 4)])
        btf = btfmmap.open(data=writer.build())
        for type_id in (section, other):
            with pytest.raises(NotSupportedError, match="too many members"):
                btf.format(type_id, bytes(4))

    def test_an_enum_of_many_values(self) -> None:
        """Each of many values has its name."""
        writer = BtfWriter()
        enum = writer.add_enum("e", [(f"V{number}", number) for number in range(5_000, 0, -1)])
        generator = random.Random(5)
        values = [generator.randrange(1, 5_001) for _ in range(100_000)]
        texts = btfmmap.open(data=writer.build()).format_each(enum, struct.pack("=100000I", *values))
        assert texts == [f"(enum e)V{value}" for value in values]


class TestNumbers:
    """Against Python's own arithmetic and formatting."""

    @pytest.mark.parametrize("order", ORDERS)
    @pytest.mark.parametrize("signed", [False, True])
    @pytest.mark.parametrize("size", range(1, 18))
    def test_integers(self, order: str, signed: bool, size: int) -> None:
        writer = BtfWriter(order)
        writer.add_int("n", size, encoding=int(signed), bits=0)
        data = random_records(500, size) + bytes(size) + b"\xff" * size
        expected = []
        for at in range(0, len(data), size):
            raw = data[at : at + size]
            value = int.from_bytes(raw, ORDERS[order], signed=signed and size <= 8)  # type: ignore[arg-type]
            expected.append(f"(n){value}" if size <= 8 else f"(n){value:#x}")
        assert btfmmap.open(data=writer.build()).format_each("n", data) == expected

    @pytest.mark.parametrize("order", ORDERS)
    def test_bitfields(self, order: str) -> None:
        """All sizes at all bits of a byte, also those that no compiler makes."""
        generator = random.Random(order)
        writer = BtfWriter(order)
        integer = writer.add_int("n", 8)
        places = [(first, bits) for first in range(8) for bits in (*range(1, 66), 100, 127, 128, 200, 255)]
        for first, bits in places:
            writer.add_struct(f"s{first}_{bits}", 40, [("b", integer, bits << 24 | first)], kind_flag=True)
        btf = btfmmap.open(data=writer.build())
        for first, bits in places:
            raw = generator.randbytes(40)
            if order == "<":
                value = int.from_bytes(raw, "little") >> first
            else:
                value = int.from_bytes(raw, "big") >> (320 - first - bits)
            text = btf.format(f"s{first}_{bits}", raw, compact=True, skip_names=True, emit_zeroes=True)
            assert text == f"{{{value & (1 << bits) - 1:#x},}}", (first, bits)

    @pytest.mark.parametrize("order", ORDERS)
    @pytest.mark.parametrize("signed", [False, True])
    def test_enums_in_bitfields(self, order: str, signed: bool) -> None:
        """One bitfield per number of bits, at any bit, with all values of few bits."""
        writer = BtfWriter(order)
        names = {-2: "MINUS_TWO", 0: "ZERO", 3: "THREE", 6: "SIX"}
        enum = writer.add_enum("e", [(name, value) for value, name in names.items()], signed=signed)
        for bits in range(1, 9):
            for first in range(8):
                member = ("b", enum, bits << 24 | first)
                writer.add_struct(f"s{first}_{bits}", 2, [member], kind_flag=True)
        btf = btfmmap.open(data=writer.build())
        for bits in range(1, 9):
            for first in range(8):
                shift = first if order == "<" else 16 - first - bits
                for unsigned in range(1 << bits):
                    raw = (unsigned << shift).to_bytes(2, ORDERS[order])  # type: ignore[arg-type]
                    value = unsigned - (1 << bits) if signed and unsigned >> bits - 1 else unsigned
                    text = btf.format(
                        f"s{first}_{bits}", raw, compact=True, skip_names=True, emit_zeroes=True
                    )
                    assert text == f"{{{names.get(value, value)},}}"

    @pytest.mark.parametrize("order", ORDERS)
    @pytest.mark.parametrize(("letter", "size"), [("e", 2), ("f", 4), ("d", 8)])
    def test_floats(self, order: str, letter: str, size: int) -> None:
        writer = BtfWriter(order)
        writer.add(btf_writer.FLOAT, "f", size_or_type=size)
        generator = random.Random(letter)
        patterns = (
            list(range(1 << 16)) if size == 2 else [generator.getrandbits(8 * size) for _ in range(3000)]
        )
        # Zeros, the smallest and largest numbers, infinities and NaNs.
        top, exponent = 8 * size - 1, {2: 10, 4: 23, 8: 52}[size]
        infinity = (1 << top) - (1 << exponent)
        for value in (0, 1, infinity - 1, infinity, infinity + 1, infinity | 1 << (exponent - 1)):
            patterns += [value, value | 1 << top]
        data = b"".join(value.to_bytes(size, ORDERS[order]) for value in patterns)  # type: ignore[arg-type]
        expected = []
        for value, (number,) in zip(patterns, struct.iter_unpack(order + letter, data), strict=True):
            sign = "-" if value >> top else ""
            expected.append(f"(f){sign}nan" if number != number else f"(f){number:f}")
        assert btfmmap.open(data=writer.build()).format_each("f", data) == expected

    def test_floats_in_a_locale_with_a_comma(self) -> None:
        writer = BtfWriter()
        writer.add(btf_writer.FLOAT, "double", size_or_type=8)
        btf = btfmmap.open(data=writer.build())
        before = locale.setlocale(locale.LC_NUMERIC)
        try:
            locale.setlocale(locale.LC_NUMERIC, "de_DE.UTF-8")
        except locale.Error:
            pytest.skip("the locale de_DE.UTF-8 is not here")
        try:
            assert locale.localeconv()["decimal_point"] == ","
            assert btf.format("double", struct.pack("=d", -1234567.5)) == "(double)-1234567.500000"
        finally:
            locale.setlocale(locale.LC_NUMERIC, before)


def test_options_that_are_odd() -> None:
    btf = events()
    data = random_records(1, 24)
    plain = btf.format("event", data).splitlines()
    assert btf.format("event", data, indent_level=1000).splitlines() == [1000 * "\t" + line for line in plain]
    assert btf.format("event", data, indent="\N{SNOWMAN}").splitlines() == [
        line.replace("\t", "\N{SNOWMAN}") for line in plain
    ]
    for level in (-1, 1001, 2**62, 2**70):
        with pytest.raises(ValueError, match=f"^indent_level is {level}, must be 0 to 1000$"):
            btf.format("event", data, indent_level=level)


@pytest.mark.parametrize("option", ["indent", "indent_level", "end", "size"])
def test_a_wrong_type_does_not_show_the_data(option: str) -> None:
    btf = events()
    with pytest.raises(TypeError) as refused:
        btf.format_each("event", random_records(1000, 24), **{option: b"x"})  # type: ignore[arg-type]
    assert len(str(refused.value)) < 100


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, ctypes.c_char * 24])
def test_bytes_like_objects(kind: Any) -> None:
    btf, data = events(), random_records(1, 24)
    given = kind.from_buffer_copy(data) if kind not in (bytes, bytearray, memoryview) else kind(data)
    assert btf.format("event", given) == btf.format("event", data)
    assert btf.format_each("event", given) == [btf.format("event", data)]
    for wrong in (None, 5, "text"):
        with pytest.raises(TypeError):
            btf.format("event", wrong)  # type: ignore[arg-type]
    with pytest.raises((BufferError, ValueError)):
        btf.format("event", memoryview(data * 2)[::2])


def test_names_that_are_not_utf_8() -> None:
    writer = BtfWriter()
    writer.records.append(
        writer.words(writer.string(b"s\xff"), Kind.STRUCT << 24 | 1, 4)
        + writer.words(writer.string(b"\xc3"), 2, 0)
    )
    writer.add_int()
    btf = btfmmap.open(data=writer.build())
    assert btf.format(1, b"\1\0\0\0", compact=True) == "(struct s\udcff){.\udcc3 = (int)1,}"
    stream, text = io.BytesIO(), io.StringIO()
    btf.format_each(1, b"\1\0\0\0", compact=True, file=stream)
    btf.format_each(1, b"\1\0\0\0", compact=True, file=text)
    assert stream.getvalue() == b"(struct s\xff){.\xc3 = (int)1,}\n"
    assert text.getvalue() == "(struct s\udcff){.\udcc3 = (int)1,}\n"
