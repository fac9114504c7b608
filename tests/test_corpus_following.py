"""A kernel that is numbered after a similar one has the records that it has alone."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import numpy as np
import pytest
import requirements
from btf_writer import PTR, STRUCT, TYPE_TAG, TYPEDEF, BtfWriter, every_kind
from kernel_series import small_kernel
from mutants import mutant
from stored_files import stored

import btfmmap
from btfmmap import _core, corpus


def unchanging(content: bytes, folder: Path) -> btfmmap.Btf:
    """A BTF whose bytes cannot change, unlike those of a buffer."""
    path = folder / f"{hashlib.sha256(content).hexdigest()}.btf"
    path.write_bytes(content)
    return btfmmap.open(path)


def following(before: btfmmap.Btf, btf: btfmmap.Btf) -> None:
    """A kernel that is added after a similar one has the records that it has alone."""
    catalog, alone = _core.CorpusCatalog(), _core.CorpusCatalog()
    catalog.add(before._core_layout, None)
    found = np.asarray(catalog.add(btf._core_layout, None).numbers())
    expected = np.asarray(alone.add(btf._core_layout, None).numbers())
    names = alone.names(np.arange(alone.name_count()))
    records = alone.records(np.arange(alone.size()))
    merged = np.asarray(catalog.merge(names, records, ([], []))[1])
    assert np.array_equal(merged[expected], found)


RELEASES = ("6.12.73-cloud-amd64.part", "6.12.95-cloud-amd64.part")


@pytest.mark.parametrize("names", [RELEASES, RELEASES[::-1], ("6.12-cloud-arm64", "7.2-amd64")])
def test_the_next_release_has_the_records_that_it_has_alone(names: tuple[str, str], tmp_path: Path) -> None:
    before, btf = (unchanging(stored(f"{name}.btf"), tmp_path) for name in names)
    following(before, btf)


def test_a_kernel_whose_bytes_may_change_is_not_followed() -> None:
    content = bytearray(stored(f"{RELEASES[0]}.btf"))
    btf = btfmmap.open(data=content)
    catalog = _core.CorpusCatalog()
    catalog.add(btf._core_layout, None)
    size = catalog.size()
    content[content.index(b"\0task_struct\0") + 1] = ord("T")
    catalog.add(btfmmap.open(data=bytes(content))._core_layout, None)
    assert catalog.size() > size


def with_tags() -> bytes:
    """Pointers to types with tags, as clang writes them for `__user`, beside every kind."""
    writer = every_kind()
    number = writer.add_int("unsigned int", encoding=0)
    inner = writer.add_struct("inner", 4, [("value", number, 0)])
    tagged = [writer.add(TYPE_TAG, tag, size_or_type=inner) for tag in ("user", "rcu")]
    pointers = [writer.add(PTR, size_or_type=tag) for tag in tagged]
    alias = writer.add(TYPEDEF, "alias", size_or_type=inner)
    proto = writer.add_proto(number, [("first", pointers[0]), ("second", alias)])
    pointers += [writer.add(PTR, size_or_type=proto), writer.add(PTR, size_or_type=alias)]
    for place, pointer in enumerate(pointers):
        writer.add_struct(f"outer_{place}", 16, [("held", pointer, 0), ("", inner, 64), ("last", alias, 96)])
    return writer.build()


@pytest.mark.parametrize("content", [small_kernel(0), with_tags()], ids=["kernel", "tags"])
def test_mutants_have_the_records_that_they_have_alone(content: bytes, tmp_path: Path) -> None:
    """Changes of one kernel, each of which leaves most types as they were."""
    source = random.Random(0)
    before = unchanging(content, tmp_path)
    followed = 0
    for _ in range(3000):
        try:
            btf = btfmmap.open(data=mutant(content, source, header=0))
            alone = _core.CorpusCatalog().add(btf._core_layout, None)
        except btfmmap.BtfError:
            continue
        followed += len(np.asarray(alone.numbers())) == len(before.types)
        following(before, btf)
    assert followed > 500


@pytest.mark.parametrize("name", ["user", "rcu"])
def test_a_tag_behind_a_pointer_is_spelled_as_what_it_tags(name: str, tmp_path: Path) -> None:
    def kernel(size: int) -> btfmmap.Btf:
        writer = BtfWriter()
        number = writer.add_int()
        tag = writer.add(TYPE_TAG, name, size_or_type=writer.add_struct("inner", 4, [("value", number, 0)]))
        pointer = writer.add(PTR, size_or_type=tag)
        writer.add_struct("outer", size, [("held", pointer, 0)])
        return unchanging(writer.build(), tmp_path)

    following(kernel(8), kernel(16))


def test_a_distilled_btf_has_no_padding(tmp_path: Path) -> None:
    def kernel(members: list[tuple[str, int, int]]) -> btfmmap.Btf:
        writer = BtfWriter()
        writer.add_int()
        for place in range(20):
            writer.add_struct(f"filler_{place}", 8, [])
        writer.add_struct("last", 4, members)
        return unchanging(writer.build(), tmp_path)

    distilled, whole = kernel([]), kernel([("value", 1, 0)])
    following(distilled, whole)
    following(whole, distilled)


def test_a_name_that_is_an_empty_string_elsewhere(tmp_path: Path) -> None:
    def kernel(name: str) -> btfmmap.Btf:
        writer = BtfWriter()
        number = writer.add_int()
        inner = writer.add_struct("inner", 4, [(name, number, 0)])
        end = len(writer.strings) - 1  # of the name
        writer.add(STRUCT, "outer", size_or_type=4, vlen=1, extra=(end, inner, 0))
        return unchanging(writer.build(), tmp_path)

    following(kernel("old"), kernel("new"))


def test_types_of_a_first_try_are_spelled_by_a_later_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second kernel has a new prototype that equals an old one, so that it is numbered twice."""
    requirements.package("pyarrow")

    def kernel(release: int) -> bytes:
        builder = btfmmap.Builder(byte_order="little")
        number = builder.int("int", 4, encoding=btfmmap.IntEncoding.SIGNED)

        def prototype() -> int:
            return builder.ptr(builder.func_proto(number, [("x", number)]))

        for place in range(20):
            builder.struct(f"filler_{place}", 4, [("value", number, 0)])
            if place == 8 and release > 0:
                builder.struct("new_1", 8, [("call", builder.const(prototype()), 0)])
        pointer = prototype()
        builder.struct("old", 8, [("call", pointer, 0)])
        if release > 1:
            builder.struct("new_2", 8, [("call", builder.const(pointer), 0)])
        return bytes(builder.build().raw)

    paths = [tmp_path / f"6.{release}.btf" for release in range(3)]
    for release, path in enumerate(paths):
        path.write_bytes(kernel(release))
    monkeypatch.setattr("btfmmap.corpus.segments._MOST", 2)
    corpus.build(tmp_path / "series", paths)
    corpus.build(tmp_path / "alone", paths[2:])
    spelled = [
        {row["spelling"] for row in corpus.open(tmp_path / name).table("types").to_pylist() if row["defined"]}
        for name in ("series", "alone")
    ]
    assert "" not in spelled[0]
    assert spelled[0] >= spelled[1]


def structs(values: dict[str, int]) -> btfmmap.Btf:
    """A BTF with structs, each with a pointer to a prototype. Equal values have equal prototypes."""
    builder = btfmmap.Builder(byte_order="little")
    number = builder.int("int", 4, encoding=btfmmap.IntEncoding.SIGNED)
    for name, value in values.items():
        proto = builder.func_proto(number, [(f"param_{value}", number)])
        builder.struct(name, 8, [("call", builder.ptr(proto), 0)])
    return builder.build()


@pytest.mark.parametrize("place", [0, 25, 60])
@pytest.mark.parametrize("count", [1, 2, 40])
@pytest.mark.parametrize("change", [[7], [7, 7], [3], [3, 3, 4], [99], [99, 99]])
def test_equal_types_without_a_name_keep_their_order(place: int, count: int, change: list[int]) -> None:
    values = [*range(50), *range(count)]
    known = [(f"known_{number}", value) for number, value in enumerate(values)]
    new = [(f"new_{number}", value) for number, value in enumerate(change)]
    before, changed = structs(dict(known)), structs(dict([*known[:place], *new, *known[place:]]))
    for pair in ((before, changed), (changed, before), (changed, changed)):
        following(*pair)
