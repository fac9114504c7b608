"""What a corpus takes of one input."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..kernels.identity import identify
from ..kernels.inputs import KernelInput
from ..kernels.mapping import error_text
from ..kernels.opened import OpenKernel
from ..kinds import Kind
from ..opening import open as open_btf
from .schema import escaped
from .type_sets import TypeSet

if TYPE_CHECKING:
    from typing import Any

    from .._core import CorpusEntry
    from ..btf import Btf
    from .collecting import Collector


class Level(NamedTuple):
    """One BTF of an input.

    Attributes:
        row: Its row of `kernels`, without `id` and `parent`.
        base: The number of its base among the BTFs of the input; None for a kernel.
        types: The numbers of its types in the collector.
    """

    row: dict[str, Any]
    base: int | None
    types: TypeSet


class Content(NamedTuple):
    """What a corpus stores of one input.

    Attributes:
        levels: Its BTFs, each after its base.
        failed: Paths and errors of modules that did not open.
    """

    levels: list[Level]
    failed: list[tuple[str, str]]


def content_of(kernel: OpenKernel, collector: Collector) -> Content:
    """Read what a corpus stores of a kernel and its modules.

    Raises:
        NotSupportedError: A limit is exceeded, or a kind is unknown.
    """
    found: dict[int, tuple[Btf, str]] = {}
    for module, btf in [("", kernel.base), *kernel.modules.items()]:
        for level in btf._levels():
            found.setdefault(id(level), (level, module))
    numbers = {identity: number for number, identity in enumerate(found)}
    bases = {id(btf.base) for btf, _ in found.values()}
    entries: dict[int, CorpusEntry] = {}  # of bases: those of modules would take much memory
    levels = []
    for btf, module in found.values():
        entry = collector.add(btf, None if btf.base is None else entries[id(btf.base)])
        if id(btf) in bases:
            entries[id(btf)] = entry
        base = None if btf.base is None else numbers[id(btf.base)]
        levels.append(Level(_row(kernel, btf, module, entry), base, TypeSet.of(np.asarray(entry.numbers()))))
    failed = [(path, error_text(error)) for path, error in kernel.failed.items()]
    return Content(levels, failed)


def _row(kernel: OpenKernel, btf: Btf, module: str, entry: CorpusEntry) -> dict[str, Any]:
    raw, path = memoryview(btf._core.raw), btf.source.path
    counts = entry.kind_counts()
    return {
        "sha256": hashlib.sha256(raw).hexdigest(),
        "module": escaped(module),
        **{name: escaped(text) for name, text in kernel.identity._asdict().items()},
        "path": escaped(os.path.abspath(path) if path else ""),
        "byte_order": btf.source.byte_order,
        "pointer_size": btf.source.pointer_size,
        "size": len(raw),
        "types": sum(counts[1:]),
        "structs": counts[Kind.STRUCT] + counts[Kind.UNION],
        "functions": counts[Kind.FUNC],
    }


class UrlInput(KernelInput):
    """A kernel behind a URL that fsspec opens. It is read by whoever opens it, such as a worker.

    Args:
        url: The URL of a file.
    """

    __slots__ = ()

    def __init__(self, url: str) -> None:
        super().__init__(url)

    def __reduce__(self) -> tuple[type[UrlInput], tuple[str | None]]:
        return UrlInput, (self.path,)

    def open(self) -> OpenKernel:
        """Read the file and open the kernel.

        Returns:
            The open kernel.

        Raises:
            OSError: The file cannot be read.
            BtfError: It contains no BTF.
            NotSupportedError: fsspec is not installed.
        """
        from .storage import fsspec

        assert self.path is not None
        try:
            with fsspec().open(self.path, "rb") as file:
                content = file.read()
        except OSError as error:
            raise type(error)(error.errno or 0, str(error), self.path) from None
        btf = open_btf(data=content)
        return OpenKernel(identify(self.path, btf=btf), btf, owned=True)
