"""A process that does one thing and prints its cost: `python self_measured.py MEASURE ACTION PATH`."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

Run = Callable[[], object]
Prepare = Callable[[str], Run]


def private_memory() -> float:
    """Private dirty memory in kB. A library's code counts too if no other process has loaded it."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))


def page_faults() -> float:
    """Minor page faults: first touches of pages."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def milliseconds() -> float:
    """Wall-clock time."""
    return time.perf_counter() * 1e3


MEASURES = {"kB": private_memory, "faults": page_faults, "ms": milliseconds}


# Each action imports only what it needs, before it is measured.


def ours(act: Callable[[Any, str], object]) -> Prepare:
    """An action on the package and a path."""

    def prepare(path: str) -> Run:
        package = import_module("btfmmap")
        return lambda: act(package, path)

    return prepare


def ours_opened(act: Callable[[Any], object]) -> Prepare:
    """An action on an open `Btf`."""

    def prepare(path: str) -> Run:
        import_module("numpy")
        btf = import_module("btfmmap").open(path)
        return lambda: act(btf)

    return prepare


def ours_tables(path: str) -> Run:
    """All tables of an open `Btf`."""
    return ours_opened(import_module("ten_tables").ten_tables)(path)


def ours_columns(path: str) -> Run:
    """Three columns of an open `Btf`."""
    return ours_opened(import_module("ten_tables").three_columns)(path)


def libbpf(act: Callable[[Any, str], object]) -> Prepare:
    """An action on libbpf and a path."""

    def prepare(path: str) -> Run:
        library = import_module("peer_libbpf").Libbpf()
        return lambda: act(library, path)

    return prepare


def libbpf_opened(act: Callable[[Any, int], object]) -> Prepare:
    """An action on libbpf and an open BTF."""

    def prepare(path: str) -> Run:
        library = import_module("peer_libbpf").Libbpf()
        btf = library.parse(path)
        return lambda: act(library, btf)

    return prepare


def import_ours(_path: str) -> Run:
    """Import btfmmap, and check that numpy is not imported."""

    def run() -> None:
        import_module("btfmmap")
        assert "numpy" not in sys.modules

    return run


NAME = "vfs_read"
"""A function in every kernel, near the end of its types."""

ACTIONS: dict[str, Prepare] = {
    "open": ours(lambda package, path: package.open(path)),
    "open and find": ours(lambda package, path: package.open(path).find(NAME)),
    "find": ours_opened(lambda btf: btf.find(NAME)),
    "find nothing": ours_opened(lambda btf: btf.find(f"{NAME}_absent")),
    "tables": ours_tables,
    "columns": ours_columns,
    "graph": ours_opened(lambda btf: (btf.graph.indices, btf.graph.reverse.indices)),
    "layouts": ours_opened(lambda btf: btf.layouts),
    "libbpf load": libbpf(lambda library, _path: library.load_vmlinux()),
    "libbpf parse": libbpf(lambda library, path: library.parse(path)),
    "libbpf parse and find": libbpf(lambda library, path: library.find(library.parse(path), NAME.encode())),
    "libbpf find": libbpf_opened(lambda library, btf: library.find(btf, NAME.encode())),
    "libbpf find nothing": libbpf_opened(lambda library, btf: library.find(btf, f"{NAME}_absent".encode())),
    "import": lambda name: lambda: import_module(name),
    "import ours": import_ours,
}


def main(measure: str, action: str, path: str) -> None:
    """Print one number."""
    read = MEASURES[measure]
    run = ACTIONS[action](path)
    read()  # the first reading has costs of its own
    before = read()
    result = run()
    print(read() - before)
    del result  # what it holds is part of the cost


if __name__ == "__main__":
    main(*sys.argv[1:])
