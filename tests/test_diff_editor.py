"""`btfmmap.diff` of a part of a kernel and the same with one known change: exactly that comes back."""

from __future__ import annotations

import json
import random
import subprocess
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest
import requirements
from diff_agreement import Summary, of_engine, of_oracle
from diff_bases import part
from diff_causes import Difference
from diff_editor import Edit
from diff_edits import EDITS, make
from diff_members import Definitions
from raw_records import Record, permutation, read, reordered, write
from stored_files import stored

import btfmmap
from btfmmap import Btf, ChangeKind

SEEDS = range(3)
KERNELS = ("7.2-amd64", "6.12-s390x", "6.12-cloud-arm64")
VALUED = ("SIZE", "MEMBER_MOVED", "MEMBER_BITS", "ENUMERATOR_VALUE", "ENUMERATOR_ADDED", "ENUMERATOR_REMOVED")


@lru_cache(maxsize=3)
def kernel(seed: int) -> list[Record]:
    return read(stored(f"{KERNELS[seed]}.btf"))


@lru_cache(maxsize=3)
def base(seed: int) -> list[Record]:
    return part(kernel(seed), random.Random(seed))


@lru_cache(maxsize=200)
def made(name: str, seed: int) -> Edit:
    return make(name, base(seed), random.Random(f"{name} {seed}"))


def rewritten(records: list[Record], source: random.Random) -> Btf:
    """With other ids, in either byte order."""
    permuted = reordered(records, permutation(records, source))
    return btfmmap.open(data=write(permuted, source.choice("<>")))


def check(edit: Edit, summary: Summary) -> None:
    own: Counter[tuple[object, ...]] = Counter()
    for label, rows in summary.rows.items():
        for (code, *rest, is_own), count in rows.items():
            if is_own:
                values = rest[2:] if code in VALUED else (None, None)
                key: tuple[object, ...] = (*label[:2], code, *rest[:2], *values)
                own[key] += count
    expected: Counter[tuple[object, ...]] = Counter()
    for row, count in edit.own.items():
        key = (row.kind, row.name, row.code, row.old_path, row.new_path, *row.values(VALUED))
        expected[key] += count
    assert own == expected
    followers = {label for found in summary.followers.values() for label in found}
    assert Counter(label[:2] for label in followers) == edit.followers


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", EDITS)
def test_edit(name: str, seed: int) -> None:
    edit = made(name, seed)
    source = random.Random(seed)
    result = btfmmap.diff({"old": rewritten(edit.old, source), "new": rewritten(edit.new, source)})
    check(edit, of_engine(result))


@pytest.mark.parametrize("name", EDITS)
def test_edit_by_the_tests_differ(name: str, tmp_path: Path) -> None:
    """The differ of the tests, which needs a reference as well."""
    edit = made(name, 0)
    sides = []
    for records in (edit.old, edit.new):
        path = tmp_path / "edited.btf"
        path.write_bytes(write(records))
        command = [requirements.tool("bpftool"), "-j", "btf", "dump", "file", str(path)]
        done = subprocess.run(command, check=True, capture_output=True)
        sides.append(Definitions(json.loads(done.stdout)["types"]))
    check(edit, of_oracle(Difference(*sides)))


def test_every_code() -> None:
    """The edits of some seeds, or what follows from them, have every code."""
    found: set[int] = set()
    for name in EDITS:
        for seed in SEEDS:
            edit = made(name, seed)
            for sides in ((edit.old, edit.new), (edit.new, edit.old)):
                kernels = {str(at): btfmmap.open(data=write(side)) for at, side in enumerate(sides)}
                found |= set(btfmmap.diff(kernels).changes().kind.tolist())
    assert found == set(ChangeKind)


def test_nothing_edited() -> None:
    source = random.Random(1)
    for seed in SEEDS:
        result = btfmmap.diff({"one": rewritten(base(seed), source), "other": rewritten(base(seed), source)})
        assert len(result.entities) > 300
        assert (result.presence == 0).all()
        assert len(result.changes()) == 0


def test_changes_add_up() -> None:
    """Several edits of one kernel, one after the other: from the first to the last, and each step."""
    records = base(0)
    kernels = {"0": btfmmap.open(data=write(records))}
    steps = []
    source = random.Random(11)
    for name in ("member_added", "enumerator_changed", "parameter_renamed", "tagged", "member_retyped"):
        edit = make(name, records, source, mirror=False)
        steps.append(edit)
        records = edit.new
        kernels[str(len(kernels))] = btfmmap.open(data=write(records))
    result = btfmmap.diff(kernels)
    for at, edit in enumerate(steps):
        changes = result.changes(at, at + 1)
        own = changes[changes.own]
        names = {result.entities.name[entity] for entity in own.entity.tolist()}
        assert names == {row.name for row in edit.own}
        reference = btfmmap.diff([kernels[str(at)], kernels[str(at + 1)]]).changes()
        assert len(reference) == len(changes)
    whole = result.changes(0, len(steps))
    names = {result.entities.name[entity] for entity in whole[whole.own].entity.tolist()}
    assert names == {row.name for edit in steps for row in edit.own}
