"""What the statuses of an object's relocations and requirements mean for the object."""

from __future__ import annotations

from enum import IntEnum

from ..relocation_kinds import RelocationStatus

BREAKING = (RelocationStatus.POISONED, RelocationStatus.AMBIGUOUS, RelocationStatus.ERROR)
"""The statuses of relocations with which the object does not load."""


class Verdict(IntEnum):
    """Whether an object loads on a kernel, as far as `check` judges it."""

    FINE = 0
    """Nothing that is judged is missing."""
    MAYBE = 1
    """Something is missing that may not be needed, or may be in a module that was not given."""
    BREAKS = 2
    """The object does not load."""
    NOT_TRIED = 3
    """The object or the kernel did not open."""
