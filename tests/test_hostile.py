"""What broke other readers, and what fuzzing found in this one: the right answer or the right error.

How the time grows with the size of such files is measured by benchmarks/bench_hostile.py.
"""

from __future__ import annotations

import pytest
from btf_writer import TYPE_TAG, UNION, BtfWriter

import btfmmap
from btfmmap import FormatError, NotSupportedError


def opened(writer: BtfWriter) -> btfmmap.Btf:
    return btfmmap.open(data=writer.build())


@pytest.mark.parametrize("nelems", [2**31, 2**32 - 1])
def test_text_larger_than_numpy_takes(nelems: int) -> None:
    writer = BtfWriter()
    char = writer.add_int("char", 1, encoding=3)
    text = writer.add_array(char, char, nelems)
    with pytest.raises(NotSupportedError, match="more than numpy takes"):
        opened(writer).dtype(text)


def test_members_at_a_byte_of_a_struct_that_holds_itself() -> None:
    """Each path to a byte goes on without end; two members a level make 2^n of them."""
    writer = BtfWriter()
    link = writer.add_struct("list_head", 16, [("next", 2, 0), ("prev", 2, 64)])
    writer.add(TYPE_TAG, size_or_type=link)
    either = writer.add_struct("either", 16, [("a", 4, 0), ("b", 4, 0)], kind=UNION)
    writer.add(TYPE_TAG, size_or_type=either)
    btf = opened(writer)
    for name in ("list_head", "either"):
        with pytest.raises(FormatError, match="too many members at byte 0"):
            btf.at(name, 0)


def test_members_at_a_byte_of_a_union_of_arrays_of_itself() -> None:
    writer = BtfWriter()
    number = writer.add_int()
    array = writer.add_array(number + 2, number, 0)
    writer.add_struct("either", 24, [("", array, 0), ("word", number, 0)], kind=UNION)
    with pytest.raises(FormatError, match="too many members at byte 0"):
        opened(writer).at("either", 0)
