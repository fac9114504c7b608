"""The source of a BTF."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, NamedTuple
else:
    from .named_tuples import NamedTuple


class Source(NamedTuple):
    """The file or buffer that a BTF was read from, and how.

    Attributes:
        path: The file; None for a buffer.
        how: "mmap" for the mapped file, "read" for a private copy, "buffer" for a borrowed buffer.
        size: The size of the BTF blob in bytes.
        byte_order: "little" or "big".
        pointer_size: The size of a pointer in bytes. It is that of the INT named `long`, as libbpf guesses
            it, or else the host's.
        unit: The index, from 0, of this BTF among several that follow one another: the `unit` of `open`.
        units: The number of these, including those that do not open. Usually 1.
        containers: The kinds of what the BTF was taken out of, the file itself first, such as
            `("Android boot image", "gzip", "arm64 Image")`. Empty for raw BTF. docs/containers.md lists them.

    Example:
        >>> btf.source.byte_order
        'little'
    """

    path: str | None
    how: Literal["mmap", "read", "buffer"]
    size: int
    byte_order: Literal["little", "big"]
    pointer_size: int
    unit: int = 0
    units: int = 1
    containers: tuple[str, ...] = ()
