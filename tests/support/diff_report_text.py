"""What `DiffReport.write` writes, made in Python from the tuples of `DiffResult.changed`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from btfmmap import Change, ChangedEntity, ChangeKind, EntityKind

INDENT = "    "
LEAST_WIDTH = 40
MEMBERS = {kind for kind in ChangeKind if kind.name.startswith("MEMBER_")}
MARKS = {
    ChangeKind.ENUMERATOR_ADDED: "+",
    ChangeKind.ENUMERATOR_REMOVED: "-",
    ChangeKind.PARAMETER_ADDED: "+",
    ChangeKind.PARAMETER_REMOVED: "-",
}
LINKAGES = {0: "static", 1: "global", 2: "extern"}


def printable(text: str) -> str:
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def report(found: Sequence[ChangedEntity], kind: EntityKind, width: int, deep: bool) -> str:
    """The text about the entities of one kind."""
    lines: list[str] = []
    word = "type" if kind == EntityKind.BASE else kind.name.lower()
    for each in found:
        single = each.changes[0].kind in (ChangeKind.ADDED, ChangeKind.REMOVED)
        if each.kind == kind and not single and (each.own or deep):
            text = f"{word} {printable(each.name)}{headline(each)}{'' if each.own else ' (follows)'}"
            lines += wrapped(text, width, "  ")
            lines += change_lines(each, width)
    return "".join(f"{line}\n" for line in lines)


def headline(entity: ChangedEntity) -> str:
    text = ""
    for change in entity.changes:
        if change.kind == ChangeKind.SIZE:
            text += f", {change.size_old:,} -> {change.size_new:,} bytes"
        elif change.kind == ChangeKind.SIGNED and entity.kind == EntityKind.BASE:
            text += f" ({encoding(change.value_old, change.value_new)}"
            text += f" -> {encoding(change.value_new, change.value_old)})"
    return text


def encoding(word: int, other: int) -> str:
    if (word ^ other) & ~0x07FF00FF:
        return f"encoding 0x{word:08x}"
    text = "signed" if word >> 24 & 1 else "unsigned"
    text += " char" * (word >> 25 & 1) + " bool" * (word >> 26 & 1)
    if (word ^ other) & 0xFF:
        text += f", {word & 0xFF} bits"
    if (word ^ other) >> 16 & 0xFF:
        text += f" at bit {word >> 16 & 0xFF}"
    return text


def change_lines(entity: ChangedEntity, width: int) -> Iterator[str]:
    members, renumbered = [], []
    for change in entity.changes:
        kind = change.kind
        if kind in MEMBERS:
            members.append(change)
        elif kind == ChangeKind.ENUMERATOR_VALUE:
            renumbered.append(change)
        elif kind == ChangeKind.SIZE or (kind == ChangeKind.SIGNED and entity.kind == EntityKind.BASE):
            pass  # in the headline
        else:
            yield from wrapped(f"{MARKS.get(kind, ' ')} {sentence(change)}", width, INDENT)
    yield from renumbered_lines(renumbered, width)
    if members:
        yield from member_lines(members, width)


def wrapped(text: str, width: int, indent: str) -> list[str]:
    inner = " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(
        text,
        max(width, LEAST_WIDTH),
        initial_indent=indent,
        subsequent_indent=f"{indent}{inner}    ",
        break_on_hyphens=False,
    )


def sentence(change: Change) -> str:
    old, new = printable(change.text_old), printable(change.text_new)
    path = printable(change.path_new or change.path_old)
    match change.kind:
        case ChangeKind.ALIGNMENT:
            return f"alignment {change.size_old} -> {change.size_new}"
        case ChangeKind.TAGS:
            return f"tags {old or 'none'} -> {new or 'none'}"
        case ChangeKind.LINKAGE:
            return f"linkage {linkage(change.value_old)} -> {linkage(change.value_new)}"
        case ChangeKind.SIGNED:
            return f"{signed(change.value_old)} -> {signed(change.value_new)}"
        case ChangeKind.GROUPING:
            return "members are grouped otherwise"
        case ChangeKind.ENUMERATOR_ADDED:
            return f"{path} = {change.value_new}"
        case ChangeKind.ENUMERATOR_REMOVED:
            return f"{path} = {change.value_old}"
        case ChangeKind.ENUMERATOR_RENAMED:
            return f"{printable(change.path_old)} -> {path} = {change.value_new}"
        case ChangeKind.PARAMETER_ADDED:
            return f"{path}: {new}"
        case ChangeKind.PARAMETER_REMOVED:
            return f"{path}: {old}"
        case ChangeKind.PARAMETER_REORDERED:
            return "parameters are in another order"
        case ChangeKind.PARAMETER_RENAMED:
            return f"{printable(change.path_old)} -> {path}: {new}"
        case ChangeKind.PARAMETER_TYPE:
            return f"{path}: {old} -> {new}"
        case ChangeKind.RETURN_TYPE:
            return f"returns {old} -> {new}"
        case ChangeKind.VARIADIC:
            return "takes more arguments" if change.value_new else "takes no more arguments"
        case ChangeKind.TYPE:
            return f"{old} -> {new}"
        case _:
            return f"{path}: {new} changed inside" if path else f"{new} changed inside"


def linkage(value: int) -> str:
    return LINKAGES.get(value, str(value))


def signed(value: int) -> str:
    return "signed" if value else "unsigned"


def renumbered_lines(found: Sequence[Change], width: int) -> Iterator[str]:
    start = 0
    while start < len(found):
        end, first = start, found[start]
        distance = first.value_new - first.value_old
        while end < len(found) and found[end].value_new - found[end].value_old == distance:
            end += 1
        text = f"{printable(first.path_old)} {first.value_old} -> {first.value_new}"
        if end - start > 1:
            text += f" ... {printable(found[end - 1].path_old)}: {end - start:,} values by {distance:+}"
        yield from wrapped(f"  {text}", width, INDENT)
        start = end


def member_lines(changes: Sequence[Change], width: int) -> Iterator[str]:
    rows = sorted(by_member(changes), key=position)
    rows = [row for row in rows if not any(is_twin(row, other) for other in same_place(rows, row))]
    digits = max(len(offset(each)) for row in rows for each in (row[0].offset_old, row[0].offset_new))
    runs: list[list[list[Change]]] = []
    for row in rows:
        if runs and shift(row) is not None and shift(row) == shift(runs[-1][-1]):
            runs[-1].append(row)
        else:
            runs.append([row])
    side = max((max(width, LEAST_WIDTH) - len(INDENT) - 3) // 2, 20)
    fits = all(len(text) <= side for run in runs if len(run) == 1 for text in sides(run[0], digits))
    for run in runs:
        old, new = sides(run[0], digits)
        if len(run) > 1:
            yield from wrapped("  " * (not fits) + shift_text(run, digits), width, INDENT)
        elif fits:
            mark = "+" if not old else "-" if not new else "|"
            yield f"{INDENT}{old:{side}} {mark} {new}".rstrip()
        elif same_text(run[0][0]):
            yield from wrapped(f"  {one_line(run[0], digits)}", width, INDENT)
        else:
            for mark, text in (("-", old), ("+", new)):
                if text:
                    yield from wrapped(f"{mark} {text}", width, INDENT)


def by_member(changes: Sequence[Change]) -> list[list[Change]]:
    found: dict[tuple[str, str, int, int, str], list[Change]] = {}
    for change in changes:
        # Members without a name are told apart by their type.
        key = change.path_old, change.path_new, change.offset_old, change.offset_new
        named = change.path_old or change.path_new
        found.setdefault((*key, "" if named else change.text_old), []).append(change)
    return [*found.values()]


def position(row: Sequence[Change]) -> tuple[int, int]:
    change = row[0]
    return (change.offset_new if change.offset_new >= 0 else change.offset_old, change.offset_old)


def same_place(rows: Sequence[list[Change]], row: list[Change]) -> list[list[Change]]:
    return [other for other in rows if position(other) == position(row)]


def is_twin(row: Sequence[Change], other: Sequence[Change]) -> bool:
    """Whether a row is the other one, with one more holder in its path."""
    left, right = row[0], other[0]
    if [each.kind for each in row] != [each.kind for each in other]:
        return False
    if any(
        getattr(left, f"{name}_{end}") != getattr(right, f"{name}_{end}")
        for name in ("offset", "bits", "text")
        for end in ("old", "new")
    ):
        return False
    old, new = left.path_old.split("."), left.path_new.split(".")
    return any(
        (not left.path_old or ".".join(old[:at] + old[at + 1 :]) == right.path_old)
        and (not left.path_new or ".".join(new[:at] + new[at + 1 :]) == right.path_new)
        for at in range(max(len(old), len(new)) - 1)
    )


def shift(row: Sequence[Change]) -> int | None:
    change = row[0]
    if len(row) > 1 or change.kind != ChangeKind.MEMBER_MOVED or change.own:
        return None
    return change.offset_new - change.offset_old


def shift_text(rows: Sequence[Sequence[Change]], digits: int) -> str:
    first, last = rows[0][0], rows[-1][0]
    distance = first.offset_new - first.offset_old
    by = f"{distance // 8:+,} bytes" if distance % 8 == 0 else f"{distance:+,} bits"
    return (
        f"{offset(first.offset_old):>{digits}} {printable(first.path_old)} ... {printable(last.path_old)}: "
        f"{len(rows):,} members by {by}"
    )


def same_text(change: Change) -> bool:
    pairs = ((change.path_old, change.path_new), (change.text_old, change.text_new))
    return min(change.offset_old, change.offset_new) >= 0 and (
        all(old == new for old, new in pairs) and change.bits_old == change.bits_new
    )


def one_line(row: Sequence[Change], digits: int) -> str:
    change = row[0]
    moved = f" -> {offset(change.offset_new)}" if change.offset_old != change.offset_new else ""
    text = member(change.text_new, change.path_new, change.bits_new)
    return f"{offset(change.offset_old):>{digits}}{moved} {text}{notes(row)}"


def sides(row: Sequence[Change], digits: int) -> tuple[str, str]:
    change = row[0]
    old = new = ""
    if change.offset_old >= 0:
        text = member(change.text_old, change.path_old, change.bits_old)
        old = f"{offset(change.offset_old):>{digits}} {text}"
    if change.offset_new >= 0:
        text = member(change.text_new, change.path_new, change.bits_new)
        new = f"{offset(change.offset_new):>{digits}} {text}{notes(row)}"
    return old, new


def notes(row: Sequence[Change]) -> str:
    kinds = [each.kind for each in row]
    return " (inside)" * (ChangeKind.MEMBER_EMBEDDED in kinds) + " (nested)" * (
        ChangeKind.MEMBER_NESTED in kinds
    )


def member(type_: str, path: str, bits: int) -> str:
    width = f":{bits}" if bits > 0 else ""
    name = f"{printable(path)}{width}" if path else "(no name)"
    return f"{name}: {printable(type_)}"


def offset(bits: int) -> str:
    if bits < 0:
        return ""
    return str(bits >> 3) if bits & 7 == 0 else f"{bits >> 3}:{bits & 7}"
