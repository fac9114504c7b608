"""`btfmmap.diff` against the tests' own differ over bpftool's JSON, and causes computed a second time."""

from __future__ import annotations

import os
import random
from collections import Counter
from functools import lru_cache
from pathlib import Path

import bpftool_json as bpftool
import pytest
from btf_writer import DECL_TAG
from diff_agreement import Summary, of_engine, of_oracle
from diff_causes import Difference
from diff_members import Definitions
from diff_recompute import Merged, by_value_of
from diff_versions import of_entities, of_presence
from raw_records import permutation, pruned, read, reordered, write
from stored_files import stored

import btfmmap
from btfmmap import ChangeKind, EntityKind

PARTS = ("6.12.73-cloud-amd64.part", "6.12.95-cloud-amd64.part")
"""All that differs between two releases of one series, and what it embeds."""
PAIRS = {
    "two releases of one series": PARTS,
    "architectures, releases and encoders": ("6.12-cloud-arm64", "7.2-amd64"),
}
MORE = os.environ.get("BTFMMAP_DIFF_KERNELS", "")
"""Pairs of files: paths separated by colons, each compared with the one before it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kernels")


def unpacked(folder: Path, name: str) -> Path:
    path = folder / f"{name}.btf"
    if not path.exists():
        path.write_bytes(stored(f"{name}.btf"))
    return path


@lru_cache(maxsize=3)
def definitions(path: Path) -> Definitions:
    return Definitions(bpftool.records(path))


def difference(old: Path, new: Path) -> Difference:
    return Difference(definitions(old), definitions(new))


def by_name(summary: Summary) -> tuple[Counter[object], Counter[object]]:
    """Without type ids: the rows of all entities, and who follows whom."""
    rows = Counter((*label[:2], *row) for label, of_one in summary.rows.items() for row in of_one.elements())
    followers = Counter(
        (cause[:2], follower[:2]) for cause, found in summary.followers.items() for follower in found
    )
    return Counter(rows), Counter(followers)


# -- the same answers


@pytest.mark.parametrize("pair", PAIRS)
def test_stored_kernels(pair: str, folder: Path) -> None:
    """Each added, removed and changed entity; each row of it; each cause and what follows from it."""
    paths = [unpacked(folder, name) for name in PAIRS[pair]]
    expected = of_oracle(difference(*paths))
    assert len(expected.rows) > 400
    assert not expected.disagreements(of_engine(btfmmap.diff(paths)))


@pytest.mark.parametrize("names", [("6.12-cloud-arm64", "6.12-s390x"), ("6.12-s390x", "7.2-amd64")])
def test_parts_of_kernels(names: tuple[str, str], folder: Path, tmp_path: Path) -> None:
    """Some definitions of each kernel, one of them big-endian, with what they embed."""
    sides = [read(unpacked(folder, name).read_bytes()) for name in names]
    known = sorted({record.name for side in sides for record in side if record.name})
    chosen = set(random.Random(5).sample(known, 6000))
    paths = []
    for name, side in zip(names, sides, strict=True):
        roots = [at for at, record in enumerate(side, 1) if record.name in chosen and record.kind != DECL_TAG]
        paths.append(tmp_path / f"{name}.btf")
        paths[-1].write_bytes(write(pruned(side, roots), ">" if name == "6.12-s390x" else "<"))
    expected = of_oracle(Difference(*(Definitions(bpftool.records(path)) for path in paths)))
    assert len(expected.rows) > 1000
    assert not expected.disagreements(of_engine(btfmmap.diff(paths)))


@pytest.mark.skipif(not MORE, reason="BTFMMAP_DIFF_KERNELS names no kernels")
@pytest.mark.parametrize("place", range(MORE.count(":")))
def test_more_kernels(place: int) -> None:
    paths = [Path(path) for path in MORE.split(":")[place : place + 2]]
    assert not of_oracle(difference(*paths)).disagreements(of_engine(btfmmap.diff(paths)))


def test_codes_in_kernels(folder: Path) -> None:
    """The comparison above is about all codes but the few that kernels do not have."""
    paths = [unpacked(folder, name) for name in PAIRS["architectures, releases and encoders"]]
    changes = btfmmap.diff(paths).changes()
    found = {ChangeKind(kind) for kind in set(changes.kind.tolist())}
    rare = {ChangeKind.GROUPING, ChangeKind.LINKAGE, ChangeKind.SIGNED, ChangeKind.VARIADIC}
    assert set(ChangeKind) - found <= rare


@pytest.mark.parametrize("names", [PARTS, (*PARTS[::-1], *PARTS)], ids=["two", "four"])
def test_versions_of_many(names: tuple[str, ...], folder: Path) -> None:
    """Which kernels have which entity, and which of its definitions are the same."""
    paths = [unpacked(folder, name) for name in names]
    expected = of_entities([definitions(path) for path in paths])
    found = of_presence(btfmmap.diff({str(at): path for at, path in enumerate(paths)}))
    assert sum(found.values()) > 1500
    assert found == expected


# -- the same for the same


@pytest.mark.parametrize("name", ["6.12-s390x", "7.2-amd64"])
def test_no_difference(name: str, folder: Path) -> None:
    """Another order of ids and the other byte order change nothing."""
    path = unpacked(folder, name)
    records = read(path.read_bytes())
    order = permutation(records, random.Random(name))
    other = write(reordered(records, order), ">" if name == "7.2-amd64" else "<")
    result = btfmmap.diff({"one": path, "other": btfmmap.open(data=other)})
    assert len(result.entities) > 40_000
    assert (result.presence == 0).all()
    assert len(result.changes()) == 0
    assert len(result.changes().causes()) == 0


def test_split_and_merged() -> None:
    """A module on its kernel has what both have in one BTF."""
    base = stored("7.2-amd64.btf")
    split = btfmmap.open(data=stored("tun.ko"), base=btfmmap.open(data=base))
    merged = btfmmap.open(data=write(read(bytes(split.raw), base)))
    result = btfmmap.diff({"split": split, "merged": merged, "kernel": btfmmap.open(data=base)})
    assert len(result.changes(0, 1)) == 0
    kinds = {ChangeKind(kind) for kind in result.changes(1, 2).kind.tolist()}
    assert kinds == {ChangeKind.REMOVED}


def test_permuted_and_swapped(folder: Path) -> None:
    """The same rows and causes, whatever the ids and the byte orders of both sides."""
    paths = [unpacked(folder, name) for name in PARTS]
    expected = by_name(of_engine(btfmmap.diff(paths)))
    source = random.Random(7)
    for order in ("<", ">"):
        kernels = {}
        for path in paths:
            records = read(path.read_bytes())
            permuted = reordered(records, permutation(records, source))
            kernels[path.name] = btfmmap.open(data=write(permuted, order))
        assert by_name(of_engine(btfmmap.diff(kernels))) == expected


def test_mirrored(folder: Path) -> None:
    """From new to old is the mirror of from old to new, in both differs."""
    paths = [unpacked(folder, name) for name in PARTS]
    for forth, back in (
        (of_engine(btfmmap.diff(paths)), of_engine(btfmmap.diff(paths[::-1]))),
        (of_oracle(difference(*paths)), of_oracle(difference(*paths[::-1]))),
    ):
        assert forth.mirrored().rows == back.rows
        assert forth.mirrored().followers == back.followers
        assert forth.entities == back.entities


# -- causes


def test_causes_by_recomputation(folder: Path) -> None:
    """Without a cause's change, what followed from it is as before; without all, nothing is left over."""
    paths = [unpacked(folder, name) for name in PARTS]
    summary = of_engine(btfmmap.diff(paths))
    merged = Merged(*(read(path.read_bytes()) for path in paths))
    own = {label for label, rows in summary.rows.items() if any(row[-1] for row in rows)}
    followers = {follower for found in summary.followers.values() for follower in found}
    assert summary.rows.keys() == own | followers
    assert summary.followers.keys() <= own
    assert len(followers - own) > 100

    # Old and new id of what both kernels have. Tags and linkage do not count.
    ids = {
        label: (merged.old_id(label[2]), label[3])
        for label in summary.rows
        if label[2] is not None and label[3] is not None
    }
    outside = {"TAGS", "LINKAGE"}
    causes = {
        label for label in own & ids.keys() if {row[0] for row in summary.rows[label] if row[-1]} - outside
    }
    assert len(causes) > 100

    new = merged.put_back([])
    without_all = merged.put_back(ids[label] for label in causes)
    for label in followers - own:
        assert without_all.of(ids[label][1]) == new.of(ids[label][0]), label

    for cause in causes:
        without = merged.put_back([ids[cause]])
        holders = [by_value_of(merged.records, merged.embedding([type_id])) for type_id in ids[cause]]
        differing = {
            label
            for label, (old_id, new_id) in ids.items()
            if label != cause
            and old_id in holders[0]
            and new_id in holders[1]
            and without.of(new_id) != new.of(new_id)
        }
        assert differing == summary.followers.get(cause, set()), cause


def test_struct_device(folder: Path) -> None:
    """The largest cause of the series: `struct device` grew by 24 bytes.

    "driver core: generalize driver_override in struct device" (6.12.80) added a struct of a name and a lock,
    "driver core: Don't let a device probe until it's ready" (6.12.86) the flags.
    """
    result = btfmmap.diff([unpacked(folder, name) for name in PARTS])
    changes = result.changes()
    causes = changes.causes()
    largest = int(causes.entity[causes.followers.argmax()])
    assert result.entities.name[largest] == "device"
    rows = changes[(changes.entity == largest) & changes.own]
    added = {"driver_override", "driver_override.name", "driver_override.lock", "flags"}
    assert set(rows.path_new) == added
    assert set(rows.kind.tolist()) == {ChangeKind.MEMBER_ADDED}
    (size,) = changes[(changes.entity == largest) & (changes.kind == ChangeKind.SIZE)]["size_new"]
    (before,) = changes[(changes.entity == largest) & (changes.kind == ChangeKind.SIZE)]["size_old"]
    assert size - before == 24
    followers = changes.follows(largest)
    assert len(followers) == causes.followers.max()
    embedding = {
        name
        for at in followers
        if result.entities.kind[at] == EntityKind.STRUCT
        for name in [result.entities.name[at]]
    }
    assert {"pci_dev", "net_device", "platform_device"} <= embedding


# What commits of the stable series did, by the changelogs of 6.12.74 to 6.12.95.
COMMITS = {
    "xsk: s/free_list_node/list_node/": (
        "xdp_buff_xsk", "MEMBER_RENAMED", "free_list_node", "list_node"),
    "xsk: Get rid of xdp_buff_xsk::xskb_list_node": (
        "xdp_buff_xsk", "MEMBER_REMOVED", "xskb_list_node", ""),
    "seg6: separate dst_cache for input and output paths in seg6 lwtunnel": (
        "seg6_lwt", "MEMBER_RENAMED", "cache", "cache_input"),
    'device property: Make modifications of fwnode "flags" thread safe': (
        "fwnode_handle", "MEMBER_TYPE", "flags", "flags"),
    "block: reorganize struct blk_zone_wplug": (
        "blk_zone_wplug", "MEMBER_MOVED", "ref", "ref"),
    "KVM: Remove subtle \"struct kvm_stats_desc\" pseudo-overlay": (
        "_kvm_stats_desc", "REMOVED", "", ""),
    "KVM: x86: Use __DECLARE_FLEX_ARRAY() for UAPI structures with VLAs": (
        "kvm_coalesced_mmio_ring", "MEMBER_NESTED", "coalesced_mmio", "coalesced_mmio"),
    "mm: convert mm_lock_seq to a proper seqcount": (
        "mm_struct", "MEMBER_TYPE", "mm_lock_seq", "mm_lock_seq"),
    "randomize_kstack: Maintain kstack_offset per task": (
        "task_struct", "MEMBER_ADDED", "", "kstack_offset"),
    "hrtimer: Reduce trace noise in hrtimer_start()": (
        "hrtimer_start", "PARAMETER_ADDED", "", "[3]"),
    "firmware: dmi: Correct an indexing error in dmi.h": (
        "dmi_entry_type", "ENUMERATOR_VALUE", "DMI_ENTRY_MGMT_DEV", "DMI_ENTRY_MGMT_DEV"),
    "padata: Put CPU offline callback in ONLINE section to allow failure": (
        "padata_instance", "MEMBER_RENAMED", "cpu_online_node", "cpuhp_node"),
    "ptp: vclock: Switch from RCU to SRCU": (
        "vclock_srcu_srcu_data", "ADDED", "", ""),
}  # fmt: skip


def test_commits_of_the_series(folder: Path) -> None:
    result = btfmmap.diff([unpacked(folder, name) for name in PARTS])
    changes = result.changes()
    own = changes[changes.own]
    found = {
        (result.entities.name[entity], ChangeKind(kind).name, old, new)
        for entity, kind, old, new in zip(own.entity, own.kind, own.path_old, own.path_new, strict=True)
    }
    assert set(COMMITS.values()) <= found
