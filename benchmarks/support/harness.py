"""Workloads measured side by side, in turns, so that noise hits all of them alike."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, quantiles

Run = Callable[[], object]

MANY = 60
"""Rounds of workloads that take milliseconds."""
SOME = 15
"""Rounds of workloads that take tens of milliseconds, such as processes."""
FEW = 7
"""Rounds of workloads that take a tenth of a second or more."""


@dataclass(frozen=True)
class Workload:
    """Work to measure. A run's result is dropped while the clock still runs, because releasing it counts."""

    name: str
    prepare: Callable[[], Run]
    """Prepares one round and returns its run. Not measured."""
    rounds: int
    things: float = 1
    """Number of things one run does; results are reported per thing."""


@dataclass(frozen=True)
class Meter:
    """The quantity measured of a run, and its unit."""

    unit: str
    read: Callable[[Run], float]


@dataclass(frozen=True)
class Skipped:
    """A peer that cannot be measured on this machine, and the reason."""

    name: str
    reason: str

    def markdown(self) -> str:
        """One line."""
        return f"Skipped: {self.name}: {self.reason}"


@dataclass(frozen=True)
class Timing:
    """A workload's cost, in the unit of its comparison."""

    name: str
    rounds: int
    lower_quartile: float
    median: float
    upper_quartile: float
    times_ours: float
    """Median over the rounds of this workload's cost divided by ours in the same round."""


@dataclass(frozen=True)
class Comparison:
    """Timings of our workload (first) and of its peers."""

    title: str
    unit: str
    timings: list[Timing]
    skipped: list[Skipped]

    def markdown(self) -> str:
        """A heading, a table, and a line per peer left out."""
        lines = [
            f"### {self.title}",
            "",
            f"| | median {self.unit} | quartiles {self.unit} | ratio | rounds |",
            "|---|---:|---:|---:|---:|",
        ]
        for timing in self.timings:
            quartiles = f"{short(timing.lower_quartile)} - {short(timing.upper_quartile)}"
            lines.append(
                f"| {timing.name} | {short(timing.median)} | {quartiles} "
                f"| {short(timing.times_ours)} | {timing.rounds} |"
            )
        lines += [f"\n{peer.markdown()}" for peer in self.skipped]
        return "\n".join(lines)


@dataclass(frozen=True)
class Growth:
    """Times per thing, by workload and number of things."""

    title: str
    things: str
    times: dict[str, dict[int, float]]

    def markdown(self) -> str:
        """A heading, and a table with a column per number of things."""
        sizes = [*next(iter(self.times.values()))]
        lines = [
            f"### {self.title}",
            "",
            f"| {self.things} | {' | '.join(f'{size:,}' for size in sizes)} |",
            "|---|" + "---:|" * len(sizes),
        ]
        for name, by_size in self.times.items():
            lines.append(f"| {name} | {' | '.join(short(by_size[size]) for size in sizes)} |")
        return "\n".join(lines)


def repeated(name: str, run: Run, rounds: int, things: int = 1) -> Workload:
    """A workload without preparation."""
    return Workload(name, lambda: run, rounds, things)


def _seconds(clock: Callable[[], float], scale: float) -> Callable[[Run], float]:
    def read(run: Run) -> float:
        start = clock()
        run()
        return (clock() - start) * scale

    return read


MILLISECONDS = Meter("ms", _seconds(time.perf_counter, 1e3))
MICROSECONDS = Meter("us", _seconds(time.perf_counter, 1e6))
SECONDS = Meter("s", _seconds(time.perf_counter, 1))
CPU_SECONDS = Meter("CPU s", _seconds(time.process_time, 1))


def reported(unit: str) -> Meter:
    """A meter of runs that return their own measurement, as processes that measure themselves do."""
    return Meter(unit, lambda run: float(str(run())))


def compare(
    title: str, ours: Workload, peers: Sequence[Workload | Skipped], meter: Meter = MILLISECONDS
) -> Comparison:
    """Measure ours in every round, and each peer in as many rounds as it asks for, spread evenly."""
    workloads = [ours, *(peer for peer in peers if isinstance(peer, Workload))]
    samples: dict[Workload, dict[int, float]] = {workload: {} for workload in workloads}
    for workload in workloads:
        _sample(workload, meter)  # the first run pays for imports and cold caches
    with _no_garbage_collection():
        for number in range(ours.rounds):
            due = [workload for workload in workloads if _is_due(workload, number, ours.rounds)]
            # Alternate the order, so that no workload always follows the same neighbour.
            for workload in due if number % 2 == 0 else reversed(due):
                samples[workload][number] = _sample(workload, meter)
    return Comparison(
        title,
        meter.unit,
        [_timing(workload, samples[workload], samples[ours]) for workload in workloads],
        [peer for peer in peers if isinstance(peer, Skipped)],
    )


def _is_due(workload: Workload, number: int, total: int) -> bool:
    return number * workload.rounds % total < workload.rounds


def _sample(workload: Workload, meter: Meter) -> float:
    return meter.read(workload.prepare()) / workload.things


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


def short(number: float) -> str:
    """A number in the precision of reports."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.2f}" if number >= 0.1 or number == 0 else f"{number:.2g}"
