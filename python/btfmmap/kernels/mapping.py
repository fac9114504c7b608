"""Applies a function to many kernels, in this process or in an executor."""

from __future__ import annotations

import os
from collections import deque
from functools import partial

from ..errors import BtfError, FormatError
from .identity import Identity, identify
from .inputs import inputs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor, Future
    from typing import Any, NamedTuple

    from .inputs import KernelInput, Kernels
    from .opened import OpenKernel

    Function = Callable[[OpenKernel], Any]
    Progress = Callable[[int, "int | None", str], None]
else:
    from ..named_tuples import NamedTuple

_AHEAD = 2  # submitted kernels per worker
_UNKNOWN_WORKERS = 32  # of an executor that does not tell: a cluster


class Outcome(NamedTuple):
    """What became of one kernel.

    Attributes:
        identity: Which kernel it is. If it did not open, only what its path says.
        path: The file or folder; None for a buffer.
        value: What the function returned; None if there is an error.
        error: Why the kernel did not open, or what of it turned out to be invalid; None if nothing did.
        modules: The number of modules that opened.
        failed_modules: The number of modules that did not open.
        module_error: Why the first of these did not open; None if all opened.
    """

    identity: Identity
    path: str | None
    value: Any = None
    error: BtfError | OSError | ValueError | None = None
    modules: int = 0
    failed_modules: int = 0
    module_error: BtfError | OSError | None = None


def error_text(error: Exception | None) -> str:
    """The message of an error, which starts with the file if it is known; empty for None."""
    if error is None:
        return ""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def map_kernels(
    function: Function,
    kernels: Kernels,
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Iterator[Outcome]:
    """Open each kernel, call a function with it, and close it.

    One kernel is open at a time; with an executor, one per worker. Kernels are submitted as results are
    consumed, a few more than there are workers. If the iterator is closed, or an exception leaves it, what
    was submitted and has not started is cancelled.

    A `Btf` or `Kernel` that cannot be pickled, such as one from a buffer, is evaluated in this process.

    Args:
        function: Takes an `OpenKernel`. With an executor of processes it is pickled, and so is its result.
        kernels: As for `find_kernels`. An iterator is consumed as results are.
        executor: A `concurrent.futures.Executor`; None for this process.
        progress: Called with the number of kernels done, their number if it is known, and the name of the
            next one, before each; called in this process.

    Returns:
        An outcome for each kernel, in order. A kernel that does not open, or for which the function raises
        `FormatError`, has the error. Other exceptions of the function propagate.

    Raises:
        FileNotFoundError: A glob matches no file, or a folder contains no kernel.
        TypeError: An item of `kernels` is of another type.
        ValueError: A `Btf` is closed, or one name is given to several kernels.

    Example:
        >>> from btfmmap.kernels.mapping import map_kernels
        >>> [outcome.value for outcome in map_kernels(lambda kernel: len(kernel.base), [btf, btf])]
        [49, 49]
    """
    expanded = inputs(kernels)
    total = len(expanded) if isinstance(expanded, list) else None
    done = 0

    def begun(kernel: KernelInput) -> None:
        nonlocal done
        if progress is not None:
            progress(done, total, shown(kernel))
        done += 1

    if executor is None:
        return _in_process(function, expanded, begun)
    return in_order(partial(evaluate, function), expanded, executor, can_travel=can_travel, begun=begun)


def _in_process(
    function: Function, kernels: Iterable[KernelInput], begun: Callable[[KernelInput], None]
) -> Iterator[Outcome]:
    for kernel in kernels:
        begun(kernel)
        yield evaluate(function, kernel)


def in_order(
    function: Callable[[Any], Any],
    items: Iterable[Any],
    executor: Executor,
    *,
    can_travel: Callable[[Any], bool],
    begun: Callable[[Any], None],
) -> Iterator[Any]:
    """Call a function with each item in an executor.

    Items are submitted as results are consumed, a few more than there are workers. If the iterator is closed,
    or an exception leaves it, what was submitted and has not started is cancelled.

    Args:
        function: The function.
        items: What to call it with. An iterator is consumed as results are.
        executor: A `concurrent.futures.Executor`.
        can_travel: Whether an item can be pickled. For others, the function is called in this process.
        begun: Called with each item before its result is awaited.

    Returns:
        The results, in order.
    """
    in_flight = _AHEAD * worker_count(executor)
    rest = iter(items)
    pending: deque[tuple[Any, Future[Any] | None]] = deque()
    try:
        while True:
            while len(pending) < in_flight and (item := next(rest, None)) is not None:
                future = executor.submit(function, item) if can_travel(item) else None
                pending.append((item, future))
            if not pending:
                return
            item, future = pending[0]
            begun(item)
            result = function(item) if future is None else future.result()
            pending.popleft()
            yield result
    finally:
        for _, future in pending:
            if future is not None:
                future.cancel()


def worker_count(executor: Executor) -> int:
    """The number of workers of an executor, or a guess if it does not tell."""
    return getattr(executor, "_max_workers", None) or _UNKNOWN_WORKERS


def can_travel(kernel: KernelInput) -> bool:
    """Whether a kernel can be pickled."""
    if not kernel.is_open:
        return True
    import pickle

    try:
        pickle.dumps(kernel)
    except (BtfError, TypeError):
        return False
    return True


def evaluate(
    function: Function, kernel: KernelInput, failures: tuple[type[BtfError], ...] = (FormatError,)
) -> Outcome:
    """Open a kernel, call a function with it, and close it.

    Args:
        function: The function.
        kernel: The kernel.
        failures: Exceptions of the function that become the error of the outcome. Others propagate.
    """
    try:
        opened = kernel.open()
    except (BtfError, OSError, ValueError) as error:
        return Outcome(identify(kernel.path, kernel.name), kernel.path, error=_bare(error))
    with opened:
        value, failure = None, None
        try:
            value = function(opened)
        except failures as error:
            failure = _bare(error)
        first = next(iter(opened.failed.values()), None)
        return Outcome(
            opened.identity,
            kernel.path,
            value,
            failure,
            len(opened.modules),
            len(opened.failed),
            first and _bare(first),
        )


def _bare(error: Any) -> Any:
    """The error without its traceback and its causes: these keep the bytes of the file alive."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def shown(kernel: KernelInput) -> str:
    """The name of a kernel for people."""
    return kernel.name or os.path.basename(kernel.path or "buffer")
