"""Open a kernel's BTF, check and index every record, and release it.

btfmmap and libbpf both leave the records in place. The Python peers have no such step; they are measured
until a type can be asked for.
"""

from __future__ import annotations

from pathlib import Path

from support.harness import MANY, Comparison, compare, repeated
from support.kernel_btf import KernelBtf
from support.peers import bpftool_json, libbpf_load, libbpf_new, libbpf_parse, pure_python
from support.report import report

import btfmmap


def measure(btf: KernelBtf) -> Comparison:
    """Ours, and every peer."""
    blob = Path(btf.path).read_bytes()
    return compare(
        "Open, check and index, release",
        repeated("`btfmmap.open`", lambda: btfmmap.open(btf.path).close(), MANY),
        [
            repeated(
                "`btfmmap.open(data=)`, of bytes in memory", lambda: btfmmap.open(data=blob).close(), MANY
            ),
            libbpf_load(btf),
            libbpf_new(btf),
            libbpf_parse(btf),
            bpftool_json(btf),
            pure_python(btf),
        ],
    )


if __name__ == "__main__":
    report([measure])
