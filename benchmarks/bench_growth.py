"""How cost grows with size: synthetic BTF of 1,000 to 5 million types, nanoseconds a type."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from support.harness import Growth
from support.kernel_btf import KernelBtf
from support.report import report
from support.synthetic_btf import synthetic_btf
from support.ten_tables import ten_tables

import btfmmap

SIZES = (1_000, 10_000, 100_000, 1_000_000, 5_000_000)
TYPES_A_SIZE = 6_000_000
"""Types opened per size, in one round or in many."""
FEWEST_ROUNDS, MOST_ROUNDS = 3, 300

# Each step runs on one fresh `Btf`, in this order.
STEPS: dict[str, Callable[[btfmmap.Btf], object]] = {
    "ten tables": ten_tables,
    "index of names": lambda btf: btf.lookup(["none"] * 100),
    "graph": lambda btf: (btf.graph.indices, btf.graph.reverse.indices),
    "layouts": lambda btf: btf.layouts,
}


def measure(_btf: KernelBtf) -> Growth:
    """Median times of each step."""
    nanoseconds: dict[str, dict[int, float]] = {name: {} for name in ["open, check and index", *STEPS]}
    for size in SIZES:
        blob = synthetic_btf(size)
        rounds = [_round(blob) for _ in range(min(MOST_ROUNDS, max(FEWEST_ROUNDS, TYPES_A_SIZE // size)))]
        for name, by_size in nanoseconds.items():
            by_size[size] = median(times[name] for times in rounds) / size
    return Growth("Nanoseconds per type, by the number of types", SIZES, nanoseconds)


def _round(blob: bytes) -> dict[str, float]:
    start = time.perf_counter_ns()
    btf = btfmmap.open(data=blob)
    times = {"open, check and index": float(time.perf_counter_ns() - start)}
    for name, step in STEPS.items():
        start = time.perf_counter_ns()
        step(btf)
        times[name] = float(time.perf_counter_ns() - start)
    return times


if __name__ == "__main__":
    report([measure])
