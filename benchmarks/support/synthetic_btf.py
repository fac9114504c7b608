"""BTF of any size: a small block of types in the proportions of a kernel, repeated.

Each block refers to its own types and has its own names, as a kernel's types do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import cycle

import numpy as np
import numpy.typing as npt

INT, PTR, ARRAY, STRUCT, ENUM, TYPEDEF, CONST, FUNC, FUNC_PROTO = 1, 2, 3, 4, 6, 8, 10, 12, 13
NAME_SIZE = 16
"""Length of a type's name with its NUL: `t` and 14 digits."""
BLOCK = 500
"""Types per block."""
CHILDREN = 400
"""Number of names of members, parameters and enumerators, the same in all blocks."""

Words = npt.NDArray[np.uint32]


@dataclass
class _Block:
    """Words of the first block's types, and which of them shift from block to block."""

    words: list[int] = field(default_factory=list)
    type_ids: list[int] = field(default_factory=list)
    type_names: list[int] = field(default_factory=list)
    types: int = 0
    named: int = 0

    def add(self, kind: int, vlen: int = 0, *, named: bool = False, size: int = 0, refers_to: int = 0) -> int:
        """A record's first three words."""
        if named:
            self.type_names.append(len(self.words))
        self.words += [self.named * NAME_SIZE if named else 0, kind << 24 | vlen]
        self.named += named
        self.types += 1
        if refers_to:
            self.refer(refers_to)
        else:
            self.words.append(size)
        return self.types

    def refer(self, type_id: int) -> None:
        """A word that is a type id of the block."""
        self.type_ids.append(len(self.words))
        self.words.append(type_id)


def _block(children: int) -> _Block:
    """A kernel of 6.18 has, in 500 types, 222 FUNC, 114 FUNC_PROTO of 2.9 parameters, 60 PTR, 52 STRUCT and
    UNION of 5 members, 14 CONST, 13 ARRAY, 12 TYPEDEF, 10 ENUM of 8 values. `children` is the offset of the
    names of members, parameters and enumerators."""
    block = _Block()
    names = cycle(range(children, children + CHILDREN * NAME_SIZE, NAME_SIZE))
    block.add(INT, named=True, size=4)
    block.words.append(1 << 24 | 32)
    pointers = [block.add(PTR, refers_to=1)]
    while block.types < BLOCK - 15:
        struct = block.add(STRUCT, 5, named=True, size=40)
        for number in range(5):
            block.words.append(next(names))
            block.refer(pointers[-1 - number % len(pointers)] if number else 1)
            block.words.append(64 * number)
        pointers.append(block.add(PTR, refers_to=struct))
        for _ in range(2):
            proto = block.add(FUNC_PROTO, 3, refers_to=1)
            for number in range(3):
                block.words.append(next(names))
                block.refer(pointers[-1 - number % len(pointers)])
            block.add(FUNC, 1, named=True, refers_to=proto)
            block.add(FUNC, 1, named=True, refers_to=proto)
        if len(pointers) % 4 == 0:
            block.add(CONST, refers_to=struct)
            block.add(TYPEDEF, named=True, refers_to=struct)
            block.add(ARRAY)
            block.refer(struct)
            block.refer(1)
            block.words.append(8)
            block.add(ENUM, 8, named=True, size=4)
            for value in range(8):
                block.words += [next(names), value]
    while block.types < BLOCK:
        block.add(FUNC, 1, named=True, refers_to=proto)
    return block


def synthetic_btf(types: int) -> bytes:
    """BTF in the machine's byte order with `types` types, a multiple of BLOCK, and void."""
    blocks = types // BLOCK
    named = _block(0).named
    children = 1 + blocks * named * NAME_SIZE
    block = _block(children)
    texts = _names(blocks * named + CHILDREN)

    words = np.tile(np.array(block.words, np.uint32), (blocks, 1))
    number = np.arange(blocks, dtype=np.uint32)[:, np.newaxis]
    words[:, block.type_ids] += number * BLOCK
    words[:, block.type_names] += 1 + number * (named * NAME_SIZE)

    return _file(words, texts)


def one_struct(members: int) -> bytes:
    """BTF in the machine's byte order with one struct, `holder`, of so many ints. The last one is `last`."""
    texts = _names(members - 1)
    last = len(texts)
    texts += b"last\0holder\0int\0"
    holder, integer = texts.index(b"holder", last), texts.index(b"int", last)
    number = np.arange(members, dtype=np.uint32)
    elements = np.column_stack((1 + number * NAME_SIZE, np.ones_like(number), 32 * number))
    elements[-1, 0] = last
    types = [integer, INT << 24, 4, 1 << 24 | 32, holder, STRUCT << 24 | members, 4 * members]
    return _file(np.concatenate((np.array(types, np.uint32), elements.ravel().astype(np.uint32))), texts)


def _file(words: Words, texts: bytes) -> bytes:
    header = np.array([0xEB9F | 1 << 16, 24, 0, words.nbytes, words.nbytes, len(texts)], np.uint32)
    return header.tobytes() + words.tobytes() + texts


def _names(count: int) -> bytes:
    texts = np.zeros((count, NAME_SIZE), np.uint8)
    texts[:, 0] = ord("t")
    left = np.arange(count, dtype=np.int64)
    # The lowest digit comes first: names differ early and are unsorted.
    for digit in range(1, NAME_SIZE - 1):
        texts[:, digit] = ord("0") + left % 10
        left //= 10
    return b"\0" + texts.tobytes()
