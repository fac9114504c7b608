"""The names of `diff --only`: lists in files, and what is wrong with names that match nothing."""

from __future__ import annotations

import os

from .common import WrongUsageError, explained, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .. import DiffResult

_GLOB = "*?["
_MAX_COMPARED = 4096  # names
_MAX_LENGTH = 128


def read_names(arguments: Sequence[str]) -> list[str]:
    """The names and globs of `--only`, and those in its files. Lines that start with # are comments."""
    names: list[str] = []
    for argument in arguments:
        if not os.path.isfile(argument):
            names.append(argument)
            continue
        try:
            with open(argument, encoding="utf-8", errors="surrogateescape") as file:
                lines = [line.strip() for line in file]
        except OSError as error:
            raise WrongUsageError(explained(error)) from error
        names += [line for line in lines if line and not line.startswith("#")]
    return names


def unmatched(result: DiffResult, names: Sequence[str]) -> list[str]:
    """A sentence for each name or glob that matches nothing in any kernel."""
    return [_explanation(result, name) for name in names if not result.match(name)]


def _explanation(result: DiffResult, text: str) -> str:
    shown = printable(text)
    if not text.strip():
        return "a name of --only is empty"
    if os.sep in text:
        return f"{shown}: no such file, and no name"
    owner, dot, _ = text.partition(".")
    if dot and not any(letter in text for letter in _GLOB) and result.match(owner):
        return f"--only takes names of types, not members: {printable(owner)}"
    close = _close_names(result, text)
    return f"no kernel has {shown}" + (f"; close to it: {', '.join(close)}" if close else "")


def _close_names(result: DiffResult, text: str) -> list[str]:
    from difflib import get_close_matches

    keyword, _, name = text.rpartition(" ")
    if any(letter in text for letter in _GLOB) or not 1 < len(name) <= _MAX_LENGTH:
        return []
    start = "".join(f"[{letter.lower()}{letter.upper()}]" for letter in name[:2] if letter.isalpha())
    spelled: dict[str, str] = {}  # by lower-case name
    for row in result.match(f"{keyword} {start}*")[:_MAX_COMPARED]:
        found = result.name(row)[1]
        if len(found) <= _MAX_LENGTH:
            spelled.setdefault(found.lower(), found)
    close = get_close_matches(name.lower(), spelled, cutoff=0.7)
    return [f"{keyword} {printable(spelled[each])}".strip() for each in close]
