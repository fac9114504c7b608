"""Names that spelled paths need besides those of the user, whose own they must not capture."""

from __future__ import annotations

from itertools import chain, count

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def index_names(code: str, prefix: str = "") -> Iterator[str]:
    """The names of open indices, each time another one: i, j, k, ...

    Args:
        code: What the user has named, whose names are left out.
        prefix: What precedes each name.
    """
    used = _words(code)
    names = chain("ijklmn", (f"i{number}" for number in count(1)))
    return (f"{prefix}{name}" for name in names if name not in used)


def unused_names(code: str, stem: str, first: str = "1") -> Iterator[str]:
    """Names that do not occur in code: the stem with a number, the first of them with `first`."""
    used = _words(code)
    names = chain([f"{stem}{first}"], (f"{stem}{number}" for number in count(2)))
    return (name for name in names if name not in used)


def _words(code: str) -> set[str]:
    return set("".join(letter if letter.isalnum() or letter == "_" else " " for letter in code).split())
