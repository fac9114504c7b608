"""Peak memory of whole commands, from start to exit, beside that of a bare interpreter and of the peers."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from support.harness import FEW, Comparison, Workload, compare, reported
from support.kernel_btf import KernelBtf
from support.kernel_variants import variant
from support.object_files import object_files
from support.peer_bpftool import PROGRAM
from support.processes import BTFMMAP, peak
from support.report import report

COMMANDS = (
    "info",
    "show task_struct",
    f"show task_struct --html {os.devnull}",
    "find tcp_*",
    "users sk_buff",
    "holes",
    "at sk_buff 0x70",
    "path task_struct.mm.owner",
    "dtype list_head",
    "lint",
    "dump",
    "dump --format json",
    "dump --format c",
)
"""Those on one kernel."""


def measure_commands(btf: KernelBtf) -> Comparison:
    """Resident memory. The kernel's own pages count too if its BTF is mapped."""
    with object_files() as (one, *_), tempfile.TemporaryDirectory() as folder:
        next_release = Path(folder) / "next.btf"
        next_release.write_bytes(variant(Path(btf.path).read_bytes(), 1))
        ours = [
            *((f"`btfmmap {command}`", [*command.split(), "--file", btf.path]) for command in COMMANDS),
            ("`btfmmap check` of an object", ["check", one, "--kernels", btf.path]),
            ("`btfmmap min-core` of an object", ["min-core", btf.path, "--objects", one, "-o", folder]),
            ("`btfmmap diff` of two releases", ["diff", btf.path, str(next_release)]),
        ]
        theirs = [
            ("`bpftool btf dump`", [PROGRAM, "btf", "dump", "file", btf.path]),
            ("`bpftool btf dump`, C", [PROGRAM, "btf", "dump", "file", btf.path, "format", "c"]),
            ("`pahole -C task_struct`", ["pahole", "-F", "btf", "-C", "task_struct", btf.path]),
        ]
        bare = peak("`python -c pass`", [sys.executable, "-c", "pass"], FEW)
        assert isinstance(bare, Workload)
        return compare(
            "Peak memory of whole commands",
            bare,
            [
                *(peak(name, [BTFMMAP, *words], FEW) for name, words in ours),
                *(peak(name, command, FEW) for name, command in theirs),
            ],
            reported("MB"),
        )


if __name__ == "__main__":
    report([measure_commands])
