"""The report of `diff` for two kernels."""

from __future__ import annotations

import sys

from .. import ChangeKind, EntityKind, NotSupportedError
from .common import printable
from .diff_text import change_lines, headline, label, wrapped
from .matrix import output_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .. import ChangeCounts, ChangedEntity, DiffResult
    from .diff_text import Depth

_NAMES = 12  # of added and removed entities
_CAUSES = 12
_WORDS = {
    EntityKind.STRUCT: "structs",
    EntityKind.UNION: "unions",
    EntityKind.ENUM: "enums",
    EntityKind.FUNCTION: "functions",
    EntityKind.TYPEDEF: "typedefs",
    EntityKind.VARIABLE: "variables",
    EntityKind.TRACEPOINT: "tracepoints",
    EntityKind.BASE: "base types",
}


def print_report(
    result: DiffResult, pair: tuple[int, int], depth: Depth, *, everything: bool, numbers_only: bool
) -> None:
    """Print numbers, causes, and what changed of each kind."""
    width = output_width()
    old, new = (printable(result.identities[row].name) for row in pair)
    print(*wrapped(f"{old} -> {new}", width), sep="\n")
    for note in result.notes:
        print(*wrapped(f"note: {note}", width), sep="\n")
    counts = result.change_counts(*pair, depth="layout" if depth == "layout" else "deep")
    if not counts:
        print("no differences")
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
    found = result.changed(*pair, depth=depth)
    for lines in (
        _causes(result, pair, found, width, everything),
        _details(found, depth, width, everything),
    ):
        sys.stdout.writelines(f"{line}\n" for line in lines)


# -- numbers


def _numbers(counts: Sequence[ChangeCounts]) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [("", "added", "removed", "changed", "follow")]
    rows += ((_WORDS[kind], *(f"{count:,}" for count in numbers)) for kind, *numbers in counts)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        yield "  ".join((first.ljust(widths[0]), *cells)).rstrip()


# -- causes


def _causes(
    result: DiffResult, pair: tuple[int, int], found: Sequence[ChangedEntity], width: int, everything: bool
) -> Iterator[str]:
    try:
        causes = result.causes(*pair)
    except NotSupportedError as error:
        yield from ("", *wrapped(f"Causes were not counted: {error}", width))
        return
    if not causes:
        return
    by_row = {each.entity: each for each in found}  # all of other sizes are among them
    yield from ("", "Causes: what others contain by value")
    shown = causes if everything else causes[:_CAUSES]
    for entity, followers in shown:
        kind, name = result.name(entity)
        text = f"{label(kind, name)}{headline(by_row[entity]) if entity in by_row else ''}"
        yield from wrapped(f"{text}: {followers:,} follow{'s' * (followers == 1)}", width, "  ")
        if everything:
            names = [label(*result.name(row)) for row in result.follows(entity, *pair)]
            yield from wrapped(", ".join(names), width, "      ")
    if len(causes) > len(shown):
        yield f"  and {len(causes) - len(shown):,} more; --all prints them, and what follows"


# -- details


def _details(found: Sequence[ChangedEntity], depth: Depth, width: int, everything: bool) -> Iterator[str]:
    by_kind: dict[EntityKind, list[ChangedEntity]] = {}
    for each in found:
        by_kind.setdefault(each.kind, []).append(each)
    for kind, word in _WORDS.items():
        names: dict[ChangeKind, list[str]] = {ChangeKind.REMOVED: [], ChangeKind.ADDED: []}
        changed = []
        for each in by_kind.get(kind, ()):
            of_change = names.get(each.changes[0].kind)
            if of_change is not None:
                of_change.append(each.name)
            elif each.own or depth == "deep":
                changed.append(each)
        for (_, of_change), verb in zip(names.items(), ("removed", "added"), strict=True):
            if of_change:
                yield from ("", f"{word} {verb}: {len(of_change):,}")
                yield from _listed(of_change, width, everything)
        if changed:
            yield from ("", f"{word} changed: {len(changed):,}")
        for each in changed:
            text = f"{label(each.kind, each.name)}{headline(each)}{'' if each.own else ' (follows)'}"
            yield from wrapped(text, width, "  ")
            yield from change_lines(each, width)


def _listed(names: Sequence[str], width: int, everything: bool) -> Iterator[str]:
    shown = sorted(names) if everything else sorted(names)[:_NAMES]
    more = len(names) - len(shown)
    text = ", ".join(map(printable, shown)) + (f" and {more:,} more" if more else "")
    yield from wrapped(text, width, "  ")
