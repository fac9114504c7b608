"""Makes one known change at a time to a BTF, for each code of `btfmmap.diff`, and says what must come back."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from btf_writer import (
    ARRAY,
    CONST,
    DECL_TAG,
    ENUM,
    ENUM64,
    FLOAT,
    FUNC,
    FUNC_PROTO,
    FWD,
    INT,
    PTR,
    STRUCT,
    TYPEDEF,
    UNION,
    VAR,
)
from diff_layout import ALIASES, COMPOSITES, ENUMS, Layout, Relayout, by_value, natural
from raw_records import Record, pruned

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
    """An own row. Values that depend on nothing but the edit: offsets in bits, sizes in bytes, enumerators."""

    kind: str
    name: str
    code: str
    old_path: str = ""
    new_path: str = ""
    old: int | None = None
    new: int | None = None

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


class Unsuitable(Exception):
    """The chosen type has not what the edit needs; another one is tried."""


def entity(records: Sequence[Record], type_id: int) -> tuple[str, str] | None:
    """The class and name of an entity, or None."""
    record = records[type_id - 1]
    text = record.name.decode()
    if _traced(records, type_id):
        return "TRACEPOINT", text.removeprefix("btf_trace_")
    if record.kind in CLASSES and text:
        return CLASSES[record.kind], text
    return None


def _traced(records: Sequence[Record], type_id: int) -> int:
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
            raise Unsuitable
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
            if not self._is_own(body):
                raise Unsuitable
        places = [
            place for place in self._places(owner, body, "", 0) if self.records[place.body - 1].kind in kinds
        ]
        if not places:
            raise Unsuitable
        return self.source.choice(places)

    def _is_own(self, type_id: int) -> bool:
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
            if self._is_own(inner):
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
            proto = record.size_or_type if record.kind == FUNC else _traced(self.records, other)
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
            raise Unsuitable
        return place

    def same_alignment(self, first: Record, second: Record) -> None:
        sides = [
            max([8, *(self.layout.alignment(int(member[1])) for member in record.elements)])
            for record in (first, second)
        ]
        if sides[0] != sides[1]:
            raise Unsuitable

    def other_int(self, type_id: int) -> int:
        """An INT of the size of a type, of another name."""
        size = self.layout.size(type_id)
        found = [
            other
            for other, record in enumerate(self.records, 1)
            if record.kind == INT and other != type_id and 8 * record.size_or_type == size
        ]
        if not found:
            raise Unsuitable
        return self.source.choice(found)

    def enum(self) -> tuple[int, Record]:
        chosen = self.of_kind(ENUM, ENUM64)
        record = self.records[chosen - 1]
        if not record.elements:
            raise Unsuitable
        return chosen, record

    def cloned(self, owner: int, edited: Callable[[Record], Record]) -> tuple[dict[int, Record], list[Record]]:
        """A function or tracepoint with a prototype of its own."""
        record, end = self.records[owner - 1], len(self.records)
        if record.kind == FUNC:
            proto = edited(self.records[record.size_or_type - 1])
            return {owner: replace(record, size_or_type=end + 1)}, [proto]
        proto = edited(self.records[_traced(self.records, owner) - 1])
        pointer = Record(PTR, size_or_type=end + 1)
        return {owner: replace(record, size_or_type=end + 2)}, [proto, pointer]

    def function(self, parameters: int) -> tuple[int, Record]:
        """A function or tracepoint with at least so many parameters, and its prototype."""
        functions = [
            type_id
            for type_id, record in enumerate(self.records, 1)
            if (record.kind == FUNC or _traced(self.records, type_id)) and self.is_the_only(type_id)
        ]
        owner = self.source.choice(functions)
        record = self.records[owner - 1]
        proto = self.records[
            (record.size_or_type if record.kind == FUNC else _traced(self.records, owner)) - 1
        ]
        variadic = bool(proto.elements) and proto.elements[-1] == (b"", 0)
        if variadic or len(proto.elements) < parameters:
            raise Unsuitable
        return owner, proto


# -- entities


def added(editor: Editor) -> Edit:
    one = editor.of_kind(INT)
    end = len(editor.records)
    choices = [
        [Record(STRUCT, FRESH, size_or_type=4, elements=((b"a", one, 0),))],
        [Record(UNION, FRESH, size_or_type=4, elements=((b"a", one, 0),))],
        [Record(ENUM, FRESH, size_or_type=4, elements=((b"FRESH", 1),))],
        [Record(ENUM64, FRESH, size_or_type=8, elements=((b"FRESH", 1, 0),))],
        [Record(ENUM, b"", size_or_type=4, elements=((FRESH, 1), (b"OTHER", 2)))],
        [Record(TYPEDEF, FRESH, size_or_type=one)],
        [Record(VAR, FRESH, size_or_type=one, elements=((1,),))],
        [Record(FUNC, FRESH, size_or_type=end + 2, linkage=1), Record(FUNC_PROTO, size_or_type=one)],
        [
            Record(TYPEDEF, b"btf_trace_" + FRESH, size_or_type=end + 2),
            Record(PTR, size_or_type=end + 3),
            Record(FUNC_PROTO, elements=((b"", one),)),
        ],
    ]
    records = editor.source.choice(choices)
    key = entity(records, 1) if records[0].kind != TYPEDEF or len(records) == 1 else ("TRACEPOINT", FRESH.decode())
    row = Expected(*(key or ("ENUM", "{" + FRESH.decode())), ADDED)
    return editor.edit(end + 1, {}, [row], records, follows=False)


def undefined(editor: Editor) -> Edit:
    """A struct that only pointers mention becomes a declaration."""
    owner = editor.of_kind(*COMPOSITES)
    record = editor.records[owner - 1]
    if editor.holders[owner]:
        raise Unsuitable
    declaration = Record(FWD, record.name, record.kind == UNION)
    return editor.edit(owner, {owner: declaration}, [editor.row(owner, REMOVED)], follows=False)


def resized(editor: Editor) -> Edit:
    owner = editor.of_kind(*COMPOSITES)
    record = editor.records[owner - 1]
    size = record.size_or_type + 64 * editor.source.randint(1, 5)
    row = editor.row(owner, "SIZE", "", "", record.size_or_type, size)
    return editor.edit(owner, {owner: replace(record, size_or_type=size)}, [row])


def packed(editor: Editor) -> Edit:
    """A struct loses the padding at its end, and with it its alignment."""
    owner = editor.of_kind(STRUCT)
    record = editor.records[owner - 1]
    if not editor.layout.is_natural(owner):
        raise Unsuitable
    end = max(sum(editor.layout.member(record, at)) for at in range(len(record.elements))) // 8
    if end == record.size_or_type:
        raise Unsuitable
    rows = [
        editor.row(owner, "SIZE", "", "", record.size_or_type, end),
        editor.row(owner, "ALIGNMENT", "", "", editor.layout.alignment(owner) // 8, 1),
    ]
    # Structs around it stay: they keep the size that they had, and a hole.
    return editor.edit(owner, {owner: replace(record, size_or_type=end)}, rows)


def tagged(editor: Editor) -> Edit:
    owner = editor.of_kind(STRUCT, UNION, FUNC, TYPEDEF, VAR)
    component = 0 if editor.records[owner - 1].kind in COMPOSITES else 0xFFFFFFFF
    tag = Record(DECL_TAG, FRESH, size_or_type=owner, elements=((component,),))
    return editor.edit(owner, {}, [editor.row(owner, "TAGS")], [tag], follows=False)


def linked(editor: Editor) -> Edit:
    owner = editor.of_kind(FUNC, VAR)
    record = editor.records[owner - 1]
    if record.kind == FUNC:
        changed = replace(record, linkage=1 - min(record.linkage, 1))
    else:
        changed = replace(record, elements=((1 - min(int(record.elements[0][0]), 1),),))
    return editor.edit(owner, {owner: changed}, [editor.row(owner, "LINKAGE")], follows=False)


def base_signed(editor: Editor) -> Edit:
    owner = editor.of_kind(INT)
    record = editor.records[owner - 1]
    changed = replace(record, elements=((int(record.elements[0][0]) ^ 1 << 24,),))
    return editor.edit(owner, {owner: changed}, [editor.row(owner, "SIGNED")])


# -- structs and unions


def member_added(editor: Editor) -> Edit:
    place = editor.natural_place(STRUCT, UNION)
    record = editor.records[place.body - 1]
    at = editor.source.randint(0, len(record.elements))
    ints = [
        type_id
        for type_id, other in enumerate(editor.records, 1)
        if other.kind == INT and editor.layout.alignment(type_id) <= editor.layout.alignment(place.body)
    ]
    member = (FRESH, editor.source.choice(ints), 0)
    elements = (*record.elements[:at], member, *record.elements[at:])
    changed = natural(replace(record, elements=elements), editor.layout)
    editor.same_alignment(record, changed)
    row = editor.row(place.owner, "MEMBER_ADDED", "", place.prefix + FRESH.decode())
    return editor.edit(place.owner, {place.body: changed}, [row])


def member_renamed(editor: Editor) -> Edit:
    place = editor.place(STRUCT, UNION)
    record = editor.records[place.body - 1]
    named = [at for at, member in enumerate(record.elements) if member[0]]
    if not named:
        raise Unsuitable
    at = editor.source.choice(named)
    own_name, *rest = record.elements[at]
    elements = (*record.elements[:at], (FRESH, *rest), *record.elements[at + 1 :])
    paths = [place.prefix + bytes(part).decode() for part in (own_name, FRESH)]
    row = editor.row(place.owner, "MEMBER_RENAMED", *paths)
    return editor.edit(place.owner, {place.body: replace(record, elements=elements)}, [row])


def member_renamed_and_moved(editor: Editor) -> Edit:
    """Known by its neighbours alone: a new member before them moves it."""
    place = editor.natural_place(STRUCT)
    record = editor.records[place.body - 1]
    if len(record.elements) < 3:
        raise Unsuitable
    at = editor.source.randrange(1, len(record.elements) - 1)
    first = record.elements[0]
    inserted = (b"before_" + FRESH, first[1], 0)
    own_name, *rest = record.elements[at]
    elements = (first, inserted, *record.elements[1:at], (FRESH, *rest), *record.elements[at + 1 :])
    if at == 1:  # the neighbours would be another
        raise Unsuitable
    changed = natural(replace(record, elements=elements), editor.layout)
    paths = [place.prefix + bytes(part).decode() for part in (own_name, FRESH)]
    rows = [
        editor.row(place.owner, "MEMBER_ADDED", "", place.prefix + inserted[0].decode()),
        editor.row(place.owner, "MEMBER_RENAMED", *paths),
    ]
    return editor.edit(place.owner, {place.body: changed}, rows)


def member_moved(editor: Editor) -> Edit:
    """A member moves behind two or more others."""
    place = editor.natural_place(STRUCT)
    record = editor.records[place.body - 1]
    count = len(record.elements)
    if count < 4 or any(editor._is_own(int(member[1])) for member in record.elements):
        raise Unsuitable
    at = editor.source.randrange(count - 2)
    to = editor.source.randrange(at + 2, count)
    elements = list(record.elements)
    member = elements.pop(at)
    elements.insert(to, member)
    changed = natural(replace(record, elements=tuple(elements)), editor.layout)
    starts = [editor.layout.member(record, at)[0], editor.layout.member(changed, to)[0]]
    path = place.prefix + bytes(member[0]).decode()
    row = editor.row(place.owner, "MEMBER_MOVED", path, path, *starts)
    return editor.edit(place.owner, {place.body: changed}, [row])


def members_swapped(editor: Editor) -> Edit:
    """Two neighbours: either may be the one that moved, so both are own."""
    place = editor.natural_place(STRUCT)
    record = editor.records[place.body - 1]
    if len(record.elements) < 2 or any(editor._is_own(int(member[1])) for member in record.elements):
        raise Unsuitable
    at = editor.source.randrange(len(record.elements) - 1)
    elements = list(record.elements)
    elements[at : at + 2] = elements[at + 1], elements[at]
    changed = natural(replace(record, elements=tuple(elements)), editor.layout)
    rows = []
    for old, new in ((at, at + 1), (at + 1, at)):
        path = place.prefix + bytes(record.elements[old][0]).decode()
        starts = editor.layout.member(record, old)[0], editor.layout.member(changed, new)[0]
        rows.append(editor.row(place.owner, "MEMBER_MOVED", path, path, *starts))
    return editor.edit(place.owner, {place.body: changed}, rows)


def member_retyped(editor: Editor) -> Edit:
    place = editor.place(STRUCT, UNION)
    record = editor.records[place.body - 1]
    at = editor.source.randrange(len(record.elements) or 1)
    if not record.elements or not record.elements[at][0]:
        raise Unsuitable
    own_name, type_id, word = record.elements[at]
    if editor.records[int(type_id) - 1].kind not in (INT, PTR, TYPEDEF):
        raise Unsuitable
    member = (own_name, editor.other_int(int(type_id)), word)
    changed = replace(record, elements=(*record.elements[:at], member, *record.elements[at + 1 :]))
    editor.same_alignment(record, changed)
    path = place.prefix + bytes(own_name).decode()
    return editor.edit(place.owner, {place.body: changed}, [editor.row(place.owner, "MEMBER_TYPE", path, path)])


def member_qualified(editor: Editor) -> Edit:
    place = editor.place(STRUCT, UNION)
    record = editor.records[place.body - 1]
    named = [
        at
        for at, member in enumerate(record.elements)
        if member[0] and editor.records[int(member[1]) - 1].kind not in (ARRAY, CONST, *COMPOSITES)
    ]
    if not named:
        raise Unsuitable
    at = editor.source.choice(named)
    own_name, type_id, word = record.elements[at]
    member = (own_name, len(editor.records) + 1, word)
    changed = replace(record, elements=(*record.elements[:at], member, *record.elements[at + 1 :]))
    path = place.prefix + bytes(own_name).decode()
    qualified = Record(CONST, size_or_type=int(type_id))
    row = editor.row(place.owner, "MEMBER_TYPE", path, path)
    return editor.edit(place.owner, {place.body: changed}, [row], [qualified])


def member_bits(editor: Editor) -> Edit:
    place = editor.place(STRUCT, UNION)
    record = editor.records[place.body - 1]
    wide = [
        at
        for at, member in enumerate(record.elements)
        if editor.layout.is_bitfield(record, at) and int(member[2]) >> 24 > 1 and member[0]
    ]
    if not wide:
        raise Unsuitable
    at = editor.source.choice(wide)
    own_name, type_id, word = record.elements[at]
    bits = int(word) >> 24
    member = (own_name, type_id, int(word) - (1 << 24))
    changed = replace(record, elements=(*record.elements[:at], member, *record.elements[at + 1 :]))
    path = place.prefix + bytes(own_name).decode()
    row = editor.row(place.owner, "MEMBER_BITS", path, path, bits, bits - 1)
    return editor.edit(place.owner, {place.body: changed}, [row])


def member_nested(editor: Editor) -> Edit:
    place = editor.place(STRUCT, UNION)
    record = editor.records[place.body - 1]
    whole = [
        at
        for at, member in enumerate(record.elements)
        if member[0] and not editor.layout.is_bitfield(record, at) and editor.layout.size(int(member[1]))
    ]
    if not whole:
        raise Unsuitable
    at = editor.source.choice(whole)
    own_name, type_id, word = record.elements[at]
    size = editor.layout.size(int(type_id)) // 8
    kind = editor.source.choice(COMPOSITES)
    container = Record(kind, size_or_type=size, elements=((own_name, type_id, 0),))
    member = (b"", len(editor.records) + 1, word)
    changed = replace(record, elements=(*record.elements[:at], member, *record.elements[at + 1 :]))
    path = place.prefix + bytes(own_name).decode()
    row = editor.row(place.owner, "MEMBER_NESTED", path, path)
    return editor.edit(place.owner, {place.body: changed}, [row], [container])


def grouped(editor: Editor) -> Edit:
    """Two members in one anonymous struct, or in one each: the same for the members."""
    place = editor.natural_place(STRUCT)
    record = editor.records[place.body - 1]
    layout, end = editor.layout, len(editor.records)
    ends = [sum(layout.member(record, at)) for at in range(len(record.elements))]
    alignments = [layout.alignment(int(member[1])) for member in record.elements]
    adjacent = [
        at
        for at in range(len(ends) - 1)
        if layout.member(record, at + 1)[0] == ends[at] and alignments[at] == alignments[at + 1]
    ]
    if not adjacent:
        raise Unsuitable
    at = editor.source.choice(adjacent)
    first, second = record.elements[at : at + 2]
    sizes = [layout.size(int(member[1])) for member in (first, second)]
    containers = [
        Record(STRUCT, size_or_type=sizes[0] // 8, elements=((first[0], first[1], 0),)),
        Record(STRUCT, size_or_type=sizes[1] // 8, elements=((second[0], second[1], 0),)),
        Record(
            STRUCT,
            size_or_type=sum(sizes) // 8,
            elements=((first[0], first[1], 0), (second[0], second[1], sizes[0])),
        ),
    ]
    before, after = record.elements[:at], record.elements[at + 2 :]
    members = (b"", end + 1, first[2]), (b"", end + 2, second[2])
    apart = replace(record, elements=(*before, *members, *after))
    joined = replace(record, elements=(*before, (b"", end + 3, first[2]), *after))
    old, new = (
        [changed if type_id == place.body else other for type_id, other in enumerate(editor.records, 1)]
        + containers
        for changed in (apart, joined)
    )
    rows = Counter([editor.row(place.owner, "GROUPING")])
    return Edit(old, new, rows, editor.followers(place.owner))


# -- enums


def _with_value(record: Record, own_name: bytes, value: int) -> tuple[int | bytes, ...]:
    words = (value & 0xFFFFFFFF, value >> 32 & 0xFFFFFFFF)
    return (own_name, *words) if record.kind == ENUM64 else (own_name, words[0])


def _value(record: Record, at: int) -> int:
    _, *words = (int(word) if isinstance(word, int) else 0 for word in record.elements[at])
    value = words[0] | (words[1] << 32 if len(words) > 1 else 0)
    width = 64 if record.kind == ENUM64 else 32
    return value - (1 << width) if record.flag and value >> (width - 1) else value


def _free_value(record: Record) -> int:
    values = {_value(record, at) for at in range(len(record.elements))}
    limit = 1 << min(8 * record.size_or_type - 1, 31)
    return next(value for value in range(limit - 1, 0, -1) if value not in values)


def enumerator_added(editor: Editor) -> Edit:
    owner, record = editor.enum()
    value = _free_value(record)
    at = editor.source.randint(1, len(record.elements))
    new = _with_value(record, FRESH, value)
    changed = replace(record, elements=(*record.elements[:at], new, *record.elements[at:]))
    row = editor.row(owner, "ENUMERATOR_ADDED", "", FRESH.decode(), None, value)
    return editor.edit(owner, {owner: changed}, [row])


def enumerator_changed(editor: Editor) -> Edit:
    owner, record = editor.enum()
    at = editor.source.randrange(len(record.elements))
    value = _free_value(record)
    own_name = bytes(record.elements[at][0])  # type: ignore[arg-type]
    new = _with_value(record, own_name, value)
    changed = replace(record, elements=(*record.elements[:at], new, *record.elements[at + 1 :]))
    path = own_name.decode()
    row = editor.row(owner, "ENUMERATOR_VALUE", path, path, _value(record, at), value)
    return editor.edit(owner, {owner: changed}, [row])


def enumerator_renamed(editor: Editor) -> Edit:
    owner, record = editor.enum()
    at = editor.source.randrange(len(record.elements))
    own_name, *words = record.elements[at]
    changed = replace(record, elements=(*record.elements[:at], (FRESH, *words), *record.elements[at + 1 :]))
    row = editor.row(owner, "ENUMERATOR_RENAMED", bytes(own_name).decode(), FRESH.decode())
    return editor.edit(owner, {owner: changed}, [row])


def enum_signed(editor: Editor) -> Edit:
    owner, record = editor.enum()
    changed = replace(record, flag=not record.flag)
    return editor.edit(owner, {owner: changed}, [editor.row(owner, "SIGNED")])


def enum_resized(editor: Editor) -> Edit:
    """Wider by another kind of record, with the same values."""
    owner, record = editor.enum()
    if record.kind != ENUM or record.size_or_type != 4:
        raise Unsuitable
    wide = replace(record, kind=ENUM64, size_or_type=8)
    elements = tuple(
        _with_value(wide, bytes(element[0]), _value(record, at))  # type: ignore[arg-type]
        for at, element in enumerate(record.elements)
    )
    row = editor.row(owner, "SIZE", "", "", 4, 8)
    return editor.edit(owner, {owner: replace(wide, elements=elements)}, [row])


# -- functions and tracepoints


def _path(proto: Record, at: int) -> str:
    return bytes(proto.elements[at][0]).decode() or f"[{at}]"  # type: ignore[arg-type]


def _named(proto: Record) -> bool:
    return all(element[0] for element in proto.elements)


def parameter_added(editor: Editor) -> Edit:
    owner, proto = editor.function(0)
    named = bool(proto.elements) and _named(proto)
    at = editor.source.randint(0, len(proto.elements)) if named else len(proto.elements)
    parameter = (FRESH if named else b"", editor.of_kind(INT))
    elements = (*proto.elements[:at], parameter, *proto.elements[at:])
    changed, added_records = editor.cloned(owner, lambda record: replace(record, elements=elements))
    row = editor.row(owner, "PARAMETER_ADDED", "", FRESH.decode() if named else f"[{at}]")
    return editor.edit(owner, changed, [row], added_records, follows=False)


def parameters_reordered(editor: Editor) -> Edit:
    owner, proto = editor.function(2)
    names = [element[0] for element in proto.elements]
    if not _named(proto) or len(set(names)) < len(names):
        raise Unsuitable
    first, second = sorted(editor.source.sample(range(len(names)), 2))
    elements = list(proto.elements)
    elements[first], elements[second] = elements[second], elements[first]
    changed, added_records = editor.cloned(owner, lambda record: replace(record, elements=tuple(elements)))
    row = editor.row(owner, "PARAMETER_REORDERED")
    return editor.edit(owner, changed, [row], added_records, follows=False)


def parameter_retyped(editor: Editor) -> Edit:
    owner, proto = editor.function(1)
    at = editor.source.randrange(len(proto.elements))
    own_name, type_id = proto.elements[at]
    other = editor.other_int(int(type_id))
    elements = (*proto.elements[:at], (own_name, other), *proto.elements[at + 1 :])
    changed, added_records = editor.cloned(owner, lambda record: replace(record, elements=elements))
    path = _path(proto, at)
    row = editor.row(owner, "PARAMETER_TYPE", path, path)
    return editor.edit(owner, changed, [row], added_records, follows=False)


def parameter_renamed(editor: Editor) -> Edit:
    owner, proto = editor.function(1)
    at = editor.source.randrange(len(proto.elements))
    elements = (*proto.elements[:at], (FRESH, proto.elements[at][1]), *proto.elements[at + 1 :])
    changed, added_records = editor.cloned(owner, lambda record: replace(record, elements=elements))
    row = editor.row(owner, "PARAMETER_RENAMED", _path(proto, at), FRESH.decode())
    return editor.edit(owner, changed, [row], added_records, follows=False)


def result_retyped(editor: Editor) -> Edit:
    owner, proto = editor.function(0)
    other = editor.of_kind(INT)
    if other == proto.size_or_type:
        raise Unsuitable
    changed, added_records = editor.cloned(owner, lambda record: replace(record, size_or_type=other))
    row = editor.row(owner, "RETURN_TYPE", "return", "return")
    return editor.edit(owner, changed, [row], added_records, follows=False)


def made_variadic(editor: Editor) -> Edit:
    owner, proto = editor.function(1)
    elements = (*proto.elements, (b"", 0))
    changed, added_records = editor.cloned(owner, lambda record: replace(record, elements=elements))
    row = editor.row(owner, "VARIADIC")
    return editor.edit(owner, changed, [row], added_records, follows=False)


# -- typedefs and variables


def alias_retyped(editor: Editor) -> Edit:
    owner = editor.of_kind(TYPEDEF, VAR)
    record = editor.records[owner - 1]
    key = editor.key(owner)
    if (key and key[0] == "TRACEPOINT") or not record.size_or_type:
        raise Unsuitable
    if editor.records[record.size_or_type - 1].kind not in (INT, TYPEDEF, PTR):
        raise Unsuitable
    other = editor.other_int(record.size_or_type)
    row = editor.row(owner, "TYPE")
    return editor.edit(owner, {owner: replace(record, size_or_type=other)}, [row])


EDITS: dict[str, Callable[[Editor], Edit]] = {
    edit.__name__: edit
    for edit in (
        added,
        undefined,
        resized,
        packed,
        tagged,
        linked,
        base_signed,
        member_added,
        member_renamed,
        member_renamed_and_moved,
        member_moved,
        members_swapped,
        member_retyped,
        member_qualified,
        member_bits,
        member_nested,
        grouped,
        enumerator_added,
        enumerator_changed,
        enumerator_renamed,
        enum_signed,
        enum_resized,
        parameter_added,
        parameters_reordered,
        parameter_retyped,
        parameter_renamed,
        result_retyped,
        made_variadic,
        alias_retyped,
    )
}
"""With the mirror of each, they give every code."""


def with_holders(records: list[Record], source: random.Random) -> list[Record]:
    """The records with types that embed some structs and enums in each way that there is."""
    found = list(records)
    layout = Layout(records)
    composites = [
        type_id
        for type_id, record in enumerate(records, 1)
        if record.kind in COMPOSITES and record.name and record.size_or_type
    ]
    enums = [type_id for type_id, record in enumerate(records, 1) if record.kind in ENUMS and record.name]

    def add(record: Record) -> int:
        found.append(record)
        return len(found)

    one = next(type_id for type_id, record in enumerate(records, 1) if record.kind == INT)
    for number, type_id in enumerate(source.sample(composites, 12) + source.sample(enums, 4)):
        name = f"holder_{number}_".encode()

        def struct(record: Record) -> int:
            return add(natural(record, Layout(found)))  # noqa: B023

        alias = add(Record(TYPEDEF, name + b"alias", size_or_type=type_id))
        array = add(Record(ARRAY, elements=((type_id, one, 3),)))
        constant = add(Record(CONST, size_or_type=type_id))
        pointer = add(Record(PTR, size_or_type=type_id))
        struct(Record(STRUCT, name + b"plain", elements=((b"a", one, 0), (b"b", type_id, 0), (b"c", one, 0))))
        struct(Record(STRUCT, name + b"array", elements=((b"a", array, 0), (b"b", one, 0))))
        struct(Record(UNION, name + b"union", elements=((b"a", alias, 0), (b"b", one, 0))))
        struct(Record(STRUCT, name + b"pointer", elements=((b"a", pointer, 0), (b"b", one, 0))))
        inner = struct(Record(STRUCT, elements=((b"x", one, 0), (b"y", constant, 0))))
        struct(Record(STRUCT, name + b"anonymous", elements=((b"a", one, 0), (b"", inner, 0), (b"c", one, 0))))
        inner = struct(Record(STRUCT, elements=((b"x", one, 0), (b"y", alias, 0), (b"z", one, 0))))
        struct(Record(STRUCT, name + b"unnamed", elements=((b"a", inner, 0), (b"b", one, 0))))
        inner = struct(Record(UNION, elements=((b"x", one, 0), (b"y", type_id, 0))))
        add(Record(TYPEDEF, name + b"typedef", size_or_type=inner))
        add(Record(VAR, name + b"variable", size_or_type=type_id, elements=((1,),)))
        proto = add(Record(FUNC_PROTO, size_or_type=one, elements=((b"by_value", type_id), (b"n", one))))
        add(Record(FUNC, name + b"takes", size_or_type=proto, linkage=1))
        proto = add(Record(FUNC_PROTO, size_or_type=alias))
        add(Record(FUNC, name + b"returns", size_or_type=proto))
        proto = add(Record(FUNC_PROTO, elements=((b"", pointer), (b"", type_id))))
        add(Record(TYPEDEF, b"btf_trace_" + name, size_or_type=add(Record(PTR, size_or_type=proto))))
    assert layout.records is records
    return found


def part(records: list[Record], source: random.Random) -> list[Record]:
    """A part of a kernel that has what the edits need."""
    wanted = {STRUCT: 60, UNION: 10, ENUM: 15, ENUM64: 3, FUNC: 40, TYPEDEF: 15, VAR: 5}
    roots: list[int] = []
    for kind, count in wanted.items():
        found = [type_id for type_id, record in enumerate(records, 1) if record.kind == kind and record.name]
        roots += source.sample(found, min(count, len(found)))
    traced = [type_id for type_id in range(1, len(records) + 1) if _is_tracepoint(records, type_id)]
    roots += source.sample(traced, min(5, len(traced)))
    return with_holders(pruned(records, roots), source)


def _is_tracepoint(records: list[Record], type_id: int) -> bool:
    return records[type_id - 1].kind == TYPEDEF and records[type_id - 1].name.startswith(b"btf_trace_")


def make(name: str, records: list[Record], source: random.Random) -> Edit:
    """The edit of that name, at a place chosen by `source`; or its mirror."""
    editor = Editor(records, source)
    for _ in range(2000):
        try:
            edit = EDITS[name](editor)
        except Unsuitable:
            continue
        return edit.mirrored() if source.random() < 0.5 else edit
    raise AssertionError(f"no place for {name}")
