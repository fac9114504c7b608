"""The order of kernel versions, and of paths that contain them."""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)*")
_CANDIDATE = re.compile(r"[-.~+_]?(?:0\.)?rc([0-9]+)", re.IGNORECASE)
_VERSION = re.compile(r"(?<![\w.])v?(?=[0-9]+\.[0-9])")
_PARTS = re.compile(r"([^0-9]*)([0-9]*)")
_ZERO = (0, "")
_NO_CANDIDATE = (1 << 63, "")  # a release comes after its release candidates


def version_key(release: str) -> tuple[Any, ...]:
    """Return a key that sorts releases by version.

    Numbers are compared as numbers, so 6.9 precedes 6.12. A release candidate (6.12-rc3, 6.12~rc3) precedes
    its release. 6.12 and 6.12.0 are the same version. What follows the version is compared as dpkg compares
    it: "~" precedes the end, which precedes letters, which precede other characters.

    Example:
        >>> from btfmmap.kernels.versions import version_key
        >>> sorted(["6.12.1", "6.12", "6.9.3", "6.12-rc2"], key=version_key)
        ['6.9.3', '6.12-rc2', '6.12', '6.12.1']
    """
    text = release.removeprefix("v")
    found = _NUMBERS.match(text)
    if found is None:
        return ((), _NO_CANDIDATE, _natural(text))
    numbers = [_number(digits) for digits in found[0].split(".")]
    while numbers and numbers[-1] == _ZERO:
        numbers.pop()
    rest = text[found.end() :]
    candidate = _CANDIDATE.match(rest)
    if candidate is None:
        return (tuple(numbers), _NO_CANDIDATE, _natural(rest))
    return (tuple(numbers), _number(candidate[1]), _natural(rest[candidate.end() :]))


def path_key(path: str) -> tuple[Any, ...]:
    """Return a key that sorts paths by the versions in their components, folder by folder.

    Components with a version precede those without.
    """
    return tuple(_component_key(part) for part in path.split(os.sep))


def _component_key(name: str) -> tuple[Any, ...]:
    version = _VERSION.search(name)
    if version is None:
        return (1, (), _natural(name))
    return (0, version_key(name[version.start() :]), _natural(name[: version.start()]))


def _natural(text: str) -> tuple[Any, ...]:
    """The parts of a text as dpkg compares them: characters by rank, then a number."""
    return tuple(((*map(_rank, letters), 0), _number(digits)) for letters, digits in _PARTS.findall(text))


def _number(digits: str) -> tuple[int, str]:
    """A key for a number of any length: `int` refuses very long ones."""
    significant = digits.lstrip("0")
    return len(significant), significant


def _rank(letter: str) -> int:
    if letter == "~":
        return -1
    return ord(letter) if letter.isalpha() else ord(letter) + (1 << 21)
