"""The table of the kernels that a result is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..tables import Table
from .mapping import error_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..tables import U32, Text
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
    modules: U32
    """Number of modules that opened."""
    failed_modules: U32
    """Number of modules that did not open, and were left out."""
    module_error: Text
    """Why the first of these did not open; empty if all opened."""


def kernel_table(outcomes: Iterable[Outcome]) -> KernelTable:
    """Return the table of the kernels."""
    rows = [
        (
            *outcome.identity,
            outcome.path or "",
            error_text(outcome.error),
            outcome.modules,
            outcome.failed_modules,
            error_text(outcome.module_error),
        )
        for outcome in outcomes
    ]
    names = tuple(KernelTable.__annotations__)
    columns: dict[str, Any] = {name: [row[number] for row in rows] for number, name in enumerate(names)}
    for name in ("modules", "failed_modules"):
        columns[name] = np.array(columns[name], np.uint32)
    return KernelTable.of(columns)
