"""Runs work on a thread with a small stack, where recursion over types would overflow."""

from __future__ import annotations

import threading
from collections.abc import Callable

MUSL_STACK = 128 << 10
"""Bytes of stack that musl gives a thread."""


def on_little_stack(work: Callable[[], object], size: int = MUSL_STACK) -> None:
    """Run `work` on a thread with a stack of `size` bytes, and raise what it raises."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)

    before = threading.stack_size(size)
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    if failures:
        raise failures[0]
