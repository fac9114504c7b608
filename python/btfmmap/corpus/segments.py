"""Reads inputs, here or in workers, and hands over what they have, in segments."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ..errors import FormatError, NotSupportedError
from ..kernels.mapping import can_travel, evaluate, in_order, shown, worker_count
from .collecting import Collector
from .content import content_of
from .heap import trim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Executor

    from ..kernels.inputs import KernelInput
    from ..kernels.mapping import Outcome, Progress
    from .collecting import Types

_MOST = 32  # inputs
_MOST_BYTES = 48 << 20  # of types
_MOST_SECONDS = 10.0
_LEAST_OF_CHUNK, _MOST_OF_CHUNK = 2, 32  # inputs that a worker is given at a time
_BETWEEN_TRIMS = 16  # inputs


class Collected(threading.local):
    """The types of what a thread has read, which the next kernels have most of.

    Attributes:
        collector: The types.
    """

    def __init__(self) -> None:
        self.collector: Collector = Collector()


_of_worker = Collected()


class Segment(NamedTuple):
    """What some inputs have.

    Attributes:
        outcomes: What became of each. The values are `Content`, whose numbers are those of `types`.
        types: Their types; there may be others.
    """

    outcomes: list[Outcome]
    types: Types


def segments_of(
    kernels: Sequence[KernelInput], collected: Collected, begun: Callable[[KernelInput], object]
) -> Iterator[Segment]:
    """Read inputs.

    Args:
        kernels: The inputs.
        collected: What other calls have read. No other may use it meanwhile.
        begun: Called with each before it is opened.

    Returns:
        Segments, in order.
    """
    outcomes: list[Outcome] = []
    start = time.monotonic()
    for number, kernel in enumerate(kernels, 1):
        begun(kernel)
        function = partial(content_of, collector=collected.collector)
        outcomes.append(evaluate(function, kernel, failures=(FormatError, NotSupportedError)))
        is_large = collected.collector.catalog.bytes() > _MOST_BYTES
        is_long = len(outcomes) == _MOST or time.monotonic() - start > _MOST_SECONDS
        if is_large or is_long or number == len(kernels):
            yield Segment(outcomes, collected.collector.types())
            if is_large:
                collected.collector = Collector()
            outcomes = []
            start = time.monotonic()
        if number % _BETWEEN_TRIMS == 0:
            trim()


def read_chunk(kernels: Sequence[KernelInput]) -> list[Segment]:
    """Read inputs, in any process: earlier calls have no influence but on how the types are numbered."""
    return [*segments_of(kernels, _of_worker, lambda _: None)]


def read_segments(
    kernels: Sequence[KernelInput], executor: Executor | None, progress: Progress | None
) -> Iterator[Segment]:
    """Read inputs in this process, or in those of an executor.

    Args:
        kernels: The inputs.
        executor: As for `corpus.build`.
        progress: As for `corpus.build`.

    Returns:
        Segments, in the order of the inputs.
    """
    done = 0

    def begun(kernel: KernelInput) -> None:
        nonlocal done
        if progress is not None:
            progress(done, len(kernels), shown(kernel))
        done += 1

    if executor is None:
        yield from segments_of(kernels, Collected(), begun)
        return
    chunks = [*_chunks(kernels, worker_count(executor))]
    found = in_order(
        read_chunk,
        chunks,
        executor,
        can_travel=lambda chunk: all(map(can_travel, chunk)),
        begun=lambda chunk: begun(chunk[0]),
    )
    for chunk, segments in zip(chunks, found, strict=True):
        for kernel in chunk[1:]:
            begun(kernel)
        yield from segments


def _chunks(kernels: Sequence[KernelInput], workers: int) -> Iterable[Sequence[KernelInput]]:
    """Divide inputs among workers. The last chunks are small, so that workers end at about the same time."""
    start = 0
    while start < len(kernels):
        size = max(_LEAST_OF_CHUNK, min(_MOST_OF_CHUNK, (len(kernels) - start) // (2 * workers)))
        yield kernels[start : start + size]
        start += size
