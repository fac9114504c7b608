"""Makes one known change at a time to a BTF, and says what `btfmmap.diff` must give back."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field, replace

from btf_writer import ARRAY, ENUM, ENUM64, FLOAT, FUNC, FUNC_PROTO, INT, PTR, STRUCT, TYPEDEF, UNION, VAR
from diff_layout import COMPOSITES, Layout, Relayout, by_value
from raw_records import Record

CLASSES = {
    STRUCT: "STRUCT",
    UNION: "UNION",
    ENUM: "ENUM",
    ENUM64: "ENUM",
    FUNC: "FUNCTION",
    TYPEDEF: "TYPEDEF",
    VAR: "VARIABLE",
    INT: "BASE",
    FLOAT: "BASE",
}
FRESH = b"made_by_the_editor"
ADDED, REMOVED = "ADDED", "REMOVED"


@dataclass(frozen=True)
class Expected:
    """An own row. Values are those of the edit: offsets in bits, sizes in bytes, enumerators."""

    kind: str
    name: str
    code: str
    old_path: str = ""
    new_path: str = ""
    old: int | None = None
    new: int | None = None

    def values(self, codes: Container[str]) -> tuple[int | None, int | None]:
        """The values of rows with these codes; those of others are not compared."""
        return (self.old, self.new) if self.code in codes else (None, None)

    def mirrored(self) -> Expected:
        code = self.code
        if code.endswith(ADDED):
            code = code.removesuffix(ADDED) + REMOVED
        elif code.endswith(REMOVED):
            code = code.removesuffix(REMOVED) + ADDED
        return Expected(self.kind, self.name, code, self.new_path, self.old_path, self.new, self.old)


@dataclass
class Edit:
    old: list[Record]
    new: list[Record]
    own: Counter[Expected]
    followers: Counter[tuple[str, str]]
    """Class and name of all entities that embed what was edited."""

    def mirrored(self) -> Edit:
        own = Counter({row.mirrored(): count for row, count in self.own.items()})
        return Edit(self.new, self.old, own, self.followers)


class UnsuitableError(Exception):
    """The chosen type lacks what the edit needs; another one is tried."""


def entity(records: Sequence[Record], type_id: int) -> tuple[str, str] | None:
    """The class and name of an entity, or None."""
    record = records[type_id - 1]
    text = record.name.decode()
    if traced(records, type_id):
        return "TRACEPOINT", text.removeprefix("btf_trace_")
    if record.kind in CLASSES and text:
        return CLASSES[record.kind], text
    return None


def traced(records: Sequence[Record], type_id: int) -> int:
    """The prototype of a tracepoint, or 0."""
    record = records[type_id - 1]
    target = record.size_or_type if record.name.startswith(b"btf_trace_") and record.kind == TYPEDEF else 0
    if not target or records[target - 1].kind != PTR:
        return 0
    proto = records[target - 1].size_or_type
    return proto if proto and records[proto - 1].kind == FUNC_PROTO else 0


@dataclass
class Place:
    """A struct or union to edit: an entity's own, or one without a name in it."""

    owner: int
    """The type id of the entity."""
    body: int
    prefix: str
    start: int | None
    """The bit offset in the outermost struct."""


@dataclass
class Editor:
    """A part of a kernel, with types that embed parts of it in each way, and the changes it can take."""

    records: list[Record]
    source: random.Random
    layout: Layout = field(init=False)
    holders: list[list[int]] = field(init=False)
    keys: list[tuple[str, str] | None] = field(init=False)
    counts: Counter[tuple[str, str] | None] = field(init=False)
    uses: Counter[int] = field(init=False)
    """How many references there are to each type."""

    def __post_init__(self) -> None:
        self.layout = Layout(self.records)
        self.holders = by_value(self.records)
        self.keys = [None, *(entity(self.records, type_id) for type_id in range(1, len(self.records) + 1))]
        self.counts = Counter(self.keys)
        self.uses = Counter(other for record in self.records for other in record.references())

    # -- choosing

    def of_kind(self, *kinds: int) -> int:
        found = [
            type_id
            for type_id, record in enumerate(self.records, 1)
            if record.kind in kinds and self.key(type_id) and self.is_the_only(type_id)
        ]
        if not found:
            raise UnsuitableError
        return self.source.choice(found)

    def is_the_only(self, type_id: int) -> bool:
        return self.counts[self.key(type_id)] == 1

    def key(self, type_id: int) -> tuple[str, str] | None:
        return self.keys[type_id]

    def place(self, *kinds: int) -> Place:
        """A struct or union, of one of the kinds, that belongs to one entity."""
        owner = self.of_kind(STRUCT, UNION, TYPEDEF, VAR)
        record = self.records[owner - 1]
        body = owner
        if record.kind in (TYPEDEF, VAR):
            body = record.size_or_type
            if not self.is_owned(body):
                raise UnsuitableError
        places = [
            place for place in self._places(owner, body, "", 0) if self.records[place.body - 1].kind in kinds
        ]
        if not places:
            raise UnsuitableError
        return self.source.choice(places)

    def is_owned(self, type_id: int) -> bool:
        """Whether it is a struct or union without a name, to which only one record refers."""
        record = self.records[type_id - 1] if type_id else Record(0)
        return record.kind in COMPOSITES and not record.name and self.uses[type_id] == 1

    def _places(self, owner: int, body: int, prefix: str, start: int) -> Iterator[Place]:
        yield Place(owner, body, prefix, start)
        record = self.records[body - 1]
        for at, (own_name, type_id, _) in enumerate(record.elements):
            inner, path = int(type_id), bytes(own_name).decode()
            target = self.records[inner - 1] if inner else Record(0)
            is_array = target.kind == ARRAY and self.uses[inner] == 1
            if is_array:
                inner = int(target.elements[0][0])
            if self.is_owned(inner):
                below = prefix if not path else f"{prefix}{path}{'[]' * is_array}."
                yield from self._places(owner, inner, below, start + self.layout.member(record, at)[0])

    # -- results

    def followers(self, type_id: int) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        seen, pending = {type_id}, [type_id]
        while pending:
            for holder in self.holders[pending.pop()]:
                if holder not in seen:
                    seen.add(holder)
                    pending.append(holder)
        protos = seen - {type_id}
        for other, record in enumerate(self.records, 1):
            key = self.key(other)
            proto = record.size_or_type if record.kind == FUNC else traced(self.records, other)
            if key and other != type_id and (other in seen or proto in protos):
                found[key] += 1
        return found

    def edit(
        self,
        owner: int,
        changed: dict[int, Record],
        rows: Sequence[Expected],
        added: Sequence[Record] = (),
        *,
        follows: bool = True,
    ) -> Edit:
        """The edit that replaces records and appends others; what embeds them is laid out again."""
        new = [changed.get(type_id, record) for type_id, record in enumerate(self.records, 1)] + list(added)
        new = Relayout(self.records, new, set(changed)).records
        followers = self.followers(owner) if follows else Counter()
        return Edit(self.records, new, Counter(rows), followers)

    def row(self, owner: int, code: str, *rest: str | int | None) -> Expected:
        key = self.key(owner)
        assert key
        return Expected(*key, code, *rest)  # type: ignore[arg-type]

    def natural_place(self, *kinds: int) -> Place:
        place = self.place(*kinds)
        record = self.records[place.body - 1]
        sizes = [self.layout.size(int(member[1])) for member in record.elements]
        if not self.layout.is_natural(place.body) or 0 in sizes or not all(m[0] for m in record.elements):
            raise UnsuitableError
        return place

    def same_alignment(self, first: Record, second: Record) -> None:
        if self.layout.largest(first) != self.layout.largest(second):
            raise UnsuitableError

    def other_int(self, type_id: int) -> int:
        """An INT of the size of a type, of another name."""
        size = self.layout.size(type_id)
        found = [
            other
            for other, record in enumerate(self.records, 1)
            if record.kind == INT and other != type_id and 8 * record.size_or_type == size
        ]
        if not found:
            raise UnsuitableError
        return self.source.choice(found)

    def enum(self) -> tuple[int, Record]:
        chosen = self.of_kind(ENUM, ENUM64)
        record = self.records[chosen - 1]
        if not record.elements:
            raise UnsuitableError
        return chosen, record

    def cloned(
        self, owner: int, edited: Callable[[Record], Record]
    ) -> tuple[dict[int, Record], list[Record]]:
        """A function or tracepoint with a prototype of its own."""
        record, end = self.records[owner - 1], len(self.records)
        if record.kind == FUNC:
            proto = edited(self.records[record.size_or_type - 1])
            return {owner: replace(record, size_or_type=end + 1)}, [proto]
        proto = edited(self.records[traced(self.records, owner) - 1])
        pointer = Record(PTR, size_or_type=end + 1)
        return {owner: replace(record, size_or_type=end + 2)}, [proto, pointer]

    def function(self, parameters: int) -> tuple[int, Record]:
        """A function or tracepoint with at least so many parameters, and its prototype."""
        functions = [
            type_id
            for type_id, record in enumerate(self.records, 1)
            if (record.kind == FUNC or traced(self.records, type_id)) and self.is_the_only(type_id)
        ]
        owner = self.source.choice(functions)
        record = self.records[owner - 1]
        proto = self.records[
            (record.size_or_type if record.kind == FUNC else traced(self.records, owner)) - 1
        ]
        variadic = bool(proto.elements) and proto.elements[-1] == (b"", 0)
        if variadic or len(proto.elements) < parameters:
            raise UnsuitableError
        return owner, proto
