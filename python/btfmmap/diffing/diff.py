"""`diff`: reads the definitions of kernels into a history."""

from __future__ import annotations

from .. import _core
from ..errors import FormatError, NotSupportedError
from ..kernels.mapping import map_kernels
from ..opening import open as open_btf
from .notes import Facts, facts_of
from .result import DiffResult
from .selection import Selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor
    from typing import NamedTuple

    from .._core import DiffHistory
    from ..btf import Btf
    from ..kernels.inputs import KernelLike, Kernels
    from ..kernels.mapping import Outcome, Progress
    from ..kernels.opened import OpenKernel
    from .selection import Kinds, Names
else:
    from ..named_tuples import NamedTuple


def diff(
    kernels: Kernels,
    *others: KernelLike,
    names: Names = None,
    kinds: Kinds = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> DiffResult:
    """Compare the types and functions of kernels: two of them, or any number at once.

    Definitions of one kind and name are an entity. Those that have the same content are one version of it.
    `docs/diff.md` has the details.

    One kernel is open at a time. A split BTF is compared together with its base, and the folder of a kernel
    with its modules.

    Args:
        kernels: As for `find_kernels`, in the order in which they are compared. Modules and BPF objects are
            compared like kernels.
        others: Further kernels, if the first argument is one: `diff(old, new)` is `diff([old, new])`.
        names: Globs of the names of the entities that are reported, such as "tcp_*" or "struct sock".
        kinds: Kinds of the entities that are reported: an `EntityKind`, its name, or several.
        executor: A `concurrent.futures.Executor` that opens and decompresses kernels; None for this process.
        progress: Called with the number of kernels done, their number if it is known, and the name of the
            next one, before each.

    Returns:
        The result. A kernel that does not open has a row with the error, and no entities.

    Raises:
        FileNotFoundError: A glob matches no file, or a folder contains no kernel.
        TypeError: A kernel is of another type.
        ValueError: A kind is unknown, a `Btf` is closed, or one name is given to several kernels.

    Example:
        >>> result = btfmmap.diff([btf, btf])
        >>> result
        <DiffResult 2 kernels: 22 entities, 22 of them the same in all>
        >>> len(result.changes())
        0
    """
    selection = Selection(names, kinds)
    if others:
        kernels = [kernels, *others]  # type: ignore[list-item]
    history = _core.DiffHistory()
    if executor is None:
        outcomes = [*_in_process(history, kernels, progress)]
    else:
        outcomes = [*_in_executor(history, kernels, executor, progress)]
    return DiffResult(outcomes, history, selection)


def _in_process(history: DiffHistory, kernels: Kernels, progress: Progress | None) -> Iterator[Outcome]:
    for outcome in map_kernels(lambda kernel: _add(history, _levels(kernel)), kernels, progress=progress):
        if outcome.error is not None:
            history.add_missing()
        yield outcome


def _in_executor(
    history: DiffHistory, kernels: Kernels, executor: Executor, progress: Progress | None
) -> Iterator[Outcome]:
    for outcome in map_kernels(_copied, kernels, executor=executor, progress=progress):
        facts, error = None, outcome.error
        if error is None:
            levels = _reopened(outcome.value)
            try:
                facts = _add(history, levels)
            except FormatError as found:
                error = found
        if error is not None:
            history.add_missing()
        yield outcome._replace(value=facts, error=error)


class _Level(NamedTuple):
    """One BTF of a kernel, with the name of the module that it belongs to."""

    btf: Btf
    module: str


class _Copy(NamedTuple):
    """The bytes of one BTF, with the number of its base among the BTFs of its kernel."""

    raw: bytes
    base: int | None
    module: str


def _levels(kernel: OpenKernel) -> list[_Level]:
    """The BTFs of a kernel, each after its base."""
    found: dict[int, _Level] = {}
    for module, btf in [("", kernel.base), *kernel.modules.items()]:
        for level in btf._levels():
            found.setdefault(id(level), _Level(level, module if level is btf else ""))
    return [*found.values()]


def _add(history: DiffHistory, levels: list[_Level]) -> Facts:
    """Add a kernel to the history.

    Raises:
        FormatError: Its names, or its structs, exceed a limit.
    """
    sources = [(level.btf._core_layout, level.btf._core_fingerprints, level.module) for level in levels]
    try:
        history.add(sources)
    except NotSupportedError as error:  # of this kernel: others go on
        raise FormatError(str(error)) from None
    return facts_of(levels[0].btf, sum(bool(level.module) for level in levels))


def _copied(kernel: OpenKernel) -> list[_Copy]:
    """Copy what another process needs."""
    levels = _levels(kernel)
    numbers = {id(level.btf): number for number, level in enumerate(levels)}
    return [
        _Copy(bytes(memoryview(level.btf._core.raw)), numbers.get(id(level.btf.base)), level.module)
        for level in levels
    ]


def _reopened(copies: list[_Copy]) -> list[_Level]:
    levels: list[_Level] = []
    for copy in copies:
        base = None if copy.base is None else levels[copy.base].btf
        levels.append(_Level(open_btf(data=copy.raw, base=base), copy.module))
    return levels
