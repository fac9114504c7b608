"""Inputs that broke other readers, and that fuzzing found in this one, give the right answer or error.

benchmarks/bench_hostile.py measures how time grows with the size of such files.
"""

from __future__ import annotations

import bench_hostile
import pytest
from btf_writer import FWD, TYPE_TAG, UNION, BtfWriter
from little_stack import on_little_stack

import btfmmap
from btfmmap import FormatError, NotSupportedError


def opened(writer: BtfWriter) -> btfmmap.Btf:
    return btfmmap.open(data=writer.build())


@pytest.mark.parametrize("nelems", [2**31, 2**32 - 1])
def test_text_larger_than_numpy_takes(nelems: int) -> None:
    writer = BtfWriter()
    char = writer.add_int("char", 1, encoding=3)
    text = writer.add_array(char, char, nelems)
    with pytest.raises(NotSupportedError, match="numpy"):
        opened(writer).dtype(text)


def test_members_at_a_byte_of_a_struct_that_holds_itself() -> None:
    """Each path to a byte goes on without end; two members per level make 2^n paths."""
    writer = BtfWriter()
    link = writer.add_struct("list_head", 16, [("next", 2, 0), ("prev", 2, 64)])
    writer.add(TYPE_TAG, size_or_type=link)
    either = writer.add_struct("either", 16, [("a", 4, 0), ("b", 4, 0)], kind=UNION)
    writer.add(TYPE_TAG, size_or_type=either)
    btf = opened(writer)
    for name in ("list_head", "either"):
        with pytest.raises(FormatError, match=r"too many members|nests more than"):
            btf.at(name, 0)


def test_members_at_a_byte_of_a_union_of_arrays_of_itself() -> None:
    writer = BtfWriter()
    number = writer.add_int()
    array = writer.add_array(number + 2, number, 0)
    writer.add_struct("either", 24, [("", array, 0), ("word", number, 0)], kind=UNION)
    with pytest.raises(FormatError, match=r"too many members|nests more than"):
        opened(writer).at("either", 0)


@pytest.mark.parametrize("name", bench_hostile.FILES)
def test_everything_ends_on_little_stack(name: str) -> None:
    """Files of up to 170,000 types answer all questions on a thread with a stack of 128 KiB."""
    content = bench_hostile.FILES[name](2 << 20)
    answers: list[dict[str, list[float]]] = []
    no_dump = bench_hostile.FILES[name] in bench_hostile.LONG_NAMES
    on_little_stack(lambda: answers.append(dict(bench_hostile.costs([content], no_dump, 1))))
    assert len(answers[0]) >= len(bench_hostile.QUESTIONS)


def test_chains_and_cycles_are_resolved() -> None:
    size = 2 << 20
    chain = btfmmap.open(data=bench_hostile.FILES["a chain of typedefs"](size))
    assert list(chain.resolve([1, len(chain) - 1])) == [0, 0]
    pointers = btfmmap.open(data=bench_hostile.FILES["a chain of pointers"](size))
    assert pointers[1].kind == btfmmap.Kind.PTR
    assert pointers.sizeof([1]) == pointers.source.pointer_size
    cycles = btfmmap.open(data=bench_hostile.FILES["cycles of 1000 typedefs"](size))
    assert list(cycles.resolve([1, 1000, len(cycles) - 1])) == [-1, -1, -1]
    # 2^62 bytes after 60 levels exceed 32 bits: 2^31 is the last that fits.
    arrays = btfmmap.open(data=bench_hostile.FILES["a tree of arrays"](size))
    assert list(arrays.sizeof([2, 3, 30, 31, len(arrays) - 1])) == [8, 16, 2**31, -1, -1]


def test_types_of_one_name() -> None:
    writer = BtfWriter(strings=b"\0same\0")
    writer.records = [writer.words(1, FWD << 24, 0)] * 100_000
    btf = opened(writer)
    assert btf.find("same") == 1
    assert btf.find_all("same") == list(range(1, 100_001))
