"""Tables whose columns refer to strings and types of a BPF object's BTF."""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from .tables import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from .btf import Btf
    from .tables import U32

    Self = TypeVar("Self", bound="ExtTable")
    Names = npt.NDArray[np.object_]


class ExtTable(Table):
    """Rows of a table of `.BTF.ext`, in the file's order.

    Columns are u32. The strings that the `..._off` columns refer to are available as read-only object arrays
    of `str`. These are computed on first access.
    """

    def __init__(self, columns: dict[str, npt.NDArray[Any]], texts: Callable[[U32], Names]) -> None:
        super().__init__(columns)
        self.__dict__["_texts"] = texts

    section_off: U32
    """Offset of the name of the ELF section that has the instruction, in the string section."""
    insn_off: U32
    """Offset of the instruction in that ELF section, in bytes."""

    @cached_property
    def section(self) -> Names:
        """The name of the ELF section of each row, `object[n]` of `str`.

        Raises:
            NotSupportedError: the strings exceed 1 GiB.
        """
        return self._resolved("section_off")

    def _resolved(self, column: str) -> Names:
        resolved: Names = self.__dict__["_texts"](self[column])
        resolved.flags.writeable = False
        return resolved

    def _selected(self: Self, columns: dict[str, npt.NDArray[Any]]) -> Self:
        return type(self)(columns, self.__dict__["_texts"])


def object_texts(btf: Btf, offsets: U32) -> Names:
    """Return the strings at some offsets of a BTF, as an object array."""
    unique, inverse = np.unique(offsets, return_inverse=True)
    return np.array(btf.strings(unique), object)[inverse]


def names_of(btf: Btf, type_ids: U32) -> Names:
    """Return the names of some types of a BTF, as an object array."""
    unique, inverse = np.unique(type_ids, return_inverse=True)
    return np.array(btf.names(unique), object)[inverse]
