"""The files of `tests/data`, unpacked. Its README.md says where each comes from."""

from __future__ import annotations

import lzma
from functools import lru_cache
from pathlib import Path

DATA = Path(__file__).parent.parent / "data"
KERNELS = ("7.2-amd64", "6.12-cloud-arm64", "6.12-s390x")
"""BTF of whole kernels; s390x is big-endian."""
MODULES = ("nls_cp437", "tcp_bbr", "tun")
"""Modules of 7.2-amd64."""


@lru_cache(maxsize=16)
def stored(name: str) -> bytes:
    """The content of `name`.xz."""
    return lzma.decompress((DATA / f"{name}.xz").read_bytes())
