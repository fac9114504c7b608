"""`min_core_btf`: the smallest BTFs that BPF objects need on kernels."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from .._core import File, min_core
from ..checking.sources import object_sources
from ..errors import BtfError, FormatError, NotSupportedError
from ..kernels.listing import kernel_table
from ..kernels.mapping import map_kernels
from ..kernels.per_process import PerProcess
from ..opening import open_part
from ..relocation_kinds import RelocationStatus
from ..relocations import evaluate
from ..tables import Table
from .results import opened, save

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    import numpy.typing as npt

    from ..btf import Btf
    from ..checking.sources import Objects, ObjectSource
    from ..kernels.inputs import Kernels
    from ..kernels.listing import KernelTable
    from ..kernels.mapping import Outcome, Progress
    from ..kernels.opened import OpenKernel
    from ..tables import U32, Column, Text

    U64 = Column[np.uint64]

ResultOrder: TypeAlias = Literal["kernel", "host", "little", "big"]

_ORDERS = ("kernel", "host", "little", "big")
_FAILED = (RelocationStatus.AMBIGUOUS, RelocationStatus.ERROR)
_UNMATCHED = (RelocationStatus.ABSENT, RelocationStatus.POISONED)


class MinCoreObjects(Table):
    """The objects of a `MinCoreResult`, in order; those that did not open included."""

    name: Text
    """The name of the file. If it embeds several objects, "@" and the offset follow."""
    path: Text
    """The file; empty for a buffer."""
    offset: U64
    """The object's first byte in the file."""
    relocations: U32
    """Number of CO-RE relocations."""
    error: Text
    """Why the object did not open; empty if it did."""


class MinCoreFailure(NamedTuple):
    """A relocation that fails on a kernel: libbpf would refuse to load the object.

    Attributes:
        kernel: The number of the kernel.
        object: The number of the object.
        section: The ELF section of the instruction.
        insn_off: Offset of the instruction in its section, in bytes.
        root: The name of the root type.
        path: What the relocation refers to below its root type, as C.
        reason: Why it fails, as a sentence.
    """

    kernel: int
    object: int
    section: str
    insn_off: int
    root: str
    path: str
    reason: str


class MinCoreResult:
    """The smallest BTFs that objects need, one for each kernel.

    Attributes:
        kernels: The kernels, in order; those that did not open have an error.
        objects: The objects, in order; those that did not open have an error.
        failures: The relocations that fail. What they need is in the BTF, so that they fail with it, too.
        unmatched: The number of relocations of each object to what a kernel does not have,
            `uint32[kernels, objects]`. They load, and `check` tells whether they matter. 0 for a kernel or
            object that did not open.

    Example:
        >>> result = btfmmap.min_core_btf([btf, "no such file"], [])
        >>> result.kernels.error.tolist()
        ['', 'no such file: No such file or directory']
        >>> len(result.btf(0))
        1
    """

    __slots__ = ("_contents", "_pointer_sizes", "failures", "kernels", "objects", "unmatched")

    def __init__(self, outcomes: Sequence[Outcome], objects: MinCoreObjects, rows: Sequence[int]) -> None:
        self.kernels: KernelTable = kernel_table(outcomes)
        self.objects: MinCoreObjects = objects
        self._contents: list[bytes | None] = [
            None if outcome.value is None else outcome.value.content for outcome in outcomes
        ]
        self._pointer_sizes = [
            0 if outcome.value is None else outcome.value.pointer_size for outcome in outcomes
        ]
        self.failures: list[MinCoreFailure] = [
            MinCoreFailure(number, rows[each], *failure)
            for number, outcome in enumerate(outcomes)
            if outcome.value is not None
            for each, failure in outcome.value.failures
        ]
        self.unmatched: npt.NDArray[np.uint32] = np.zeros((len(outcomes), len(objects)), np.uint32)
        for number, outcome in enumerate(outcomes):
            if outcome.value is not None:
                self.unmatched[number, rows] = outcome.value.unmatched
        self.unmatched.flags.writeable = False

    def content(self, kernel: int) -> bytes | None:
        """Return the bytes of a kernel's BTF.

        Args:
            kernel: The number of the kernel.

        Returns:
            The bytes; None if the kernel did not open.

        Raises:
            IndexError: There is no such kernel.

        Example:
            >>> len(btfmmap.min_core_btf(btf, []).content(0))
            25
        """
        return self._contents[kernel]

    def btf(self, kernel: int) -> Btf:
        """Open a kernel's BTF.

        Args:
            kernel: The number of the kernel.

        Returns:
            The BTF.

        Raises:
            IndexError: There is no such kernel.
            ValueError: The kernel did not open.

        Example:
            >>> btfmmap.min_core_btf(btf, []).btf(0).source.size
            25
        """
        content = self._content(kernel)
        name = f"{self.kernels.name[kernel]} for {len(self.objects)} objects"
        return opened(File.of_buffer(content, name, False), None, self._pointer_sizes[kernel])

    def save_file(self, kernel: int, path: str | os.PathLike[str]) -> None:
        """Write a kernel's BTF to a file, which is replaced as a whole.

        Args:
            kernel: The number of the kernel.
            path: The file.

        Raises:
            IndexError: There is no such kernel.
            ValueError: The kernel did not open.
            OSError: The file cannot be written.

        Example:
            >>> import os, tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     btfmmap.min_core_btf(btf, []).save_file(0, f"{folder}/min.btf")
            ...     os.listdir(folder)
            ['min.btf']
        """
        save(path, self._content(kernel))

    def save(self, folder: str | os.PathLike[str]) -> list[str]:
        """Write a file `NAME.btf` for each kernel that opened.

        Args:
            folder: Where to write; it is created if it is not there. A file is replaced as a whole.

        Returns:
            The path of each kernel's file; empty for a kernel that did not open.

        Raises:
            OSError: A file cannot be written.
            ValueError: Two kernels have the same name.

        Example:
            >>> import os, tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     _ = btfmmap.min_core_btf({"sample": btf}, []).save(folder)
            ...     os.listdir(folder)
            ['sample.btf']
        """
        names = [name.replace(os.sep, "_").replace("\0", "_") for name in self.kernels.name.tolist()]
        there = [name for name, content in zip(names, self._contents, strict=True) if content is not None]
        for name in there:
            if there.count(name) > 1:
                raise ValueError(f"two kernels have the name {name!r}; pass a mapping with other names")
        os.makedirs(folder, exist_ok=True)
        paths = []
        for name, content in zip(names, self._contents, strict=True):
            path = os.path.join(os.fspath(folder), f"{name}.btf") if content is not None else ""
            if content is not None:
                save(path, content)
            paths.append(path)
        return paths

    def _content(self, kernel: int) -> bytes:
        content = self._contents[kernel]
        if content is None:
            raise ValueError(f"there is no BTF of kernel {kernel}: {self.kernels.error[kernel]}")
        return content

    def __len__(self) -> int:
        return len(self.kernels)

    def __repr__(self) -> str:
        return (
            f"<MinCoreResult of {len(self.kernels)} kernels and {len(self.objects)} objects, "
            f"{len(self.failures)} failures>"
        )


def min_core_btf(
    kernels: Kernels,
    objects: Objects,
    *,
    byte_order: ResultOrder = "kernel",
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> MinCoreResult:
    """Make the smallest BTFs that BPF objects need on kernels.

    For kernels without BTF of their own: libbpf relocates an object with such a BTF (`btf_custom_path`) as it
    does with the whole kernel's. What is kept is what `bpftool gen min_core_btf` keeps, byte for byte, except
    for the header. Unlike bpftool, this goes on when an object or a kernel fails, and keeps forward
    declarations and type tags.

    Modules are not considered, as in libbpf if it is given a BTF.

    Args:
        kernels: As for `find_kernels`.
        objects: As for `check`. Each BTF has what all of them need.
        byte_order: That of the BTFs: "kernel" keeps the kernel's; "host" is bpftool's.
        executor: A `concurrent.futures.Executor` that takes kernels; None for this process.
        progress: As for `check`.

    Returns:
        The BTFs, and what failed.

    Raises:
        FileNotFoundError: A glob of kernels matches no file, or a folder contains no kernel.
        TypeError: An object or kernel is of another type.
        ValueError: `byte_order` is unknown, a `Btf` is closed, or one name is given to several kernels.

    Example:
        >>> btfmmap.min_core_btf(btf, "no such file").objects.error.tolist()
        ['no such file: No such file or directory']
    """
    if byte_order not in _ORDERS:
        raise ValueError(f"byte_order is {byte_order!r}, must be {', '.join(map(repr, _ORDERS))}")
    sources = object_sources(objects)
    rows = [row for row, source in enumerate(sources) if not source.error]
    minimiser = _Minimiser([sources[row] for row in rows], byte_order)
    outcomes = [*map_kernels(minimiser, kernels, executor=executor, progress=progress)]
    return MinCoreResult(outcomes, _objects(sources, rows, minimiser.prepared), rows)


class _Minimised(NamedTuple):
    """What comes of one kernel. Objects are numbered among those without an error."""

    content: bytes
    pointer_size: int
    failures: list[tuple[int, tuple[str, int, str, str, str]]]
    unmatched: list[int]  # of each object


class _Minimiser:
    """Makes the BTF of one kernel. Travels to other processes, which prepare the objects once."""

    def __init__(self, sources: Sequence[ObjectSource], byte_order: ResultOrder) -> None:
        self._prepared: PerProcess[list[_Object]] = PerProcess(partial(_prepare, sources))
        self._byte_order = byte_order

    @property
    def prepared(self) -> list[_Object]:
        return self._prepared.get()

    def __call__(self, kernel: OpenKernel) -> _Minimised:
        """Make the BTF.

        Raises:
            FormatError: The kernel turned out to be invalid, or exceeds a limit.
        """
        try:
            return self._minimised(kernel.base)
        except (NotSupportedError, ValueError) as error:  # of this kernel: others go on
            raise FormatError(str(error)) from None

    def _minimised(self, kernel: Btf) -> _Minimised:
        order = {"kernel": kernel._core.byte_order, "host": sys.byteorder}.get(
            self._byte_order, self._byte_order
        )
        numbers = [number for number, each in enumerate(self.prepared) if each.btf is not None]
        btfs = [btf for each in self.prepared if (btf := each.btf) is not None]
        results = evaluate(btfs, kernel)
        counts = [self.prepared[number].relocations for number in numbers]
        owners = np.repeat(np.array(numbers, np.int64), counts)
        firsts = np.repeat(np.cumsum([0, *counts])[:-1], counts)
        failures = []
        for row in np.flatnonzero(np.isin(results.status, _FAILED)).tolist():
            each = self.prepared[owners[row]]
            place = each.place(row - int(firsts[row]))
            failures.append((int(owners[row]), (*place, results.reason(row))))
        unmatched = np.bincount(owners[np.isin(results.status, _UNMATCHED)], minlength=len(self.prepared))
        file = min_core(results.outcomes, order == "big", "min_core")
        return _Minimised(bytes(file.whole()), kernel._core.pointer_size, failures, unmatched.tolist())


class _Object:
    """An object, prepared for any number of kernels.

    Attributes:
        btf: Its types; None if it is invalid or has no relocations.
        relocations: The number of its relocations.
        error: Why it is invalid; empty if it is not.
    """

    def __init__(self, source: ObjectSource) -> None:
        self.btf: Btf | None = None
        self.relocations: int = 0
        self.error: str = ""
        try:
            btf = open_part(File.of_buffer(source.content, source.label, False))
            ext = btf.ext
            if ext is not None and len(ext.core_relo):
                self.relocations = len(ext._prepared)
                self.btf = btf
        except BtfError as error:
            self.error = str(error)

    def place(self, row: int) -> tuple[str, int, str, str]:
        """Where a relocation is, and what it refers to."""
        assert self.btf is not None
        assert self.btf.ext is not None
        table = self.btf.ext.relocations
        return table.section[row], int(table.insn_off[row]), table.root[row], table.path[row]


def _prepare(sources: Sequence[ObjectSource]) -> list[_Object]:
    return [_Object(source) for source in sources]


def _objects(
    sources: Sequence[ObjectSource], rows: Sequence[int], prepared: Sequence[_Object]
) -> MinCoreObjects:
    found = dict(zip(rows, prepared, strict=True))
    errors = [source.error or found[row].error for row, source in enumerate(sources)]
    counts = [found[row].relocations if row in found else 0 for row in range(len(sources))]
    return MinCoreObjects.of(
        {
            "name": [source.name for source in sources],
            "path": [source.path for source in sources],
            "offset": np.array([source.offset for source in sources], np.uint64),
            "relocations": np.array(counts, np.uint32),
            "error": errors,
        }
    )
