"""The `.BTF.ext` section of a BPF object: functions, source lines and relocations of its instructions."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ._core import Ext as _CoreExt
from .tables import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ._core import Btf as CoreBtf
    from ._core import File
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


class FuncInfo(ExtTable):
    """The first instruction of each function (`struct bpf_func_info`)."""

    type: U32
    """Type id of the FUNC."""


class LineInfo(ExtTable):
    """The source lines of instructions (`struct bpf_line_info`)."""

    file_name_off: U32
    """Offset of the source file's name, in the string section."""
    line_off: U32
    """Offset of the line's text, in the string section."""
    line: U32
    """Line number in the source file."""
    column: U32
    """Column number in the line."""

    @cached_property
    def file_name(self) -> Names:
        """The name of the source file of each row, `object[n]` of `str`.

        Raises:
            NotSupportedError: the strings exceed 1 GiB.
        """
        return self._resolved("file_name_off")

    @cached_property
    def text(self) -> Names:
        """The text of the source line of each row, `object[n]` of `str`; often empty.

        Raises:
            NotSupportedError: the strings exceed 1 GiB.
        """
        return self._resolved("line_off")


class CoreRelo(ExtTable):
    """The CO-RE relocations, which adapt instructions to the running kernel (`struct bpf_core_relo`)."""

    type: U32
    """Type id of the root type."""
    access_off: U32
    """Offset of the access string, in the string section."""
    kind: U32
    """`enum bpf_core_relo_kind` of the kernel's `include/uapi/linux/bpf.h`: 0 is a member's byte offset."""

    @cached_property
    def access(self) -> Names:
        """The access string of each row, `object[n]` of `str`.

        A string such as "0:1:2" lists indices of members and array elements.

        Raises:
            NotSupportedError: the strings exceed 1 GiB.
        """
        return self._resolved("access_off")


class Ext:
    """The `.BTF.ext` section of a BPF object.

    Attributes:
        func_info: the first instruction of each function.
        line_info: the source lines of instructions.
        core_relo: the CO-RE relocations.

    Example:
        >>> btf.ext is None  # the sample does not have the section
        True
    """

    __slots__ = ("core_relo", "func_info", "line_info")

    func_info: FuncInfo
    line_info: LineInfo
    core_relo: CoreRelo

    def __init__(self, btf: Btf, section: File, core: CoreBtf) -> None:
        native, texts = _CoreExt(section, core), partial(_texts, btf)
        self.func_info = FuncInfo(_arrays(native.func_info()), texts)
        self.line_info = LineInfo(_arrays(native.line_info()), texts)
        self.core_relo = CoreRelo(_arrays(native.core_relo()), texts)

    def __repr__(self) -> str:
        return (
            f"<Ext {len(self.func_info)} func_info, {len(self.line_info)} line_info, "
            f"{len(self.core_relo)} core_relo>"
        )


def _texts(btf: Btf, offsets: U32) -> Names:
    unique, inverse = np.unique(offsets, return_inverse=True)
    return np.array(btf.strings(unique), object)[inverse]


def _arrays(columns: Any) -> dict[str, npt.NDArray[Any]]:
    return {name: np.asarray(view) for name, view in columns.items()}
