"""What changed between two definitions: the differ of the tests, independent of btfmmap.

`docs/diff.md` defines the codes, the pairing of members and what is *own*: a change that nothing before the
member in its container and no embedded type explains.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from bpftool_json import Record
from canonical_types import COMPOSITES, ENUMS
from diff_members import Definitions, Members, Part

ALIGNMENTS = (1, *(8 << power for power in range(13)))
"""In bits: one, and 1 to 4096 bytes."""

Pairs = dict[int, int]
Embedded = tuple[int | None, int | None]


@dataclass(frozen=True)
class Change:
    """One row."""

    code: str
    old_path: str = ""
    new_path: str = ""
    old: int | str | None = None
    new: int | str | None = None
    own: bool = True
    embedded: Embedded | None = field(default=None, compare=False)
    """The types embedded by value on both sides, which differ."""


@dataclass(frozen=True)
class Definition:
    """A definition of an entity in one kernel."""

    types: Definitions
    record: Record
    compared: int
    """The id of the type whose contents count: a function's prototype, else the record's own."""
    is_function: bool
    tags: tuple[tuple[int, str], ...]

    @property
    def fingerprints(self) -> tuple[int, int, int]:
        """Deep, declaration, layout."""
        types, compared = self.types, self.compared
        if self.record["kind"] in ("INT", "FLOAT"):
            return (types.embedded(compared),) * 3
        return types.embedded(compared), types.declaration(compared), types.layout(compared)

    @property
    def body(self) -> Record | None:
        """The struct, union or enum with what is compared one by one."""
        if self.record["kind"] in ("TYPEDEF", "VAR") and not self.is_function:
            return self.types.held(self.record["type_id"])
        return self.record if self.record["kind"] in (*COMPOSITES, *ENUMS) else None

    def outline(self) -> set[str]:
        """What the overlap of namesakes is computed of."""
        if self.is_function:
            proto = self.types.types[self.compared]
            return {f"{part.path}: {part.spelled}" for part in self.types.parameters(proto)}
        body = self.body
        if body is None:
            return set()
        if body["kind"] in ENUMS:
            return {part.path for part in self.types.enumerators(body)}
        return {part.path for part in self.types.members(body).parts}

    def extent(self) -> int:
        """What breaks ties among namesakes: the number of parameters, or the size."""
        if self.is_function:
            return len(self.types.parameters(self.types.types[self.compared]))
        is_alias = self.record["kind"] in ("TYPEDEF", "VAR")
        return self.types.size(self.record["type_id" if is_alias else "id"]) or 0


def changes(old: Definition, new: Definition) -> list[Change]:
    """All rows of a pair of definitions. Rows that only embedded types explain are not own."""
    found: list[Change] = []
    if old.is_function:
        found += _function_changes(old, new)
    elif old.record["kind"] in ("INT", "FLOAT"):
        found += _base_changes(old.record, new.record)
    else:
        if old.record["kind"] in ("TYPEDEF", "VAR"):
            found += _type_changes(old, new)
        found += _body_changes(old, new)
    if old.tags != new.tags:
        found.append(Change("TAGS"))
    if old.record.get("linkage") != new.record.get("linkage"):
        found.append(Change("LINKAGE", "", "", old.record["linkage"], new.record["linkage"]))
    if not found and old.fingerprints != new.fingerprints:
        found.append(Change("GROUPING"))
    return found


def _base_changes(old: Record, new: Record) -> Iterable[Change]:
    if old["size"] != new["size"]:
        yield Change("SIZE", "", "", old["size"], new["size"])
    fields = ("encoding", "bits_offset", "nr_bits")
    if old["size"] == new["size"] and any(old.get(key) != new.get(key) for key in fields):
        yield Change("SIGNED")


# -- types


def _embedding(
    code: str, old: Definition, new: Definition, ids: tuple[int, int], paths: tuple[str, str]
) -> Iterable[Change]:
    """A row if types that are spelled the same embed different ones by value."""
    values = old.types.by_value(ids[0]), new.types.by_value(ids[1])
    if values != (None, None) and old.types.embedded(ids[0]) != new.types.embedded(ids[1]):
        yield Change(code, *paths, own=False, embedded=values)


def _type_changes(old: Definition, new: Definition) -> Iterable[Change]:
    """Of a typedef or variable."""
    ids = old.record["type_id"], new.record["type_id"]
    if old.types.held(ids[0]) and new.types.held(ids[1]):
        if old.types.outer_form(ids[0]) != new.types.outer_form(ids[1]):
            yield Change("TYPE", "", "", old.types.text(ids[0]), new.types.text(ids[1]))
    elif old.types.spelled(ids[0]) != new.types.spelled(ids[1]):
        yield Change("TYPE", "", "", old.types.text(ids[0]), new.types.text(ids[1]))
    elif old.types.types[ids[0]]["kind"] == "FUNC_PROTO":
        yield from _prototype_changes(old, new, ids)
    else:
        yield from _embedding("EMBEDDED", old, new, ids, ("", ""))


def _prototype_changes(old: Definition, new: Definition, ids: tuple[int, int]) -> Iterable[Change]:
    """Of a typedef of a prototype that is spelled the same."""
    protos = old.types.types[ids[0]], new.types.types[ids[1]]
    for at, (first, second) in enumerate(zip(protos[0]["params"], protos[1]["params"], strict=True)):
        paths = f"[{at}]", f"[{at}]"
        yield from _embedding("EMBEDDED", old, new, (first["type_id"], second["type_id"]), paths)
    results = protos[0]["ret_type_id"], protos[1]["ret_type_id"]
    yield from _embedding("EMBEDDED", old, new, results, ("return", "return"))


def _function_changes(old: Definition, new: Definition) -> Iterable[Change]:
    protos = old.types.types[old.compared], new.types.types[new.compared]
    before, after = old.types.parameters(protos[0]), new.types.parameters(protos[1])
    pairs = _by_relative(before, after)
    for at, part in enumerate(before):
        free = at < len(after) and at not in pairs and at not in pairs.values()
        if free and part.spelled == after[at].spelled:
            pairs[at] = at
    for at in sorted(pairs):
        first, second = before[at], after[pairs[at]]
        paths = first.path, second.path
        if first.path != second.path:
            yield Change("PARAMETER_RENAMED", *paths)
        yield from _retyped("PARAMETER", old, new, first, second)
    for at, part in enumerate(before):
        if at not in pairs:
            yield Change("PARAMETER_REMOVED", part.path, "", old.types.text(part.type_id))
    for at, part in enumerate(after):
        if at not in pairs.values():
            yield Change("PARAMETER_ADDED", "", part.path, None, new.types.text(part.type_id))
    in_order = [pairs[at] for at in sorted(pairs)]
    if in_order != sorted(in_order):
        yield Change("PARAMETER_REORDERED")
    results = protos[0]["ret_type_id"], protos[1]["ret_type_id"]
    if old.types.spelled(results[0]) != new.types.spelled(results[1]):
        yield Change(
            "RETURN_TYPE", "return", "return", old.types.text(results[0]), new.types.text(results[1])
        )
    else:
        yield from _embedding("PARAMETER_EMBEDDED", old, new, results, ("return", "return"))
    variadic = old.types.is_variadic(protos[0]), new.types.is_variadic(protos[1])
    if variadic[0] != variadic[1]:
        yield Change("VARIADIC", "", "", *variadic)


def _retyped(prefix: str, old: Definition, new: Definition, first: Part, second: Part) -> Iterable[Change]:
    paths = first.path, second.path
    if first.spelled != second.spelled:
        texts = old.types.text(first.type_id), new.types.text(second.type_id)
        yield Change(f"{prefix}_TYPE", *paths, *texts)
    else:
        yield from _embedding(f"{prefix}_EMBEDDED", old, new, (first.type_id, second.type_id), paths)


# -- pairing


def _by_relative(old: Sequence[Part], new: Sequence[Part]) -> Pairs:
    places = {part.relative: at for at, part in enumerate(new)}
    return {at: places[part.relative] for at, part in enumerate(old) if part.relative in places}


def _unique(old: Iterable[tuple[int, Hashable]], new: Iterable[tuple[int, Hashable]]) -> Pairs:
    """Pairs of equal keys that both sides have once."""
    sides: list[dict[Hashable, list[int]]] = []
    for side in (old, new):
        places = defaultdict(list)
        for at, key in side:
            places[key].append(at)
        sides.append(places)
    return {
        places[0]: sides[1][key][0]
        for key, places in sides[0].items()
        if len(places) == 1 and len(sides[1].get(key, ())) == 1
    }


def pair_members(old: Sequence[Part], new: Sequence[Part]) -> Pairs:
    """By path, then renamed ones by offset, then by neighbours; level by level of unnamed structs."""
    pairs: Pairs = {}
    levels = [(-1, -1)]
    while levels:
        deeper: list[tuple[int, int]] = []
        for parents in levels:
            level = _pair_level(
                [at for at, part in enumerate(old) if part.parent == parents[0]],
                [at for at, part in enumerate(new) if part.parent == parents[1]],
                old,
                new,
            )
            pairs |= level
            deeper += level.items()
        levels = deeper
    return pairs


def _pair_level(before: list[int], after: list[int], old: Sequence[Part], new: Sequence[Part]) -> Pairs:
    by_path = _by_relative([old[at] for at in before], [new[at] for at in after])
    pairs = {before[at]: after[place] for at, place in by_path.items()}

    def free(
        side: list[int], parts: Sequence[Part], taken: Iterable[int], key: Callable[[int], Hashable]
    ) -> list[tuple[int, Hashable]]:
        used = set(taken)
        return [(at, (parts[at].spelled, parts[at].bits, key(at))) for at in side if at not in used]

    pairs |= _unique(
        free(before, old, pairs, lambda at: old[at].offset),
        free(after, new, pairs.values(), lambda at: new[at].offset),
    )
    ends = {-1: -1, len(before): len(after)}
    places = {at: place for place, at in enumerate(before)}
    new_places = {at: place for place, at in enumerate(after)}
    around = ends | {places[at]: new_places[other] for at, other in pairs.items()}
    reverse = {second: first for first, second in around.items()}

    def old_neighbours(at: int) -> Hashable:
        place = places[at]
        return around.get(place - 1, ("none", at)), around.get(place + 1, ("none", at))

    def new_neighbours(at: int) -> Hashable:
        place = new_places[at]
        known = place - 1 in reverse and place + 1 in reverse
        return (place - 1, place + 1) if known else ("new", at)

    return pairs | _unique(
        free(before, old, pairs, old_neighbours), free(after, new, pairs.values(), new_neighbours)
    )


def out_of_order(pairs: Pairs) -> set[int]:
    """The old places of pairs that are not in every longest subsequence of the same order on both sides."""
    places = sorted(pairs)
    ending = dict(zip(places, _increasing([pairs[at] for at in places]), strict=True))
    backwards = [-pairs[at] for at in reversed(places)]
    starting = dict(zip(reversed(places), _increasing(backwards), strict=True))
    longest = max(ending.values(), default=0)
    in_some = [at for at in places if ending[at] + starting[at] - 1 == longest]
    rivals = Counter(ending[at] for at in in_some)
    return set(places) - {at for at in in_some if rivals[ending[at]] == 1}


def _increasing(numbers: Iterable[int]) -> list[int]:
    """For each number, the length of the longest increasing subsequence that ends with it."""
    ends: list[int] = []
    lengths = []
    for number in numbers:
        pile = bisect_left(ends, number)
        ends[pile : pile + 1] = [number]
        lengths.append(pile + 1)
    return lengths


# -- structs, unions, enums


def _body_changes(old: Definition, new: Definition) -> Iterable[Change]:
    first, second = old.body, new.body
    if first is None or second is None:
        return
    enums = first["kind"] in ENUMS, second["kind"] in ENUMS
    if all(enums):
        yield from _enum_changes(old, new, first, second)
    elif not any(enums):
        yield from _composite_changes(old, new, first, second)


def _enum_changes(old: Definition, new: Definition, first: Record, second: Record) -> Iterable[Change]:
    before, after = old.types.enumerators(first), new.types.enumerators(second)
    pairs = _by_relative(before, after)
    modulus = 1 << 8 * max(first["size"], second["size"])
    for at, place in pairs.items():
        values = before[at].value, after[place].value
        if (values[0] - values[1]) % modulus:
            yield Change("ENUMERATOR_VALUE", before[at].path, after[place].path, *values)
    renamed = _unique(
        [(at, part.value % modulus) for at, part in enumerate(before) if at not in pairs],
        [(at, part.value % modulus) for at, part in enumerate(after) if at not in pairs.values()],
    )
    for at, place in renamed.items():
        yield Change("ENUMERATOR_RENAMED", before[at].path, after[place].path)
    pairs |= renamed
    for at, part in enumerate(before):
        if at not in pairs:
            yield Change("ENUMERATOR_REMOVED", part.path, "", part.value)
    for at, part in enumerate(after):
        if at not in pairs.values():
            yield Change("ENUMERATOR_ADDED", "", part.path, None, part.value)
    if first["encoding"] != second["encoding"]:
        yield Change("SIGNED")
    if first["size"] != second["size"]:
        yield Change("SIZE", "", "", first["size"], second["size"])


def _explained(ends: tuple[int, int], starts: tuple[int, int], realigned: bool) -> bool:
    """Whether alignment puts what starts there behind what ends there, on both sides.

    It is the same alignment, unless an embedded type differs, whose alignment may differ as well.
    """
    if starts[0] - ends[0] == starts[1] - ends[1]:
        return True
    fitting = [
        {align for align in ALIGNMENTS if end + -end % align == start}
        for end, start in zip(ends, starts, strict=True)
    ]
    return all(fitting) if realigned else bool(fitting[0] & fitting[1])


def _composite_changes(old: Definition, new: Definition, first: Record, second: Record) -> Iterable[Change]:
    sides = old.types.members(first), new.types.members(second)
    before, after = sides[0].parts, sides[1].parts
    pairs = pair_members(before, after)
    disordered = out_of_order(pairs)
    common = sides[0].containers.keys() & sides[1].containers.keys()
    retyped = {
        at: list(_retyped("MEMBER", old, new, before[at], after[place])) for at, place in pairs.items()
    }
    embeds = any(row.code == "MEMBER_EMBEDDED" for of_member in retyped.values() for row in of_member)
    rows: list[Change] = []
    for at in sorted(pairs):
        one, other = before[at], after[pairs[at]]
        shared = one.named_container == other.named_container is not None
        own_type = any(row.code == "MEMBER_EMBEDDED" for row in retyped[at])
        realigned = own_type or (embeds and _has_contents(one) and _has_contents(other))
        parents = before[one.parent].offset, after[other.parent].offset
        with_parent = one.parent >= 0 and pairs.get(one.parent) == other.parent
        base = parents if with_parent else None
        for row in (*_moved(one, other, at in disordered, realigned, base), *retyped[at]):
            rows.append(replace(row, own=False) if shared else row)
    for at, part in enumerate(before):
        if at not in pairs:
            text = old.types.text(part.type_id)
            own = part.named_container not in common
            rows.append(Change("MEMBER_REMOVED", part.path, "", text, own=own))
    for at, part in enumerate(after):
        if at not in pairs.values():
            text = new.types.text(part.type_id)
            own = part.named_container not in common
            rows.append(Change("MEMBER_ADDED", "", part.path, None, text, own=own))
    for container in sorted(common):
        ids = sides[0].containers[container][0], sides[1].containers[container][0]
        rows += _embedding("MEMBER_EMBEDDED", old, new, ids, ("", ""))
    yield from rows
    sizes = first["size"], second["size"]
    embeds = any(row.code == "MEMBER_EMBEDDED" for row in rows)  # containers with names included
    if sizes[0] != sizes[1]:
        ends = sides[0].end, sides[1].end
        own = not _explained(ends, (8 * sizes[0], 8 * sizes[1]), embeds)
        yield Change("SIZE", "", "", *sizes, own=own)
    alignments = old.types.alignment(first["id"]), new.types.alignment(second["id"])
    if None not in alignments and alignments[0] != alignments[1]:
        own = not embeds and not _alignment_is_explained(old, new, sides, pairs)
        yield Change("ALIGNMENT", "", "", *alignments, own=own)


def _has_contents(part: Part) -> bool:
    """Whether the alignments of other members count for its place."""
    return bool(part.chain) or (isinstance(part.spelled, tuple) and part.spelled[0] == "direct")


def _moved(
    first: Part, second: Part, disordered: bool, realigned: bool, parents: tuple[int, int] | None
) -> Iterable[Change]:
    """All rows of two members but that of their types. `parents`: where the structs around them start."""
    paths = first.path, second.path
    if first.relative[0] != second.relative[0]:
        yield Change("MEMBER_RENAMED", *paths)
    starts = first.offset, second.offset
    if starts[0] != starts[1]:
        with_parent = parents is not None and starts[0] - parents[0] == starts[1] - parents[1]
        ends = first.end_before, second.end_before
        explained = not disordered and _explained(ends, starts, realigned)
        yield Change("MEMBER_MOVED", *paths, *starts, own=not (with_parent or explained))
    if first.bits != second.bits:
        yield Change("MEMBER_BITS", *paths, first.bits, second.bits)
    if first.chain != second.chain:
        yield Change("MEMBER_NESTED", *paths, first.chain, second.chain)


def _alignment_is_explained(
    old: Definition, new: Definition, sides: tuple[Members, Members], pairs: Pairs
) -> bool:
    """Whether members were added, removed or retyped, or embedded types are aligned otherwise."""
    before, after = sides[0].parts, sides[1].parts
    if len(pairs) < max(len(before), len(after)):
        return True
    return any(
        before[at].spelled != after[place].spelled
        or old.types.alignment(before[at].type_id) != new.types.alignment(after[place].type_id)
        for at, place in pairs.items()
    )
