"""Bytes as C: one value per call, and many records at once, beside libbpf's typed dump in a C loop.

With zeros omitted, libbpf does less work: it omits a nested struct if its first member is zero, whatever the
others are.
"""

from __future__ import annotations

import io
import random

from support.harness import FEW, MANY, MICROSECONDS, Comparison, Workload, compare, repeated
from support.kernel_btf import KernelBtf
from support.peers import libbpf_format
from support.report import report
from support.texts import format_to_file

import btfmmap

CALLS = 100
RECORDS = 100_000
RECORD = "iphdr"
"""20 bytes: bitfields, numbers of 1, 2 and 4 bytes, and a union of structs."""


def _data(btf: btfmmap.Btf, name: str, *, zeros: bool = False, records: int = 1) -> bytes:
    count = records * (btf[name].size or 0)
    return bytes(count) if zeros else bytes(random.Random(name).choices(range(1, 256), k=count))


def _compare_one(btf: KernelBtf, name: str, what: str, *, emit_zeroes: bool = False) -> Comparison:
    opened = btfmmap.open(btf.path)
    type_id, data = opened[name].id, _data(opened, name, zeros="zeros" in what)

    def ours(type_: int | str) -> Workload:
        def run() -> None:
            for _ in range(CALLS):
                opened.format(type_, data, emit_zeroes=emit_zeroes)

        return repeated(f"`format({'name' if type_ == name else 'id'}, data)`", run, MANY, CALLS)

    libbpf = libbpf_format(opened, type_id, data, times=CALLS, emit_zeroes=emit_zeroes)
    title = f"Format `{name}`, {len(data):,} bytes, {what}, of {btf.origin}"
    return compare(title, ours(type_id), [ours(name), libbpf], MICROSECONDS)


def measure_tcp_info(btf: KernelBtf) -> Comparison:
    return _compare_one(btf, "tcp_info", "none of them zero")


def measure_tcp_info_of_zeros(btf: KernelBtf) -> Comparison:
    return _compare_one(btf, "tcp_info", "zeros, shown", emit_zeroes=True)


def measure_task_struct(btf: KernelBtf) -> Comparison:
    return _compare_one(btf, "task_struct", "none of them zero")


def measure_task_struct_of_zeros(btf: KernelBtf) -> Comparison:
    return _compare_one(btf, "task_struct", "zeros, shown", emit_zeroes=True)


def measure_task_struct_without_zeros(btf: KernelBtf) -> Comparison:
    return _compare_one(btf, "task_struct", "zeros, omitted")


def measure_records(btf: KernelBtf) -> Comparison:
    """Many records, one per line."""
    opened = btfmmap.open(btf.path)
    type_id, data = opened[RECORD].id, _data(opened, RECORD, records=RECORDS)
    size = len(data) // RECORDS

    def one_by_one() -> None:
        file = io.StringIO()
        for at in range(0, len(data), size):
            file.write(opened.format(type_id, data[at : at + size], compact=True))

    libbpf = libbpf_format(opened, type_id, data, records=RECORDS, compact=True, rounds=FEW)
    return compare(
        f"Format {RECORDS:,} records of `{RECORD}`, {size} bytes, of {btf.origin}, each",
        format_to_file(opened, type_id, data, RECORDS),
        [
            repeated(
                "`format_each`, a list",
                lambda: opened.format_each(type_id, data, compact=True),
                FEW,
                RECORDS,
            ),
            repeated("`format`, one by one", one_by_one, FEW, RECORDS),
            libbpf,
        ],
        MICROSECONDS,
    )


if __name__ == "__main__":
    report(
        [
            measure_tcp_info,
            measure_tcp_info_of_zeros,
            measure_task_struct,
            measure_task_struct_of_zeros,
            measure_task_struct_without_zeros,
            measure_records,
        ]
    )
