"""Records as dicts and bitfields in bulk, against compilers, `struct` and Python's integers; kept plans."""

from __future__ import annotations

import copy
import ctypes
import gc
import pickle
import random
import re
import signal
import struct
import subprocess
import threading
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from types import FrameType
from typing import Any

import btf_writer
import c_records
import numpy as np
import pytest
import requirements
from btf_writer import BtfWriter
from split_writer import small_base, small_split

import btfmmap
from btfmmap import Btf, FormatError, NotSupportedError, Records

ORDERS = ("<", ">")


def flat(value: Any) -> Iterator[Any]:
    """The elements of nested lists in the order of memory. gcc 12 has array dimensions in reverse."""
    if isinstance(value, list):
        for item in value:
            yield from flat(item)
    else:
        yield value


def values_of(record: dict[str, Any], leaf: str) -> list[Any]:
    """The values of a leaf of `c_records` in a dict, in the order of memory."""
    values: list[Any] = [record]
    for word in re.sub(r"\[\d+\]", "", leaf).split("."):
        values = [each for value in values for each in flat(value[word])]
    if isinstance(values[0], bytes):  # without the NULs at the end
        return list(
            np.frombuffer(values[0].ljust(len(list(c_records.places(leaf))), b"\0"), np.int8).tolist()
        )
    return values


@pytest.mark.parametrize("reversed_", [False, True])
def test_dicts_of_a_compilers_program(tmp_path: Path, reversed_: bool) -> None:
    count = 3000
    command = ["gcc", "-gbtf", *(["-msse2", "-mfpmath=sse"] if requirements.NARROW else [])]
    program = c_records.compiled(tmp_path, command, c_records.program(count), "gcc")
    subprocess.run([program, tmp_path / "structs", tmp_path / "values"], check=True)
    btf = btfmmap.open(program)
    records = btf.records("struct all", (tmp_path / "structs").read_bytes())
    expected = np.fromfile(tmp_path / "values", np.int64).reshape(count, -1)
    if reversed_:
        records, expected = records[::-3], expected[::-3]
    dicts = records.to_dicts()
    assert len(dicts) == len(expected)
    for record, row in zip(dicts, expected.tolist(), strict=True):
        values = iter(row)
        for leaf in c_records.LEAVES:
            for found in values_of(record, leaf):
                value = next(values)
                if leaf in ("single", "real"):
                    # Python 3.14's struct keeps signalling NaNs, which C's conversion makes quiet ones.
                    single = ctypes.c_float.from_buffer_copy(struct.pack("=I", value)).value
                    assert struct.pack("=d", found) == struct.pack("=d", single)
                elif leaf == "doubled":
                    assert struct.pack("=d", found) == struct.pack("=q", value)
                else:
                    assert found % 2**64 == c_records.read_by_btf(btf, leaf, value) % 2**64, leaf
        assert next(values, None) is None
    assert [record.to_dict() for record in records[:50]] == dicts[:50]


@pytest.mark.parametrize("target", ["bpfeb", "bpfel"])
def test_dicts_of_both_byte_orders(tmp_path: Path, target: str) -> None:
    source, rows = c_records.initialised(200)
    path = c_records.compiled(tmp_path, ["clang", "-target", target, "-g", "-c"], source, "object")
    subprocess.run(
        [requirements.tool("llvm-objcopy"), "--dump-section", f".data={tmp_path / 'data'}", path], check=True
    )
    btf = btfmmap.open(path)
    dicts = btf.records("all", (tmp_path / "data").read_bytes()).to_dicts()
    assert len(dicts) == len(rows)
    for record, row in zip(dicts, rows, strict=True):
        for leaf in c_records.LEAVES:
            places = list(c_records.places(leaf))
            if places[0] in row:
                expected = [c_records.read_by_btf(btf, leaf, row[place]) for place in places]
                assert values_of(record, leaf) == expected, leaf


@pytest.mark.parametrize("order", ORDERS)
def test_every_number(order: str) -> None:
    """All sizes of numbers, against `struct`."""
    writer = BtfWriter(order)
    letters = "bBhHiIqQ?efdx"
    members = []
    for number, letter in enumerate(letters):
        size = 16 if letter == "x" else struct.calcsize(f"={letter}")
        if letter in "efd":
            type_id = writer.add(btf_writer.FLOAT, letter, size_or_type=size)
        else:
            encoding = 4 if letter == "?" else int(letter.islower() and letter != "x")
            type_id = writer.add_int(letter, size, encoding=encoding)
        members.append((letter, type_id, 8 * 16 * number))
    writer.add_struct("numbers", 16 * len(letters), members)
    btf = btfmmap.open(data=writer.build())
    chance = random.Random(order)
    special = [
        b"\x7f" * 16,
        b"\xff" * 16,
        bytes(16),
        b"\x7c" + bytes(15),
        bytes(14) + b"\xfc\x7f",
        b"\0\x01" * 8,
    ]
    blob = b"".join(
        chance.choice([*special, chance.randbytes(16), chance.randbytes(16)])
        for _ in range(500 * len(letters))
    )
    expected = []
    for start in range(0, len(blob), 16 * len(letters)):
        parts = [blob[at : at + 16] for at in range(start, start + 16 * len(letters), 16)]
        expected.append(
            {
                letter: part if letter == "x" else struct.unpack_from(f"{order}{letter}", part)[0]
                for letter, part in zip(letters, parts, strict=True)
            }
        )
    found = btf.records("numbers", blob).to_dicts()
    # NaN is not equal to itself.
    assert repr(found) == repr(expected)
    assert all(type(a[key]) is type(b[key]) for a, b in zip(found, expected, strict=True) for key in a)


class Bits:
    """A struct of random bitfields, whole bytes between them, and its values in random records."""

    def __init__(self, order: str, seed: int) -> None:
        chance = random.Random(seed)
        writer = BtfWriter(order)
        types = {
            "u": writer.add_int("u64", 8, encoding=0),
            "s": writer.add_int("s64", 8),
            "b": writer.add_int("_Bool", 1, encoding=4),
            "e": writer.add_enum("enum", [("ONE", 1)]),
        }
        self.places: dict[str, tuple[str, int, int]] = {}
        at = 0
        members = []
        for number in range(12):
            at += chance.choice([0, 0, 1, 5, 8])
            bits = chance.choice([1, chance.randrange(1, 65), chance.randrange(1, 17), 64])
            letter = chance.choice("usbe")
            name = f"{letter}{number}"
            self.places[name] = (letter, at, bits)
            members.append((name, types[letter], bits << 24 | at))
            at += bits
        self.size = (at + 7) // 8
        inner = writer.add_struct("bits", self.size, members, kind_flag=True)
        array = writer.add_array(writer.add_array(inner, types["u"], 3), types["u"], 2)
        writer.add_struct("outer", 6 * self.size, [("grid", array, 0)])
        self.btf = btfmmap.open(data=writer.build())
        self.order = order
        self.blob = chance.randbytes(6 * 40 * self.size)

    def expected(self, number: int) -> dict[str, int | bool]:
        """The values of a record: slices of it as one integer."""
        part = self.blob[number * self.size : (number + 1) * self.size]
        whole = int.from_bytes(part, "little" if self.order == "<" else "big")
        values: dict[str, int | bool] = {}
        for name, (letter, at, bits) in self.places.items():
            value = whole >> (at if self.order == "<" else 8 * self.size - at - bits) & (2**bits - 1)
            if letter == "s" and value >> (bits - 1):
                value -= 1 << bits
            values[name] = bool(value) if letter == "b" else value
        return values


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", range(60))
def test_bitfields(order: str, seed: int) -> None:
    bits = Bits(order, seed)
    records = bits.btf.records("bits", bits.blob)
    count = len(records)
    mask = np.arange(count) % 7 < 3
    selections: list[Any] = [slice(None), slice(None, None, -3), mask, [5, 0, 5], slice(0)]
    for selection in selections:
        numbers = np.arange(count)[selection].tolist()
        expected = [bits.expected(number) for number in numbers]
        chosen = records[selection]
        for name, (letter, _, _) in bits.places.items():
            column = chosen[name]
            assert column.dtype == {"s": np.int64, "b": np.bool_}.get(letter, np.uint64)
            assert column.tolist() == [values[name] for values in expected]
        assert chosen.to_dicts() == expected
    assert records[3].to_dict() == bits.expected(3)
    assert {name: records[3][name].tolist() for name in bits.places} == bits.expected(3)
    outer = bits.btf.records("outer", bits.blob)[1::2]
    for row, number in enumerate(range(6, count, 12)):
        expected = [bits.expected(each) for each in range(number, number + 6)]
        assert [each for part in outer.grid[row].to_dicts() for each in part] == expected
        for name in bits.places:
            assert outer.grid[name][row].ravel().tolist() == [values[name] for values in expected]
    grids = [record["grid"] for record in outer.to_dicts()]
    assert grids == outer.grid.to_dicts() == [each.grid.to_dicts() for each in outer]
    assert outer.grid[:, :, ::-1].to_dicts() == [[row[::-1] for row in grid] for grid in grids]


@pytest.fixture(scope="module")
def events() -> Btf:
    writer = BtfWriter()
    u32 = writer.add_int("u32", encoding=0)
    char, byte = writer.add_int("char", 1, encoding=3), writer.add_int("u8", 1, encoding=0)
    state = writer.add_enum("state", [("OPEN", 1), ("SAME", 1), ("SHUT", 2)])
    wide = writer.add_enum64("wide", [("LOW", -(2**63)), ("MINUS", -1)], signed=True)
    odd = writer.add(btf_writer.ENUM, "odd", size_or_type=3)
    words = writer.add_array(writer.add_array(char, u32, 4), u32, 2)
    members = [
        ("name", writer.add_array(char, u32, 8), 0),
        ("words", words, 64),
        ("bytes", writer.add_array(byte, u32, 2), 128),
        ("letter", char, 144),
        ("state", state, 160),
        ("states", writer.add_array(state, u32, 2), 192),
        ("wide", wide, 256),
    ]
    event = writer.add_struct("event", 40, members)
    writer.add_struct(
        "tagged", 4, [("state", state, 2 << 24 | 1), ("top", wide, 3 << 24 | 5)], kind_flag=True
    )
    writer.add_struct("odd_one", 3, [("odd", odd, 0)])
    writer.add_struct("many", 80, [("events", writer.add_array(event, u32, 2), 0)])
    writer.add_struct("line", 4, [("length", u32, 0), ("text", writer.add_array(char, u32, 0), 32)])
    return btfmmap.open(data=writer.build())


EVENT = struct.pack("<8s4s4s2sbxI2Iq", b"ab\0cd", b"wxyz", b"\xff\xc3\xa9", b"a", 65, 2, 1, 9, -1)


def test_enum_names_and_text(events: Btf) -> None:
    plain = {
        "name": b"ab\0cd",
        "words": [b"wxyz", b"\xff\xc3\xa9"],
        "bytes": [97, 0],
        "letter": 65,
        "state": 2,
        "states": [1, 9],
        "wide": -1,
    }
    texts = {"name": "ab", "words": ["wxyz", "\udcff\xe9"]}
    names = {"state": "SHUT", "states": ["OPEN", "9"], "wide": "MINUS"}
    records = events.records("event", 2 * EVENT)
    for options, expected in [
        ({}, plain),
        ({"text": True}, plain | texts),
        ({"enum_names": True}, plain | names),
        ({"text": True, "enum_names": True}, plain | texts | names),
    ]:
        assert records.to_dicts(**options) == [expected, expected]
        assert records[1].to_dict(**options) == expected
        assert records[1].to_dicts(**options) == [expected]
        columns = records.to_dict(**options)
        assert {name: column.tolist() for name, column in columns.items()} == {
            name: [value, value] for name, value in expected.items()
        }
        assert events.records("many", 2 * EVENT)[0].to_dict(**options) == {"events": [expected, expected]}
        assert events.records("many", 2 * EVENT).events.to_dicts(**options) == [[expected, expected]]
    assert records.to_dict(text=True)["words"].shape == (2, 2)


def test_names_of_bitfields(events: Btf) -> None:
    records = events.records("tagged", struct.pack("<4I", 0, 1 << 1, 3 << 1 | 7 << 5, 2 << 1 | 4 << 5))
    named = [record["state"] for record in records.to_dicts(enum_names=True)]
    assert named == records.enum_names("state").tolist() == ["0", "OPEN", "3", "SHUT"]
    assert [record["top"] for record in records.to_dicts(enum_names=True)] == ["0", "0", "MINUS", "-4"]


def test_enum_without_the_size_of_an_integer(events: Btf) -> None:
    records = events.records("odd_one", b"abc")
    assert records.to_dicts() == [{"odd": b"abc"}]
    asked: list[Callable[[], object]] = [
        lambda: records.to_dicts(enum_names=True),
        lambda: records[0].to_dict(enum_names=True),
        lambda: records.enum_names("odd"),
    ]
    for ask in asked:
        with pytest.raises(
            TypeError, match="'odd' is an enum of 3 bytes, which is not the size of an integer"
        ):
            ask()


def test_text_of_a_flexible_array(events: Btf) -> None:
    for text in ("", "a", "abc", "abcdef"):
        data = struct.pack("<I", len(text)) + text.encode()
        records = events.records("line", data, size=len(data))
        assert records[0].to_dict(text=True) == {"length": len(text), "text": text}
        assert records.to_dict(text=True)["text"].tolist() == [text]
        assert records.to_dicts(text=True) == [{"length": len(text), "text": text}]


def test_after_pickling_and_closing() -> None:
    btf = btfmmap.open(btfmmap.SAMPLE_BTF)
    records = btf.records("flow", random.Random(1).randbytes(360), size=120)
    expected = records.to_dicts(enum_names=True, text=True)
    for same in (copy.copy(records), pickle.loads(pickle.dumps(records))):
        assert repr(same.to_dicts(enum_names=True, text=True)) == repr(expected)
    plain = repr(records.to_dicts())
    btf.close()
    assert repr(records.to_dicts()) == plain
    with pytest.raises(ValueError, match="this Btf is closed"):
        records.enum_names("verdict")
    with pytest.raises(ValueError, match="this Btf is closed"):
        btf.records("flow", bytes(120), size=120)


def test_signals_are_handled_during_a_conversion() -> None:
    writer = BtfWriter()
    writer.add_struct("word", 4, [("value", writer.add_int(), 0)])
    records = btfmmap.open(data=writer.build()).records("word", bytes(4_000_000))
    calls = 0

    def handler(_number: int, _frame: FrameType | None) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:  # signals that wait until the end would become one
            raise InterruptedError

    before = signal.signal(signal.SIGALRM, handler)
    gc.disable()  # callbacks of the collector, such as hypothesis's, swallow what a handler raises
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        with pytest.raises(InterruptedError):
            records.to_dicts()
    finally:
        gc.enable()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert calls >= 3


class TestTooManyValues:
    def refused(self, writer: BtfWriter, name: str, size: int) -> None:
        records = btfmmap.open(data=writer.build()).records(name, bytes(size))
        for ask in (records.to_dicts, records[0].to_dict):
            with pytest.raises(NotSupportedError, match=rf"^{name} has [\d,]+ values in {size:,} bytes"):
                ask()
        repr(records[0])

    def test_elements_without_bytes(self) -> None:
        writer = BtfWriter()
        u32 = writer.add_int("u32", encoding=0)
        empty = writer.add_struct("empty", 0, [])
        nothing = writer.add_array(empty, u32, 2**31 - 1)
        writer.add_struct("hollow", 4, [("a", u32, 0), ("b", nothing, 0)])
        self.refused(writer, "hollow", 4)

    def test_members_without_bytes(self) -> None:
        """Structs without a single number, which each contain the one before twice."""
        writer = BtfWriter()
        inner = writer.add_struct("empty", 0, [])
        for level in range(60):
            inner = writer.add_struct(f"s{level}", 0, [("a", inner, 0), ("b", inner, 0)])
        writer.add_struct("tree", 4, [("number", writer.add_int(), 0), ("top", inner, 0)])
        self.refused(writer, "tree", 4)

    def test_members_in_the_same_bytes(self) -> None:
        writer = BtfWriter()
        byte = writer.add_int("u8", 1, encoding=0)
        array = writer.add_array(byte, byte, 4096)
        members = [(f"m{number}", array, 0) for number in range(1000)]
        writer.add_struct("same", 4096, members, kind=btf_writer.UNION)
        self.refused(writer, "same", 4096)

    def test_long_arrays_are_not(self) -> None:
        writer = BtfWriter()
        byte = writer.add_int("u8", 1, encoding=0)
        array = writer.add_array(byte, byte, 1 << 20)
        writer.add_struct("one", 1 << 20, [("a", array, 0)])
        record = btfmmap.open(data=writer.build()).records("one", b"\5" * (1 << 20))[0]
        assert record.to_dict()["a"] == [5] * (1 << 20)


@pytest.fixture(scope="module")
def many_structs() -> Btf:
    """Structs of a hundred members."""
    writer = BtfWriter()
    u32 = writer.add_int("u32", encoding=0)
    for number in range(300):
        members = [(f"member_{number}_{field}", u32, 32 * field) for field in range(100)]
        writer.add_struct(f"s{number}", 400, members)
    return btfmmap.open(data=writer.build())


class TestKept:
    def ask_everything(self, btf: Btf, number: int) -> None:
        name = f"s{number}"
        assert btf.dtype(name).names == tuple(f"member_{number}_{field}" for field in range(100))
        records = btf.records(name, bytes(400))
        assert len(records.to_dicts(enum_names=True)[0]) == len(records[0].to_dict()) == 100
        made = btf.ctypes(name)
        assert len(made._fields_) == 100
        assert btf.ctypes(name) is btf.ctypes(btf["struct " + name]) is made

    def test_memory_is_bounded(self, many_structs: Btf) -> None:
        for number in range(60):
            self.ask_everything(many_structs, number)
        gc.collect()
        tracemalloc.start()
        try:
            for number in range(60, 300):
                self.ask_everything(many_structs, number)
            gc.collect()
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert kept < 13 << 20  # all would be twice as much

    def test_freed_with_the_btf(self, many_structs: Btf) -> None:
        """Without the garbage collector: what is kept does not refer to the Btf."""
        other = btfmmap.open(data=bytes(many_structs.raw))
        self.ask_everything(other, 0)
        watched = weakref.ref(other)
        gc.disable()
        try:
            del other
            assert watched() is None
        finally:
            gc.enable()

    def test_names_of_a_dtype_are_the_callers(self) -> None:
        writer = BtfWriter()
        u32 = writer.add_int("u32", encoding=0)
        inner = writer.add_struct("inner", 4, [("a", u32, 0)])
        writer.add_struct("outer", 8, [("first", inner, 0), ("second", inner, 32)])
        btf = btfmmap.open(data=writer.build())
        for _ in range(2):
            dtype = btf.dtype("outer")
            dtype.names = ("x", "y")
            assert btf.dtype("outer").names == ("first", "second")
            dtype = btf.dtype("outer")
            dtype["second"].names = ("z",)
            assert btf.dtype("outer")["second"].names == ("a",)
        assert btf.records("outer", bytes(8)).to_dicts() == [{"first": {"a": 0}, "second": {"a": 0}}]

    def test_sizes_and_options_are_apart(self, many_structs: Btf) -> None:
        for size in (400, 408, np.int64(404), 400):
            assert many_structs.records("s1", bytes(3 * size), size=size).shape == (3,)
        with pytest.raises(ValueError, match="size is 399"):
            many_structs.records("s1", b"", size=399)
        for _ in range(2):
            with pytest.raises(NotSupportedError, match="is a bitfield"):
                btfmmap.open(btfmmap.SAMPLE_BTF).dtype("flow")
            with pytest.raises(ValueError, match="bitfields is"):
                many_structs.dtype("s1", bitfields=[])  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            many_structs.records("s1", b"", size=400.0)  # type: ignore[arg-type]

    def test_threads(self, many_structs: Btf) -> None:
        """All that is asked is kept: another thread does not let the cache start again."""
        btf = btfmmap.open(data=bytes(many_structs.raw))
        errors: list[BaseException] = []
        barrier = threading.Barrier(6)

        def work(seed: int) -> None:
            chance = random.Random(seed)
            barrier.wait()
            try:
                for _ in range(60):
                    self.ask_everything(btf, chance.randrange(30))
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors


def test_types_of_a_base() -> None:
    """A split BTF asks for a type of its base by name, ID and `Type`."""
    writer = small_base()
    base = btfmmap.open(data=writer.build())
    split = btfmmap.open(data=small_split(writer).build(), base=base)
    data = random.Random(3).randbytes(32)
    shared = base["struct shared"]
    for _ in range(2):
        for asked in (shared.id, shared):
            assert isinstance(split.records(asked, data), Records)
            assert split.records(asked, data).to_dicts() == base.records("shared", data).to_dicts()


OPTIONS = [{"enum_names": names, "text": text} for names, text in product((False, True), repeat=2)]


def with_decoder(btf: Btf, type_id: int, data: bytes) -> tuple[str, ...]:
    """What a decoder makes of three records, as `records` makes it of them and of one."""
    size = len(data) // 3
    for options in OPTIONS:
        decoder = btf.decoder(type_id, size=size, **options)
        records = btf.records(type_id, data, size=size)
        assert decoder.size == size
        assert decoder.records(data).fields == records.fields
        # NaN is not equal to itself.
        assert repr(decoder.records(data).to_dict()) == repr(records.to_dict())
        assert repr(decoder.to_dicts(data)) == repr(records.to_dicts(**options))
        for number in range(3):
            part = memoryview(data)[number * size :][:size]
            assert repr(decoder.to_dict(part)) == repr(records[number].to_dict(**options))
    return records.fields


class TestDecoder:
    def test_structs_of_a_kernel(self, kernel: Path) -> None:
        """Random bytes as many types, against `records`. One of the kernels is big-endian."""
        btf = btfmmap.open(kernel)
        decoded = 0
        chance = random.Random(7)
        types = [type_ for type_ in btf if type_.kind.is_composite and 0 < (type_.size or 0) < 2048]
        types = chance.sample(types, min(300, len(types)))
        for type_ in types:
            data = chance.randbytes(3 * (type_.size or 0))
            try:
                btf.records(type_.id, data, size=type_.size)[0].to_dict(enum_names=True)
            except NotSupportedError as refused:
                with pytest.raises(NotSupportedError, match=re.escape(str(refused))):
                    btf.decoder(type_.id, size=type_.size)
            else:
                decoded += bool(with_decoder(btf, type_.id, data))
        assert decoded > 0.8 * len(types)

    @pytest.mark.parametrize("order", ORDERS)
    def test_bitfields_of_both_byte_orders(self, order: str) -> None:
        bits = Bits(order, 1000)
        decoder = bits.btf.decoder("bits")
        expected = [bits.expected(number) for number in range(len(bits.blob) // bits.size)]
        parts = [bits.blob[at : at + bits.size] for at in range(0, len(bits.blob), bits.size)]
        assert [decoder.to_dict(part) for part in parts] == decoder.to_dicts(bits.blob) == expected

    def test_options(self, events: Btf) -> None:
        for options in OPTIONS:
            expected = events.records("event", EVENT)[0].to_dict(**options)
            decoder = events.decoder("event", **options)
            for sample in (EVENT, bytearray(EVENT), memoryview(EVENT), np.frombuffer(EVENT, np.uint32)):
                assert decoder.to_dict(sample) == expected
                assert decoder.to_dicts(sample) == [expected]
        assert repr(decoder) == "<Decoder event: 40 bytes>"

    def test_a_buffer_is_let_go(self, events: Btf) -> None:
        """The loop of docs/decoding.md clears its buffer."""
        decoder = events.decoder("event")
        pending = bytearray(EVENT)
        single = decoder.to_dict(pending)
        assert decoder.to_dicts(pending) == [single]
        pending.clear()
        pending.extend(2 * EVENT)
        records = decoder.records(pending)
        with pytest.raises(BufferError):
            pending.clear()
        assert records.to_dicts() == [single, single]

    def test_flexible_array(self, events: Btf) -> None:
        with pytest.raises(NotSupportedError, match=r"line\.text is a flexible array"):
            events.decoder("line")
        with pytest.raises(ValueError, match="size is 3, but a record of line has at least 4 bytes"):
            events.decoder("line", size=3)
        for size in (4, np.int64(5), 10):
            data = struct.pack("<I", 7) + b"abcdef"[: size - 4]
            assert events.decoder("line", size=size, text=True).to_dict(data) == {
                "length": 7,
                "text": "abcdef"[: size - 4],
            }

    @pytest.mark.parametrize("count", [0, 1, 39, 41, 80, 4000])
    def test_wrong_number_of_bytes(self, events: Btf, count: int) -> None:
        decoder = events.decoder("event")
        advice = {
            0: "",
            80: "; to_dicts takes several records",
            4000: "; to_dicts takes several records",
            41: "; if the record is longer, make the decoder with size=41",
        }.get(count, "; pad a record that ends early with zeros: data.ljust(40, b'\\0')")
        with pytest.raises(FormatError) as raised:
            decoder.to_dict(bytes(count))
        unit = "byte" if count == 1 else "bytes"
        assert str(raised.value) == f"expected one event of 40 bytes, got {count:,} {unit}{advice}"
        if count % 40 == 0:
            assert len(decoder.records(bytes(count))) == len(decoder.to_dicts(bytes(count))) == count // 40
            return
        for decode in (decoder.records, decoder.to_dicts):
            verb = "byte is" if count == 1 else "bytes are"
            with pytest.raises(FormatError, match=f"^{count:,} {verb} not a whole number of event"):
                decode(bytes(count))

    def test_advice(self, events: Btf) -> None:
        """What errors of too few or too many bytes say helps."""
        decoder, whole = events.decoder("event"), bytes(range(40))
        padded = whole[:30].ljust(40, b"\0")
        assert decoder.to_dict(padded) == decoder.to_dict(whole[:30] + bytes(10))
        assert events.decoder("event", size=41).to_dict(whole + b"!") == decoder.to_dict(whole)
        last = "if not, drop the last 2 bytes$"
        with pytest.raises(FormatError, match=f"; if records are longer, pass their size .* size=N; {last}"):
            events.records("event", whole + b"!!")
        for decode in (decoder.records, decoder.to_dicts):
            with pytest.raises(FormatError, match=f"longer, make the decoder with size=N; {last}"):
                decode(whole + b"!!")
            with pytest.raises(FormatError, match=r"drop the last byte$"):
                decode(whole + b"!")
        assert len(events.records("event", whole + b"!!", size=42)) == 1
        assert len(events.records("event", (whole + b"!!")[:-2])) == 1

    def test_advice_if_the_size_is_given(self, events: Btf) -> None:
        """No error proposes `size=` to a caller who gave it."""
        sized = events.decoder("event", size=42)
        for decode in (sized.records, sized.to_dicts, partial(events.records, "event", size=42)):
            with pytest.raises(FormatError) as raised:
                decode(bytes(92))
            assert str(raised.value) == "92 bytes are not a whole number of records of size=42; 8 remain"
            with pytest.raises(FormatError, match=r"size=42; pad a record .* data\.ljust\(42, "):
                decode(bytes(41))

    def test_types_without_bytes(self) -> None:
        writer = BtfWriter()
        inner = writer.add_struct("empty", 0, [])
        outer = writer.add_struct("", 0, [("a", inner, 0)])
        decoder = btfmmap.open(data=writer.build()).decoder(outer)
        assert decoder.to_dict(b"") == {"a": {}}
        with pytest.raises(FormatError, match=rf"^expected one type \[{outer}\] of 0 bytes, got 1 byte$"):
            decoder.to_dict(b"1")
        message = rf"^type \[{outer}\] has no bytes, so records cannot be told apart$"
        for decode in (decoder.records, decoder.to_dicts):
            for content in (b"", bytes(4)):
                with pytest.raises(FormatError, match=message):
                    decode(content)

    def test_what_is_refused(self, events: Btf) -> None:
        with pytest.raises(TypeError):
            events.decoder("event").to_dict("text")  # type: ignore[arg-type]
        with pytest.raises(btfmmap.NotFoundError):
            events.decoder("absent")
        with pytest.raises(ValueError, match="char"):
            events.decoder("char")
        assert events.decoder("odd_one").to_dict(b"abc") == {"odd": b"abc"}
        with pytest.raises(TypeError, match="'odd' is an enum of 3 bytes"):
            events.decoder("odd_one", enum_names=True).to_dict(b"abc")

    def test_after_closing(self) -> None:
        data = random.Random(1).randbytes(360)
        btf = btfmmap.open(btfmmap.SAMPLE_BTF)
        decoder = btf.decoder("flow", size=120, enum_names=True, text=True)
        expected = repr(decoder.to_dicts(data))
        btf.close()
        assert repr(decoder.to_dicts(data)) == expected
        assert repr([decoder.to_dict(data[at : at + 120]) for at in (0, 120, 240)]) == expected
        assert decoder.records(data).shape == (3,)
        with pytest.raises(ValueError, match="this Btf is closed"):
            btf.decoder("flow", size=120)

    def test_after_the_plan_is_dropped(self, many_structs: Btf) -> None:
        """A decoder outlives what the Btf keeps."""
        decoder = many_structs.decoder("s0")
        for number in range(300):
            many_structs.decoder(f"s{number}")
        assert many_structs.decoder("s0").to_dict(bytes(400)) == decoder.to_dict(bytes(400))

    def test_threads(self, events: Btf) -> None:
        decoder = events.decoder("event", enum_names=True, text=True)
        expected = events.records("event", EVENT)[0].to_dict(enum_names=True, text=True)
        with ThreadPoolExecutor(6) as pool:
            found = list(pool.map(lambda _: decoder.to_dict(EVENT), range(3000)))
            found += [each for part in pool.map(decoder.to_dicts, [9 * EVENT] * 50) for each in part]
        assert all(each == expected for each in found)
