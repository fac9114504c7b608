"""What broke other readers, and what fuzzing found in this one: the right answer or the right error.

How the time grows with the size of such files is measured by benchmarks/bench_hostile.py.
"""

from __future__ import annotations

import pytest
from btf_writer import BtfWriter

import btfmmap
from btfmmap import NotSupportedError


def opened(writer: BtfWriter) -> btfmmap.Btf:
    return btfmmap.open(data=writer.build())


@pytest.mark.parametrize("nelems", [2**31, 2**32 - 1])
def test_text_larger_than_numpy_takes(nelems: int) -> None:
    writer = BtfWriter()
    char = writer.add_int("char", 1, encoding=3)
    text = writer.add_array(char, char, nelems)
    with pytest.raises(NotSupportedError, match="more than numpy takes"):
        opened(writer).dtype(text)
