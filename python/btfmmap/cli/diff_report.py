"""The report of `diff` for two kernels."""

from __future__ import annotations

from .. import ChangeKind, EntityKind
from .common import printable
from .diff_text import change_lines, headline, label, wrapped
from .matrix import output_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .. import ChangedEntity, DiffResult
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
    found = result.changed(*pair, depth=depth)
    deep = result.changed(*pair, depth="deep")
    if not deep:
        print("no differences")
        return
    print()
    for line in _numbers(deep, depth):
        print(line)
    print()
    print(
        *wrapped("changed: by themselves; follow: only because of types that they contain", width), sep="\n"
    )
    if numbers_only:
        return
    for lines in (_causes(result, pair, deep, width, everything), _details(found, depth, width, everything)):
        for line in lines:
            print(line)


# -- numbers


def _numbers(deep: Sequence[ChangedEntity], depth: Depth) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [("", "added", "removed", "changed", "follow")]
    for kind, word in _WORDS.items():
        of_kind = [each for each in deep if each.kind == kind and (each.layout or depth != "layout")]
        if of_kind:
            rows.append((word, *(f"{count:,}" for count in _counts(of_kind))))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        yield "  ".join((first.ljust(widths[0]), *cells)).rstrip()


def _counts(entities: Iterable[ChangedEntity]) -> tuple[int, int, int, int]:
    added = removed = own = follow = 0
    for each in entities:
        kind = each.changes[0].kind
        if kind == ChangeKind.ADDED:
            added += 1
        elif kind == ChangeKind.REMOVED:
            removed += 1
        elif each.own:
            own += 1
        else:
            follow += 1
    return added, removed, own, follow


# -- causes


def _causes(
    result: DiffResult, pair: tuple[int, int], deep: Sequence[ChangedEntity], width: int, everything: bool
) -> Iterator[str]:
    causes = result.causes(*pair)
    if not causes:
        return
    by_row = {each.entity: each for each in deep}
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
    for kind, word in _WORDS.items():
        of_kind = [each for each in found if each.kind == kind]
        for change, verb in ((ChangeKind.REMOVED, "removed"), (ChangeKind.ADDED, "added")):
            names = [each.name for each in of_kind if each.changes[0].kind == change]
            if names:
                yield from ("", f"{word} {verb}: {len(names):,}")
                yield from _listed(names, width, everything)
        changed = [
            each
            for each in of_kind
            if each.changes[0].kind not in (ChangeKind.ADDED, ChangeKind.REMOVED)
            and (each.own or depth == "deep")
        ]
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
