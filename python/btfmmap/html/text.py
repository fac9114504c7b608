"""Names as text that a page can show: escaped, without control characters, of limited length."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

MAX_SHOWN: Final = 80
"""Characters of a name in a table; the kernel's longest names of types have about 60."""

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_ESCAPES = str.maketrans(_ENTITIES)
_ELISION = "..."


def printable(text: str, limit: int = MAX_SHOWN) -> str:
    """Return a text of limited length in which control characters are escaped as in Python.

    These are also the characters that change the direction of text, and bytes that are not UTF-8. A text that
    is too long loses its middle, since paths differ at their ends.
    """
    if len(text) > limit:
        half = (limit - len(_ELISION)) // 2
        text = f"{text[:half]}{_ELISION}{text[-half:]}"
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def escaped(text: str, limit: int = MAX_SHOWN) -> str:
    """Return a printable text in which no character is markup, inside of attributes too."""
    return printable(text, limit).translate(_ESCAPES)


def isolated(text: str, limit: int = MAX_SHOWN) -> str:
    """Return an escaped text whose right-to-left letters do not move what is around it."""
    shown = escaped(text, limit)
    return shown if shown.isascii() else f"<bdi>{shown}</bdi>"
