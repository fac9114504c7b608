"""The definitions of many kernels: which are the same, by the tests' differ and by `btfmmap.diff`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from diff_causes import definitions, pair_namesakes
from diff_changes import Definition
from diff_members import Definitions

import btfmmap

Versions = Counter[tuple[str, str, tuple[int, ...]]]
"""How many entities of a class and name have these versions: a number for each kernel, -1 where absent."""


def of_entities(kernels: Sequence[Definitions]) -> Versions:
    """Each kernel's definitions are paired with the latest ones of the kernels before it."""
    found: Versions = Counter()
    sides = [definitions(kernel) for kernel in kernels]
    for key in set().union(*sides):
        histories: list[list[Definition | None]] = []
        for at, side in enumerate(sides):
            latest = {id(_latest(history)): history for history in histories}
            pairs, _ = pair_namesakes([_latest(history) for history in histories], side.get(key, []))
            for old, new in pairs:
                if old is None:
                    histories.append([*[None] * at, new])
                else:
                    latest[id(old)].append(new)
        for history in histories:
            kind, name = key
            found[kind, name, _numbered([_content(definition) for definition in history])] += 1
    return found


def of_presence(result: btfmmap.DiffResult) -> Versions:
    entities = result.entities
    return Counter(
        (btfmmap.EntityKind(kind).name, name, _numbered([None if at < 0 else at for at in row]))
        for kind, name, row in zip(
            entities.kind.tolist(), entities.name, result.presence.tolist(), strict=True
        )
    )


def _latest(history: list[Definition | None]) -> Definition:
    return next(definition for definition in reversed(history) if definition)


def _content(definition: Definition | None) -> Hashable:
    if definition is None:
        return None
    return definition.fingerprints, definition.tags, definition.record.get("linkage")


def _numbered(contents: Sequence[Hashable]) -> tuple[int, ...]:
    """Equal contents as equal numbers, in order of appearance; None as -1."""
    numbers: dict[Hashable, int] = {}
    return tuple(-1 if content is None else numbers.setdefault(content, len(numbers)) for content in contents)
