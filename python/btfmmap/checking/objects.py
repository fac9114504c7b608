"""BPF objects, prepared once for any number of kernels."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np

from .._core import Elf, File
from ..errors import BtfError, FormatError
from ..kernels.architectures import of_registers
from ..opening import open_part
from ..programs import Programs
from ..requirements import Need, requirements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from ..btf import Btf
    from ..programs import Function
    from ..relocations import Relocations
    from ..requirements import Requirement
    from .sources import ObjectSource

REGISTERS = ("pt_regs", "user_pt_regs", "user_regs_struct")
"""The structs of a CPU's registers, which have other members on each architecture."""


class Selection:
    """Which programs of objects are loaded."""

    def __init__(self, programs: Sequence[str] | None, skip_programs: Sequence[str] | None) -> None:
        self.programs: Sequence[str] | None = programs
        self.skip_programs: Sequence[str] = skip_programs or ()

    def takes(self, program: Function) -> bool:
        """Whether a program is loaded."""
        autoload = program.section_name.autoload
        taken = autoload if self.programs is None else matches_any(program.name, self.programs)
        return taken and not matches_any(program.name, self.skip_programs)


class PreparedObject:
    """One BPF object.

    Attributes:
        btf: Its types.
        programs: Its programs.
        loaded: Whether each program is loaded, `bool[programs]`.
        byte_order: "little" or "big".
        arch: The architecture whose registers it reads; empty if it reads none, or that is unknown.
        relocations: Its relocations; None if it has none.
        positions: The instruction of each relocation.
        unloaded: Whether each relocation is in a program that is not loaded.
        requirements: What it needs besides.
        needed: Whether each of these is needed by what is loaded.
    """

    def __init__(self, source: ObjectSource, selection: Selection) -> None:
        """Prepare an object.

        Raises:
            BtfError: The object is invalid, or has no BTF.
        """
        file = File.of_buffer(source.content, source.label, False)
        if Elf(file).find(".BTF") is None:
            raise FormatError(f"{source.label}: a BPF object without a .BTF section; compile it with -g")
        self.btf: Btf = open_part(file)
        self.programs: Programs = Programs(file)
        self.loaded: npt.NDArray[np.bool_] = np.array(
            [selection.takes(program) for program in self.programs.programs], bool
        )
        self.byte_order: str = self.btf.source.byte_order
        self.arch: str = of_registers(self.btf)
        self.relocations: Relocations | None = None
        self.positions: npt.NDArray[np.uint32] = np.zeros(0, np.uint32)
        self.unloaded: npt.NDArray[np.bool_] = np.zeros(0, bool)
        ext = self.btf.ext
        if ext is not None and len(ext.core_relo):
            self.relocations = ext.relocations
            sections = self.relocations.section.tolist()
            self.positions = self.programs.positions(sections, self.relocations.insn_off)
            self.unloaded = self._in_programs_that_are_not_loaded(sections, self.relocations.insn_off)
        self.requirements: list[Requirement] = requirements(self.btf, self.programs)
        self.needed: npt.NDArray[np.bool_] = np.array([*self._needed()], bool)
        self._call_positions: dict[str, list[int]] = {}
        for external, position in self.programs.calls:
            if external.weak:
                self._call_positions.setdefault(external.name, []).append(position)

    @property
    def has_weak_calls(self) -> bool:
        """Whether there are calls of weak external functions."""
        return bool(self._call_positions)

    def calls(self, names: Iterable[str]) -> npt.NDArray[np.uint32]:
        """The positions of the calls of some weak external functions."""
        found = [position for name in names for position in self._call_positions.get(name, ())]
        return np.array(found, np.uint32)

    def _needed(self) -> Iterable[bool]:
        loaded = iter(self.loaded.tolist())
        for requirement in self.requirements:
            yield next(loaded) if requirement.need == Need.TARGET else requirement.default

    def _in_programs_that_are_not_loaded(
        self, sections: Sequence[str], offsets: npt.NDArray[Any]
    ) -> npt.NDArray[np.bool_]:
        found = np.zeros(len(sections), bool)
        if self.loaded.all():
            return found
        names = np.array(sections, object)
        for program, loaded in zip(self.programs.programs, self.loaded.tolist(), strict=True):
            if not loaded:
                inside = (offsets >= program.offset) & (offsets < program.offset + program.size)
                found |= inside & (names == program.section)
        return found


class PreparedObjects:
    """Several objects. Their relocations and requirements are numbered through.

    Attributes:
        objects: The objects; None for those that are invalid.
        errors: Why each object is invalid; empty if it is not.
        relocation_starts: The first relocation of each object, and their number; those of requirements in
            `requirement_starts`.
    """

    def __init__(self, sources: Iterable[ObjectSource], selection: Selection) -> None:
        self.objects: list[PreparedObject | None] = []
        self.errors: list[str] = []
        for source in sources:
            prepared, error = None, source.error
            if not error:
                try:
                    prepared = PreparedObject(source, selection)
                except BtfError as caught:
                    error = str(caught)
            self.objects.append(prepared)
            self.errors.append(error)
        self.relocation_starts: list[int] = _starts(
            len(each.positions) if each else 0 for each in self.objects
        )
        self.requirement_starts: list[int] = _starts(
            len(each.requirements) if each else 0 for each in self.objects
        )
        self.requirements: list[Requirement] = [
            need for each in self.objects if each for need in each.requirements
        ]


def _starts(lengths: Iterable[int]) -> list[int]:
    starts = [0]
    for length in lengths:
        starts.append(starts[-1] + length)
    return starts


def matches_any(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name matches one of some globs."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)
