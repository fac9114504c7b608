"""Other ways to the types of a kernel, as workloads. Each starts at the file and frees what it made."""

from __future__ import annotations

from pathlib import Path

from harness import FEW, MANY, Skipped, Workload, repeated
from kernel_btf import KernelBtf
from peer_bpftool import Bpftool
from peer_libbpf import Libbpf
from pure_python import parse


def libbpf_load(btf: KernelBtf) -> Workload | Skipped:
    """What libbpf does for the running kernel: it maps the file (before libbpf 1.6: reads it)."""
    name = "libbpf `btf__load_vmlinux_btf`"
    if not btf.is_running_kernel:
        return Skipped(name, "the running kernel shows no BTF")
    try:
        return repeated(name, Libbpf().load_vmlinux, MANY)
    except OSError as error:
        return Skipped(name, str(error))


def libbpf_parse(btf: KernelBtf) -> Workload | Skipped:
    """What libbpf does for any file: it reads it."""
    name = "libbpf `btf__parse`"
    try:
        libbpf = Libbpf()
    except OSError as error:
        return Skipped(name, str(error))
    return repeated(name, lambda: libbpf.parse(btf.path), MANY)


def bpftool_json(btf: KernelBtf) -> Workload | Skipped:
    """Every type as dicts and lists, by way of another process."""
    name = "`bpftool -j` and `json.loads`"
    try:
        bpftool = Bpftool()
    except OSError as error:
        return Skipped(name, str(error))
    return repeated(name, lambda: bpftool.load(btf.path), FEW)


def pure_python(btf: KernelBtf) -> Workload:
    """All ten tables as lists of tuples."""
    return repeated("pure Python, `struct`", lambda: parse(Path(btf.path).read_bytes()), FEW)
