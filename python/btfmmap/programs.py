"""The programs of a BPF object: functions, external symbols, and which instructions can be reached."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from . import section_names
from ._core import Programs as _CorePrograms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

    from ._core import File
    from .section_names import SectionName

_NO_INSTRUCTION = 0xFFFFFFFF


class Function(NamedTuple):
    """A function of a BPF object.

    Attributes:
        section: The name of its ELF section.
        name: Its name.
        offset: Its first byte in the section.
        size: Its size in bytes.
        is_global: Whether the kernel verifies it separately, with unknown arguments.
        is_program: Whether it is loaded as a program. Other functions are called.
    """

    section: str
    name: str
    offset: int
    size: int
    is_global: bool
    is_program: bool

    @property
    def section_name(self) -> SectionName:
        """What the name of the section says."""
        return section_names.parse(self.section)


class External(NamedTuple):
    """A symbol that the object does not define: of the kernel, or of its configuration.

    Attributes:
        name: Its name.
        weak: Whether the object loads without it.
    """

    name: str
    weak: bool


class Relocated(IntEnum):
    """What a relocation makes of its instruction."""

    VALUE = 0
    """The instruction has a known value."""
    POISONED = 1
    """The kernel refuses the program if the instruction can be reached."""
    UNKNOWN = 2
    """The instruction has a value that is not known."""


class Resolved(IntEnum):
    """What is known about an external symbol when the programs are loaded."""

    UNKNOWN = 0
    VALUE = 1
    """A variable of the kernel's configuration with a known value."""
    ABSENT = 2
    """A weak symbol that the kernel does not have: its address is null, and calls of it are poisoned."""
    PRESENT = 3
    """A symbol that the kernel has."""


class Reach(IntEnum):
    """Whether the kernel's verifier comes to an instruction."""

    DEAD = 0
    """No path leads there."""
    MAYBE = 1
    """It depends on what is fixed when the program is loaded, but not known: on unknown relocated values or
    external symbols, or on read-only variables (`const volatile`) that the loader may change. Or the analysis
    reached its limits."""
    REACHABLE = 2
    """The verifier comes there, if the loader leaves the read-only variables as they are in the object."""


class Programs:
    """The programs of one BPF object, and the flow of control between their instructions.

    Immutable, and usable from several threads.
    """

    __slots__ = ("_core", "calls", "externals", "functions", "programs")

    def __init__(self, file: File) -> None:
        """Read the programs of an ELF file.

        Raises:
            FormatError: The file is not a BPF object, or is malformed.
            NotSupportedError: The object is too large.
        """
        self._core = _CorePrograms(file)
        self.functions: list[Function] = [Function(*row) for row in self._core.functions()]
        """All functions, in the order of their sections and offsets."""
        self.programs: list[Function] = [function for function in self.functions if function.is_program]
        """The functions that are programs."""
        self.externals: list[External] = [External(*row) for row in self._core.externals()]
        """The external symbols, in the order of the symbol table."""
        self.calls: list[tuple[External, int]] = [
            (self.externals[external], position) for external, position in self._core.calls()
        ]
        """The calls of external functions, each with its position. Where a kernel lacks the function, the
        call is poisoned: `reachability` tells whether the verifier comes to it, as to a poisoned relocation.
        """

    @property
    def byte_order(self) -> str:
        """The byte order of the object, "little" or "big"."""
        return self._core.byte_order

    def positions(self, sections: Iterable[str], offsets: npt.ArrayLike) -> npt.NDArray[np.uint32]:
        """Find instructions.

        Args:
            sections: The names of ELF sections.
            offsets: The byte in the section of each instruction.

        Returns:
            A `uint32[n]` array of numbers for `reachability`; the number of an instruction that does not
            exist is 0xffffffff.

        Raises:
            ValueError: The lengths differ.
        """
        return np.asarray(self._core.positions(list(sections), np.asarray(offsets, np.int64)))

    def reachability(
        self,
        positions: npt.NDArray[np.uint32],
        statuses: npt.ArrayLike,
        values: npt.ArrayLike,
        *,
        externals: Mapping[str, tuple[Resolved, int]] | None = None,
        all_instructions: bool = False,
        past_poison: bool = False,
    ) -> npt.NDArray[np.uint8]:
        """Find out whether the verifier comes to poisoned instructions on one kernel.

        Follows the paths through each program as the kernel's verifier does. Constants in registers and on
        the stack decide branches. Both ways are followed where a value varies. A poisoned instruction ends
        its path, unless `past_poison`. Static functions are followed with what the caller knows. Global
        functions are followed with unknown arguments, and their results are unknown. Ranges of numbers are
        not tracked.

        Args:
            positions: The instruction of each relocation, from `positions`.
            statuses: A `Relocated` for each relocation.
            values: The value of each relocation, `uint64[n]`; ignored unless its status is VALUE.
            externals: What is known about external symbols, by name: a `Resolved`, and a value.
            all_instructions: Answer for all relocations, not only for poisoned ones.
            past_poison: Follow paths past poisoned instructions, whose values then may be any. This finds all
                poisoned instructions that the verifier would come to if each were repaired in turn, not only
                the first on each path. Whether there is any REACHABLE or MAYBE does not depend on it.

        Returns:
            A `uint8[programs, n]` array of `Reach`; DEAD for instructions that the program does not contain,
            and for relocations that are not asked about.

        Raises:
            ValueError: Lengths differ, or a status does not exist.
            NotSupportedError: There are more than 2^26 pairs of programs and relocations.
        """
        known = externals or {}
        resolved = [known.get(external.name, (Resolved.UNKNOWN, 0)) for external in self.externals]
        reached = self._core.reachability(
            positions,
            np.asarray(statuses, np.uint8),
            np.asarray(values, np.uint64),
            np.array([status for status, _ in resolved], np.uint8),
            np.array([value for _, value in resolved], np.uint64),
            all_instructions,
            past_poison,
        )
        return np.asarray(reached).reshape(len(self.programs), len(positions))
