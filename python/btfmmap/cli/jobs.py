"""The processes of `--jobs N`."""

from __future__ import annotations

from .common import wrong_usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from concurrent.futures import ProcessPoolExecutor
    from types import TracebackType


def add_jobs(parser: argparse.ArgumentParser, *, every_cpu: bool = False) -> None:
    """Add `--jobs`, whose default is 1, or with `every_cpu` the number of CPUs."""
    default, text = (_cpus(), "the CPUs") if every_cpu else (1, "1")
    parser.add_argument(
        "-j",
        "--jobs",
        type=_number,
        default=default,
        metavar="N",
        help=f"number of processes; default: {text}",
    )


def _cpus() -> int:
    """The number of CPUs that this process may use."""
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _number(text: str) -> int:
    if not text.isdecimal() or not int(text):
        wrong_usage(f"{text!r} is not a number of processes")
    return int(text)


class Jobs:
    """A pool of processes for a `with` block, or None if one process is enough.

    If an exception leaves the block, such as that of Ctrl-C, the processes are terminated.
    """

    def __init__(self, jobs: int, kernels: int) -> None:
        self._jobs = min(jobs, kernels)
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> ProcessPoolExecutor | None:
        if self._jobs > 1:
            from concurrent.futures import ProcessPoolExecutor
            from multiprocessing import get_context

            # fork would copy the locks of other threads in whatever state they are.
            self._pool = ProcessPoolExecutor(
                self._jobs, mp_context=get_context("spawn"), initializer=_start_worker
            )
        return self._pool

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._pool is None:
            return
        if exc is None:
            self._pool.shutdown()
            return
        from multiprocessing import active_children

        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in active_children():
            process.terminate()


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it: a worker would otherwise wait for work for ever."""
    import signal
    from threading import Thread

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    import os
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    parent = parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
