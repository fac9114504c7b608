"""The report of `diff` for two kernels."""

from __future__ import annotations

from .. import NotSupportedError
from .common import printable
from .diff_causes import Causes
from .diff_text import WORDS, label, labels, print_lines, wrapped
from .matrix import output_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .. import ChangeCounts, DiffReport, DiffResult
    from .diff_text import Depth

_NAMES = 12  # of added and removed entities
_CAUSES = 12


def print_report(
    result: DiffResult,
    pair: tuple[int, int],
    depth: Depth,
    *,
    everything: bool,
    numbers_only: bool,
    names_given: bool,
) -> None:
    """Print numbers, causes, and what changed of each kind.

    If the names to compare were given, it is printed which of them follow from each cause.
    """
    width = output_width()
    old, new = (printable(result.kernel_labels[row]) for row in pair)
    print(*wrapped(f"{old} -> {new}", width), sep="\n")
    for note in result.notes:
        print(*wrapped(f"note: {note}", width), sep="\n")
    counts = result.change_counts(*pair, depth="layout" if depth == "layout" else "deep")
    if not counts:
        print(*wrapped(_without_differences(result, pair, depth), width), sep="\n")
        return
    print()
    for line in _numbers(counts):
        print(line)
    print()
    print(
        *wrapped("changed: by themselves; follow: only because of types that they contain", width), sep="\n"
    )
    if numbers_only:
        return
    report = result.report(*pair, depth=depth)
    for line in _causes(
        result, Causes(result, pair, depth), report, width, everything=everything, names_given=names_given
    ):
        print(line)
    _print_details(report, counts, width, everything=everything)


def print_step(result: DiffResult, pair: tuple[int, int], depth: Depth, *, everything: bool) -> None:
    """Print what changed from one kernel to the next, without numbers and causes."""
    counts = result.change_counts(*pair, depth=depth)
    if not counts:
        return
    width = output_width()
    old, new = (printable(result.kernel_labels[row]) for row in pair)
    print("", *wrapped(f"{old} -> {new}", width), sep="\n")
    if depth == "deep" or any(each.added or each.removed or each.changed for each in counts):
        _print_details(result.report(*pair, depth=depth), counts, width, everything=everything)
    else:
        print("no changes of their own; --deep lists what follows from others")


# -- numbers


def _numbers(counts: Sequence[ChangeCounts]) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [("", "added", "removed", "changed", "follow")]
    rows += ((WORDS[kind], *(f"{count:,}" for count in numbers)) for kind, *numbers in counts)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        yield "  ".join((first.ljust(widths[0]), *cells)).rstrip()


def _without_differences(result: DiffResult, pair: tuple[int, int], depth: Depth) -> str:
    others = result.change_counts(*pair, depth="deep") if depth == "layout" else []
    if not others:
        return "no differences"
    numbers = []
    for kind, *counts in others:
        count = sum(counts)
        numbers.append(f"{count:,} {WORDS[kind] if count != 1 else WORDS[kind].removesuffix('s')}")
    one = sum(sum(counts) for _, *counts in others) == 1
    return f"no layout differs ({', '.join(numbers)} differ{'s' * one} otherwise)"


# -- causes


def _causes(
    result: DiffResult,
    found: Causes,
    report: DiffReport,
    width: int,
    *,
    everything: bool,
    names_given: bool,
) -> Iterator[str]:
    try:
        causes = found.counted()
    except NotSupportedError as error:
        yield from ("", *wrapped(f"Causes were not counted: {error}", width))
        return
    if not causes:
        return
    yield from ("", "Causes: what others contain by value")
    shown = causes if everything or names_given else causes[:_CAUSES]
    for entity, followers in shown:
        kind, name = result.name(entity)
        text = f"{label(kind, name)}{report.headline(entity)}"
        yield from wrapped(f"{text}: {followers:,} follow{'s' * (followers == 1)}", width, "  ")
        if everything or names_given:
            yield from labels(result, found.followers(entity), width, "      ")
    if len(causes) > len(shown):
        yield f"  and {len(causes) - len(shown):,} more; --all prints them, and what follows"


# -- details


def _print_details(
    report: DiffReport, counts: Sequence[ChangeCounts], width: int, *, everything: bool
) -> None:
    """Print for each kind which entities were removed and added, and what changed about the others."""
    limit = None if everything else _NAMES
    for kind, added, removed, _, _ in counts:
        for verb, count, names in (
            ("removed", removed, report.removed(kind, limit)),
            ("added", added, report.added(kind, limit)),
        ):
            if count:
                more = f" and {count - len(names):,} more" if count > len(names) else ""
                print(f"\n{WORDS[kind]} {verb}: {count:,}")
                print(*wrapped(", ".join(map(printable, names)) + more, width, "  "), sep="\n")
        if changed := report.count(kind):
            print(f"\n{WORDS[kind]} changed: {changed:,}")
            report.write(kind, print_lines, width)
