"""How cost grows: with types, from 1,000 to 5 million; with the members of one struct; with kernels."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from support.harness import Growth
from support.kernel_btf import KernelBtf
from support.kernel_variants import variant
from support.object_files import object_files
from support.report import report
from support.synthetic_btf import one_struct, synthetic_btf
from support.ten_tables import ten_tables

import btfmmap

TYPES = (1_000, 10_000, 100_000, 1_000_000, 5_000_000)
MEMBERS = (1_000, 10_000, 100_000, 1_000_000)
THINGS_A_SIZE = 6_000_000
"""Types or members opened per size, in one round or in many."""
FEWEST_ROUNDS, MOST_ROUNDS = 3, 300
KERNELS = (1, 10, 100, 1_000)
TYPES_A_KERNEL = 5_000

Steps = dict[str, Callable[[btfmmap.Btf], object]]

# The steps of a measurement run on one fresh `Btf`, in this order.
OF_TYPES: Steps = {
    "ten tables": ten_tables,
    "index of names": lambda btf: btf.lookup(["none"] * 100),
    "graph": lambda btf: (btf.graph.indices, btf.graph.reverse.indices),
    "layouts": lambda btf: btf.layouts,
    "fingerprints": lambda btf: btf.fingerprints,
}
OF_MEMBERS: Steps = {
    "ten tables": ten_tables,
    "layouts": lambda btf: btf.layouts,
    "fingerprints": lambda btf: btf.fingerprints,
    "members of a name": lambda btf: btf.find_members("last"),
}


def measure_types(_btf: KernelBtf) -> Growth:
    """Synthetic BTF with the kinds of a kernel in the same proportions."""
    return _growth("types", TYPES, synthetic_btf, OF_TYPES)


def measure_members(_btf: KernelBtf) -> Growth:
    """One struct."""
    return _growth("members", MEMBERS, one_struct, OF_MEMBERS)


def measure_kernels(_btf: KernelBtf) -> Growth:
    """Variants of a synthetic kernel, each with 30 structs changed."""
    times: dict[str, dict[int, float]] = {"`diff`": {}, "`check` of one object": {}}
    content = synthetic_btf(TYPES_A_KERNEL)
    with object_files() as (one, *_), tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"vmlinux-6.{number}.0" for number in range(KERNELS[-1])]
        for seed, path in enumerate(paths):
            path.write_bytes(variant(content, seed))
        for count in KERNELS:
            diff, check = partial(btfmmap.diff, paths[:count]), partial(btfmmap.check, one, paths[:count])
            times["`diff`"][count] = _elapsed(diff) / count / 1e3
            times["`check` of one object"][count] = _elapsed(check) / count / 1e3
    return Growth("Microseconds per kernel, by the number of kernels", "kernels", times)


def _growth(things: str, sizes: tuple[int, ...], make: Callable[[int], bytes], steps: Steps) -> Growth:
    """Median times of each step per thing, in nanoseconds."""
    times: dict[str, dict[int, float]] = {name: {} for name in ["open, check and index", *steps]}
    for size in sizes:
        blob = make(size)
        count = min(MOST_ROUNDS, max(FEWEST_ROUNDS, THINGS_A_SIZE // size))
        rounds = [_round(blob, steps) for _ in range(count)]
        for name, by_size in times.items():
            by_size[size] = median(each[name] for each in rounds) / size
    return Growth(f"Nanoseconds per {things[:-1]}, by the number of {things}", things, times)


def _round(blob: bytes, steps: Steps) -> dict[str, float]:
    start = time.perf_counter_ns()
    btf = btfmmap.open(data=blob)
    times = {"open, check and index": float(time.perf_counter_ns() - start)}
    for name, step in steps.items():
        times[name] = _elapsed(partial(step, btf))
    return times


def _elapsed(run: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    run()
    return float(time.perf_counter_ns() - start)


if __name__ == "__main__":
    report([measure_types, measure_members, measure_kernels])
