"""The result of `btfmmap.diff` in the form of the tests' differ, to compare the two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from diff_changes import Change

import btfmmap

Label = tuple[str, str, int | None, int | None]
"""Class, name, and type id in each kernel; None where absent."""
Row = tuple[Hashable, ...]
"""Code, old and new path, old and new value, own."""
TYPED = {"MEMBER_TYPE", "PARAMETER_TYPE", "RETURN_TYPE", "TYPE"}
ADDED = {"MEMBER_ADDED", "MEMBER_REMOVED", "PARAMETER_ADDED", "PARAMETER_REMOVED"}
NUMBERS = {
    "SIZE": "size",
    "ALIGNMENT": "size",
    "MEMBER_MOVED": "offset",
    "MEMBER_BITS": "bits",
    "ENUMERATOR_VALUE": "value",
    "ENUMERATOR_ADDED": "value",
    "ENUMERATOR_REMOVED": "value",
}
"""The columns that are compared."""


@dataclass
class Summary:
    """What both differs say of two kernels."""

    rows: dict[Label, Counter[Row]] = field(default_factory=dict)
    followers: dict[Label, set[Label]] = field(default_factory=dict)
    """Of each cause that has some."""
    entities: int = 0
    uncertain: Counter[tuple[str, str]] = field(default_factory=Counter)

    def mirrored(self) -> Summary:
        """What the comparison of the new kernel with the old one must be."""
        rows = {
            _mirrored_label(label): Counter({_mirrored_row(row): count for row, count in of_one.items()})
            for label, of_one in self.rows.items()
        }
        followers = {
            _mirrored_label(cause): {_mirrored_label(label) for label in found}
            for cause, found in self.followers.items()
        }
        return Summary(rows, followers, self.entities, self.uncertain)

    def disagreements(self, other: Summary) -> list[str]:
        """Where the other differs; for each entity or cause, the first few differences."""
        found = []
        for label in sorted(self.rows.keys() | other.rows.keys(), key=repr):
            first, second = self.rows.get(label, Counter()), other.rows.get(label, Counter())
            if first != second:
                only = [*(first - second).elements()], [*(second - first).elements()]
                found.append(f"{label}: only here {only[0][:3]}, only there {only[1][:3]}")
        for label in sorted(self.followers.keys() | other.followers.keys(), key=repr):
            here, there = self.followers.get(label, set()), other.followers.get(label, set())
            if here != there:
                found.append(
                    f"cause {label}: only here {[*here - there][:3]}, only there {[*there - here][:3]}"
                )
        if self.entities != other.entities:
            found.append(f"{self.entities} entities here, {other.entities} there")
        if self.uncertain != other.uncertain:
            found.append(f"uncertain: {self.uncertain} here, {other.uncertain} there")
        return found


def _mirrored_label(label: Label) -> Label:
    kind, name, old, new = label
    return kind, name, new, old


def _mirrored_row(row: Row) -> Row:
    code, old_path, new_path, old, new, own = row
    swapped = {"ADDED": "REMOVED", "REMOVED": "ADDED"}
    prefix, _, verb = str(code).rpartition("_")
    code = f"{prefix}_{swapped[verb]}".lstrip("_") if verb in swapped else code
    return code, new_path, old_path, new, old, own


def _text(text: object) -> object:
    """A type without spaces; nothing if it spells out a struct without a name."""
    return None if text is None or "{" in str(text) else "".join(str(text).split())


def _as_signed(code: str, value: Any) -> Any:
    """The column of values has 64 bits, whatever the sign of the enum."""
    is_large = code.startswith("ENUMERATOR") and value is not None and value >= 1 << 63
    return value - (1 << 64) if is_large else value


def oracle_row(change: Change) -> Row:
    code = change.code
    values: tuple[object, object] = (None, None)
    if code in NUMBERS:
        values = tuple(_as_signed(code, value) for value in (change.old, change.new))
    elif code in TYPED | ADDED:
        values = _text(change.old), _text(change.new)
    return (code, change.old_path, change.new_path, *values, change.own)


def of_oracle(difference: Any) -> Summary:
    """Of a `diff_causes.Difference`."""
    return Summary(
        {
            difference.label(at): Counter(map(oracle_row, difference.entities[at].rows))
            for at in difference.changed
        },
        {cause: followers for cause, followers in difference.causes().items() if followers},
        len(difference.entities),
        Counter(entity.key for entity in difference.entities if entity.uncertain),
    )


def of_engine(result: btfmmap.DiffResult) -> Summary:
    """Of the first two kernels of a `DiffResult` without modules."""
    entities, versions, changes = result.entities, result.versions, result.changes()
    ids = {
        (int(entity), int(version)): int(type_id)
        for entity, version, type_id in zip(versions.entity, versions.version, versions.type_id, strict=True)
    }
    presence = result.presence.tolist()
    names, kinds = entities.name, entities.kind.tolist()

    def label(entity: int) -> Label:
        old, new = (ids.get((entity, version)) for version in presence[entity][:2])
        return btfmmap.EntityKind(kinds[entity]).name, names[entity], old, new

    columns = {name: changes[name].tolist() for name in changes.columns}
    rows: dict[Label, Counter[Row]] = {}
    for at, entity in enumerate(columns["entity"]):
        code = btfmmap.ChangeKind(columns["kind"][at]).name
        values: tuple[object, object] = (None, None)
        if code in NUMBERS:
            values = columns[f"{NUMBERS[code]}_old"][at], columns[f"{NUMBERS[code]}_new"][at]
        elif code in TYPED | ADDED:
            values = _text(columns["text_old"][at]), _text(columns["text_new"][at])
        if code.endswith("_ADDED"):
            values = None, values[1]
        elif code.endswith("_REMOVED"):
            values = values[0], None
        row = (code, columns["path_old"][at], columns["path_new"][at], *values, columns["own"][at])
        rows.setdefault(label(entity), Counter())[row] += 1
    followers = {}
    for cause in changes.causes().entity.tolist():
        followers[label(cause)] = {label(entity) for entity in changes.follows(cause).tolist()}
    uncertain = Counter(
        (btfmmap.EntityKind(kinds[at]).name, names[at])
        for at, is_uncertain in enumerate(entities.uncertain.tolist())
        if is_uncertain
    )
    return Summary(rows, followers, len(entities), uncertain)
