"""Types that a worker has collected are those that the builder would have numbered itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import requirements
from corpus_content import content
from kernel_series import small_kernel, write_series

import btfmmap
from btfmmap import Kind, _core, corpus
from btfmmap.corpus.collecting import Collector
from btfmmap.corpus.segments import Collected, segments_of
from btfmmap.corpus.type_sets import TypeSet


def kernels(count: int) -> list[btfmmap.Btf]:
    return [btfmmap.open(data=small_kernel(seed)) for seed in range(count)]


def test_merged_types_have_the_numbers_of_added_ones() -> None:
    catalog, collector = _core.CorpusCatalog(), Collector()
    known, *others = kernels(4)
    catalog.add(known._core_layout, None)
    entries = [collector.add(btf, None) for btf in others]
    types = collector.types()
    merged = np.asarray(catalog.merge(types.names, types.records, ([], []))[1])
    size = catalog.size()
    for btf, entry in zip(others, entries, strict=True):
        added = np.asarray(catalog.add(btf._core_layout, None).numbers())
        assert np.array_equal(merged[np.asarray(entry.numbers())], added)
    assert catalog.size() == size


def test_merged_after_earlier_types_of_a_collector() -> None:
    catalog, collector = _core.CorpusCatalog(), Collector()
    first, *others = kernels(4)
    collector.add(first, None)
    earlier = collector.types()
    known = catalog.merge(earlier.names, earlier.records, ([], []))
    catalog.add(kernels(5)[4]._core_layout, None)  # between
    entries = [collector.add(btf, None) for btf in others]
    types = collector.types()
    assert types.collector == earlier.collector != Collector().types().collector
    names, numbers = map(np.asarray, catalog.merge(types.names, types.records, known))
    assert len(numbers) > len(known[1])
    for each, expected in zip(
        (names, numbers), catalog.merge(types.names, types.records, ([], [])), strict=True
    ):
        assert np.array_equal(each, np.asarray(expected))
    for btf, entry in zip(others, entries, strict=True):
        added = np.asarray(catalog.add(btf._core_layout, None).numbers())
        assert np.array_equal(numbers[np.asarray(entry.numbers())], added)


def test_known_numbers_that_do_not_exist_are_refused() -> None:
    given: list[tuple[list[int], list[int]]] = [([9], []), ([], [9])]
    for known in given:
        with pytest.raises(LookupError, match="the catalog has no number 9"):
            _core.CorpusCatalog().merge((b"a", [0, 1]), (b"", [0]), known)


def spellings(collector: Collector) -> dict[int, str]:
    types = collector.types()
    return dict(zip(types.unnamed.tolist(), types.spellings.split("\0"), strict=True))


def test_types_without_a_name_are_spelled_once() -> None:
    (btf,) = kernels(1)
    collector = Collector()
    numbers = np.asarray(collector.add(btf, None).numbers()).tolist()
    found = spellings(collector)
    unnamed = {
        number: btf.c_names([type_id])[0]
        for type_id, (number, kind, name) in enumerate(
            zip(numbers, btf.types.kind.tolist(), btf.types.name_off.tolist(), strict=True)
        )
        if number and (name == 0 or kind == Kind.TYPE_TAG)
    }
    assert len(unnamed) > 3
    assert found == unnamed
    collector.add(btf, None)
    assert spellings(collector) == found


def test_types_of_a_kernel_that_failed_are_spelled_by_the_next_one() -> None:
    one, two = kernels(2)
    collector, expected = Collector(), Collector()
    collector.catalog.add(one._core_layout, None)  # and no more
    for btf in (two, one):
        collector.add(btf, None)
    for btf in (one, two):
        expected.add(btf, None)
    assert spellings(collector) == spellings(expected)


@pytest.mark.parametrize(
    ("names", "records"),
    [
        ((b"", [0, 1]), (b"", [0])),
        ((b"a", [0, 1]), (np.zeros(8, "u4"), [0, 9])),
        ((b"a", [0, 1]), (np.array([Kind.PTR, 0, 0, 1, 0, 0, 0, 0], "u4"), [0, 8])),
        ((b"a", [0, 1]), (np.array([Kind.PTR, 1, 0, 0, 0, 0, 0, 0], "u4"), [0, 0, 8])),
        ((b"a", [0, 1]), (np.array([Kind.ENUM, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0], "u4"), [0, 0, 11])),
        ((b"a", [0, 1]), (np.array([Kind.FUNC_PROTO, 0, 0, 0, 0, 0, 0, 0, 0, 7], "u4"), [0, 0, 10])),
    ],
)
def test_numbers_that_do_not_exist_are_refused(
    names: tuple[object, object], records: tuple[object, object]
) -> None:
    with pytest.raises(ValueError, match=r"number|starts"):
        _core.CorpusCatalog().merge(names, records, ([], []))


@pytest.mark.parametrize("numbers", [[], [0], [5], [1, 2, 3, 4, 90], [4096, 7], [*range(1000)]])
def test_sets(numbers: list[int]) -> None:
    masks = np.full(5000, 4, np.uint64)
    TypeSet.of(np.array(numbers, np.uint32)).mark(masks, 1)
    assert np.flatnonzero(masks & np.uint64(1)).tolist() == sorted(numbers)
    assert (masks & np.uint64(4)).all()


def test_segments_end_when_they_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = corpus.find_inputs(kernels(5))
    collected = Collected()
    (whole,) = segments_of(inputs, collected, lambda _: None)
    assert len(whole.outcomes) == 5
    monkeypatch.setattr("btfmmap.corpus.segments._MOST_BYTES", 0)
    several = [*segments_of(inputs, Collected(), lambda _: None)]
    assert [len(segment.outcomes) for segment in several] == [1] * 5
    assert all(len(segment.types.records[1]) < len(whole.types.records[1]) for segment in several)


def test_threads_and_segments_of_any_size_build_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements.package("pyarrow")
    (tmp_path / "inputs").mkdir()
    series = [*write_series(tmp_path / "inputs", 30, 6)]
    corpus.build(tmp_path / "0", series)
    with ThreadPoolExecutor(3) as executor:
        corpus.build(tmp_path / "1", series, executor=executor)
    monkeypatch.setattr("btfmmap.corpus.segments._MOST", 4)
    corpus.build(tmp_path / "2", series)
    monkeypatch.setattr("btfmmap.corpus.building._MAX_COLLECTORS", 1)
    with ThreadPoolExecutor(3) as executor:
        corpus.build(tmp_path / "4", series, executor=executor)
    monkeypatch.setattr("btfmmap.corpus.building._MAX_CATALOG", 0)  # types are added again for each batch
    monkeypatch.setattr("btfmmap.corpus.building._BATCH", 3)
    corpus.build(tmp_path / "3", series)
    opened = [corpus.open(tmp_path / str(number)) for number in range(5)]
    prototypes = [
        sorted(each.functions("*").select(["name", "kernel", "prototype"]).to_pylist(), key=repr)
        for each in opened
    ]
    assert prototypes[0]
    assert all(one == other for one, other in pairwise(prototypes))
    found = [content(tmp_path / str(number)) for number in range(5)]
    assert all(one == other for one, other in pairwise(found))
    assert all(not corpus.verify(tmp_path / str(number)).problems for number in range(5))
