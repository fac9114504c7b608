"""Bytes as arrays, dicts and text, beside numpy, `struct`, `ctypes` and libbpf."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from support.event_records import SIZE, by_ctypes, event_btf, event_bytes, shifts, unpacked
from support.harness import FEW, MANY, MICROSECONDS, SOME, Comparison, Meter, Run, Workload, compare, repeated
from support.kernel_btf import KernelBtf
from support.peers import libbpf_format
from support.report import report
from support.texts import format_to_file

import btfmmap

CALLS = 1000
"""Calls per run of what takes about a microsecond."""
RECORDS = 1_000_000
PIECE = 10_000
"""Records per call that makes dicts, whose memory is then reused."""


def _nanoseconds(run: Run) -> float:
    start = time.perf_counter_ns()
    run()
    return float(time.perf_counter_ns() - start)


NANOSECONDS = Meter("ns", _nanoseconds)


def _calls(name: str, call: Callable[[], object]) -> Workload:
    def run() -> None:
        for _ in range(CALLS):
            call()

    return repeated(name, run, MANY, CALLS)


def measure_repeated(btf: KernelBtf) -> Comparison:
    """One record per call, as in a loop over a ring buffer."""
    opened = btfmmap.open(btf.path)
    data = bytes(opened["struct tcp_info"].size or 0)
    dtype = opened.dtype("tcp_info", bitfields="omit")
    made = opened.ctypes("tcp_info")
    names = [field[0] for field in made._fields_ if not field[0].startswith("_")]
    one = opened.records("tcp_info", data)[0]
    decoder = opened.decoder("tcp_info")

    def attributes() -> object:
        record = made.from_buffer_copy(data)
        return {name: getattr(record, name) for name in names}

    return compare(
        "One `tcp_info` per call, name included",
        _calls("`records`", lambda: opened.records("tcp_info", data)),
        [
            _calls("`np.frombuffer` with a dtype at hand", lambda: np.frombuffer(data, dtype)),
            _calls("`dtype`", lambda: opened.dtype("tcp_info", bitfields="omit")),
            _calls("`ctypes`", lambda: opened.ctypes("tcp_info")),
            _calls("`to_dict` of a record", one.to_dict),
            _calls("`Decoder.records`", lambda: decoder.records(data)),
            _calls("`Decoder.to_dict`", lambda: decoder.to_dict(data)),
            _calls("`records` and `to_dict`", lambda: opened.records("tcp_info", data)[0].to_dict()),
            _calls("`ctypes` object, its attributes as a dict", attributes),
        ],
        MICROSECONDS,
    )


def measure_first(btf: KernelBtf) -> Comparison:
    """The first use of a type, in a `Btf` that has used another one."""

    def first(ask: Callable[[btfmmap.Btf], object]) -> Callable[[], Run]:
        def prepare() -> Run:
            fresh = btfmmap.open(btf.path)
            fresh.records("timespec64", b"")
            return lambda: ask(fresh)

        return prepare

    return compare(
        "First use of `tcp_info`",
        Workload("`records`", first(lambda fresh: fresh.records("tcp_info", b"")), MANY),
        [
            Workload("`dtype`", first(lambda fresh: fresh.dtype("tcp_info", bitfields="omit")), MANY),
            Workload("`ctypes`", first(lambda fresh: fresh.ctypes("tcp_info")), MANY),
        ],
        MICROSECONDS,
    )


def measure_bitfield(_btf: KernelBtf) -> Comparison:
    """One column of 200,000 records."""
    count = 200_000
    data = event_bytes("<", count)
    records = btfmmap.open(data=event_btf("<")).records("event", data)
    words = np.frombuffer(data, "<u4").reshape(-1, SIZE // 4)[:, 3]
    shift = shifts("<")["state"]
    return compare(
        "A bitfield of 200,000 records of 64 bytes",
        repeated("`records.state`", lambda: records.state, MANY),
        [repeated("shift and mask by hand in numpy", lambda: (words >> shift) & 7, MANY)],
    )


def _columns(order: str) -> Comparison:
    data = event_bytes(order, RECORDS)
    btf = btfmmap.open(data=event_btf(order))
    fields = btf.records("event", b"").fields
    offsets = {"time": 0, "pid": 8, "word": 12, "address": 16, "comm": 24, "port": 40, "kind": 42}
    offsets |= {"result": 44, "bytes": 48}
    formats = [f"{order}{each}" for each in ("u8", "u4", "u4", "u8", "S16", "u2", "u1", "i4", "u8")]
    dtype = np.dtype(
        {"names": [*offsets], "formats": formats, "offsets": [*offsets.values()], "itemsize": SIZE}
    )
    places = shifts(order)

    def ours() -> object:
        records = btf.records("event", data)
        return [np.ascontiguousarray(records[name]) for name in fields]

    def by_hand() -> object:
        array = np.frombuffer(data, dtype)
        columns = [np.ascontiguousarray(array[name]) for name in offsets if name != "word"]
        word = array["word"].astype(np.uint32)
        columns += [word >> places["cpu"] & 0x3FF, word >> places["state"] & 7, word >> places["urgent"] & 1]
        top = 32 - 13 - places["priority"]
        columns.append((word << top).view(np.int32) >> 19)
        return columns

    endian = "little" if order == "<" else "big"
    return compare(
        f"Records of 64 bytes to 12 columns, {endian}-endian: time of a record (64 ns are 1 GB/s)",
        repeated("`records` and each field, copied", ours, SOME, RECORDS),
        [repeated("numpy, bitfields by hand", by_hand, SOME, RECORDS)],
        NANOSECONDS,
    )


def measure_columns_little(_btf: KernelBtf) -> Comparison:
    """A million little-endian records to columns."""
    return _columns("<")


def measure_columns_big(_btf: KernelBtf) -> Comparison:
    """A million big-endian records to columns."""
    return _columns(">")


def _dicts(order: str) -> Comparison:
    data = event_bytes(order, RECORDS)
    btf = btfmmap.open(data=event_btf(order))
    made = btf.ctypes("event")
    assert btf.records("event", data[: 1000 * SIZE]).to_dicts() == list(unpacked(order, data[: 1000 * SIZE]))
    records = btf.records("event", data)
    pieces = [data[start : start + PIECE * SIZE] for start in range(0, len(data), PIECE * SIZE)]

    def ours() -> None:
        for start in range(0, RECORDS, PIECE):
            records[start : start + PIECE].to_dicts()

    def unpack() -> None:
        for piece in pieces:
            list(unpacked(order, piece))

    def ctypes_attributes() -> None:
        for piece in pieces:
            list(by_ctypes(made, piece))

    endian = "little" if order == "<" else "big"
    return compare(
        f"Records of 64 bytes to dicts of 12 fields, {endian}-endian: time of a record",
        repeated("`to_dicts`", ours, FEW, RECORDS),
        [
            repeated("`struct.iter_unpack`, dicts and bitfields by hand", unpack, 3, RECORDS),
            repeated("`ctypes` objects, attributes as dicts", ctypes_attributes, 3, RECORDS),
        ],
        NANOSECONDS,
    )


def measure_dicts_little(_btf: KernelBtf) -> Comparison:
    """A million little-endian records to dicts."""
    return _dicts("<")


def measure_dicts_big(_btf: KernelBtf) -> Comparison:
    """A million big-endian records to dicts."""
    return _dicts(">")


def _text(order: str) -> Comparison:
    data = event_bytes(order, RECORDS)
    btf = btfmmap.open(data=event_btf(order))
    type_id = btf["event"].id
    fewer = RECORDS // 10
    libbpf = libbpf_format(btf, type_id, data[: fewer * SIZE], records=fewer, compact=True, rounds=FEW)
    endian = "little" if order == "<" else "big"
    return compare(
        f"Records of 64 bytes to lines of text, {endian}-endian: time of a record",
        format_to_file(btf, type_id, data, RECORDS),
        [libbpf],
        NANOSECONDS,
    )


def measure_text_little(_btf: KernelBtf) -> Comparison:
    """A million little-endian records to text, and fewer by libbpf."""
    return _text("<")


def measure_text_big(_btf: KernelBtf) -> Comparison:
    """A million big-endian records to text, which libbpf cannot format on a little-endian host."""
    return _text(">")


if __name__ == "__main__":
    report(
        [
            measure_repeated,
            measure_first,
            measure_bitfield,
            measure_columns_little,
            measure_columns_big,
            measure_dicts_little,
            measure_dicts_big,
            measure_text_little,
            measure_text_big,
        ]
    )
