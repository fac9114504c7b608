"""Where members are in several kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .kernel_matrix import KernelMatrix, draw_matrix
from .palette import DOUBTFUL, GOOD, NONE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..diffing.result import DiffResult

_SAME, _MOVED, _ABSENT = range(3)


def member_offsets_data(result: DiffResult, pattern: str) -> KernelMatrix:
    """Return the offsets of members in all kernels.

    Args:
        result: The result of `diff`.
        pattern: A glob of the struct's name, a dot, and a glob of the member: "tcp_sock.*".

    Returns:
        A row for each member, in the order of the offsets in the last kernel that has it. The values are
        offsets in bits, `int64[members, kernels]`, -1 where a kernel does not have the member. The kernels
        are in the order of `DiffResult.order`.

    Raises:
        ValueError: The pattern has no dot.

    Example:
        >>> result = btfmmap.diff({"old": btf, "new": btf})
        >>> data = btfmmap.pictures.member_offsets_data(result, "list.*")
        >>> data.labels, data.values.tolist()
        (['list.next', 'list.prev'], [[0, 0], [64, 64]])
    """
    columns = result.order
    table, offsets = result.offsets(pattern)
    offsets = offsets[:, columns]
    last = [
        max((kernel for kernel, bit in enumerate(row) if bit >= 0), default=0) for row in offsets.tolist()
    ]
    keys = offsets[np.arange(len(offsets)), last]
    order = np.lexsort((keys, table.entity))
    labels = result.kernel_labels
    names = [labels[kernel] for kernel in columns]
    return KernelMatrix([table.name[row] for row in order.tolist()], names, offsets[order])


def member_offsets(result: DiffResult, pattern: str, *, ax: Axes | None = None) -> Axes:
    """Draw the offsets of members in all kernels, in bytes.

    An offset that differs from that in the last kernel before with the member is marked with "*", and "-" is
    absent. "12:3" is bit 3 of byte 12. More than two kernels are compared within each architecture only.

    Args:
        result: The result of `diff`.
        pattern: A glob of the struct's name, a dot, and a glob of the member: "tcp_sock.*".
        ax: The axes to draw into; by default new ones.

    Returns:
        The axes.

    Raises:
        NotSupportedError: matplotlib is not installed.
        ValueError: The pattern has no dot.

    Example:
        >>> result = btfmmap.diff({"old": btf, "new": btf})
        >>> ax = btfmmap.pictures.member_offsets(result, "flow.*")
    """
    data = member_offsets_data(result, pattern)
    values = data.values
    marks = np.full(values.shape, _SAME, np.uint8)
    marks[values < 0] = _ABSENT
    columns = {kernel: column for column, kernel in enumerate(result.order)}
    latest = values.copy()  # in the last kernel up to each that has the member
    for old, new in result.neighbours:
        own, before = values[:, columns[new]], latest[:, columns[old]]
        marks[(own >= 0) & (own != before), columns[new]] = _MOVED
        latest[:, columns[new]] = np.where(own >= 0, own, before)

    def text(row: int, kernel: int) -> str:
        bits = int(values[row, kernel])
        if bits < 0:
            return "-"
        star = "*" if marks[row, kernel] == _MOVED else ""
        return f"{bits // 8}{f':{bits % 8}' if bits % 8 else ''}{star}"

    colours = [(GOOD, "as before"), (DOUBTFUL, "* another offset, or new"), (NONE, "- absent")]
    return draw_matrix(ax, data, marks, colours, text)  # type: ignore[no-any-return]
