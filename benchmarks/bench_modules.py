"""A kernel with thousands of modules: open and check them all, and count their types.

BTFMMAP_MODULES names a folder with `vmlinux.btf` and decompressed modules below.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from support.harness import CPU_SECONDS, FEW, SECONDS, Comparison, Meter, Run, Skipped, compare, repeated
from support.kernel_btf import KernelBtf
from support.modules import Folder, real_folder, synthetic_folder
from support.report import report

import btfmmap

FORK = get_context("fork")
NO_FOLDER = "BTFMMAP_MODULES names no folder with vmlinux.btf and modules"


def _opened(folder: str) -> Run:
    def run() -> None:
        with btfmmap.open_kernel(folder) as kernel:
            assert len(kernel)
            assert not kernel.failed

    return run


@contextmanager
def _parts(folder: Folder, parts: list[tuple[int, int]]) -> Iterator[list[str]]:
    with TemporaryDirectory() as where:
        yield [folder.part(Path(where), start, end) for start, end in parts]


def _growth(title: str, folder: Folder, meter: Meter) -> Comparison:
    count = len(folder.modules)
    sizes = [count, count // 2, count // 4, 0]
    with _parts(folder, [(0, size) for size in sizes]) as paths:
        whole, *fewer = (
            repeated(f"kernel and {size:,} modules", _opened(path), FEW)
            for size, path in zip(sizes, paths, strict=True)
        )
        return compare(title, whole, fewer, meter)


def _processes(title: str, folder: Folder) -> Comparison:
    count = len(folder.modules)
    with _parts(folder, [(0, count), (0, count // 2), (count // 2, count)]) as (whole, *halves):
        return compare(
            title,
            repeated("one process", lambda: _at_once([whole]), FEW),
            [repeated("two processes, half of the modules each", lambda: _at_once(halves), FEW)],
            SECONDS,
        )


def _at_once(folders: list[str]) -> None:
    """Run each in a process forked from this one, so that importing does not count."""
    running = [FORK.Process(target=_opened(folder)) for folder in folders]
    for process in running:
        process.start()
    for process in running:
        process.join()
        assert process.exitcode == 0


def measure_synthetic(_btf: KernelBtf) -> Comparison:
    """The tests' small modules, repeated many times."""
    with synthetic_folder() as folder:
        return _growth("Small modules, opened, checked and counted", folder, CPU_SECONDS)


def measure_real(_btf: KernelBtf) -> Comparison | Skipped:
    """The modules of a distribution's kernel."""
    title = "Modules of a kernel, opened, checked and counted"
    folder = real_folder()
    return _growth(title, folder, CPU_SECONDS) if folder else Skipped(title, NO_FOLDER)


def measure_processes(_btf: KernelBtf) -> Comparison | Skipped:
    """The same in one process, and shared between two."""
    title = "Modules of a kernel, in one process and in two"
    folder = real_folder()
    return _processes(title, folder) if folder else Skipped(title, NO_FOLDER)


if __name__ == "__main__":
    report([measure_synthetic, measure_real, measure_processes])
