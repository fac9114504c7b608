"""Every benchmark of this directory in one report: `python benchmarks/run.py [--json FILE] [--docs FILE]`.

BTFMMAP_LIBBPF names the libbpf to measure (default: the system's), BTFMMAP_BPFTOOL the bpftool, and
BTFMMAP_MODULES a folder of `vmlinux.btf` and decompressed modules.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from support.report import Measure, report


def measures() -> list[Measure]:
    """Every function of a benchmark whose name starts with `measure`; those of opening come first."""
    files = (file.stem for file in Path(__file__).parent.glob("bench_*.py"))
    names = sorted(files, key=lambda name: (name != "bench_open", name))
    return [
        value
        for name in names
        for function, value in vars(import_module(name)).items()
        if function.startswith("measure")
    ]


if __name__ == "__main__":
    report(measures(), whole=True)
