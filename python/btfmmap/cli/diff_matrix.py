"""The table of `diff` for three or more kernels."""

from __future__ import annotations

from itertools import pairwise

from .. import ChangeKind
from .diff_text import label, wrapped
from .matrix import Matrix, output_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .. import ChangeCounts, ChangedEntity, DiffResult
    from .diff_text import Depth

_ABSENT = "-"


def print_matrix(
    result: DiffResult, kernels: Sequence[int], depth: Depth, *, everything: bool, numbers_only: bool
) -> None:
    """Print the numbers of changes from each kernel to the next, and the versions of what changed."""
    width = output_width()
    matrix = Matrix([result.identities[row].name for row in kernels], width)
    for note in result.notes:
        print(*wrapped(f"note: {note}", width), sep="\n")
    steps = []
    changed: set[int] = set()
    for pair in pairwise(kernels):
        steps.append(result.change_counts(*pair, depth=depth))
        if not numbers_only:
            found = result.changed(*pair, depth=depth)
            changed.update(each.entity for each in found if _is_shown(each, depth, everything))
    for line in matrix.lines([*_numbers(steps)], {}):
        print(line)
    if changed:
        print()
        rows = [(label(*result.name(row)), _versions(result, row, kernels)) for row in sorted(changed)]
        for line in matrix.lines(rows, {}):
            print(line)
        print()
        print("numbers are versions, - is absent")
    legend = [*matrix.legend()]
    if legend:
        print("", *legend, sep="\n")


def _numbers(steps: Sequence[Sequence[ChangeCounts]]) -> Iterator[tuple[str, list[str]]]:
    """Rows of numbers: changes since the kernel before."""
    for word in ("added", "removed", "changed", "follow"):
        yield word, ["", *(f"{sum(getattr(each, word) for each in step):,}" for step in steps)]


def _is_shown(each: ChangedEntity, depth: Depth, everything: bool) -> bool:
    if each.changes[0].kind in (ChangeKind.ADDED, ChangeKind.REMOVED):
        return everything
    return each.own or depth == "deep"


def _versions(result: DiffResult, entity: int, kernels: Sequence[int]) -> list[str]:
    """The versions in the kernels, numbered from 1 in the order in which they occur."""
    numbers: dict[int, str] = {}
    versions = result.version_numbers(entity)
    return [
        _ABSENT if versions[kernel] < 0 else numbers.setdefault(versions[kernel], str(len(numbers) + 1))
        for kernel in kernels
    ]
