"""The `.BTF.ext` section of a BPF object: functions, source lines and relocations of its instructions."""

from __future__ import annotations

from functools import cached_property, partial
from typing import Any

import numpy as np

from ._core import Ext as _CoreExt
from .ext_tables import ExtTable, object_texts
from .relocations import Relocations, prepare, resolved

TYPE_CHECKING = False
if TYPE_CHECKING:
    import numpy.typing as npt

    from ._core import Btf as CoreBtf
    from ._core import CoreReloObject, File
    from .btf import Btf
    from .ext_tables import Names
    from .tables import U32


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
    """The `CoreReloKind`, or an unknown number."""

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

    __slots__ = ("__dict__", "_sources", "core_relo", "func_info", "line_info")

    func_info: FuncInfo
    line_info: LineInfo
    core_relo: CoreRelo

    def __init__(self, btf: Btf, section: File, core: CoreBtf, elf: File | None) -> None:
        native, texts = _CoreExt(section, core), partial(object_texts, btf)
        self._sources = btf, core, native, elf
        self.func_info = FuncInfo(_arrays(native.func_info()), texts)
        self.line_info = LineInfo(_arrays(native.line_info()), texts)
        self.core_relo = CoreRelo(_arrays(native.core_relo()), texts)

    @property
    def _object(self) -> bytes:
        """The BPF object that contains this section; empty if it is not known."""
        elf = self._sources[3]
        return b"" if elf is None else bytes(elf.whole())

    @cached_property
    def _prepared(self) -> CoreReloObject:
        """The relocations, prepared for evaluation."""
        return prepare(*self._sources)

    @cached_property
    def relocations(self) -> Relocations:
        """The CO-RE relocations, resolved: fields as C, functions, instructions and source lines.

        Raises:
            FormatError: The ELF sections of the instructions are not in the file.
            NotSupportedError: The strings exceed 1 GiB.
        """
        btf = self._sources[0]
        return resolved(btf, self._prepared, self.core_relo, self.func_info, self.line_info)

    def __repr__(self) -> str:
        return (
            f"<Ext {len(self.func_info)} func_info, {len(self.line_info)} line_info, "
            f"{len(self.core_relo)} core_relo>"
        )


def _arrays(columns: Any) -> dict[str, npt.NDArray[Any]]:
    return {name: np.asarray(view) for name, view in columns.items()}
