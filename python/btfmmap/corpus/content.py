"""What a corpus takes of one input: a pure function, which any executor can run."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, NamedTuple

from ..kernels.identity import identify
from ..kernels.inputs import KernelInput
from ..kernels.mapping import error_text
from ..kernels.opened import OpenKernel
from ..opening import open as open_btf

if TYPE_CHECKING:
    from ..btf import Btf
    from ..kernels.identity import Identity


class Level(NamedTuple):
    """One BTF of an input.

    Attributes:
        raw: Its bytes.
        sha256: Their SHA-256.
        base: The number of its base among the BTFs of the input; None for a kernel.
        module: The name of the module that it belongs to; empty for a kernel.
        path: Its file; empty for a buffer.
    """

    raw: bytes
    sha256: str
    base: int | None
    module: str
    path: str


class Content(NamedTuple):
    """What a corpus stores of one input.

    Attributes:
        identity: Which kernel it is.
        levels: Its BTFs, each after its base.
        failed: Paths and errors of modules that did not open.
    """

    identity: Identity
    levels: list[Level]
    failed: list[tuple[str, str]]


def content_of(kernel: OpenKernel) -> Content:
    """Read what a corpus stores of a kernel and its modules."""
    found: dict[int, tuple[Btf, str]] = {}
    for module, btf in [("", kernel.base), *kernel.modules.items()]:
        for level in btf._levels():
            found.setdefault(id(level), (level, module))
    numbers = {identity: number for number, identity in enumerate(found)}
    levels = []
    for btf, module in found.values():
        raw = bytes(memoryview(btf._core.raw))
        base = None if btf.base is None else numbers[id(btf.base)]
        digest = hashlib.sha256(raw).hexdigest()
        path = btf.source.path
        levels.append(Level(raw, digest, base, module, os.path.abspath(path) if path else ""))
    failed = [(path, error_text(error)) for path, error in kernel.failed.items()]
    return Content(kernel.identity, levels, failed)


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
