"""Kernels and what BPF objects need of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from ..checking.verdicts import BREAKING, Verdict
from ..labels import distinct
from ..relocation_kinds import CoreReloKind, RelocationStatus
from .kernel_matrix import KernelMatrix, draw_matrix
from .palette import BAD, DOUBTFUL, GOOD, NONE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..checking.result import CheckResult

_VERDICTS = {
    Verdict.FINE: (GOOD, "ok", "."),
    Verdict.MAYBE: (DOUBTFUL, "maybe", "?"),
    Verdict.BREAKS: (BAD, "breaks", "X"),
    Verdict.NOT_TRIED: (NONE, "not tried", "-"),
}
_LETTERS = {
    RelocationStatus.OK: ".",
    RelocationStatus.ABSENT: "0",
    RelocationStatus.POISONED: "X",
    RelocationStatus.DEAD: "d",
    RelocationStatus.MAYBE: "?",
    RelocationStatus.AMBIGUOUS: "A",
    RelocationStatus.ERROR: "E",
    RelocationStatus.NOT_JUDGED: "-",
}


def verdicts_data(result: CheckResult) -> KernelMatrix:
    """Return whether each object loads on each kernel.

    Args:
        result: The result of `check`.

    Returns:
        A row for each object. The values are `Verdict`, `uint8[objects, kernels]`.

    Example:
        >>> btfmmap.pictures.verdicts_data(btfmmap.check([], btf)).words
        ('FINE', 'MAYBE', 'BREAKS', 'NOT_TRIED')
    """
    words = tuple(verdict.name for verdict in Verdict)
    return KernelMatrix(result.object_labels, result.kernel_labels, result.verdict.T.copy(), words)


def verdicts(result: CheckResult, *, ax: Axes | None = None) -> Axes:
    """Draw whether each object loads on each kernel.

    Args:
        result: The result of `check`.
        ax: The axes to draw into; by default new ones.

    Returns:
        The axes.

    Raises:
        NotSupportedError: matplotlib is not installed.

    Example:
        >>> ax = btfmmap.pictures.verdicts(btfmmap.check([], btf))
    """
    data = verdicts_data(result)
    colours = [(colour, f"{letter} {word}") for colour, word, letter in _VERDICTS.values()]
    letters = [letter for _, _, letter in _VERDICTS.values()]
    values = data.values
    return draw_matrix(  # type: ignore[no-any-return]
        ax, data, values, colours, lambda row, kernel: letters[values[row, kernel]]
    )


def relocations_data(result: CheckResult) -> KernelMatrix:
    """Return the status of each relocation on each kernel.

    Args:
        result: The result of `check`.

    Returns:
        A row for each field, type or enumerator that is relocated, in the order of the relocations.
        Relocations of the same with equal statuses are one row. If their statuses differ, the label has the
        place of the first: object, section, and offset in bytes. The values are `RelocationStatus`,
        `uint8[rows, kernels]`.

    Example:
        >>> btfmmap.pictures.relocations_data(btfmmap.check([], btf)).values.shape
        (0, 1)
    """
    table = result.relocations
    kinds = {int(kind): kind.name.lower().replace("_", " ") for kind in CoreReloKind}
    columns = zip(table.root.tolist(), table.path.tolist(), table.kind.tolist(), strict=True)
    rows: dict[tuple[str, bytes], int] = {}
    statuses = np.ascontiguousarray(result.status.T)
    for number, (root, path, kind) in enumerate(columns):
        what = f"{root}{'.' * bool(path)}{path} {kinds.get(kind, f'kind {kind}')}"
        rows.setdefault((what, statuses[number].tobytes()), number)
    words = tuple(status.name for status in RelocationStatus)
    values = statuses[[*rows.values()]] if rows else statuses[:0]
    subjects = Counter(what for what, _ in rows)
    labels = [
        what if subjects[what] == 1 else f"{what}, {_place(result, number)}"
        for (what, _), number in rows.items()
    ]
    return KernelMatrix(distinct(labels), result.kernel_labels, values, words)


def _place(result: CheckResult, number: int) -> str:
    table = result.relocations
    name = result.object_labels[table.object[number]]
    return f"{name} {table.section[number]}+{table.insn_off[number]}"


def relocations(result: CheckResult, *, ax: Axes | None = None) -> Axes:
    """Draw the status of each relocation on each kernel.

    Args:
        result: The result of `check`.
        ax: The axes to draw into; by default new ones.

    Returns:
        The axes.

    Raises:
        NotSupportedError: matplotlib is not installed.

    Example:
        >>> ax = btfmmap.pictures.relocations(btfmmap.check([], btf))
    """
    data = relocations_data(result)
    colours = []
    for status, letter in _LETTERS.items():
        colour = GOOD if status == RelocationStatus.OK else NONE
        if status in BREAKING:
            colour = BAD
        elif status in (RelocationStatus.ABSENT, RelocationStatus.MAYBE):
            colour = DOUBTFUL
        colours.append((colour, f"{letter} {status.name.lower().replace('_', ' ')}"))
    letters = [*_LETTERS.values()]
    values = data.values
    return draw_matrix(  # type: ignore[no-any-return]
        ax, data, values, colours, lambda row, kernel: letters[values[row, kernel]]
    )
