"""The table of `diff` for three or more kernels."""

from __future__ import annotations

from .. import ChangeKind
from .diff_report import print_step
from .diff_text import label, wrapped
from .matrix import Matrix, output_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .. import ChangeCounts, DiffResult
    from .diff_text import Depth

_ABSENT = "-"
_DETAILED = 4  # entities
_EXPLANATION = (
    "since the kernel before; changed: by themselves; follow: only because of types that they contain"
)


def print_matrix(
    result: DiffResult,
    kernels: Sequence[int],
    depth: Depth,
    *,
    everything: bool,
    numbers_only: bool,
    names_given: bool,
) -> None:
    """Print the numbers of changes from each kernel to the next, and the versions of what changed.

    If the names of what is compared were given, and few of it changed, print what changed, too.
    """
    width, labels = output_width(), result.kernel_labels
    matrix = Matrix([labels[row] for row in kernels], width)
    for note in result.notes:
        print(*wrapped(f"note: {note}", width), sep="\n", end="\n\n")
    steps: dict[int, list[ChangeCounts]] = {}  # by the newer kernel
    changed: set[int] = set()
    single: set[int] = set()
    pairs = result.neighbours
    for pair in pairs:
        steps[pair[1]] = result.change_counts(*pair, depth=depth)
        if not numbers_only:
            for each in result.changed(*pair, depth=depth):
                if each.changes[0].kind in (ChangeKind.ADDED, ChangeKind.REMOVED):
                    single.add(each.entity)
                elif each.own or depth == "deep":
                    changed.add(each.entity)
    _print_lines(matrix.lines([*_numbers([steps.get(row) for row in kernels])], {}, numeric=True))
    print("", *wrapped(_EXPLANATION, width), sep="\n")
    legend = _print_legend(matrix)
    shown = changed | single if everything else changed
    if shown:
        rows = sorted((result.name(row), row) for row in shown)
        print()
        cells = [(label(*name), _versions(result, row, kernels, depth)) for name, row in rows]
        _print_lines(matrix.lines(cells, {}, numeric=True))
        what = "layouts" if depth == "layout" else "definitions"
        print("", *wrapped(f"equal numbers mean equal {what}, - is absent", width), sep="\n")
    is_detailed = names_given and 0 < len(shown) <= _DETAILED
    if is_detailed:
        for pair in pairs:
            print_step(result, pair, depth, everything=everything)
    hints = []
    if hidden := len(single - shown):
        hints.append(f"--all also lists what was only added or removed: {hidden:,}")
    if shown and not is_detailed:
        hints.append("--only NAME also prints what changed about it")
    if hints:
        print("", *wrapped("; ".join(hints), width), sep="\n")
    if not legend:  # only the second table has numbered columns
        _print_legend(matrix)


def _print_legend(matrix: Matrix) -> bool:
    """Print which kernels the columns are, if these are numbered. Returns whether they are."""
    legend = [*matrix.legend()]
    if legend:
        print("", *legend, sep="\n")
    return bool(legend)


def _print_lines(lines: Iterator[str]) -> None:
    for line in lines:
        print(line)


def _numbers(steps: Sequence[Sequence[ChangeCounts] | None]) -> Iterator[tuple[str, list[str]]]:
    """Rows of numbers: changes since the kernel before; nothing for a kernel that has none before it."""
    for word in ("added", "removed", "changed", "follow"):
        yield (
            word,
            ["" if step is None else f"{sum(getattr(each, word) for each in step):,}" for step in steps],
        )


def _versions(result: DiffResult, entity: int, kernels: Sequence[int], depth: Depth) -> list[str]:
    """The versions in the kernels, numbered from 1 in the order in which they occur."""
    numbers: dict[int, str] = {}
    versions = result.version_numbers(entity, depth=depth)
    return [
        _ABSENT if versions[kernel] < 0 else numbers.setdefault(versions[kernel], str(len(numbers) + 1))
        for kernel in kernels
    ]
