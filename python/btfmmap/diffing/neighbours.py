"""Which kernels of a result are compared with one another."""

from __future__ import annotations

from itertools import pairwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def by_architecture(architectures: Sequence[str | None]) -> list[int]:
    """Return the order in which kernels are compared.

    Args:
        architectures: The architecture of each kernel, empty if it is unknown; None if it did not open.

    Returns:
        The rows of all kernels. If more than two opened, of several architectures, they are sorted by that,
        unknown ones and those that did not open last, and otherwise as they were.
    """
    opened = [each for each in architectures if each is not None]
    rows = range(len(architectures))
    if not is_split(opened):
        return [*rows]
    return sorted(
        rows, key=lambda row: (architectures[row] is None, not architectures[row], architectures[row])
    )


def neighbours(architectures: Sequence[str | None]) -> list[tuple[int, int]]:
    """Return the rows of each kernel that opened and the one before it that it is compared with.

    Args:
        architectures: As for `by_architecture`.
    """
    order = [row for row in by_architecture(architectures) if architectures[row] is not None]
    return [
        (old, new)
        for old, new in pairwise(order)
        if len(order) == 2 or architectures[old] == architectures[new]
    ]


def is_split(architectures: Sequence[str]) -> bool:
    """Return whether kernels are compared within each architecture only. Two are compared as they are."""
    return len(architectures) > 2 and len({*architectures}) > 1
