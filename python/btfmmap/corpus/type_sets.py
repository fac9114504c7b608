"""Sets of the numbers of types."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

    Array = npt.NDArray[Any]


class TypeSet(NamedTuple):
    """A set of numbers that is small in memory, whether it is dense, as a kernel's, or sparse, as a module's.

    Attributes:
        content: The numbers; or a bit for each number, packed.
        is_packed: Whether it is bits.

    Example:
        >>> from btfmmap.corpus.type_sets import TypeSet
        >>> masks = np.zeros(4, np.uint64)
        >>> TypeSet.of(np.array([3, 1, 3])).mark(masks, 2)
        >>> masks.tolist()
        [0, 2, 0, 2]
    """

    content: Array
    is_packed: bool

    @classmethod
    def of(cls, numbers: Array) -> TypeSet:
        """The set of some numbers."""
        present = np.zeros(int(numbers.max(initial=0)) + 1, bool)
        present[numbers] = True
        packed = np.packbits(present)
        if packed.nbytes <= numbers.nbytes:
            return cls(packed, True)
        return cls(np.flatnonzero(present).astype(np.uint32), False)

    def mark(self, masks: Array, bit: int) -> None:
        """Set a bit of the elements of `uint64` at the numbers."""
        if self.is_packed:
            present = np.unpackbits(self.content)
            masks[: len(present)] |= (present * np.uint64(bit))[: len(masks)]
        else:
            masks[self.content] |= np.uint64(bit)
