"""`Btf.match`: types by a pattern of their names."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from .btf import Btf

_KEYWORDS = {"struct": (4,), "union": (5,), "enum": (6, 19)}


def match(btf: Btf, pattern: str, kind: int | None, *, regex: bool) -> npt.NDArray[np.int64]:
    keyword, space, bare = pattern.partition(" ")
    kinds: tuple[int, ...] = ()
    if space and keyword in _KEYWORDS:
        kinds, pattern = _KEYWORDS[keyword], bare.strip()
    if kind is not None:
        if kinds and kind not in kinds:
            raise ValueError(f"'{keyword} {pattern}' says what it is, but kind is {int(kind)}")
        kinds = (kind,)
    compiled = re.compile(pattern if regex else fnmatch.translate(pattern))
    found = compiled.search if regex else compiled.match
    parts = []
    level: Btf | None = btf
    while level is not None:
        hits = [row for row, name in enumerate(level.names()) if name and found(name)]
        rows: npt.NDArray[Any] = np.array(hits, np.int64)
        if kinds:
            rows = rows[np.isin(level.types.kind[rows], kinds)]
        parts.append(rows + level.first_id)
        level = level.base
    return np.concatenate(parts[::-1])
