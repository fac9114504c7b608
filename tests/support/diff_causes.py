"""The differ of the tests: entities over kernels, their changes, and which follows from which.

It reads bpftool's JSON and shares nothing with btfmmap.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace

from bpftool_json import Record, name
from canonical_types import COMPOSITES, ENUMS
from diff_changes import Change, Definition, changes
from diff_members import Definitions

TRACEPOINT = "btf_trace_"
Key = tuple[str, str]


def definitions(types: Definitions) -> dict[Key, list[Definition]]:
    """Those of one BTF by class and name, in id order."""
    references = set(_references(types.own))
    tags: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    for record in types.own:
        if record["kind"] == "DECL_TAG":
            component = record["component_idx"]
            tags[record["type_id"]].append((component - (component >> 31 << 32), record["name"]))
    found: defaultdict[Key, list[Definition]] = defaultdict(list)
    for record in types.own:
        key, compared = _key(types, record, references)
        if key is None:
            continue
        type_id = record["id"]
        held = types.held(record["type_id"]) if key[0] in ("TYPEDEF", "VARIABLE") else None
        of_held = tags[held["id"]] if held else []
        is_function = key[0] in ("FUNCTION", "TRACEPOINT")
        own_tags = tuple(sorted(tags[type_id] + of_held))
        found[key].append(Definition(types, record, compared, is_function, own_tags))
    return dict(found)


def _references(records: Iterable[Record]) -> Iterable[int]:
    for record in records:
        yield from (record[key] for key in ("type_id", "ret_type_id", "index_type_id") if key in record)
        for part in (*record.get("members", ()), *record.get("params", ()), *record.get("vars", ())):
            yield part["type_id"]


def _key(types: Definitions, record: Record, references: set[int]) -> tuple[Key | None, int]:
    kind, own_name, type_id = record["kind"], name(record["name"]), record["id"]
    if kind in COMPOSITES:
        return ((kind, own_name) if own_name else None), type_id
    if kind in ENUMS:
        if own_name:
            return ("ENUM", own_name), type_id
        first = record["values"][0]["name"] if record["values"] else ""
        return (None if type_id in references else ("ENUM", "{" + first)), type_id
    if kind == "FUNC":
        return ("FUNCTION", own_name), record["type_id"]
    if kind == "TYPEDEF":
        target = types.types[record["type_id"]]
        if own_name.startswith(TRACEPOINT) and target["kind"] == "PTR":
            proto = types.types[target["type_id"]]
            if proto["kind"] == "FUNC_PROTO":
                return ("TRACEPOINT", own_name.removeprefix(TRACEPOINT)), proto["id"]
        return ("TYPEDEF", own_name), type_id
    if kind in ("INT", "FLOAT"):
        return ("BASE", own_name), type_id
    return (("VARIABLE", own_name) if kind == "VAR" else None), type_id


# -- namesakes

Pair = tuple[Definition | None, Definition | None]


def pair_namesakes(old: list[Definition], new: list[Definition]) -> tuple[list[Pair], set[int]]:
    """Pairs of definitions of one key, absent ones as None; and the places of uncertain pairs."""
    left, right = dict(enumerate(old)), dict(enumerate(new))
    pairs: list[Pair] = []
    uncertain: set[int] = set()

    def take(first: int, second: int) -> None:
        pairs.append((left.pop(first), right.pop(second)))

    if len(left) == len(right) == 1:
        take(0, 0)
    for depth in range(3):
        places = defaultdict(list)
        for place, definition in right.items():
            places[definition.fingerprints[depth]].append(place)
        for place, definition in list(left.items()):
            same = places[definition.fingerprints[depth]]
            if same:
                take(place, same.pop(0))
    ranks = sorted(
        (-_overlap(first.outline(), second.outline()), abs(first.extent() - second.extent()), at, place)
        for at, first in left.items()
        for place, second in right.items()
    )
    while ranks:
        worth, difference, at, place = ranks[0]
        equal = [rank for rank in ranks[1:] if rank[:2] == (worth, difference)]
        rivals = [rank for rank in equal if rank[2] == at or rank[3] == place]
        if rivals:
            uncertain.add(len(pairs))
        take(at, place)
        ranks = [rank for rank in ranks if rank[2] != at and rank[3] != place]
    pairs += [(definition, None) for definition in left.values()]
    pairs += [(None, definition) for definition in right.values()]
    return pairs, uncertain


def _overlap(first: set[str], second: set[str]) -> float:
    return len(first & second) / len(first | second) if first | second else 1.0


# -- a pair of kernels


@dataclass
class Entity:
    key: Key
    old: Definition | None
    new: Definition | None
    rows: list[Change]
    uncertain: bool = False
    causes: set[int] = field(default_factory=set)
    """Places of the own-changed entities that it follows from."""

    @property
    def own(self) -> bool:
        return any(row.own for row in self.rows)


class Difference:
    """All entities of two kernels. `changed` has the places of those with rows."""

    def __init__(self, old: Definitions, new: Definitions) -> None:
        self.entities: list[Entity] = []
        sides = definitions(old), definitions(new)
        for key in sorted(sides[0].keys() | sides[1].keys()):
            pairs, uncertain = pair_namesakes(sides[0].get(key, []), sides[1].get(key, []))
            for place, (first, second) in enumerate(pairs):
                if first and second:
                    rows = changes(first, second)
                else:
                    rows = [Change("REMOVED" if first else "ADDED")]
                self.entities.append(Entity(key, first, second, rows, place in uncertain))
        self.changed = [at for at, entity in enumerate(self.entities) if entity.rows]
        self._places: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for at, entity in enumerate(self.entities):
            for side, definition in enumerate((entity.old, entity.new)):
                if definition:
                    self._places[side][definition.record["id"]] = at
        self._find_own()
        self._find_causes()

    def leads_to(self, row: Change) -> set[int]:
        """The changed entities that a row's embedded types are."""
        if row.embedded is None:
            return set()
        found = {
            self._places[side][type_id]
            for side, type_id in enumerate(row.embedded)
            if type_id is not None and type_id in self._places[side]
        }
        return {at for at in found if self.entities[at].rows}

    def _find_own(self) -> None:
        for at in self.changed:
            entity = self.entities[at]
            entity.rows = [
                replace(row, own=True) if row.embedded is not None and not self.leads_to(row) else row
                for row in entity.rows
            ]
            if not entity.own and not any(map(self.leads_to, entity.rows)):
                own = {"MEMBER_MOVED", "SIZE", "ALIGNMENT"} & {row.code for row in entity.rows}
                entity.rows = [
                    replace(row, own=True) if not own or row.code in own else row for row in entity.rows
                ]

    def _find_causes(self) -> None:
        edges = {at: set().union(*map(self.leads_to, self.entities[at].rows)) - {at} for at in self.changed}
        while True:
            for at in self.changed:
                seen, pending = {at}, [at]
                while pending:
                    for place in edges[pending.pop()] - seen:
                        seen.add(place)
                        pending.append(place)
                self.entities[at].causes = {place for place in seen - {at} if self.entities[place].own}
            unexplained = [
                at for at in self.changed if not self.entities[at].own and not self.entities[at].causes
            ]
            if not unexplained:
                return
            for at in unexplained:
                entity = self.entities[at]
                entity.rows = [replace(row, own=True) for row in entity.rows]

    # -- as values to compare

    def label(self, at: int) -> Hashable:
        """Class, name, and the ids on both sides."""
        entity = self.entities[at]
        sides = (entity.old, entity.new)
        return (*entity.key, *(side.record["id"] if side else None for side in sides))

    def rows(self) -> dict[Hashable, Counter[Change]]:
        """The rows of each changed entity."""
        return {self.label(at): Counter(self.entities[at].rows) for at in self.changed}

    def causes(self) -> dict[Hashable, set[Hashable]]:
        """The entities that follow, of each own-changed entity."""
        found: dict[Hashable, set[Hashable]] = {
            self.label(at): set() for at in self.changed if self.entities[at].own
        }
        for at in self.changed:
            for cause in self.entities[at].causes:
                found[self.label(cause)].add(self.label(at))
        return found
