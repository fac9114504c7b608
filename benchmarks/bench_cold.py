"""What a fresh process pays the first time: private memory, page faults, and milliseconds of first calls."""

from __future__ import annotations

from support.harness import Comparison, Skipped, Workload, compare, reported
from support.kernel_btf import KernelBtf
from support.processes import self_measured
from support.report import report


def _compare(title: str, btf: KernelBtf, measure: str, actions: dict[str, str]) -> Comparison:
    workloads = [self_measured(name, measure, action, btf.path) for name, action in actions.items()]
    ours, *peers = workloads
    assert isinstance(ours, Workload)
    return compare(title, ours, [_unless_not_running(btf, peer) for peer in peers], reported(measure))


def _unless_not_running(btf: KernelBtf, peer: Workload | Skipped) -> Workload | Skipped:
    if "vmlinux" in peer.name and not btf.is_running_kernel:
        return Skipped(peer.name, "the running kernel shows no BTF")
    return peer


def measure_memory(btf: KernelBtf) -> Comparison:
    """Private memory that opening has written."""
    return _compare(
        "Private memory after open",
        btf,
        "kB",
        {
            "`btfmmap.open`": "open",
            "libbpf `btf__load_vmlinux_btf`": "libbpf load",
            "libbpf `btf__parse`": "libbpf parse",
        },
    )


def measure_first_find(btf: KernelBtf) -> Comparison:
    """The first `find`, before an index of names exists."""
    return _compare(
        "First find in a fresh process, of `vfs_read`",
        btf,
        "ms",
        {
            "`find`, hit": "find",
            "`find`, miss": "find nothing",
            "libbpf `btf__find_by_name`, hit": "libbpf find",
            "libbpf `btf__find_by_name`, miss": "libbpf find nothing",
        },
    )


def measure_first_calls(btf: KernelBtf) -> Comparison:
    """The first call of each, on fresh pages."""
    return _compare(
        "First call in a fresh process",
        btf,
        "ms",
        {
            "`btfmmap.open`": "open",
            "`btfmmap.open` and `find`": "open and find",
            "ten tables of an open `Btf`": "tables",
            "three columns of an open `Btf`": "columns",
            "`graph` of an open `Btf`": "graph",
            "`layouts` of an open `Btf`": "layouts",
            "libbpf `btf__load_vmlinux_btf`": "libbpf load",
            "libbpf `btf__parse` and find": "libbpf parse and find",
        },
    )


def measure_faults(btf: KernelBtf) -> Comparison:
    """Pages touched for the first time, by the same."""
    return _compare(
        "Page faults of a first call",
        btf,
        "faults",
        {
            "`btfmmap.open`": "open",
            "`btfmmap.open` and `find`": "open and find",
            "ten tables of an open `Btf`": "tables",
            "three columns of an open `Btf`": "columns",
            "`graph` of an open `Btf`": "graph",
            "libbpf `btf__load_vmlinux_btf`": "libbpf load",
        },
    )


if __name__ == "__main__":
    report([measure_memory, measure_first_find, measure_first_calls, measure_faults])
