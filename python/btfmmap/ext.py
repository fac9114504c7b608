"""`.BTF.ext`: what the instructions of a BPF object have to do with its types and strings."""

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
    """Rows of `.BTF.ext`, in the file's order. Columns are u32; the texts that `..._off` columns stand for
    are arrays of `str`, made when first asked for."""

    def __init__(self, columns: dict[str, npt.NDArray[Any]], texts: Callable[[U32], Names]) -> None:
        super().__init__(columns)
        self.__dict__["_texts"] = texts

    section_off: U32
    """Of the name of the ELF section with the instruction."""
    insn_off: U32
    """Of the instruction in that section, in bytes."""

    @cached_property
    def section(self) -> Names:
        """The ELF section's name."""
        return self._resolved("section_off")

    def _resolved(self, column: str) -> Names:
        resolved: Names = self.__dict__["_texts"](self[column])
        resolved.flags.writeable = False
        return resolved

    def _selected(self: Self, columns: dict[str, npt.NDArray[Any]]) -> Self:
        return type(self)(columns, self.__dict__["_texts"])


class FuncInfo(ExtTable):
    """Where functions start (`struct bpf_func_info`)."""

    type: U32
    """Type id of the FUNC."""


class LineInfo(ExtTable):
    """Which source line instructions come from (`struct bpf_line_info`)."""

    file_name_off: U32
    line_off: U32
    """Of the line's text."""
    line: U32
    """Its number in the file."""
    column: U32

    @cached_property
    def file_name(self) -> Names:
        """The source file's name."""
        return self._resolved("file_name_off")

    @cached_property
    def text(self) -> Names:
        """The line's text, often empty."""
        return self._resolved("line_off")


class CoreRelo(ExtTable):
    """What the loader has to adjust to the running kernel (`struct bpf_core_relo`)."""

    type: U32
    """Type id of the root type."""
    access_off: U32
    """Of the access string, say "0:1:2": indices of members and array elements."""
    kind: U32
    """`enum bpf_core_relo_kind` of the kernel's `include/uapi/linux/bpf.h`: 0 is a member's byte offset."""

    @cached_property
    def access(self) -> Names:
        """The access string."""
        return self._resolved("access_off")


class Ext:
    """The `.BTF.ext` section, as `btf.ext` gives it."""

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
    unique, places = np.unique(offsets, return_inverse=True)
    return np.array(btf.strings(unique), object)[places]


def _arrays(columns: Any) -> dict[str, npt.NDArray[Any]]:
    return {name: np.asarray(view) for name, view in columns.items()}
