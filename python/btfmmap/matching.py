"""`Btf.match`: types by a pattern of their names."""

from __future__ import annotations

import fnmatch
import operator
import re

from .kinds import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .btf import Btf

_KEYWORDS = {"struct": (4,), "union": (5,), "enum": (6, 19)}


def match(btf: Btf, pattern: str, kind: int | None, *, regex: bool) -> list[int]:
    keyword, space, bare = pattern.partition(" ")
    kinds: tuple[int, ...] = ()
    if space and keyword in _KEYWORDS:
        kinds, pattern = _KEYWORDS[keyword], bare.strip()
    if kind is not None:
        kind = operator.index(kind)
        if kinds and kind not in kinds:
            raise ValueError(f"'{keyword} {pattern}' says what it is, but kind is {Kind(kind).name}")
        kinds = (kind,)
    try:
        compiled = re.compile(pattern if regex else fnmatch.translate(pattern))
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    found = compiled.search if regex else compiled.match
    return [
        level.first_id + row
        for level in _levels(btf)
        for row, name in enumerate(level.names())
        if name and found(name) and (not kinds or level._columns("types")["kind"][row] in kinds)
    ]


def _levels(btf: Btf) -> Iterator[Btf]:
    """Bases first, so that ids ascend."""
    if btf.base is not None:
        yield from _levels(btf.base)
    yield btf
