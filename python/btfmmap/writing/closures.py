"""Which types are added with those that were asked for."""

from __future__ import annotations

from typing import Literal, TypeAlias

Closure: TypeAlias = Literal["none", "pointers", "deep"]

_CLOSURES = ("none", "pointers", "deep")  # by the core's numbers


def closure_number(closure: Closure) -> int:
    """The core's number of a closure.

    Raises:
        ValueError: It is unknown.
    """
    if closure not in _CLOSURES:
        raise ValueError(f"closure is {closure!r}, must be 'deep', 'pointers' or 'none'")
    return _CLOSURES.index(closure)
