"""Fingerprints: equal exactly where contents are, whatever the order, byte order, file or producer's run."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import bpftool_json as bpftool
import numpy as np
import pytest
import requirements
from btf_writer import (
    ARRAY,
    CONST,
    DECL_TAG,
    ENUM,
    ENUM64,
    FUNC,
    FUNC_PROTO,
    FWD,
    PTR,
    RESTRICT,
    STRUCT,
    TYPE_TAG,
    TYPEDEF,
    UNION,
    VAR,
    VOLATILE,
    BtfWriter,
    every_kind,
)
from canonical_types import CanonicalTypes
from raw_records import ELEMENTS, Record, needed, permutation, read, reordered, write
from split_writer import SplitWriter
from stored_files import KERNELS, MODULES, stored

import btfmmap
from btfmmap import Btf, Kind
from btfmmap.fingerprints import VERSION

DEPTHS: tuple[Literal["layout", "declaration", "deep"], ...] = ("layout", "declaration", "deep")
Values = tuple[tuple[int, int], ...]


def by_id(btf: Btf) -> dict[int, Values]:
    """The fingerprints of each type in all depths."""
    table = btf.fingerprints
    columns = [table.values(depth).tolist() for depth in DEPTHS]
    return dict(zip(table.id.tolist(), zip(*columns, strict=True), strict=True))


def of_records(records: list[Record], order: str = "<") -> dict[int, Values]:
    return by_id(btfmmap.open(data=write(records, order)))


@lru_cache(maxsize=2)
def kernel_records(name: str) -> list[Record]:
    return read(stored(f"{name}.btf"))


@lru_cache(maxsize=2)
def some_records(seed: int) -> list[Record]:
    """A part of a kernel."""
    records = kernel_records("6.12-cloud-arm64")
    chosen = random.Random(seed).sample(range(1, len(records) + 1), 60)
    return reordered(records, needed(records, chosen))


# -- against contents that are written out


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Btf, CanonicalTypes]]:
    folder = tmp_path_factory.mktemp("contents")
    paths = {}
    for name in KERNELS:
        paths[name] = folder / name
        paths[name].write_bytes(stored(f"{name}.btf"))
    found = [(btfmmap.open(path), CanonicalTypes(bpftool.records(path))) for path in paths.values()]
    kernel, types = found[KERNELS.index("7.2-amd64")]
    for name in MODULES:
        path = folder / f"{name}.ko"
        path.write_bytes(stored(f"{name}.ko"))
        own = bpftool.records(path, paths["7.2-amd64"])
        found.append((btfmmap.open(path, base=kernel), CanonicalTypes(own, types.own)))
    return found


def test_partition_of_types(contents: list[tuple[Btf, CanonicalTypes]]) -> None:
    """Across kernels of three architectures and modules, fingerprints are equal where contents are."""
    pairs: list[set[tuple[tuple[int, int], int]]] = [set(), set(), set()]
    entities = 0
    for btf, types in contents:
        expected = types.depths()
        found = by_id(btf)
        assert found.keys() == expected.keys()
        entities += len(found)
        for type_id, values in found.items():
            for depth in range(3):
                pairs[depth].add((values[depth], expected[type_id][depth]))
    assert entities > 150_000
    for of_depth in pairs:
        assert len({value for value, _ in of_depth}) == len({content for _, content in of_depth})
        assert len(of_depth) == len({content for _, content in of_depth})
    assert len(pairs[0]) < len(pairs[1]) < len(pairs[2])


def test_columns() -> None:
    btf = btfmmap.open(data=stored("7.2-amd64.btf"))
    table, types = btf.fingerprints, btf.types
    kinds = [Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64, Kind.FUNC, Kind.TYPEDEF, Kind.VAR]
    assert table.id.tolist() == types.id[np.isin(types.kind, kinds)].tolist()
    assert (table.kind == types.kind[table.id]).all()
    assert table.layout_high.dtype == np.uint64
    for depth in DEPTHS:
        values = table.values(depth)
        assert (values["high"] == table[f"{depth}_high"]).all()
        assert (values["low"] == table[f"{depth}_low"]).all()
    with pytest.raises(ValueError, match="'shallow'"):
        table.values("shallow")  # type: ignore[arg-type]
    assert btf.fingerprints is table
    assert VERSION >= 1


# -- the same contents in other files


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("order", ["<", ">"])
def test_permuted_and_swapped(name: str, order: str) -> None:
    records = kernel_records(name)
    original = by_id(btfmmap.open(data=stored(f"{name}.btf")))
    new_order = permutation(records, random.Random(order + name))
    found = of_records(reordered(records, new_order), order)
    assert {new_order[new - 1]: values for new, values in found.items()} == original


def test_subset() -> None:
    records = kernel_records("7.2-amd64")
    original = by_id(btfmmap.open(data=stored("7.2-amd64.btf")))
    source = random.Random(3)
    for count in (1, 30, 1000):
        kept = needed(records, source.sample(range(1, len(records) + 1), count))
        found = of_records(reordered(records, kept))
        assert {kept[new - 1]: values for new, values in found.items()} == {
            type_id: original[type_id] for type_id in kept if type_id in original
        }


@pytest.mark.parametrize("name", MODULES)
def test_split_and_merged(name: str) -> None:
    base = stored("7.2-amd64.btf")
    split = btfmmap.open(data=stored(f"{name}.ko"), base=btfmmap.open(data=base))
    merged = of_records(read(bytes(split.raw), base))
    found = by_id(split)
    assert len(found) > 3
    assert found == {type_id: merged[type_id] for type_id in merged if type_id >= split.first_id}


def test_split_on_split() -> None:
    """A struct whose parts lie in three levels, two of them with members that it flattens."""
    records = some_records(1)[:]
    first = len(records) + 1
    records += [
        Record(UNION, size_or_type=8, elements=((b"a", 1, 0), (b"b", 1, 0))),
        Record(STRUCT, size_or_type=8, elements=((b"", first, 0), (b"p", first, 64))),
        Record(CONST, size_or_type=first + 1),
        Record(STRUCT, b"outer", size_or_type=24, elements=((b"x", 1, 0), (b"", first + 2, 64))),
    ]
    whole = of_records(records)
    for cuts in ([first + 1], [first, first + 2], [first, first + 1, first + 2]):
        level: Btf | None = None
        strings = 1
        for start, end in zip([1, *(cut + 1 for cut in cuts)], [*cuts, len(records)], strict=True):
            part, size = _split(records[start - 1 : end], strings, level is not None)
            strings = size
            level = btfmmap.open(data=part, base=level)
        assert level is not None
        assert by_id(level)[len(records)] == whole[len(records)]


def _split(records: list[Record], first_offset: int, is_split: bool) -> tuple[bytes, int]:
    """A BTF of some records, whose strings follow `first_offset` bytes; and where those of the next start."""
    writer = BtfWriter(strings=b"" if is_split else b"\0")
    start = first_offset if is_split else 0
    for record in records:
        vlen = len(record.elements) if record.kind in ELEMENTS else record.linkage
        info = record.flag << 31 | record.kind << 24 | vlen

        def offset(word: int | bytes) -> int:
            if isinstance(word, int):
                return word
            return writer.string(word) + start if word else 0

        head = (offset(record.name), info, record.size_or_type)
        words = [offset(word) for element in record.elements for word in element]
        writer.records.append(writer.words(*head, *words))
    return writer.build(), start + len(writer.strings)


DEFINITIONS = [
    "struct list { struct list *next, **prev; };",
    "enum mode { OFF, ON = 7, AUTO = -1 };",
    "union word { int whole; struct { short low, high; }; char bytes[4]; };",
    "typedef int (*handler)(struct list *, enum mode, const char *);",
    "struct device { struct list links; union word state; handler handlers[3]; unsigned up : 1, left : 5; };",
    "struct holder { struct device device; const volatile struct unknown *unknown; struct { int x; } *at; };",
    "union either { struct holder *holder; struct device device; };",
]


def test_compiled_in_another_order(tmp_path: Path) -> None:
    """gcc's BTF of the same definitions, used by variables in several orders."""
    source = random.Random(7)
    variables = ["struct list", "enum mode", "union word", "handler", "struct device", "struct holder"]
    results = []
    for attempt in range(4):
        path = tmp_path / f"{attempt}.c"
        order = source.sample(variables, len(variables))
        uses = [f"{type_} v_{type_.replace(' ', '_')};" for type_ in order]
        path.write_text("\n".join([*DEFINITIONS, *uses, "int f(union either *e) { return !e; }"]))
        command = [requirements.tool("gcc"), "-gbtf", "-c", "-o", str(path.with_suffix(".o")), str(path)]
        subprocess.run(command, check=True)
        btf = btfmmap.open(path.with_suffix(".o"))
        names = [name or "" for name in btf.names(btf.fingerprints.id)]
        results.append(sorted(zip(names, by_id(btf).values(), strict=True)))
    assert len(results[0]) > 15
    assert all(result == results[0] for result in results)


# -- single changes


Edit = Callable[[list[Record], int], list[Record]]


def edited(records: list[Record], type_id: int, **fields: object) -> list[Record]:
    changed = records[:]
    changed[type_id - 1] = replace(changed[type_id - 1], **fields)  # type: ignore[arg-type]
    return changed


def with_word(records: list[Record], type_id: int, number: int, at: int, word: int | bytes) -> list[Record]:
    elements = [list(element) for element in records[type_id - 1].elements]
    elements[number][at] = word
    return edited(records, type_id, elements=tuple(map(tuple, elements)))


def appended(records: list[Record], *added: Record) -> tuple[list[Record], int]:
    return [*records, *added], len(records) + 1


def pointer_to_other(records: list[Record], type_id: int, number: int) -> list[Record]:
    """A pointer to a type that no other has, in place of an element's type."""
    changed, fresh = appended(records, Record(FWD, b"some other struct"))
    changed.append(Record(PTR, size_or_type=fresh))
    return with_word(changed, type_id, number, 1, fresh + 1)


def without_element(records: list[Record], type_id: int) -> list[Record]:
    return edited(records, type_id, elements=records[type_id - 1].elements[1:])


def tagged(records: list[Record], type_id: int) -> list[Record]:
    tags = [Record(DECL_TAG, b"tag", size_or_type=type_id, elements=((word,),)) for word in (0xFFFFFFFF, 0)]
    return appended(records, *tags)[0]


def type_tagged(records: list[Record], type_id: int, number: int) -> list[Record]:
    """A pointer with a tag in it."""
    record = records[type_id - 1]
    pointer = record.elements[number][1]
    assert isinstance(pointer, int)
    target = records[pointer - 1].size_or_type
    changed, fresh = appended(records, Record(TYPE_TAG, b"user", size_or_type=target))
    changed.append(Record(PTR, size_or_type=fresh))
    return with_word(changed, type_id, number, 1, fresh + 1)


def wrapped(records: list[Record], type_id: int) -> list[Record]:
    """The first member, alone in an anonymous union."""
    name, member_type, _ = records[type_id - 1].elements[0]
    union = Record(UNION, size_or_type=records[type_id - 1].size_or_type, elements=((name, member_type, 0),))
    changed, fresh = appended(records, union)
    return with_word(with_word(changed, type_id, 0, 1, fresh), type_id, 0, 0, b"")


def requalified(records: list[Record], type_id: int, number: int, kinds: Iterable[int]) -> list[Record]:
    below = records[type_id - 1].elements[number][1]
    assert isinstance(below, int)
    changed = records[:]
    for kind in kinds:
        changed, below = appended(changed, Record(kind, size_or_type=below))
    return with_word(changed, type_id, number, 1, below)


def ids_of(records: list[Record], *kinds: int, has: Callable[[Record], bool] = lambda _: True) -> list[int]:
    return [number for number, record in enumerate(records, 1) if record.kind in kinds and has(record)]


def is_pointer(records: list[Record], word: int | bytes) -> bool:
    return isinstance(word, int) and word > 0 and records[word - 1].kind == PTR


def structs(records: list[Record]) -> list[int]:
    return ids_of(
        records, STRUCT, has=lambda record: bool(record.name and record.elements and not record.flag)
    )


def with_pointer(records: list[Record], *kinds: int) -> list[int]:
    """Those whose first member or parameter is a pointer."""
    return ids_of(
        records,
        *kinds,
        has=lambda record: bool(record.elements) and is_pointer(records, record.elements[0][1]),
    )


def enums(records: list[Record]) -> list[int]:
    return ids_of(records, ENUM, has=lambda record: bool(record.elements))


def functions(records: list[Record]) -> list[int]:
    return ids_of(records, FUNC, has=lambda record: bool(records[record.size_or_type - 1].elements))


def first(records: list[Record], type_id: int) -> tuple[int | bytes, ...]:
    return records[type_id - 1].elements[0]


def number_in(records: list[Record], type_id: int, at: int) -> int:
    word = first(records, type_id)[at]
    assert isinstance(word, int)
    return word


ALL, TYPES, NONE = (True, True, True), (False, True, True), (False, False, False)

EDITS: dict[str, tuple[Callable[[list[Record]], list[int]], Edit, tuple[bool, bool, bool]]] = {
    "size": (structs, lambda r, i: edited(r, i, size_or_type=r[i - 1].size_or_type + 8), ALL),
    "kind": (structs, lambda r, i: edited(r, i, kind=UNION), ALL),
    "offset": (structs, lambda r, i: with_word(r, i, 0, 2, number_in(r, i, 2) + 8), ALL),
    "member name": (structs, lambda r, i: with_word(r, i, 0, 0, b"renamed"), ALL),
    "member removed": (structs, without_element, ALL),
    "member retyped": (lambda r: with_pointer(r, STRUCT), lambda r, i: pointer_to_other(r, i, 0), TYPES),
    "member const": (structs, lambda r, i: requalified(r, i, 0, [CONST]), TYPES),
    "wrapped": (lambda r: with_pointer(r, STRUCT), wrapped, TYPES),
    "own name": (functions, lambda r, i: edited(r, i, name=b"renamed"), NONE),
    "order of members": (
        structs,
        lambda r, i: edited(r, i, elements=r[i - 1].elements[::-1]),
        NONE,
    ),
    "tag": (structs, tagged, NONE),
    "type tag": (lambda r: with_pointer(r, STRUCT), lambda r, i: type_tagged(r, i, 0), NONE),
    "enumerator value": (enums, lambda r, i: with_word(r, i, 0, 1, number_in(r, i, 1) ^ 64), ALL),
    "enumerator name": (enums, lambda r, i: with_word(r, i, 0, 0, b"RENAMED"), ALL),
    "enumerator removed": (enums, without_element, ALL),
    "signedness": (enums, lambda r, i: edited(r, i, flag=not r[i - 1].flag), TYPES),
    "enum size": (enums, lambda r, i: edited(r, i, size_or_type=8), ALL),
    "enum64": (
        lambda r: ids_of(r, ENUM, has=lambda e: bool(e.elements) and not e.flag),
        lambda r, i: edited(
            r, i, kind=ENUM64, elements=tuple((*element, 0) for element in r[i - 1].elements)
        ),
        NONE,
    ),
    "linkage": (functions, lambda r, i: edited(r, i, linkage=r[i - 1].linkage ^ 1), NONE),
    "parameter name": (
        functions,
        lambda r, i: with_word(r, r[i - 1].size_or_type, 0, 0, b"renamed"),
        TYPES,
    ),
    "parameter removed": (functions, lambda r, i: without_element(r, r[i - 1].size_or_type), ALL),
    "parameter retyped": (
        lambda r: [i for i in functions(r) if is_pointer(r, first(r, r[i - 1].size_or_type)[1])],
        lambda r, i: pointer_to_other(r, r[i - 1].size_or_type, 0),
        TYPES,
    ),
    "result": (
        lambda r: [i for i in functions(r) if not r[r[i - 1].size_or_type - 1].size_or_type],
        lambda r, i: edited(r, r[i - 1].size_or_type, size_or_type=1),
        ALL,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_single_edit(name: str) -> None:
    """It changes exactly the depths it should, and only types that refer to the edited one."""
    candidates, edit, expected = EDITS[name]
    source = random.Random(name)
    records = some_records(1)
    before = of_records(records)
    ids = [type_id for type_id in candidates(records) if type_id in before]
    for type_id in source.sample(ids, 5):
        after_records = edit(records, type_id)
        after = of_records(after_records)
        changed = tuple(a != b for a, b in zip(before[type_id], after[type_id], strict=True))
        assert changed == expected, records[type_id - 1]
        _check_others(records, after_records, before, after)


def _check_others(
    records: list[Record], edited_records: list[Record], before: dict[int, Values], after: dict[int, Values]
) -> None:
    differing = {i for i, old in enumerate(records, 1) if old != edited_records[i - 1]}
    users: dict[int, list[int]] = {}
    for number, record in enumerate(records, 1):
        for target in record.references():
            users.setdefault(target, []).append(number)
    pending = [*differing]
    while pending:
        for user in users.get(pending.pop(), []):
            if user not in differing:
                differing.add(user)
                pending.append(user)
    for type_id, values in before.items():
        if type_id not in differing:
            assert after[type_id] == values


def small(inner: str = "a") -> tuple[BtfWriter, dict[str, int]]:
    """A struct embedded in others in several ways, with one member retyped by `inner`."""
    writer = BtfWriter()
    ids = {"int": writer.add_int("int"), "long": writer.add_int("long", 8)}
    forward = writer.add(FWD, inner)
    pointer = writer.add(PTR, size_or_type=forward)
    ids["inner"] = held = writer.add_struct("inner", 8, [("to", pointer, 0)])
    array = writer.add_array(writer.add(CONST, size_or_type=held), ids["int"], 2)
    ids["array"] = writer.add_struct("array", 16, [("all", array, 0)])
    alias = writer.add(TYPEDEF, "alias", size_or_type=held)
    ids["alias"] = alias
    unnamed = writer.add_struct("", 8, [("x", alias, 0)], kind=UNION)
    ids["unnamed"] = writer.add_struct("unnamed", 8, [("", unnamed, 0)])
    ids["outer"] = writer.add_struct("outer", 8, [("in", ids["unnamed"], 0)])
    ids["pointer"] = writer.add_struct("pointer", 8, [("p", writer.add(PTR, size_or_type=held), 0)])
    ids["func"] = writer.add(FUNC, "f", size_or_type=writer.add_proto(0, [("a", held)]), vlen=1)
    ids["var"] = writer.add(VAR, "v", size_or_type=alias, extra=(1,))
    return writer, ids


def test_deep_changes() -> None:
    """A change inside an embedded struct is deep only; behind a pointer it is none."""
    (one, ids), (other, _) = small(), small("b")
    before, after = by_id(btfmmap.open(data=one.build())), by_id(btfmmap.open(data=other.build()))
    changed = {
        name: tuple(a != b for a, b in zip(before[type_id], after[type_id], strict=True))
        for name, type_id in ids.items()
        if type_id in before
    }
    deep = (False, False, True)
    assert changed == {
        "inner": TYPES,
        "array": deep,
        "alias": deep,
        "unnamed": deep,
        "outer": deep,
        "pointer": NONE,
        "func": deep,
        "var": deep,
    }


def test_order_of_qualifiers() -> None:
    """A set of them counts, whichever way it is written, on one level or on several."""
    writer = BtfWriter()
    number = writer.add_int()
    orders = [
        [CONST, VOLATILE],
        [VOLATILE, CONST],
        [CONST, VOLATILE, CONST],
        [VOLATILE, TYPE_TAG, CONST, TYPE_TAG],
        [CONST],
        [VOLATILE, RESTRICT],
        [],
    ]
    ids = []
    for kinds in orders:
        type_id = number
        for kind in kinds:
            type_id = writer.add(kind, "tag" if kind == TYPE_TAG else "", size_or_type=type_id)
        ids.append(writer.add_struct("s", 4, [("m", type_id, 0)]))
    found = by_id(btfmmap.open(data=writer.build()))
    assert len({found[type_id] for type_id in ids[:4]}) == 1
    assert len({found[type_id] for type_id in ids[3:]}) == 4
    assert len({found[type_id][0] for type_id in ids}) == 1


def test_forward_declarations() -> None:
    """A pointer to a FWD is spelled as one to the definition."""
    results = []
    for kind, flag in ((FWD, False), (STRUCT, False), (FWD, True), (UNION, False)):
        writer = BtfWriter()
        target = writer.add(kind, "it", kind_flag=flag)
        pointer = writer.add(PTR, size_or_type=target)
        user = writer.add_struct("user", 8, [("p", pointer, 0)])
        results.append(by_id(btfmmap.open(data=writer.build()))[user])
    assert results[0] == results[1] != results[2] == results[3]


def test_nested_members_are_flattened() -> None:
    """Offsets add up through any nesting, and not otherwise."""
    source = random.Random(5)
    for _ in range(50):
        flat, nested = BtfWriter(), BtfWriter()
        for writer in (flat, nested):
            writer.add_int()
        members = [(f"m{i}", 1, source.randrange(1 << 20) * 8) for i in range(source.randrange(1, 9))]
        plain = flat.add_struct("s", 1 << 20, members)
        inside = members
        for level in range(source.randrange(1, 4)):
            shift = source.randrange(1 << 10) * 8
            shift = min(shift, min(offset for _, _, offset in inside))
            lower = [(name, type_id, offset - shift) for name, type_id, offset in inside]
            kind = source.choice((STRUCT, UNION))
            inside = [("", nested.add_struct(f"t{level}" * (level % 2), 8, lower, kind=kind), shift)]
        deep = nested.add_struct("s", 1 << 20, inside)
        one = by_id(btfmmap.open(data=flat.build()))[plain]
        other = by_id(btfmmap.open(data=nested.build()))[deep]
        assert (one[0] == other[0], one[1] == other[1]) == (True, False)


def test_bitfields_of_old_producers() -> None:
    """Without the kind flag, the INT has the bits of a bitfield."""
    results = []
    for bits, start in ((3, 0), (4, 0), (3, 2)):
        writer = BtfWriter()
        number = writer.add(1, "int", size_or_type=4, extra=(1 << 24 | start << 16 | bits,))
        struct = writer.add_struct("s", 4, [("b", number, 8)])
        results.append(by_id(btfmmap.open(data=writer.build()))[struct][0])
        new = BtfWriter()
        number = new.add_int("int")
        struct = new.add_struct("s", 4, [("b", number, bits << 24 | 8 + start)], kind_flag=True)
        assert by_id(btfmmap.open(data=new.build()))[struct][0] == results[-1]
    assert len(set(results)) == 3


def test_old_bitfields_of_a_base() -> None:
    """A module's bitfields have the bits of INTs of its base."""
    results = []
    for bits in (3, 4):
        base = BtfWriter()
        number = base.add(1, "int", size_or_type=4, extra=(1 << 24 | bits,))
        split = SplitWriter(base)
        struct = split.add_struct("s", 4, [("b", number, 8)])
        merged = BtfWriter()
        merged.add(1, "int", size_or_type=4, extra=(1 << 24 | bits,))
        merged.add_struct("s", 4, [("b", number, 8)])
        module = btfmmap.open(data=split.build(), base=btfmmap.open(data=base.build()))
        results.append(by_id(module)[struct])
        assert results[-1] == by_id(btfmmap.open(data=merged.build()))[struct]
    assert results[0] != results[1]


@pytest.mark.parametrize("order", ["<", ">"])
def test_names_of_all_lengths(order: Literal["<", ">"]) -> None:
    """Each byte of a name counts, and not where the string is: at the section's end, before it, in a base."""
    names = ["n" * length for length in range(1, 50)]
    names += ["n" * at + "x" + "n" * (length - at - 1) for length in (9, 16, 35) for at in range(length)]
    found = set()
    for name in names:
        base = BtfWriter(order)
        base.add_int()
        base.string(name)
        at_end, followed, split = BtfWriter(order), BtfWriter(order), SplitWriter(base)
        for writer in (at_end, followed):
            writer.add_int()
        ids = [writer.add_struct("", 4, [(name, 1, 0)]) for writer in (at_end, followed)]
        followed.add(TYPEDEF, "and more strings after it", size_or_type=1)
        values = {
            by_id(btfmmap.open(data=writer.build()))[type_id]
            for writer, type_id in zip((at_end, followed), ids, strict=True)
        }
        member = base.strings.index(name.encode() + b"\0")
        type_id = split.add(STRUCT, size_or_type=4, vlen=1, extra=(member, 1, 0))
        whole = btfmmap.open(data=base.build())
        values.add(by_id(btfmmap.open(data=split.build(), base=whole))[type_id])
        assert len(values) == 1
        found |= values
    assert len(found) == len(set(names))


def test_big_endian_every_kind() -> None:
    assert by_id(btfmmap.open(data=every_kind("<").build())) == by_id(
        btfmmap.open(data=every_kind(">").build())
    )


# -- hostile files


def chain(kind: int, length: int) -> BtfWriter:
    """Types that each refer to the next one; the last refers to the first."""
    writer = BtfWriter()
    for number in range(1, length + 1):
        target = number % length + 1
        if kind in (STRUCT, UNION):
            writer.add_struct("", 8, [("", target, 0), ("m", target, 8)], kind=kind)
        elif kind == ARRAY:
            writer.add_array(target, target, 2)
        elif kind == FUNC_PROTO:
            writer.add_proto(target, [("", target), ("", target)])
        else:
            writer.add(kind, size_or_type=target)
    writer.add_struct("user", 8, [("", 1, 0), ("p", 2, 0)])
    writer.add(VAR, "v", size_or_type=1, extra=(0,))
    return writer


@pytest.mark.parametrize("kind", [PTR, CONST, TYPE_TAG, TYPEDEF, ARRAY, STRUCT, UNION, FUNC_PROTO])
@pytest.mark.parametrize("length", [1, 2, 100_000])
def test_cycles(kind: int, length: int) -> None:
    btf = btfmmap.open(data=chain(kind, length).build())
    table = btf.fingerprints
    assert len(table) >= 2
    assert by_id(btfmmap.open(data=chain(kind, length).build())) == by_id(btf)


def test_doubling() -> None:
    """A struct that contains another twice, 200 times: 2**200 flattened members."""
    writer = BtfWriter()
    last = writer.add_int()
    for _ in range(200):
        last = writer.add_struct("", 8, [("", last, 0), ("", last, 32)])
    assert len(set(by_id(btfmmap.open(data=writer.build())).values())) == 200


def test_a_million_members() -> None:
    writer = BtfWriter()
    number = writer.add_int()
    name = writer.string("m")
    words = [word for i in range(1 << 20) for word in (name, number, 32 * (i % 100))]
    writer.records.append(writer.words(0, STRUCT << 24 | 1 << 20, 4096, *words))
    writer.add(TYPEDEF, "t", size_or_type=2)
    found = by_id(btfmmap.open(data=writer.build()))
    assert found[2][0] == found[3][0]
