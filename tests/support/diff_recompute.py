"""What follows from what, computed without the rules of the differs.

In the newer kernel, the old definition of a cause is put back, and what embeds it is laid out again as a
compiler would. What then differs from the newer kernel follows from the cause. With all causes put back, what
has no change of its own must be as in the older kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

from btf_writer import (
    ARRAY,
    CONST,
    FLOAT,
    FUNC,
    FUNC_PROTO,
    FWD,
    INT,
    PTR,
    RESTRICT,
    TYPEDEF,
    UNION,
    VAR,
    VOLATILE,
)
from diff_editor import traced
from diff_layout import COMPOSITES, ENUMS, Relayout, by_value
from raw_records import REFERRING, Record

QUALIFIER_NAMES = {CONST: "const", VOLATILE: "volatile", RESTRICT: "restrict"}


class Merged:
    """Two kernels as one list of records: the ids of the older one follow those of the newer one."""

    def __init__(self, old: Sequence[Record], new: Sequence[Record]) -> None:
        self.shift = len(new)
        ids = _Shifted(self.shift)
        self.records = [*new, *(record.renumbered(ids) for record in old)]
        self.holders = by_value(self.records)

    def put_back(self, pairs: Iterable[tuple[int, int]]) -> Contents:
        """The contents if the new types, of each pair of ids here (old, new), had their old definitions."""
        changed = {new: self.records[old - 1] for old, new in pairs}
        records = [changed.get(type_id, record) for type_id, record in enumerate(self.records, 1)]
        return Contents(Relayout(self.records, records, set(changed)).records if changed else records)

    def old_id(self, type_id: int) -> int:
        """The id here of a type of the older kernel."""
        return type_id + self.shift

    def embedding(self, type_ids: Iterable[int]) -> set[int]:
        """All types of the newer kernel that embed one of these."""
        seen = set(type_ids)
        pending = [*seen]
        while pending:
            for holder in self.holders[pending.pop()]:
                if holder not in seen:
                    seen.add(holder)
                    pending.append(holder)
        return seen


def by_value_of(records: Sequence[Record], prototypes: set[int]) -> set[int]:
    """The types, and the functions and tracepoints with these prototypes."""
    return prototypes | {
        type_id
        for type_id, record in enumerate(records, 1)
        if (record.kind == FUNC and record.size_or_type in prototypes)
        or traced(records, type_id) in prototypes
    }


class _Shifted(dict[int, int]):
    def __init__(self, shift: int) -> None:
        super().__init__()
        self.shift = shift

    def __missing__(self, type_id: int) -> int:
        return type_id + self.shift if type_id else 0


class Contents:
    """What types are, all that they embed included. Named types behind pointers count by their names."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records = records
        self._known: dict[int, Hashable] = {}
        self._spelled: dict[int, Hashable] = {}

    def of(self, type_id: int) -> Hashable:
        """Interned: equal contents are one number."""
        if type_id not in self._known:
            self._known[type_id] = _interned(self._content(type_id))
        return self._known[type_id]

    def _content(self, type_id: int) -> Hashable:
        if not type_id:
            return ("void",)
        record = self.records[type_id - 1]
        kind = record.kind
        if kind in COMPOSITES:
            return (kind, record.name, record.size_or_type, frozenset(self._members(record, 0)))
        if kind in ENUMS:
            return ("enum", record.name, record.flag, record.size_or_type, frozenset(record.elements))
        if kind == FUNC:
            return ("function", record.name, self.of(record.size_or_type))
        if kind == FUNC_PROTO:
            params = tuple((name, self.of(int(type_id))) for name, type_id in record.elements)
            return ("prototype", self.of(record.size_or_type), params)
        if kind == ARRAY:
            return ("array", record.elements[0][2], self.of(int(record.elements[0][0])))
        if kind in (TYPEDEF, VAR):
            return (kind, record.name, self.of(record.size_or_type))
        if kind in (INT, FLOAT):
            return (kind, record.name, record.size_or_type, record.elements)
        return self.spelled(type_id) if kind in (PTR, FWD) else self._qualified(type_id, self.of)

    def _members(self, record: Record, start: int) -> Iterable[Hashable]:
        for name, type_id, word in record.elements:
            bits = int(word) >> 24 if record.flag else 0
            offset = int(word) & 0xFFFFFF if record.flag else int(word)
            inner = self.records[int(type_id) - 1] if type_id else Record(0)
            if not name and inner.kind in COMPOSITES and inner.elements:
                yield from self._members(inner, start + offset)
            else:
                yield (name, start + offset, bits, self.of(int(type_id)))

    def spelled(self, type_id: int) -> Hashable:
        if type_id not in self._spelled:
            self._spelled[type_id] = _interned(self._spelling(type_id))
        return self._spelled[type_id]

    def _spelling(self, type_id: int) -> Hashable:
        if not type_id:
            return ("void",)
        record = self.records[type_id - 1]
        kind = record.kind
        if record.name and kind not in (FUNC, VAR):
            kind = UNION if kind == FWD and record.flag else COMPOSITES[0] if kind == FWD else kind
            return ("named", "enum" if kind in ENUMS else kind, record.name)
        if kind == PTR:
            return ("pointer", self.spelled(record.size_or_type))
        if kind == ARRAY:
            return ("array", record.elements[0][2], self.spelled(int(record.elements[0][0])))
        if kind == FUNC_PROTO:
            params = tuple(self.spelled(int(type_id)) for _, type_id in record.elements)
            return ("prototype", self.spelled(record.size_or_type), params)
        if kind in COMPOSITES:
            members = ((name, word, self.spelled(int(type_id))) for name, type_id, word in record.elements)
            return (kind, record.size_or_type, frozenset(members))
        if kind in ENUMS:
            return ("enum", record.flag, record.size_or_type, frozenset(record.elements))
        return self._qualified(type_id, self.spelled)

    def _qualified(self, type_id: int, below: Callable[[int], Hashable]) -> Hashable:
        """Qualifiers in any order; type tags do not count."""
        found = set()
        while type_id and self.records[type_id - 1].kind in REFERRING - {PTR, TYPEDEF, FUNC, FUNC_PROTO, VAR}:
            found.add(QUALIFIER_NAMES.get(self.records[type_id - 1].kind))
            type_id = self.records[type_id - 1].size_or_type
        return (frozenset(found - {None}), below(type_id)) if found - {None} else below(type_id)


_numbers: dict[Hashable, int] = {}


def _interned(content: Hashable) -> int:
    return _numbers.setdefault(content, len(_numbers))
