"""`Btf.match`: finds types by a pattern of their names."""

from __future__ import annotations

import fnmatch
import re

from . import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .btf import Btf

_EVERY_KIND = range(128)


def match(btf: Btf, pattern: str, kind: int | None, *, regex: bool) -> list[int]:
    """Return the IDs of the types whose name matches; see `Btf.match`."""
    pattern, kinds = _core.parse_query(pattern, kind)
    try:
        compiled = re.compile(pattern if regex else fnmatch.translate(pattern))
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    found = compiled.search if regex else compiled.match
    return [
        type_id
        for level in btf._levels()
        for type_id in level._core.matching(found, _EVERY_KIND if kinds is None else kinds)
    ]
