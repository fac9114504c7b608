"""Every benchmark of this directory in one report: `python benchmarks/run.py [--json FILE]`.

The libbpf to measure is the system's, or the one that BTFMMAP_LIBBPF names.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from report import report

if __name__ == "__main__":
    names = sorted(file.stem for file in Path(__file__).parent.glob("bench_*.py"))
    report([import_module(name).measure for name in names])
