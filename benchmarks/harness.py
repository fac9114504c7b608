"""Workloads timed side by side: in one process, in turns, so that a machine's noise meets all of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, quantiles

Run = Callable[[], object]

MANY = 60
"""Rounds for what takes milliseconds."""
FEW = 7
"""Rounds for what takes a tenth of a second and more."""


@dataclass(frozen=True)
class Workload:
    """Something to time. A run's result is dropped while the clock still runs: releasing it counts."""

    name: str
    prepare: Callable[[], Run]
    """Makes one round's run; not timed."""
    rounds: int


@dataclass(frozen=True)
class Skipped:
    """A peer that cannot be measured here, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Timing:
    """What a workload took, in milliseconds."""

    name: str
    rounds: int
    lower_quartile: float
    median: float
    upper_quartile: float
    times_ours: float
    """The median over the rounds of its time divided by ours in the same round."""


@dataclass(frozen=True)
class Comparison:
    """Timings of ours (first) and of its peers."""

    title: str
    timings: list[Timing]
    skipped: list[Skipped]

    def markdown(self) -> str:
        """A heading, a table, and a line for each peer left out."""
        lines = [
            f"## {self.title}",
            "",
            "| | median ms | quartiles ms | times ours | rounds |",
            "|---|---:|---:|---:|---:|",
        ]
        for timing in self.timings:
            quartiles = f"{_short(timing.lower_quartile)} - {_short(timing.upper_quartile)}"
            lines.append(
                f"| {timing.name} | {_short(timing.median)} | {quartiles} "
                f"| {_short(timing.times_ours)} | {timing.rounds} |"
            )
        lines += [f"\nSkipped: {peer.name}: {peer.reason}" for peer in self.skipped]
        return "\n".join(lines)


def repeated(name: str, run: Run, rounds: int) -> Workload:
    """A workload that needs nothing prepared."""
    return Workload(name, lambda: run, rounds)


def compare(title: str, ours: Workload, peers: Sequence[Workload | Skipped]) -> Comparison:
    """Time ours in every round, and each peer in as many as it asks for, evenly spread over them."""
    workloads = [ours, *(peer for peer in peers if isinstance(peer, Workload))]
    samples: dict[Workload, dict[int, float]] = {workload: {} for workload in workloads}
    for workload in workloads:
        _milliseconds(workload)  # the first run pays for imports and cold caches
    with _no_garbage_collection():
        for number in range(ours.rounds):
            due = [workload for workload in workloads if _is_due(workload, number, ours.rounds)]
            # Back and forth, so that nobody always comes after the same neighbour.
            for workload in due if number % 2 == 0 else reversed(due):
                samples[workload][number] = _milliseconds(workload)
    return Comparison(
        title,
        [_timing(workload, samples[workload], samples[ours]) for workload in workloads],
        [peer for peer in peers if isinstance(peer, Skipped)],
    )


def _is_due(workload: Workload, number: int, total: int) -> bool:
    return number * workload.rounds % total < workload.rounds


def _milliseconds(workload: Workload) -> float:
    run = workload.prepare()
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1e3


def _timing(workload: Workload, samples: dict[int, float], ours: dict[int, float]) -> Timing:
    lower, middle, upper = quantiles(samples.values(), n=4, method="inclusive")
    times_ours = median(sample / ours[number] for number, sample in samples.items())
    return Timing(workload.name, len(samples), lower, middle, upper, times_ours)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 100 else f"{number:.2f}"
