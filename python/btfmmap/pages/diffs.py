"""The page of a `DiffResult`."""

from __future__ import annotations

from ..diffing.kinds import ChangeKind
from ..html.text import escaped
from .document import FILTER, MAX_ROWS, code, document, left_out, marked, number, table, text
from .matrix import matrix
from .pairs import MAX_PAIRS, has_pair, pairs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..diffing.comparison import Change, ChangedEntity, Depth
    from ..diffing.result import DiffResult

_WITH_SIZES = (ChangeKind.SIZE, ChangeKind.ALIGNMENT)
_WITH_VALUES = (
    ChangeKind.LINKAGE,
    ChangeKind.SIGNED,
    ChangeKind.VARIADIC,
    ChangeKind.ENUMERATOR_ADDED,
    ChangeKind.ENUMERATOR_REMOVED,
    ChangeKind.ENUMERATOR_VALUE,
    ChangeKind.ENUMERATOR_RENAMED,
)
_ONE_SIDED = (ChangeKind.ENUMERATOR_ADDED, ChangeKind.ENUMERATOR_REMOVED)
_MARKS = {ChangeKind.ADDED: "good", ChangeKind.REMOVED: "bad"}


def diff_page(result: DiffResult, *, depth: Depth = "declaration") -> str:
    """Return a page with what changed between kernels.

    Args:
        result: The result of `diff`.
        depth: Which changes count, as in `DiffResult.changed`.

    Returns:
        A whole document in HTML: the versions of what changed in each kernel, and the changes between
        `DiffResult.neighbours`, with maps of up to 40 structs in both beside each other.

    Raises:
        ValueError: `depth` is unknown.

    Example:
        >>> page = btfmmap.pages.diff_page(btfmmap.diff({"old": btf, "new": btf}))
        >>> "Nothing differs" in page
        True
    """
    steps = [(old, new, result.changed(old, new, depth=depth)) for old, new in result.neighbours]
    names = result.kernel_labels
    title = " \N{RIGHTWARDS ARROW} ".join(names) if len(names) == 2 else f"{len(names):,} kernels"
    return document(title, _parts(result, steps, names))


def _parts(
    result: DiffResult,
    steps: Sequence[tuple[int, int, list[ChangedEntity]]],
    names: Sequence[str],
) -> Iterator[str]:
    for note in result.notes:
        yield f"<p>{escaped(note, 400)}</p>\n"
    for name, error in zip(names, result.errors, strict=True):
        if error:
            yield f"<p>{escaped(name)} did not open: {escaped(error, 400)}</p>\n"
    if not any(found for _, _, found in steps):
        yield "<p>Nothing differs.</p>\n" if steps else "<p>Nothing was compared.</p>\n"
        return
    heads = ("kernel", "added", "removed", "changed by itself", "only follows")
    yield table("Changes from the kernel before", heads, _numbers(steps, names))
    yield FILTER
    changed = [*dict.fromkeys(each.entity for _, _, found in steps for each in found)]
    changed.sort()
    if len(names) > 2:
        yield "<p>Numbers are versions of a definition, - is absent. * marks a version that is new.</p>\n"
        in_order = [names[kernel] for kernel in result.order]
        yield matrix("Versions", "definition", in_order, _versions(result, changed[:MAX_ROWS]))
        yield left_out(len(changed))
    without_map = 0
    room = MAX_PAIRS
    for left, (old, new, found) in zip(range(len(steps), 0, -1), steps, strict=True):
        structs = [each for each in found if has_pair(result, each, old, new)]
        structs.sort(key=lambda each: not each.own)
        share = -(-room // left)
        yield from pairs(result, structs[:share], old, new, names)
        without_map += len(structs[share:])
        room -= len(structs[:share])
    if without_map:
        yield (
            f"<p>{without_map:,} more structs and unions changed their layout, and have no map here: compare "
            "fewer, with --only.</p>\n"
        )
    for old, new, found in steps:
        ordered = sorted(found, key=lambda each: not each.own)
        rows = [(each, change) for each in ordered for change in each.changes]
        if rows:
            caption = f"From {names[old]} to {names[new]}"
            heads = ("kind", "name", "change", "before", "after")
            yield table(caption, heads, map(_change_row, rows[:MAX_ROWS]))
            yield left_out(len(rows))


def _numbers(
    steps: Sequence[tuple[int, int, list[ChangedEntity]]], names: Sequence[str]
) -> Iterator[tuple[None, Sequence[str]]]:
    for old, new, found in steps:
        kinds = [each.changes[0].kind for each in found]
        added, removed = kinds.count(ChangeKind.ADDED), kinds.count(ChangeKind.REMOVED)
        follow = sum(not each.own for each in found)
        counts = (added, removed, len(found) - added - removed - follow, follow)
        yield None, [text(f"{names[old]} \N{RIGHTWARDS ARROW} {names[new]}"), *map(number, counts)]


def _versions(result: DiffResult, entities: Sequence[int]) -> Iterator[tuple[int, str, Sequence[str]]]:
    order, errors = result.order, result.errors
    before = {new: old for old, new in result.neighbours}
    for entity in entities:
        kind, name = result.name(entity)
        versions = result.version_numbers(entity)
        numbers: dict[int, int] = {}
        cells = []
        for kernel in order:
            version = versions[kernel]
            if errors[kernel]:
                cells.append(marked("", "none", "did not open"))
                continue
            shown = "-" if version < 0 else str(numbers.setdefault(version, len(numbers) + 1))
            is_new = kernel in before and version not in (versions[before[kernel]], -1)
            cells.append(
                marked(shown + "*" * is_new, "none" if version < 0 else "doubtful" if is_new else "good")
            )
        yield entity, f"{kind.name.lower()} {name}", cells


def _change_row(row: tuple[ChangedEntity, Change]) -> tuple[int, Sequence[str]]:
    entity, change = row
    word = change.kind.name.lower().replace("_", " ") + ("" if entity.own else " (follows)")
    mark = _MARKS.get(change.kind, "doubtful")
    cells = (
        text(entity.kind.name.lower()),
        code(entity.name),
        marked(word, mark),
        code(_side(change, "old")),
        code(_side(change, "new")),
    )
    return entity.entity, cells


def _side(change: Change, which: str) -> str:
    fields = change._asdict()
    path, type_, offset, size, value = (
        fields[f"{name}_{which}"] for name in ("path", "text", "offset", "size", "value")
    )
    if change.kind in _WITH_SIZES:
        return f"{size:,} bytes"
    if change.kind in _ONE_SIDED and not path:
        return ""
    if change.kind in _WITH_VALUES:
        return f"{path} = {value}" if path else str(value)
    parts = [" ".join(filter(None, (type_, path)))]
    if offset >= 0:
        parts.append(f"at {offset // 8}" + (f" bit {offset % 8}" if offset % 8 else ""))
    return " ".join(filter(None, parts))
