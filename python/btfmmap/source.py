"""Where a BTF came from."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Source(NamedTuple):
    """Where a BTF came from, as `Btf.source` says it.

    Attributes:
        path: the file, or None for bytes that were passed in.
        how: "mmap" (the file's own pages), "read" (a private copy), or "buffer" (borrowed bytes).
        size: of the BTF blob, in bytes.
        byte_order: "little" or "big".
        pointer_size: in bytes; that of the INT named `long`, as libbpf guesses it, else the host's.
        unit: which of several BTFs that follow one another, counted from 0: the `unit` of `open`.
        units: how many there are, those that do not open among them; mostly 1.
    """

    path: str | None
    how: Literal["mmap", "read", "buffer"]
    size: int
    byte_order: Literal["little", "big"]
    pointer_size: int
    unit: int = 0
    units: int = 1
