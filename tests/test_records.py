"""`Btf.records`, against data written by a compiler's program and by the kernel."""

from __future__ import annotations

import copy
import ctypes
import json
import os
import pickle
import re
import resource
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any

import btf_writer
import c_records
import numpy as np
import pytest
import requirements
from btf_writer import BtfWriter

import btfmmap
from btfmmap import Btf, FormatError, NotSupportedError, Records

COUNT = 100_000
PRODUCERS = ("gcc", "clang", "pahole")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program, the structs that it wrote, and the values in them."""
    folder = tmp_path_factory.mktemp("records")
    # The x87, with which i386 computes, makes signalling NaNs quiet ones when it copies them.
    command = ["gcc", "-gbtf", *(["-msse2", "-mfpmath=sse"] if requirements.NARROW else [])]
    program = c_records.compiled(folder, command, c_records.program(COUNT), "gcc")
    subprocess.run([program, folder / "structs", folder / "values"], check=True)
    return folder


@pytest.fixture(scope="module", params=PRODUCERS)
def producer(request: pytest.FixtureRequest, filled: Path) -> tuple[str, Btf]:
    """BTF of the program's source by several producers. Shapes are compared with clang's: gcc 12 has array
    dimensions in reverse, pahole one dimension. gcc 12 and clang 14 have no signed enums."""
    name: str = request.param
    if name == "clang" and requirements.NARROW:
        pytest.skip("BPF's structs are not laid out as this host's")
    source = c_records.STRUCTS + "struct all variable;\n"
    if name == "clang":
        c_records.compiled(filled, ["clang", "-target", "bpf", "-g", "-c"], source, name)
    elif name == "pahole":
        path = c_records.compiled(filled, ["gcc", "-g", "-c"], source, name)
        subprocess.run([requirements.tool("pahole"), "-J", "--btf_gen_floats", path], check=True)
    return name, btfmmap.open(filled / name)


def leaf_of(records: Records, leaf: str) -> Any:
    """One column per element, in memory order."""
    value: Any = records
    for word in re.sub(r"\[\d+\]", "", leaf).split("."):
        value = value[word]
    if value.dtype.kind == "S":
        value = np.ascontiguousarray(value).view("i1")
    return value.reshape(len(records), -1)


def test_100_000_records(filled: Path, producer: tuple[str, Btf]) -> None:
    _, btf = producer
    records = btf.records("struct all", (filled / "structs").read_bytes())
    assert len(records) == COUNT
    values = np.fromfile(filled / "values", np.int64).reshape(COUNT, -1)
    column = 0
    for leaf in c_records.LEAVES:
        found = leaf_of(records, leaf)
        expected = values[:, column : column + found.shape[1]]
        column += found.shape[1]
        if found.dtype.kind == "f":
            found = np.ascontiguousarray(found).view(f"u{found.dtype.itemsize}")
        if leaf in c_records.ENUMS:
            read = [c_records.read_by_btf(btf, leaf, value) for value in expected.ravel().tolist()]
            expected = np.array(read, np.int64 if min(read) < 0 else np.uint64).reshape(expected.shape)
            expected = expected.astype(np.int64)
        np.testing.assert_array_equal(found.astype(np.int64), expected, leaf)
    assert column == values.shape[1]
    for leaf in ("flag", "yes"):
        assert records[leaf].dtype == bool
        assert 0 < records[leaf].sum() < COUNT


@pytest.mark.skipif(requirements.NARROW, reason="BPF's structs are not laid out as this host's")
def test_shapes_are_the_compilers(filled: Path) -> None:
    c_records.compiled(
        filled, ["clang", "-target", "bpf", "-g", "-c"], f"{c_records.STRUCTS} struct all v;", "shapes"
    )
    records = btfmmap.open(filled / "shapes").records("all", (filled / "structs").read_bytes())
    values = np.fromfile(filled / "values", np.int64).reshape(COUNT, -1)
    at = {place: values[:, column] for column, place in enumerate(c_records.PLACES)}
    assert records.cube.shape == (COUNT, 2, 3, 4)
    assert records.smalls.shape == (COUNT, 2, 3)
    np.testing.assert_array_equal(records.cube[:, 1, 2, 3], at["cube[1][2][3]"])
    np.testing.assert_array_equal(records.cube[:, 0, 2, 1], at["cube[0][2][1]"])
    np.testing.assert_array_equal(records.smalls[:, 1, 0].high, at["smalls[1][0].high"])
    np.testing.assert_array_equal(records.smalls.low[:, 0, 2], at["smalls[0][2].low"])
    chosen = records[99_990::3][1]
    assert chosen.cube[1, 0, 2] == at["cube[1][0][2]"][99_993]
    assert chosen.smalls[1, 2].high == at["smalls[1][2].high"][99_993]


@pytest.mark.parametrize(("target", "order"), [("bpfeb", "big"), ("bpfel", "little")])
def test_laid_out_by_clang(tmp_path: Path, target: str, order: str) -> None:
    """Either byte order, without a machine: the compiler lays out initialised structs."""
    source, rows = c_records.initialised(500)
    path = c_records.compiled(tmp_path, ["clang", "-target", target, "-g", "-c"], source, "object")
    subprocess.run(
        [requirements.tool("llvm-objcopy"), "--dump-section", f".data={tmp_path / 'data'}", path], check=True
    )
    btf = btfmmap.open(path)
    assert btf.source.byte_order == order
    records = btf.records("all", (tmp_path / "data").read_bytes())
    assert len(records) == 500
    compared = 0
    for leaf in c_records.LEAVES:
        places = list(c_records.places(leaf))
        if places[0] in rows[0]:
            found = leaf_of(records, leaf)
            expected = [[c_records.read_by_btf(btf, leaf, row[place]) for place in places] for row in rows]
            assert found.tolist() == expected, leaf
            compared += len(places)
    assert compared == len(rows[0])


class TestFlexibleArrays:
    """A file of messages, each with as many items as its `count` says."""

    SOURCE = """
    struct item { unsigned char kind : 3, rest : 5; short value; } __attribute__((packed));
    struct message { int count; char c; struct item items[]; };
    struct text { long long length; char data[]; };
    struct either { int count; union { struct { struct { } empty; int numbers[]; }; char raw[0]; }; };
    struct outer { struct message in; };
    struct middle { int none[0]; int after; };
    struct message m; struct text t; struct either e; struct outer o; struct middle i;
    """

    @pytest.fixture
    def btf(self, tmp_path: Path) -> Btf:
        return btfmmap.open(c_records.compiled(tmp_path, ["gcc", "-gbtf", "-c"], self.SOURCE, "flexible"))

    def test_needs_a_size(self, btf: Btf) -> None:
        for name, member in [("message", "items"), ("text", "data"), ("either", "numbers|raw")]:
            with pytest.raises(NotSupportedError, match=rf"^{name}\.({member}) is a flexible array"):
                btf.records(name, bytes(64))
        # These have the size that C's sizeof gives.
        assert btf.records("outer", bytes(16)).shape == (2,)
        assert btf.records("middle", bytes(8)).after.tolist() == [0, 0]

    def test_one_record(self, btf: Btf) -> None:
        blob = struct.pack("<ib", 3, -1) + b"".join(
            struct.pack("<Bh", number | number << 3, -number) for number in range(3)
        )
        message = btf.records("message", blob + b"x", size=len(blob) + 1)[0]
        assert message.items.shape == (3,)
        assert message.items.kind.tolist() == message.items.rest.tolist() == [0, 1, 2]
        assert message.to_dict() == {
            "count": 3,
            "c": -1,
            "items": [{"kind": n, "rest": n, "value": -n} for n in range(3)],
        }

    def test_many_of_one_size(self, btf: Btf) -> None:
        blob = b"".join(struct.pack("<q8s", n, b"ab" * n) for n in range(4))
        records = btf.records("text", blob, size=16)
        assert records.length.tolist() == [0, 1, 2, 3]
        assert records.data.tolist() == [b"", b"ab", b"abab", b"ababab"]
        assert btf.records("text", blob[:8], size=8).data.shape == (1, 0)

    def test_in_a_union(self, btf: Btf) -> None:
        record = btf.records("either", struct.pack("<i2ib", 2, -5, 6, 7), size=13)[0]
        assert record.numbers.tolist() == [-5, 6]
        assert record.raw == struct.pack("<2ib", -5, 6, 7)

    def test_padding_after_each(self, btf: Btf) -> None:
        records = btf.records("middle", struct.pack("<i4xi4x", 5, 6), size=8)
        assert records.after.tolist() == [5, 6]
        with pytest.raises(ValueError, match="size is 3, but a record of middle has at least 4 bytes"):
            btf.records("middle", bytes(8), size=3)
        with pytest.raises(FormatError, match=r"^12 bytes are not a whole .* of size=8; 4 remain$"):
            btf.records("middle", bytes(12), size=8)
        with pytest.raises(FormatError, match=r"^9 bytes are not a whole .* of size=8; 1 remains$"):
            btf.records("middle", bytes(9), size=8)


@pytest.fixture(scope="module")
def running() -> Btf:
    return btfmmap.open(requirements.kernel_btf())


class TestFromTheKernel:
    def test_tcp_info(self, running: Btf) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            client = socket.create_connection(server.getsockname())
            accepted, _ = server.accept()
            with client, accepted:
                client.sendall(bytes(100_000))
                left = 100_000
                while left:
                    left -= len(accepted.recv(left))
                blobs = [
                    each.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, running["struct tcp_info"].size or 0)
                    for each in (client, accepted)
                ]
        records = running.records("tcp_info", b"".join(blobs))
        # The head of struct tcp_info in include/uapi/linux/tcp.h: 8 bytes, 24 times u32, 4 times u64, ...
        names = [
            "rto",
            "ato",
            "snd_mss",
            "rcv_mss",
            "unacked",
            "sacked",
            "lost",
            "retrans",
            "fackets",
            "last_data_sent",
            "last_ack_sent",
            "last_data_recv",
            "last_ack_recv",
            "pmtu",
            "rcv_ssthresh",
            "rtt",
            "rttvar",
            "snd_ssthresh",
            "snd_cwnd",
            "advmss",
            "reordering",
            "rcv_rtt",
            "rcv_space",
            "total_retrans",
            "pacing_rate",
            "max_pacing_rate",
            "bytes_acked",
            "bytes_received",
            "segs_out",
            "segs_in",
            "notsent_bytes",
            "min_rtt",
            "data_segs_in",
            "data_segs_out",
            "delivery_rate",
        ]
        for record, blob in zip(records, blobs, strict=True):
            head = struct.unpack_from("=6B", blob)
            assert [
                record[f"tcpi_{name}"] for name in ["state", "ca_state", "retransmits", "probes"]
            ] == list(head[:4])
            scales, bits = blob[6], blob[7]
            if running.source.byte_order == "little":
                assert (record.tcpi_snd_wscale, record.tcpi_rcv_wscale) == (scales & 15, scales >> 4)
                assert record.tcpi_delivery_rate_app_limited == bits & 1
                assert record.tcpi_fastopen_client_fail == bits >> 1 & 3
            numbers = struct.unpack_from("=24I4Q6IQ", blob, 8)
            assert [int(record[f"tcpi_{name}"]) for name in names] == list(numbers)
        assert records.tcpi_state.tolist() == [1, 1]  # TCP_ESTABLISHED
        assert records.tcpi_bytes_received[1] == 100_000
        assert records.tcpi_snd_wscale.all()

    @pytest.mark.skipif(
        requirements.NARROW, reason="the kernel's struct has 64-bit longs, the one it gives does not"
    )
    def test_rusage(self, running: Btf) -> None:
        subprocess.run([requirements.tool("cat"), "/proc/self/status"], check=True, capture_output=True)
        blob = bytearray(running["struct rusage"].size or 0)
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.getrusage(resource.RUSAGE_CHILDREN, (ctypes.c_char * len(blob)).from_buffer(blob)) == 0
        record = running.records("rusage", blob)[0]
        expected = resource.getrusage(resource.RUSAGE_CHILDREN)
        for name in ["maxrss", "minflt", "majflt", "inblock", "oublock", "nvcsw", "nivcsw"]:
            assert record[f"ru_{name}"] == getattr(expected, f"ru_{name}")
        for name in ("ru_utime", "ru_stime"):
            time = record[name]
            assert time.tv_sec + time.tv_usec / 1e6 == pytest.approx(getattr(expected, name), abs=1e-7)
        assert record.ru_minflt > 0

    def test_statx(self, running: Btf, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"x" * 12345)
        os.utime(path, ns=(1_000_000_007, 2_123_456_789))
        path.chmod(0o640)
        blob = bytearray(running["struct statx"].size or 0)
        buffer = (ctypes.c_char * len(blob)).from_buffer(blob)
        assert ctypes.CDLL(None).statx(-100, bytes(path), 0, 0x7FF, buffer) == 0
        record = running.records("statx", blob)[0]
        expected = path.stat()
        for name in ["mode", "ino", "nlink", "uid", "gid", "size", "blksize", "blocks"]:
            assert record[f"stx_{name}"] == getattr(expected, f"st_{name}")
        assert record.stx_atime.to_dict() == {"tv_sec": 1, "tv_nsec": 7, "__reserved": 0}
        assert record.stx_mtime.tv_sec * 10**9 + record.stx_mtime.tv_nsec == expected.st_mtime_ns
        assert os.makedev(int(record.stx_dev_major), int(record.stx_dev_minor)) == expected.st_dev


@pytest.fixture(scope="module")
def events() -> Records:
    """Three records of a struct with every sort of field."""
    writer = BtfWriter()
    u32 = writer.add_int("u32", encoding=0)
    char = writer.add_int("char", 1, encoding=3)
    state = writer.add_enum("state", [("OPEN", 1), ("SAME", 1), ("SHUT", 2)])
    signed = writer.add_enum("signed", [("MINUS", -1)], signed=True)
    wide = writer.add_enum64("wide", [("TOP", 2**64 - 1)])
    pair = writer.add_struct("pair", 8, [("x", u32, 0), ("y", u32, 32)])
    pairs = writer.add_array(pair, u32, 2)
    members = [
        ("id", u32, 0),
        ("low", state, 2 << 24 | 32),
        ("high", signed, 6 << 24 | 34),
        ("name", writer.add_array(char, u32, 3), 40),
        ("first", pair, 64),
        ("pairs", pairs, 128),
        ("states", writer.add_array(state, u32, 2), 256),
        ("wide", wide, 320),
        ("to_dict", u32, 384),
    ]
    writer.add_struct("event", 52, members, kind_flag=True)
    blob = b"".join(
        struct.pack("<IB3s2I4I2IQI", n, low | high << 2, b"ab", 1, 2, 3, 4, 5, n, 1, 9, 2**64 - 1, 7)
        for n, low, high in [(10, 1, 63), (11, 2, 0), (12, 3, 5)]
    )
    return btfmmap.open(data=writer.build()).records("event", blob)


class TestUse:
    def test_many(self, events: Records) -> None:
        assert len(events) == 3
        assert events.shape == (3,)
        assert events.fields == (
            *("id", "low", "high", "name", "first", "pairs", "states", "wide", "to_dict"),
        )
        assert events.id.tolist() == [10, 11, 12]
        assert events.low.tolist() == [1, 2, 3]
        assert events.high.tolist() == [-1, 0, 5]
        assert events["to_dict"].tolist() == [7, 7, 7]
        assert events.pairs.y.tolist() == [[4, 10], [4, 11], [4, 12]]
        assert events.first.x.tolist() == [1, 1, 1]
        assert [event.id for event in events] == [10, 11, 12]
        assert events[events.low > 1].id.tolist() == [11, 12]
        assert events[::-1].id.tolist() == [12, 11, 10]
        assert events[[2, 0]].high.tolist() == [5, -1]
        assert bool(events)
        assert not events[:0]
        assert {"id", "low", "enum_names"} <= set(dir(events))
        assert repr(events) == "<Records event: 3 with id, low, high, name, first, pairs, ...>"

    def test_one(self, events: Records) -> None:
        event = events[-1]
        assert (event.id, event.low, event.high, event.name) == (12, 3, 5, b"ab")
        assert event.pairs[1].y == 12
        assert bool(event)
        assert repr(event).startswith(
            "<Records event: id=12, low=3, high=5, name=b'ab', first={'x': 1, 'y': 2}"
        )
        plain = {
            "id": 12,
            "low": 3,
            "high": 5,
            "name": b"ab",
            "first": {"x": 1, "y": 2},
            "pairs": [{"x": 3, "y": 4}, {"x": 5, "y": 12}],
            "states": [1, 9],
            "wide": 2**64 - 1,
            "to_dict": 7,
        }
        assert events[-1].to_dict() == events[-1:][0].to_dict() == plain
        assert type(event.to_dict()["low"]) is type(event.to_dict()["id"]) is int
        assert json.loads(json.dumps(event.to_dict(), default=bytes.decode)) == plain | {"name": "ab"}
        named = event.to_dict(enum_names=True)
        assert (named["low"], named["high"], named["states"], named["wide"]) == (
            "3",
            "5",
            ["OPEN", "9"],
            "TOP",
        )
        for wrong in (lambda: len(event), lambda: event[0], lambda: list(event)):
            with pytest.raises(TypeError, match="a single record"):
                wrong()

    def test_enum_names(self, events: Records) -> None:
        assert events.enum_names("low").tolist() == ["OPEN", "SHUT", "3"]
        assert events.enum_names("high").tolist() == ["MINUS", "0", "5"]
        assert events.enum_names("states").tolist() == [["OPEN", "9"]] * 3
        assert events.enum_names("wide").tolist() == ["TOP"] * 3
        assert events[0].enum_names("low") == "OPEN"
        with pytest.raises(TypeError, match="'id' is of kind INT, not an enum"):
            events.enum_names("id")

    def test_to_dict(self, events: Records) -> None:
        found = events.to_dict(enum_names=True)
        assert list(found) == list(events.fields)
        assert found["low"].tolist() == ["OPEN", "SHUT", "3"]
        assert found["pairs"]["x"].tolist() == [[3, 5]] * 3

    def test_no_such_field(self, events: Records) -> None:
        with pytest.raises(AttributeError, match="no member 'nothing' in event"):
            _ = events.nothing
        with pytest.raises(KeyError, match="no member 'nothing' in event"):
            _ = events["nothing"]
        with pytest.raises(KeyError):
            events.enum_names("nothing")
        with pytest.raises(IndexError):
            _ = events[3]

    def test_copies(self, events: Records) -> None:
        assert copy.copy(events).high.tolist() == [-1, 0, 5]
        btf = btfmmap.open(btfmmap.SAMPLE_BTF)
        records = btf.records("flow", bytes(3 * 120), size=120)
        assert pickle.loads(pickle.dumps(records)).fields == records.fields

    def test_in_place(self) -> None:
        writer = BtfWriter()
        writer.add_struct("word", 4, [("value", writer.add_int(), 0)])
        btf = btfmmap.open(data=writer.build())
        buffer = bytearray(8)
        records = btf.records("word", buffer)
        buffer[4] = 5
        assert records.value.tolist() == [0, 5]
        assert btf.records("word", np.array([1, 2, 3], "<i4")).value.tolist() == [1, 2, 3]
        assert len(btf.records("word", b"")) == 0
        with pytest.raises(FormatError, match=r"^5 bytes are not a whole number of word \(4 bytes each\)"):
            btf.records("word", bytes(5))
        with pytest.raises(ValueError, match="not a struct or union"):
            btf.records("int", bytes(4))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [1, 7, 8, 9, 31, 57, 63, 64])
def test_every_shift_of_a_bitfield(order: str, bits: int) -> None:
    """Bits count from the lowest bit of the first byte, on big-endian machines from the highest. So a field
    is a slice of the record as one long number, read from the other end."""
    shifts = range(72 - bits)
    writer = BtfWriter(order)
    number, signed = writer.add_int("u64", 8, encoding=0), writer.add_int("s64", 8)
    for shift in shifts:
        for kind, type_id in [("u", number), ("s", signed)]:
            writer.add_struct(f"{kind}{shift}", 9, [("f", type_id, bits << 24 | shift)], kind_flag=True)
    btf = btfmmap.open(data=writer.build())
    blob = np.random.default_rng(bits).integers(0, 256, 9 * 50, np.uint8).tobytes()
    wholes = [
        int.from_bytes(blob[start : start + 9], "little" if order == "<" else "big")
        for start in range(0, len(blob), 9)
    ]
    for shift in shifts:
        above = shift if order == "<" else 72 - bits - shift
        expected = [whole >> above & (2**bits - 1) for whole in wholes]
        assert btf.records(f"struct u{shift}", blob).f.tolist() == expected
        top = 1 << (bits - 1)
        assert btf.records(f"struct s{shift}", blob).f.tolist() == [(value ^ top) - top for value in expected]


def test_bitfields_that_cannot_be() -> None:
    writer = BtfWriter()
    int_id = writer.add_int()
    pointer = writer.add(btf_writer.PTR, size_or_type=int_id)
    long_id = writer.add_int("int128", 16, encoding=0, bits=128)
    writer.add_struct("long", 16, [("f", long_id, 65 << 24)], kind_flag=True)
    writer.add_struct("pointer", 8, [("f", pointer, 3 << 24)], kind_flag=True)
    writer.add_struct("past", 1, [("f", int_id, 3 << 24 | 6)], kind_flag=True)
    btf = btfmmap.open(data=writer.build())
    for name, why in [
        ("long", r"long\.f is a bitfield of 65 bits, more than 64"),
        ("pointer", r"pointer\.f is a bitfield of kind PTR"),
        ("past", r"past has the member 'f:3' ending past its 1 bytes"),
    ]:
        with pytest.raises(NotSupportedError, match=f"^{why}"):
            btf.records(name, b"")


def test_anonymous_unions_without_end() -> None:
    """A struct that contains itself, and thirty that each contain the next one twice."""
    writer = BtfWriter()
    union = btf_writer.UNION
    writer.add_struct("", 4, [("", 1, 0)], kind=union)
    for depth in range(30):
        following = depth + 3
        writer.add_struct("", 4, [("", following, 0), ("", following, 0)], kind=union)
    writer.add_int()
    btf = btfmmap.open(data=writer.build())
    with pytest.raises(FormatError, match="contains itself"):
        btf.records(1, bytes(8))
    with pytest.raises(FormatError, match="more than"):
        btf.records(2, bytes(8))


def test_fields_cannot_be_assigned() -> None:
    btf = btfmmap.open(btfmmap.SAMPLE_BTF)
    data = bytearray(32)
    records = btf.records("list", data)
    with pytest.raises(AttributeError):
        records.next = 5  # type: ignore[attr-defined]
    assert "next" in records
    assert "nothing" not in records[0]
    with pytest.raises(TypeError, match="to_dict"):
        list(records[0])
    records.next[:] = 5
    assert data[0] == 5
