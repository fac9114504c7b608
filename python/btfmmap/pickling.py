"""Pickles a `Btf` as a path and a digest, without its bytes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from .errors import BtfError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._core import Btf as CoreBtf
    from .btf import Btf

MAX_LEVELS = 32
"""The number of bases that can be pickled: `pickle` and `copy` recurse over them."""


def digest(core: CoreBtf) -> bytes:
    """Return the SHA-256 of a BTF blob."""
    return hashlib.sha256(core.raw).digest()


def reopen(
    open_btf: Callable[..., Btf],
    path: str,
    method: str,
    unit: int,
    base: Btf | None,
    relocated_onto: Btf | None,
    expected: bytes,
) -> Btf:
    """Unpickle a `Btf`: open the file again, so that processes share its pages.

    Raises:
        BtfError: The BTF differs from the one that was pickled.
    """
    btf = open_btf(path, method=method, unit=unit, base=base)
    if relocated_onto is not None:
        btf = btf.relocate(relocated_onto)
    if digest(btf._core) != expected:
        raise BtfError(f"{path}: not the BTF that was pickled, its bytes differ")
    return btf
