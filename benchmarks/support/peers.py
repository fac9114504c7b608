"""Other readers of a kernel's types, as workloads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from support.harness import FEW, MANY, SOME, Skipped, Workload, repeated
from support.kernel_btf import KernelBtf
from support.names import Named
from support.peer_bpftool import Bpftool
from support.peer_libbpf import Libbpf
from support.pure_python import parse

import btfmmap


def libbpf_load(btf: KernelBtf) -> Workload | Skipped:
    """libbpf's loading of the running kernel: it maps the file (before libbpf 1.6: reads it)."""
    name = "libbpf `btf__load_vmlinux_btf`"
    if not btf.is_running_kernel:
        return Skipped(name, "the running kernel shows no BTF")
    return _opened(name, Libbpf.load_vmlinux)


def libbpf_new(btf: KernelBtf) -> Workload | Skipped:
    """libbpf's parsing of bytes in memory, which it copies."""
    blob = Path(btf.path).read_bytes()
    return _opened("libbpf `btf__new`, of bytes in memory", lambda libbpf: libbpf.new(blob))


def libbpf_parse(btf: KernelBtf) -> Workload | Skipped:
    """libbpf's parsing of a file, which it reads."""
    return _opened("libbpf `btf__parse`", lambda libbpf: libbpf.parse(btf.path))


def _opened(name: str, open_btf: Callable[[Libbpf], int]) -> Workload | Skipped:
    return with_libbpf(name, lambda libbpf: repeated(name, lambda: libbpf.free(open_btf(libbpf)), MANY))


def libbpf_find(btf: KernelBtf, names: Sequence[Named], *, by_kind: bool, rounds: int) -> Workload | Skipped:
    """libbpf's search for names in an open BTF."""
    name = f"libbpf `btf__find_by_name{'_kind' * by_kind}`"

    def search(libbpf: Libbpf) -> Workload:
        find = libbpf.finder(libbpf.parse(btf.path), names, by_kind=by_kind)
        return repeated(name, find, rounds, len(names))

    return with_libbpf(name, search)


def libbpf_format(
    btf: btfmmap.Btf,
    type_id: int,
    data: bytes,
    *,
    records: int = 1,
    times: int = 1,
    compact: bool = False,
    emit_zeroes: bool = False,
    rounds: int = MANY,
) -> Workload | Skipped:
    """libbpf's typed dump of records, some times over, per record."""
    name = "libbpf `btf_dump__dump_type_data`"
    if btf.source.byte_order != sys.byteorder:
        return Skipped(name, "it formats data in the host's byte order only")

    def format_each(libbpf: Libbpf) -> Workload:
        run = libbpf.formatter(
            libbpf.new(bytes(btf.raw)),
            type_id,
            data,
            records,
            times=times,
            compact=compact,
            emit_zeroes=emit_zeroes,
        )
        return repeated(name, run, rounds, records * times)

    return with_libbpf(name, format_each)


def bisects() -> bool:
    """Whether the libbpf at hand bisects types that are sorted by name."""
    try:
        version = Libbpf().version
    except OSError:
        return False
    return [int(part) for part in version.split(".")[:2]] >= [1, 8]


def with_libbpf(name: str, make: Callable[[Libbpf], Workload]) -> Workload | Skipped:
    """A workload of libbpf, or why it is skipped."""
    try:
        return make(Libbpf())
    except OSError as error:
        return Skipped(name, str(error))


def bpftool_json(btf: KernelBtf) -> Workload | Skipped:
    """Every type as dicts and lists, through a bpftool process."""
    name = "`bpftool -j` and `json.loads`"
    try:
        bpftool = Bpftool()
    except OSError as error:
        return Skipped(name, str(error))
    return repeated(name, lambda: bpftool.load(btf.path), FEW)


def pure_python(btf: KernelBtf) -> Workload:
    """All ten tables as lists of tuples."""
    return repeated("pure Python, `struct`", lambda: parse(Path(btf.path).read_bytes()), SOME)
