"""The table of the kernels that a result is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..tables import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..tables import Text
    from .mapping import Outcome


class KernelTable(Table):
    """The kernels that were asked for, in order; those that did not open included.

    `Identity` describes the columns up to `flavour_how`.
    """

    name: Text
    release: Text
    arch: Text
    flavour: Text
    name_how: Text
    release_how: Text
    arch_how: Text
    flavour_how: Text
    path: Text
    """The file or folder; empty for a buffer."""
    error: Text
    """Why the kernel did not open; empty if it did."""


def kernel_table(outcomes: Iterable[Outcome]) -> KernelTable:
    """Return the table of the kernels."""
    rows = [
        (*outcome.identity, outcome.path or "", "" if outcome.error is None else error_text(outcome.error))
        for outcome in outcomes
    ]
    names = tuple(KernelTable.__annotations__)
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    return KernelTable.of(dict(zip(names, map(list, columns), strict=True)))


def error_text(error: Exception) -> str:
    """The message of an error, which starts with the file if it is known."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)
