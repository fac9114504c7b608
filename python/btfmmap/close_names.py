"""Suggests similar names for unknown names."""

from __future__ import annotations

from itertools import islice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Comparing names takes quadratic time, and a file may have names of any length.
_MAX_LENGTH = 128
_MAX_NAMES = 4096


def similar_names(name: str, names: Iterable[str], cutoff: float = 0.7) -> list[str]:
    """The most similar names, at most three, the best first."""
    from difflib import get_close_matches

    if len(name) > _MAX_LENGTH:
        return []
    short = [each for each in islice(names, _MAX_NAMES) if 0 < len(each) <= _MAX_LENGTH]
    spelled: dict[str, str] = {}  # by lower-case name: capital letters do not matter
    for each in short:
        spelled.setdefault(each.lower(), each)
    return [spelled[each] for each in get_close_matches(name.lower(), spelled, cutoff=cutoff)]


def close_names(name: str, names: Iterable[str]) -> str:
    """The end of a message about an unknown name: `; close to it: 'a', 'b'`, or nothing."""
    close = similar_names(name, names)
    return f"; close to it: {', '.join(map(repr, close))}" if close else ""
