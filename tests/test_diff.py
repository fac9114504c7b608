"""`btfmmap.diff`: entities, versions and questions about them. test_diff_*.py compare its changes with an
independent differ."""

from __future__ import annotations

import pickle
import random
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from btf_writer import CONST, DECL_TAG, FUNC, FWD, PTR, STRUCT, TYPEDEF, UNION, VAR, BtfWriter
from little_stack import on_little_stack
from mutants import mutant
from split_writer import SplitWriter, small_base, small_split
from stored_files import KERNELS, MODULES, stored

import btfmmap
from btfmmap import Btf, BtfError, ChangeKind, DiffResult, EntityKind, NotFoundError

C, E = ChangeKind, EntityKind
TRACEPOINT = "btf_trace_"


def opened(writer: BtfWriter) -> Btf:
    return btfmmap.open(data=writer.build())


def changes(old: BtfWriter, new: BtfWriter) -> list[tuple[str, ChangeKind, str, str, bool]]:
    found = btfmmap.diff([opened(old), opened(new)]).changed(depth="deep")
    return [
        (each.name, change.kind, change.path_old, change.path_new, change.own)
        for each in found
        for change in each.changes
    ]


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("kernels")
    for name in KERNELS:
        (folder / f"{name}.btf").write_bytes(stored(f"{name}.btf"))
    return [folder / f"{name}.btf" for name in KERNELS]


@pytest.fixture(scope="module")
def result(kernels: list[Path]) -> DiffResult:
    return btfmmap.diff(kernels)


def named(result: DiffResult) -> list[tuple[EntityKind, str]]:
    return [result.name(row) for row in range(len(result.entities))]


def entities_of(btf: Btf) -> dict[tuple[EntityKind, str], int]:
    """How many definitions each kind and name has, by the records alone."""
    types = btf.types
    names = btf.names()
    kinds = dict(zip(types.id.tolist(), types.kind.tolist(), strict=True))
    targets = dict(zip(types.id.tolist(), types.size_or_type.tolist(), strict=True))
    simple = {
        4: E.STRUCT,
        5: E.UNION,
        6: E.ENUM,
        19: E.ENUM,
        12: E.FUNCTION,
        14: E.VARIABLE,
        1: E.BASE,
        16: E.BASE,
    }
    found: dict[tuple[EntityKind, str], int] = defaultdict(int)
    for type_id, kind in kinds.items():
        name = names[type_id]
        if kind in simple and name:
            found[simple[kind], name] += 1
        elif kind == 8:
            target = targets[type_id]
            is_tracepoint = (
                name.startswith(TRACEPOINT) and kinds[target] == 2 and kinds[targets[target]] == 13
            )
            key = (E.TRACEPOINT, name.removeprefix(TRACEPOINT)) if is_tracepoint else (E.TYPEDEF, name)
            found[key] += 1
    return found


def test_presence_of_everything_with_a_name(result: DiffResult, kernels: list[Path]) -> None:
    present = result.presence >= 0
    for column, path in enumerate(kernels):
        expected = entities_of(btfmmap.open(path))
        counted: dict[tuple[EntityKind, str], int] = defaultdict(int)
        for row in np.flatnonzero(present[:, column]).tolist():
            kind, name = result.name(row)
            if not name.startswith("{"):
                counted[kind, name] += 1
        assert counted == expected


def test_enums_without_a_name_that_nothing_refers_to(result: DiffResult, kernels: list[Path]) -> None:
    for column, path in enumerate(kernels):
        btf = btfmmap.open(path)
        refers = np.isin(btf.types.kind, (2, 8, 9, 10, 11, 12, 13, 14, 17, 18))
        columns = (btf.members.type, btf.params.type, btf.arrays.type, btf.types.size_or_type[refers])
        referred = set(np.concatenate(columns).tolist())
        expected = [
            "{" + btf[type_id].enumerators[0].name
            for type_id in btf.types.id[np.isin(btf.types.kind, (6, 19))].tolist()
            if not btf.name(type_id) and type_id not in referred
        ]
        found = [
            name
            for row, name in enumerate(result.entities.name.tolist())
            if name.startswith("{") and result.version_numbers(row)[column] >= 0
        ]
        assert sorted(found) == sorted(expected)
        assert found


def test_versions_are_those_of_the_fingerprints(result: DiffResult, kernels: list[Path]) -> None:
    """A version's row has the type and the fingerprints of its first kernel; none is listed twice."""
    versions = result.versions
    seen: set[tuple[int, ...]] = set()
    tables = []
    for path in kernels:
        table = btfmmap.open(path).fingerprints
        tables.append((dict(zip(table.id.tolist(), range(len(table)), strict=True)), table))
    for row in range(len(versions)):
        version = versions[row]
        kind, _ = result.name(version["entity"])
        rows, table = tables[version["kernel"]]
        if kind not in (E.BASE, E.TRACEPOINT):
            at = rows[version["type_id"]]
            for depth in ("layout", "declaration", "deep"):
                assert version[f"{depth}_high"] == table[f"{depth}_high"][at]
                assert version[f"{depth}_low"] == table[f"{depth}_low"][at]
        assert result.version_numbers(version["entity"])[version["kernel"]] == version["version"]
        key = (version["entity"], version["version"])
        assert key not in seen
        seen.add(key)


def test_stable_by_brute_force(result: DiffResult, kernels: list[Path]) -> None:
    """Structs whose name is unique in each kernel, compared by their fingerprints."""
    hashes: list[dict[str, list[tuple[int, int]]]] = []
    for path in kernels:
        btf = btfmmap.open(path)
        table = btf.fingerprints
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        mask = table.kind == 4
        for name, high, low in zip(
            btf.names(table.id[mask]),
            table.deep_high[mask].tolist(),
            table.deep_low[mask].tolist(),
            strict=True,
        ):
            found[name].append((high, low))
        hashes.append(found)
    expected = {
        name
        for name, found in hashes[0].items()
        if name and len(found) == 1 and all(other.get(name) == found for other in hashes[1:])
    }
    unique = {name for name in hashes[0] if all(len(found.get(name, ())) <= 1 for found in hashes)}
    stable = result.stable("struct", depth="deep")
    assert set(stable.name) & unique == expected & unique
    assert len(result.stable("struct", depth="layout")) >= len(result.stable("struct")) >= len(stable)


def test_history_and_offsets_agree_with_each_kernel(result: DiffResult, kernels: list[Path]) -> None:
    btfs = [btfmmap.open(path) for path in kernels]
    for owner in ("task_struct", "sk_buff", "net_device", "file"):
        table, offsets = result.offsets(f"{owner}.*")
        shape = (len(table), len(btfs))
        assert offsets.shape == shape
        for name, row in zip(table.name, offsets.tolist(), strict=True):
            if "[]" in name:
                continue
            path = name.partition(".")[2]
            for btf, offset in zip(btfs, row, strict=True):
                try:
                    expected = btf[f"struct {owner}.{path}"].bit_offset
                except KeyError:
                    expected = -1
                assert offset == expected, name
    history = result.history("task_struct.se.load.weight")
    assert history.bit_offset.tolist() == [btf["task_struct.se.load.weight"].bit_offset for btf in btfs]
    assert history.present.all()
    assert set(history.type) == {"long unsigned int"}


def test_members_are_those_of_the_record(result: DiffResult, kernels: list[Path]) -> None:
    """Of enums and functions, which have no members of others."""
    btf = btfmmap.open(kernels[0])
    source = random.Random(1)
    for kind in (E.ENUM, E.FUNCTION):
        rows = [
            row
            for row, (its, name) in enumerate(named(result))
            if its == kind and result.version_numbers(row)[0] >= 0 and len(btf.find_all(name)) == 1
        ]
        for row in source.sample(rows, 200):
            name = result.name(row)[1]
            found = result.members(row, 0)
            if kind == E.ENUM:
                expected = [(each.name, each.value) for each in btf[btf.find_all(name)[0]].enumerators]
                assert [(each.path, each.value) for each in found] == expected
            else:
                function = btf[f"func {name}"].type
                assert function is not None
                names = [each.name for each in function.params]
                variadic = names[-1:] == [""]
                assert [each.path for each in found[1:]] == names[: len(names) - variadic]


def test_the_same_kernel_has_no_changes(kernels: list[Path]) -> None:
    result = btfmmap.diff([kernels[0], kernels[0]])
    assert len(result.changes()) == len(result.changed(depth="deep")) == len(result.causes()) == 0
    assert (result.presence == 0).all()


def test_executors_answer_the_same(kernels: list[Path], result: DiffResult) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        other = btfmmap.diff(kernels, executor=pool)
    with ThreadPoolExecutor(2) as threads:
        third = btfmmap.diff(kernels, executor=threads)
    for each in (other, third):
        assert (each.presence == result.presence).all()
        assert (each.entities.name == result.entities.name).all()
        assert each.changed(1, 2) == result.changed(1, 2)
        assert each.notes == result.notes


def test_threads_share_a_result(kernels: list[Path]) -> None:
    """Members are read on demand."""
    result = btfmmap.diff(kernels[:2])
    rows = result.match("struct s*")
    with ThreadPoolExecutor(4) as pool:
        answers = [*pool.map(lambda row: [result.members(row, kernel) for kernel in (0, 1)], rows * 2)]
    assert answers[: len(rows)] == answers[len(rows) :]


def test_pairs_that_are_no_neighbours(kernels: list[Path], result: DiffResult) -> None:
    """Entities of three kernels give what two of them alone give, for names that occur once."""
    direct = btfmmap.diff([kernels[0], kernels[2]])
    unique = {(each.kind, each.name) for each in result.changed(0, 2)}
    counts: dict[tuple[EntityKind, str], int] = defaultdict(int)
    for key in named(result):
        counts[key] += 1

    def shown(found: DiffResult, b: int) -> dict[tuple[EntityKind, str], list[tuple[object, ...]]]:
        return {
            (each.kind, each.name): [change[:-2] for change in each.changes]
            for each in found.changed(0, b)
            if counts[each.kind, each.name] == 1
        }

    assert unique
    assert shown(direct, 1) == shown(result, 2)


def test_split_kernel_is_the_same_as_its_modules(tmp_path: Path) -> None:
    folder = tmp_path / "with"
    folder.mkdir()
    (folder / "vmlinux").write_bytes(stored("7.2-amd64.btf"))
    for name in MODULES:
        (folder / f"{name}.ko").write_bytes(stored(f"{name}.ko"))
    result = btfmmap.diff([folder / "vmlinux", folder])
    added = result.changed()
    assert {each.changes[0].kind for each in added} == {C.ADDED}
    versions = result.versions
    modules = {
        str(versions.module_name[row])
        for each in added
        for row in np.flatnonzero(versions.entity == each.entity).tolist()
    }
    assert modules == set(MODULES)
    assert ("tcp_bbr", "struct bbr") in {
        (str(versions.module_name[row]), f"struct {result.name(int(versions.entity[row]))[1]}")
        for row in range(len(versions))
        if versions.kernel[row] == 1
    }


def test_split_btf_is_compared_with_its_base() -> None:
    base = small_base()
    lower = opened(base)
    old = btfmmap.open(data=small_split(base).build(), base=lower)
    other = SplitWriter(base)
    other.add_struct("own", 12, [("inherited", 2, 0), ("plain", 1, 64)])
    new = btfmmap.open(data=other.build(), base=lower)
    found = {
        (each.name, change.kind) for each in btfmmap.diff([old, new]).changed() for change in each.changes
    }
    assert found == {("own", C.MEMBER_MOVED), ("own", C.SIZE), ("shared", C.REMOVED)}


def test_kernels_that_do_not_open(tmp_path: Path, kernels: list[Path]) -> None:
    (tmp_path / "bad").write_bytes(b"\x9f\xeb\x01")
    result = btfmmap.diff([kernels[0], tmp_path / "bad", tmp_path / "absent", kernels[0]])
    assert [bool(error) for error in result.errors] == [False, True, True, False]
    assert result.kernels.error.tolist() == result.errors
    assert (result.presence[:, 1:3] == -1).all()
    assert result.changed(0, 3) == []
    assert len(result.stable()) == len(result.entities)
    with pytest.raises(ValueError, match="did not open"):
        result.changes(0, 1)
    with pytest.raises(IndexError, match="no kernel 4"):
        result.changes(0, 4)


def test_selection(kernels: list[Path], result: DiffResult) -> None:
    selected = btfmmap.diff(kernels, names=["struct tcp_*", "sock"], kinds=["struct", E.FUNCTION])
    wanted = {
        row
        for row, (kind, name) in enumerate(named(result))
        if (kind == E.STRUCT and (name.startswith("tcp_") or name == "sock"))
        or (kind == E.FUNCTION and name == "sock")
    }
    assert set(np.flatnonzero(selected.entities.selected).tolist()) == wanted
    assert [each for each in result.changed() if each.entity in wanted] == selected.changed()
    assert set(selected.changes().entity.tolist()) <= wanted
    whole, followers = dict(result.causes()), dict(selected.causes())
    assert followers.keys() <= whole.keys()
    for cause, count in followers.items():
        assert count == len(selected.follows(cause)) == len(set(result.follows(cause)) & wanted)
    with pytest.raises(ValueError, match="unknown kind 'absent'"):
        btfmmap.diff(kernels[:1], kinds="absent")


def test_causes_and_what_follows(result: DiffResult) -> None:
    changed = {each.entity: each for each in result.changed(1, 2, depth="deep")}
    follows = {cause: set(result.follows(cause, 1, 2)) for cause, _ in result.causes(1, 2)}
    assert {cause: len(rows) for cause, rows in follows.items()} == dict(result.causes(1, 2))
    for entity, each in changed.items():
        causes = set(result.causes_of(entity, 1, 2))
        assert causes == {cause for cause, rows in follows.items() if entity in rows}
        assert each.own or causes, each.name
        assert each.own == any(change.own for change in each.changes)
    table = result.changes(1, 2)
    assert table.causes().followers.tolist() == [count for _, count in result.causes(1, 2)]
    with pytest.raises(ValueError, match="selection"):
        table[:1].causes()


def test_causes_in_a_cycle() -> None:
    """Each changed by itself, and contains each other one: only hostile files have such structs."""

    def writer(new: bool) -> BtfWriter:
        made = BtfWriter()
        name = "new" if new else "old"
        made.add_struct("outside", 8, [("a", 2, 0)])
        for number, (its, after) in enumerate((("a", 3), ("b", 4), ("c", 2))):
            made.add_struct(its, 16, [("held", after, 0), (f"{name}{number}", 5, 64)])
        made.add_int()
        return made

    result = btfmmap.diff([opened(writer(False)), opened(writer(True))])
    names = {row: result.name(row)[1] for row in range(len(result.entities))}
    causes = {names[row]: count for row, count in result.causes()}
    assert causes == {"a": 3, "b": 3, "c": 3}
    for row, name in names.items():
        followers = {names[each] for each in result.follows(row)}
        assert followers == ({"outside", "a", "b", "c"} - {name} if name in causes else set())
        if name == "outside" or name in causes:
            assert {names[each] for each in result.causes_of(row)} == {"a", "b", "c"} - {name}


def test_counts(result: DiffResult) -> None:
    for depth in ("layout", "declaration", "deep"):
        expected: dict[EntityKind, list[int]] = defaultdict(lambda: [0] * 4)
        for each in result.changed(1, 2, depth=depth):
            first = each.changes[0].kind
            place = 0 if first == C.ADDED else 1 if first == C.REMOVED else 2 if each.own else 3
            expected[each.kind][place] += 1
        found = result.change_counts(1, 2, depth=depth)
        assert {kind: numbers for kind, *numbers in found} == expected
        assert [each.kind for each in found] == sorted(expected)


def test_names_that_are_unknown(result: DiffResult) -> None:
    with pytest.raises(NotFoundError, match="no kernel has 'task_strukt'; close to it: 'task_struct'"):
        result.history("task_strukt")
    with pytest.raises(NotFoundError, match="task_struct has no 'pidd' in any kernel; close to it: 'pid'"):
        result.history("struct task_struct.pidd")
    with pytest.raises(ValueError, match="no dot"):
        result.offsets("task_struct")
    with pytest.raises(ValueError, match="depth must be"):
        result.changed(depth="shallow")  # type: ignore[arg-type]
    with pytest.raises(IndexError, match="no entity"):
        result.members(len(result.entities), 0)


def test_notes(kernels: list[Path], result: DiffResult) -> None:
    assert any("architectures differ: x86_64, arm64, s390x" in note for note in result.notes)
    assert any("byte orders differ: little, big" in note for note in result.notes)
    assert any("encoders" in note and "types sorted by name" in note for note in result.notes)
    assert btfmmap.diff([kernels[0], kernels[0]]).notes == []


def test_a_result_is_not_pickled(kernels: list[Path]) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(btfmmap.diff(kernels[:1]))


# -- single rules; the seeded editor of test_diff_editor.py has every kind of change


def with_struct(members: list[tuple[str, str, int]], size: int) -> BtfWriter:
    writer = BtfWriter()
    ids = {"int": writer.add_int(), "long": writer.add_int("long", 8), "u8": writer.add_int("u8", 1)}
    writer.add_struct("s", size, [(name, ids[type_], offset) for name, type_, offset in members])
    return writer


def test_a_member_is_inserted() -> None:
    old = with_struct([("a", "int", 0), ("b", "int", 32)], 8)
    new = with_struct([("a", "int", 0), ("x", "int", 32), ("b", "int", 64)], 12)
    assert changes(old, new) == [
        ("s", C.MEMBER_MOVED, "b", "b", False),
        ("s", C.MEMBER_ADDED, "", "x", True),
        ("s", C.SIZE, "", "", False),
    ]


def test_members_that_swap_places_moved_by_themselves() -> None:
    old = with_struct([("a", "int", 0), ("b", "int", 32), ("c", "int", 64)], 12)
    new = with_struct([("b", "int", 0), ("a", "int", 32), ("c", "int", 64)], 12)
    assert changes(old, new) == [
        ("s", C.MEMBER_MOVED, "a", "a", True),
        ("s", C.MEMBER_MOVED, "b", "b", True),
    ]


def test_namesakes_are_paired_by_content() -> None:
    def writer(sizes: list[int]) -> BtfWriter:
        made = BtfWriter()
        int_id = made.add_int()
        for size in sizes:
            made.add_struct("s", 4 * size, [(f"m{size}_{i}", int_id, 32 * i) for i in range(size)])
        return made

    olds, news = writer([2, 3, 5]), writer([5, 3, 7, 2])
    result = btfmmap.diff([opened(olds), opened(news)])
    rows = result.match("struct s")
    assert [result.version_numbers(row) for row in rows] == [[0, 0], [0, 0], [0, 0], [-1, 0]]
    assert not result.entities.uncertain.any()


def test_namesakes_that_only_their_order_tells_apart_are_uncertain() -> None:
    def writer(size: int) -> BtfWriter:
        made = BtfWriter()
        int_id = made.add_int("int", size)
        for _ in range(2):
            made.add_struct("s", size, [("m", int_id, 0)])
        return made

    result = btfmmap.diff([opened(writer(4)), opened(writer(8))])
    assert result.entities.uncertain[result.match("struct s")].any()


def test_declarations_are_no_definitions() -> None:
    old, new = BtfWriter(), BtfWriter()
    old.add(FWD, "s")
    new.add_struct("s", 0, [])
    assert changes(old, new) == [("s", C.ADDED, "", "", True)]


def test_unsigned_values_keep_all_bits() -> None:
    def writer(value: int, signed: bool) -> BtfWriter:
        made = BtfWriter()
        made.add_enum64("e", [("A", value)], signed=signed)
        return made

    top = 2**64 - 1
    result = btfmmap.diff([opened(writer(top, False)), opened(writer(1, False))])
    (entity,) = result.changed()
    assert (entity.changes[0].value_old, entity.changes[0].value_new) == (top, 1)
    table = result.changes()
    assert (int(table.value_old.view("u8")[0]), bool(table.signed_old[0])) == (top, False)
    assert result.members(entity.entity, 0)[0].value == top
    signed = btfmmap.diff([opened(writer(-1 % 2**64, True)), opened(writer(1, True))])
    assert signed.changed()[0].changes[0].value_old == -1
    assert result.history("e.A").value.tolist() == [-1, 1]  # bit for bit


@pytest.mark.parametrize(("signed", "text"), [(True, "enum { A = -1 }"), (False, "enum { A = 4294967295 }")])
def test_the_text_of_an_enum_has_signed_values(signed: bool, text: str) -> None:
    def writer(retyped: bool) -> BtfWriter:
        made = BtfWriter()
        int_id = made.add_int()
        enum_id = made.add_enum("", [("A", -1)], signed=signed)
        made.add_struct("s", 8, [("a", int_id if retyped else enum_id, 0), ("b", enum_id, 32)])
        return made

    (entity,) = btfmmap.diff([opened(writer(False)), opened(writer(True))]).changed()
    assert [(change.text_old, change.text_new) for change in entity.changes] == [(text, "int")]


def test_kinds_that_other_tests_do_not_have() -> None:
    old, new = BtfWriter(), BtfWriter()
    for writer, linkage, tags in ((old, 0, ("a",)), (new, 1, ("b", "a"))):
        int_id = writer.add_int()
        function = writer.add(FUNC, "f", size_or_type=writer.add_proto(int_id, []), vlen=linkage)
        for tag in tags:
            writer.add(DECL_TAG, tag, size_or_type=function, extra=(-1,))
        writer.add(VAR, "v", size_or_type=int_id, extra=(linkage,))
    found = btfmmap.diff([opened(old), opened(new)]).changed()
    assert [(each.name, change.kind, change.text_new) for each in found for change in each.changes] == [
        ("f", C.TAGS, "a, b"),
        ("f", C.LINKAGE, ""),
        ("v", C.LINKAGE, ""),
    ]


# -- hostile input


def test_names_of_any_bytes() -> None:
    old, new = BtfWriter(), BtfWriter()
    for writer, name in ((old, b"\xff\x1b[2J"), (new, b"\xff\x1b[2K")):
        writer.add_struct(b"s\xfe", 0, [(name, 0, 0)])  # type: ignore[list-item]
    (entity,) = btfmmap.diff([opened(old), opened(new)]).changed()
    assert entity.name.encode(errors="surrogateescape") == b"s\xfe"


def test_shared_structs_without_a_name_are_bounded() -> None:
    """Each union holds the one below twice: 2 to the power of 40 members."""
    writer = BtfWriter()
    held = writer.add_int()
    for _ in range(40):
        held = writer.add_struct("", 4, [("", held, 0), ("", held, 0)], kind=UNION)
    writer.add_struct("holder", 4, [("", held, 0)])
    writer.add_struct("other", 4, [("member", 1, 0)])
    result = btfmmap.diff([opened(writer), opened(BtfWriter()), opened(writer)])
    assert result.errors == [""] * 3
    (row,) = result.match("holder")
    assert result.version_numbers(row) == [0, -1, 0]
    assert len(result.members(row, 0)) <= 1 << 16
    assert [member.path for member in result.members(result.match("struct other")[0], 0)] == ["member"]


def test_deep_types_need_no_stack() -> None:
    def writer(depth: int, top: int) -> BtfWriter:
        made = BtfWriter()
        held = made.add_int()
        for number in range(depth):
            kind = (PTR, CONST, TYPEDEF)[number % 3]
            held = made.add(kind, "t" if kind == TYPEDEF else "", size_or_type=held)
        for number in range(1000):
            held = made.add_struct("", 8, [(f"m{number}", held, 0)])
        for number in range(1000):
            held = made.add_struct(f"s{number}", 8, [("m", held, 0)])
        made.add_struct("top", top, [("m", held, 0)])
        return made

    on_little_stack(
        lambda: btfmmap.diff([opened(writer(100_000, 8)), opened(writer(99_999, 16))]).changed(depth="deep")
    )


def test_long_chains_of_pointers_are_abbreviated() -> None:
    """Otherwise each member here would take as many steps as a text may have characters."""

    def writer(size: int) -> BtfWriter:
        made = BtfWriter()
        held = made.add_int()
        for _ in range(100):
            held = made.add(PTR, size_or_type=held)
        held = made.add_struct("", size, [(f"m{number}", held, 0) for number in range(10)])
        made.add_struct("s", 8, [("m", made.add(PTR, size_or_type=held), 0)])
        return made

    (entity,) = btfmmap.diff([opened(writer(8)), opened(writer(16))]).changed()
    members = " ".join(["...;"] * 10)
    assert entity.changes[0].text_old == f"struct {{ {members} }} *"


def test_cycles_end() -> None:
    def writer(size: int) -> BtfWriter:
        made = BtfWriter()
        made.add_struct("a", size, [("b", 2, 0)])
        made.add_struct("b", size, [("a", 1, 0)])
        made.add_struct("", size, [("self", 3, 0), ("", 3, 0)])
        made.add(TYPEDEF, "t", size_or_type=3)
        made.add(CONST, size_or_type=5)
        made.add(TYPEDEF, "u", size_or_type=7)
        made.add(TYPEDEF, "u", size_or_type=6)
        return made

    result = btfmmap.diff([opened(writer(8)), opened(writer(16))])
    found = result.changed(depth="deep")
    assert {each.name for each in found} >= {"a", "b"}
    for each in found:
        result.causes_of(each.entity)
        result.follows(each.entity)
        result.members(each.entity, 0)


LONG = 1 << 20
"""Length of a name. 256 of them are the limit, even of one string."""


def add_long_struct(writer: BtfWriter, name: str, members: int, size: int) -> None:
    long = writer.string("x" * LONG)
    words = [word for at in range(members) for word in (long, 1, 32 * at)]
    writer.add(STRUCT, name, size_or_type=size, vlen=members, extra=tuple(words))


def test_a_refused_kernel_marks_nothing_as_uncertain() -> None:
    """Its names exceed the limit when its second namesakes are paired."""

    def writer(size: int, members: int) -> BtfWriter:
        made = BtfWriter()
        int_id = made.add_int("int", size)
        for _ in range(2):
            made.add_struct("s", size, [("m", int_id, 0)])
        for number in range(2):
            add_long_struct(made, "t", members + number, 4 * size * members)
        return made

    result = btfmmap.diff([opened(writer(4, 1)), opened(writer(8, 300)), opened(writer(8, 1))])
    assert [bool(error) for error in result.errors] == [False, True, False]
    assert result.entities.uncertain[result.match("s")].any()
    result = btfmmap.diff([opened(writer(4, 1)), opened(writer(8, 300))])
    assert not result.entities.uncertain.any()


def test_names_without_a_bound_concern_one_version(tmp_path: Path) -> None:
    """Members whose paths exceed the limit: comparing them fails, everything else is answered."""

    def writer(size: int) -> BtfWriter:
        made = BtfWriter()
        int_id = made.add_int("int", 4)
        add_long_struct(made, "long", 300, 1200 + size)
        made.add_struct("short", size, [("m", int_id, 0)])
        return made

    kernels = [opened(writer(size)) for size in (4, 8, 12, 16)]
    result = btfmmap.diff(kernels)
    assert result.errors == [""] * 4
    assert len(result.match("long")) == 1
    assert result.version_numbers(result.match("short")[0]) == [0, 1, 2, 3]
    assert result.members(result.match("short")[0], 0)[0].path == "m"
    with pytest.raises(btfmmap.NotSupportedError, match="256 MiB"):
        result.changed()
    for number in (4, 8):
        (tmp_path / str(number)).write_bytes(writer(number).build())
    done = subprocess.run(
        [sys.executable, "-m", "btfmmap", "diff", *map(str, (tmp_path / "4", tmp_path / "8"))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "256 MiB" in done.stderr) == (2, True)


def test_many_namesakes_are_paired_in_order() -> None:
    def writer(size: int) -> BtfWriter:
        made = BtfWriter()
        int_id = made.add_int()
        for number in range(5000):
            made.add_struct("s", size + number, [(f"{size}_{number}", int_id, 0)])
        return made

    result = btfmmap.diff([opened(writer(4)), opened(writer(8))])
    assert len(result.match("struct s")) == 5000
    assert result.entities.uncertain.sum() == 5000


@pytest.mark.parametrize("seed", range(20))
def test_mutants(seed: int) -> None:
    source = random.Random(seed)
    whole = stored(f"{KERNELS[seed % 3]}.btf")
    found: list[Btf] = []
    while len(found) < 2:
        try:
            found.append(btfmmap.open(data=mutant(whole, source)))
        except BtfError:
            continue
    result = btfmmap.diff(found)
    if not any(result.errors):
        deep = result.changed(depth="deep")
        assert len(deep) == len(set(result.changes().entity.tolist()))
        mirrored = result.changed(1, 0, depth="deep")
        assert [(each.entity, each.own) for each in deep] == [(each.entity, each.own) for each in mirrored]
