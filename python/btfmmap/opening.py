"""`open`: from a file or bytes to a `Btf`."""

from __future__ import annotations

import os

from ._core import Btf as _CoreBtf
from .btf import Btf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from ._core import Buffer

KERNEL_BTF = "/sys/kernel/btf/vmlinux"
"""Where Linux shows the BTF of the running kernel."""

SAMPLE_BTF = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "sample.btf")
"""A small BTF that comes with the package, for trying things where there is no kernel BTF."""


def open(  # noqa: A001 (the package's verb is open)
    path: str | bytes | os.PathLike[str] | os.PathLike[bytes] | None = None,
    *,
    data: Buffer | None = None,
    method: Literal["auto", "mmap", "read"] = "auto",
) -> Btf:
    """Open a BTF: the running kernel's, a file's, or one in memory.

    Every record is checked; a `Btf` opens whole or not at all.

    Args:
        path: a file of raw BTF, or a pipe; without it (and without `data`) the running kernel's,
            `KERNEL_BTF`.
        data: bytes-like, instead of a path; borrowed without a copy, so leave it unchanged.
        method: "auto" maps a file that lies on sysfs, whose bytes cannot change, and reads it where the
            kernel refuses to map it (Linux before 6.16); it reads any other file into private memory,
            since a mapped file that someone truncates raises SIGBUS. "mmap" maps any file or fails;
            "read" always reads.

    Raises:
        FormatError: the bytes are no valid BTF.
        OSError: the operating system's own error, with errno and file name.
        ValueError: both `path` and `data`, `method` with `data`, or an unknown `method`.
        TypeError, BufferError: `data` is not bytes-like, or not contiguous.
    """
    if data is not None:
        if path is not None or method != "auto":
            raise ValueError("data goes with neither path nor method")
        return Btf(_CoreBtf.open_buffer(data), None, method)
    name = os.fsdecode(KERNEL_BTF if path is None else path)
    if "\0" in name:
        raise ValueError("embedded null character in path")
    return Btf(_CoreBtf.open_path(os.fsencode(name), method), name, method)
