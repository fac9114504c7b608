"""A Dask scheduler and its workers, as processes on loopback."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

_START_SECONDS = 120


@contextmanager
def dask_cluster(folder: Path, workers: int = 2) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Start a cluster, and end it.

    Args:
        folder: For the files of its processes.
        workers: The number of workers, each a process with one thread that nobody restarts.

    Yields:
        The scheduler's address, and the processes of the workers.
    """
    file = folder / "scheduler.json"
    common = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
    with ExitStack() as stack:
        log = stack.enter_context((folder / "dask.log").open("wb"))

        def started(*words: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "dask", *words, *common]
            process = subprocess.Popen(command, stdout=log, stderr=log)
            stack.callback(_ended, process)
            return process

        scheduler = started("scheduler", "--port", "0")
        address = _address(file, scheduler)
        local = ["--no-nanny", "--nthreads", "1", "--local-directory", str(folder)]
        yield address, [started("worker", *local) for _ in range(workers)]


def _address(file: Path, scheduler: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and scheduler.poll() is None:
        try:
            found: dict[str, Any] = json.loads(file.read_text())
            return str(found["address"])
        except (FileNotFoundError, ValueError):
            time.sleep(0.05)
    raise RuntimeError(f"the scheduler of Dask does not start: see {file.parent / 'dask.log'}")


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
