"""Names that are close to one that is not there, for error messages."""

from __future__ import annotations

from itertools import islice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Names are compared letter by letter, and files choose them.
_MAX_LETTERS = 128
_MAX_NAMES = 4096


def close_names(name: str, names: Iterable[str]) -> str:
    """The end of a message that a name is not there: `; close to it: 'a', 'b'`, or nothing."""
    from difflib import get_close_matches

    if len(name) > _MAX_LETTERS:
        return ""
    short = [each for each in islice(names, _MAX_NAMES) if 0 < len(each) <= _MAX_LETTERS]
    close = get_close_matches(name, short, cutoff=0.7)
    return f"; close to it: {', '.join(map(repr, close))}" if close else ""
