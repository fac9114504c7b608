"""A corpus of many kernels: building, size, memory and questions, beside one Parquet per kernel and table.

BTFMMAP_BACKPORTS names a folder of `*.btf.xz`, such as the kernels of benchmarks/debian_backports.txt; the
default is variants of a kernel of the tests' data. BTFMMAP_CORPUS_KERNELS is the number of kernels that are
asked, all variants; the issue's is 1,000. Skipped without pyarrow.
"""

from __future__ import annotations

import atexit
import lzma
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from shutil import rmtree

from support.harness import (
    CPU_SECONDS,
    FEW,
    SECONDS,
    Comparison,
    Meter,
    Run,
    Skipped,
    Workload,
    compare,
    repeated,
    reported,
)
from support.kernel_btf import DATA, KernelBtf
from support.kernel_variants import variant
from support.parquet_per_kernel import (
    bpftool_changes,
    bpftool_member,
    naive_changes,
    naive_member,
    write_naive,
)
from support.report import report

import btfmmap
from btfmmap import corpus
from btfmmap.kernels.identity import identify
from btfmmap.kernels.inputs import KernelInput
from btfmmap.kernels.opened import OpenKernel

BACKPORTS = os.environ.get("BTFMMAP_BACKPORTS")
ASKED = int(os.environ.get("BTFMMAP_CORPUS_KERNELS", "100"))
BUILT = 16  # kernels of a build, if they are variants
MANY = 128  # kernels of a build with processes
PEERS = 4  # kernels that the peers read; what they take is reported for all
CPU_MS = Meter("CPU ms", lambda run: CPU_SECONDS.read(run) * 1e3)
SOURCE = DATA / "7.2-amd64.btf.xz"

# ru_maxrss would include the peak of the process that started this one.
PEAK = """
import sys
from pathlib import Path
from btfmmap import corpus
corpus.build(sys.argv[1], sorted(Path(sys.argv[2]).glob("*.btf")))
status = Path("/proc/self/status").read_text()
print(int(status.partition("VmHWM:")[2].split()[0]) / 1024)
"""


class Variant(KernelInput):
    """A kernel that differs a little from the next one, made when it is opened."""

    __slots__ = ("_seed",)

    def __init__(self, seed: int) -> None:
        super().__init__(None, f"6.{seed // 100}.{seed % 100}")
        self._seed = seed

    def open(self) -> OpenKernel:
        """Make the kernel."""
        btf = btfmmap.open(data=variant(_source(), self._seed))
        return OpenKernel(identify(self.name, btf=btf), btf, owned=True)


def measure_building(_btf: KernelBtf) -> Comparison | Skipped:
    """Building from decompressed BTF, per kernel. The bound is 90 times opening."""
    if _missing():
        return Skipped("Building a corpus", "pyarrow is not installed")
    paths = _raw()

    def naive() -> None:
        with tempfile.TemporaryDirectory() as folder:
            write_naive(paths[:PEERS], Path(folder))

    return compare(
        f"A corpus of {len(paths)} kernels built from decompressed BTF, per kernel",
        Workload("`btfmmap.corpus.build`", lambda: _built(paths), FEW, len(paths)),
        [
            repeated("opening them", lambda: [btfmmap.open(path) for path in paths], FEW, len(paths)),
            repeated("a Parquet per kernel and table", naive, FEW, PEERS),
        ],
        CPU_MS,
    )


def measure_decompressing(_btf: KernelBtf) -> Comparison | Skipped:
    """Building from .xz, per kernel. The bound is 1.3 times decompressing."""
    if _missing():
        return Skipped("Building a corpus of .xz", "pyarrow is not installed")
    paths = _compressed()
    return compare(
        f"A corpus of {len(paths)} kernels built from .xz, per kernel",
        Workload("`btfmmap.corpus.build`", lambda: _built(paths), 3, len(paths)),
        [repeated("decompressing them", lambda: [*map(_decompressed, paths)], 3, len(paths))],
        CPU_MS,
    )


def measure_processes(_btf: KernelBtf) -> Comparison | Skipped:
    """Two processes that read .xz, and one. The bound is 1.8 times as fast.

    With fewer kernels, more of the time is spent on starting the processes, and on writing the only part."""
    if _missing():
        return Skipped("Building a corpus with processes", "pyarrow is not installed")
    paths = _many()
    return compare(
        f"A corpus of {len(paths)} kernels built from .xz with processes",
        Workload("two processes", lambda: _built(paths, 2), 3),
        [
            Workload("one process", lambda: _built(paths, 1), 3),
            Workload("this process", lambda: _built(paths), 3),
        ],
        SECONDS,
    )


def measure_memory(_btf: KernelBtf) -> Comparison | Skipped:
    """Peak memory of a process that builds. The bound is 400 MB, whatever the number of kernels."""
    if _missing():
        return Skipped("Memory of building a corpus", "pyarrow is not installed")

    def peak(folder: Path) -> str:
        with tempfile.TemporaryDirectory() as out:
            command = [sys.executable, "-c", PEAK, f"{out}/corpus", str(folder)]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    few = _folder("few")
    if not any(few.iterdir()):
        for path in _raw()[: len(_raw()) // 2]:
            (few / path.name).symlink_to(path)
    return compare(
        f"Peak memory of building a corpus of {len(_raw())} kernels",
        repeated("`btfmmap.corpus.build`", lambda: peak(_raw()[0].parent), 3),
        [repeated("half of the kernels", lambda: peak(few), 3)],
        reported("MB"),
    )


def measure_size(_btf: KernelBtf) -> Comparison | Skipped:
    """Sizes. The bounds are a tenth of the BTF, and a third of the .xz."""
    if _missing():
        return Skipped("Size of a corpus", "pyarrow is not installed")
    paths = _compressed()

    def naive() -> float:
        with tempfile.TemporaryDirectory() as folder:
            write_naive(_raw()[:PEERS], Path(folder))
            return _size(Path(folder).rglob("*.parquet")) / PEERS * len(paths)

    return compare(
        f"Size of {len(paths)} kernels",
        repeated("corpus", lambda: _size(_corpus().rglob("*.parquet")), 2),
        [
            repeated("BTF", lambda: _size(_raw()), 2),
            repeated(".xz", lambda: _size(paths), 2),
            repeated(f"a Parquet per kernel and table, from {PEERS} kernels", naive, 2),
        ],
        reported("MB"),
    )


def measure_history(_btf: KernelBtf) -> Comparison | Skipped:
    """Since when there is `sock.sk_uid`, and where. The bound is 100 ms for 1,000 kernels."""
    if _missing():
        return Skipped("A member in many kernels", "pyarrow is not installed")
    opened, naive, raw = _asked(), _asked_naive(), _raw()[:PEERS]
    share = PEERS / ASKED
    return compare(
        f"`sock.sk_uid` in {ASKED:,} kernels",
        repeated("`corpus.open`, `history`", lambda: corpus.open(opened).history("sock.sk_uid"), FEW),
        [
            _scaled("a Parquet per kernel and table", lambda: naive_member(naive, "sock", "sk_uid"), share),
            _scaled("`bpftool -j` and pandas", lambda: bpftool_member(raw, "sock", "sk_uid"), share),
        ],
    )


def measure_size_changes(_btf: KernelBtf) -> Comparison | Skipped:
    """Which structs have another size in the next kernel. The bound is 1 s for 1,000 kernels."""
    if _missing():
        return Skipped("Sizes of structs in many kernels", "pyarrow is not installed")
    opened, naive, raw = _asked(), _asked_naive(), _raw()[:PEERS]
    share = PEERS / ASKED
    return compare(
        f"Structs whose size differs between neighbours, of {ASKED:,} kernels",
        repeated("`corpus.open`, `size_changes`", lambda: corpus.open(opened).size_changes("struct *"), FEW),
        [
            _scaled("a Parquet per kernel and table", lambda: naive_changes(naive), share),
            _scaled("`bpftool -j` and pandas", lambda: bpftool_changes(raw), share),
        ],
    )


# -- the kernels


def _missing() -> bool:
    try:
        import_module("pyarrow")
    except ImportError:
        return True
    return False


@cache
def _root() -> Path:
    root = Path(tempfile.mkdtemp(prefix="btfmmap-corpus-"))
    atexit.register(rmtree, root, ignore_errors=True)
    return root


def _folder(name: str) -> Path:
    folder = _root() / name
    folder.mkdir(exist_ok=True)
    return folder


@cache
def _source() -> bytes:
    return lzma.decompress(SOURCE.read_bytes())


@cache
def _raw() -> list[Path]:
    """The kernels of a build, decompressed."""
    folder = _folder("raw")
    if BACKPORTS:
        for path in Path(BACKPORTS).glob("*.btf.xz"):
            (folder / path.stem).write_bytes(_decompressed(path))
    else:
        for seed in range(BUILT):
            (folder / f"6.1.{seed}.btf").write_bytes(variant(_source(), seed))
    return sorted(folder.iterdir())


@cache
def _compressed() -> list[Path]:
    """The same as .xz, as distributed: a default `xz`."""
    if BACKPORTS:
        return sorted(Path(BACKPORTS).glob("*.btf.xz"))
    folder = _folder("compressed")
    for path in _raw():
        (folder / f"{path.name}.xz").write_bytes(lzma.compress(path.read_bytes()))
    return sorted(folder.iterdir())


@cache
def _many() -> list[Path]:
    """Variants of these kernels as .xz, in the order of the kernels."""
    folder = _folder("many")
    raw = _raw()
    for number, path in enumerate(raw):
        for seed in range(number * MANY // len(raw), (number + 1) * MANY // len(raw)):
            # The first preset compresses four times as fast, and takes as long to decompress.
            content = lzma.compress(variant(path.read_bytes(), seed), preset=1)
            (folder / f"{path.stem}.{seed}.btf.xz").write_bytes(content)
    return sorted(folder.iterdir())


def _decompressed(path: Path) -> bytes:
    return lzma.decompress(path.read_bytes())


def _size(paths: Iterable[Path]) -> float:
    return sum(path.stat().st_size for path in paths) / 1e6


# -- the corpus


def _built(paths: list[Path], processes: int = 0) -> Run:
    """Prepares an empty folder."""
    out = tempfile.mkdtemp(dir=_root())
    import_module("pyarrow.parquet")

    def run() -> None:
        if not processes:
            corpus.build(out, paths)
            return
        with ProcessPoolExecutor(processes, get_context("forkserver")) as executor:
            corpus.build(out, paths, executor=executor)

    return run


@cache
def _corpus() -> Path:
    out = _root() / "corpus"
    corpus.build(out, _compressed())
    return out


@cache
def _asked() -> str:
    out = _root() / "asked"
    corpus.build(out, [Variant(seed) for seed in range(ASKED)])
    return str(out)


@cache
def _asked_naive() -> Path:
    folder = _folder("asked-naive")
    write_naive(_raw()[:PEERS], folder)
    return folder


def _scaled(name: str, run: Run, share: float) -> Workload | Skipped:
    """A peer that reads PEERS kernels, as if it read all of them."""
    try:
        run()
    except (ImportError, OSError) as error:
        return Skipped(name, str(error))
    return Workload(f"{name}, from {PEERS} kernels", lambda: run, 3, share)


if __name__ == "__main__":
    report(
        [
            measure_building,
            measure_decompressing,
            measure_processes,
            measure_memory,
            measure_size,
            measure_history,
            measure_size_changes,
        ]
    )
