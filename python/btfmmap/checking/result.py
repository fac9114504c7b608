"""The answers of `check` for all kernels, as arrays."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrow_export import ArrowExport
from ..labels import labels_of_files
from ..relocation_kinds import CoreReloKind, InstructionUse, RelocationStatus
from ..requirements import Need, RequirementStatus
from ..tables import Table
from .sources import labelled
from .verdicts import BREAKING, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from ..arrow import ArrowTable
    from ..kernels.listing import KernelTable
    from ..tables import U8, U32, Bool, Column, Text
    from .evaluation import KernelAnswers
    from .problems import Problem

    U64 = Column[np.uint64]

_WIDTHS = {
    "status": np.uint8,
    "value": np.uint64,
    "bit_offset": np.uint32,
    "target": np.uint32,
    "size": np.uint32,
    "candidates": np.uint32,
}
# The names of the numbers in some columns, for Arrow.
_RELOCATION_WORDS = {
    "kind": [kind.name for kind in CoreReloKind],
    "use": [use.name for use in InstructionUse],
}
_REQUIREMENT_WORDS = {"need": [need.name for need in Need]}


class CheckedObjects(Table):
    """The objects of a `CheckResult`, in order; those that did not open included."""

    name: Text
    """The name of the file. If it embeds several objects, "@" and the offset follow."""
    path: Text
    """The file; empty for a buffer."""
    offset: U64
    """The object's first byte in the file, or in what a compressed file contains."""
    byte_order: Text
    """The object's byte order, "little" or "big"; empty if it did not open."""
    arch: Text
    """The architecture whose registers the object reads; empty if there is none, or it is unknown."""
    programs: U32
    """Number of programs."""
    loaded: U32
    """Number of programs that are loaded."""
    error: Text
    """Why the object did not open; empty if it did."""


class CheckedRelocations(Table):
    """The CO-RE relocations of a `CheckResult`: those of the first object, then those of the second, ...

    `Ext.relocations` has the same columns for one object.
    """

    _words = _RELOCATION_WORDS

    object: U32
    """The row of the object."""
    kind: U32
    """The `CoreReloKind`, or an unknown number."""
    root: Text
    """The name of the root type."""
    path: Text
    """What is relocated below it, as C: "a.b[3].c"; empty for a type."""
    access: Text
    """The access string."""
    section: Text
    """The name of the ELF section with the instruction."""
    insn_off: U32
    """Offset of the instruction in that section, in bytes."""
    use: U8
    """How the instruction uses the value: an `InstructionUse`."""
    access_size: U8
    """Bytes that a load or store accesses; 0 for other instructions."""
    bit_offset: U32
    """Offset of the field in the object's own type, in bits."""
    bitfield_size: U8
    """Size of a bitfield in the object's own type, in bits; 0 if the field is not a bitfield."""
    size: U32
    """Size of the field or type in the object, in bytes."""
    value: U64
    """The value in the object."""
    field_size: U32
    """Size in bytes of an access to the field in the object, to be compared with `CheckResult.size`; 0 if no
    offset is relocated, and of bitfields."""
    function: Text
    """The function that contains the instruction; empty if it is not known."""
    file_name: Text
    """The source file; empty if it is not known."""
    line: U32
    """The source line; 0 if it is not known."""
    text: Text
    """The text of the source line; often empty."""


class CheckedRequirements(Table):
    """What the objects of a `CheckResult` need besides: attach targets, kfuncs, ksyms."""

    _words = _REQUIREMENT_WORDS

    object: U32
    """The row of the object."""
    need: U8
    """The `Need`."""
    name: Text
    """The name of the target, symbol or map."""
    section: Text
    """The name of the section that says so."""
    program: Text
    """The program that needs it; empty if the whole object does."""
    needed: Bool
    """Whether what is loaded needs it. False for programs that are not loaded, and for weak symbols."""


class CheckResult(ArrowExport):
    """What `check` found. Arrays have one row per kernel.

    A kernel that did not open has the statuses NOT_JUDGED and values of 0.

    For libraries that read Apache Arrow, a result is a table with a row for each kernel and object: `kernel`
    and `object`, their rows in the tables of that name, `kernel_name`, `object_name`, and `verdict`, the name
    of the `Verdict`. `relocation_answers` and `requirement_answers` have the details.

    Attributes:
        kernels: The kernels, with the error of each that did not open.
        objects: The objects, with the error of each that did not open.
        relocations: The CO-RE relocations of all objects.
        requirements: What the objects need besides.
        status: The `RelocationStatus` of each relocation, `uint8[kernels, relocations]`.
        value: The value that the instruction gets, `uint64[kernels, relocations]`; 0 unless the status is OK.
        bit_offset: Offset of the field in the kernel's type in bits, `uint32[kernels, relocations]`.
        target: Type ID of the kernel's type that matches the root type, `uint32[kernels, relocations]`; 0 if
            none does.
        size: Size in bytes of an access to the field in the kernel, `uint32[kernels, relocations]`.
        candidates: Number of types that were considered, `uint32[kernels, relocations]`.
        requirement_status: The `RequirementStatus` of each requirement, `uint8[kernels, requirements]`.
        requirement_breaks: Whether the object does not load because of a requirement,
            `bool[kernels, requirements]`.
        other_byte_order: Whether an object has another byte order than the kernel, so that it does not load,
            `bool[kernels, objects]`. Its relocations are evaluated all the same.
        prototypes: The types in C of attach targets and kfuncs, such as "int (struct sock * sk)":
            `object[kernels, requirements]` of `str`; empty for what is not there, or is not a function.

    Example:
        >>> result = btfmmap.check([], btf)
        >>> result
        <CheckResult 0 objects x 1 kernels: 0 break, 0 maybe>
    """

    def __init__(
        self,
        kernels: KernelTable,
        objects: CheckedObjects,
        relocations: CheckedRelocations,
        requirements: CheckedRequirements,
        answers: Sequence[KernelAnswers | None],
    ) -> None:
        self.kernels: KernelTable = kernels
        self.objects: CheckedObjects = objects
        self.relocations: CheckedRelocations = relocations
        self.requirements: CheckedRequirements = requirements
        shape = len(answers), len(relocations)
        arrays: dict[str, npt.NDArray[Any]] = {
            name: np.zeros(shape, dtype) for name, dtype in _WIDTHS.items()
        }
        arrays["status"][:] = RelocationStatus.NOT_JUDGED
        needs = np.full((len(answers), len(requirements)), RequirementStatus.NOT_JUDGED, np.uint8)
        breaks = np.zeros(needs.shape, bool)
        foreign = np.zeros((len(answers), len(objects)), bool)
        opened = objects.error == ""
        prototypes = np.full(needs.shape, "", object)
        shared: dict[str, str] = {}  # most kernels have the same texts
        for row, each in enumerate(answers):
            if each is not None:
                for name, array in arrays.items():
                    array[row] = each.columns[name]
                needs[row], breaks[row] = each.needs, each.breaks
                foreign[row] = opened & (objects.byte_order != each.byte_order)
                for number, text in each.prototypes.items():
                    prototypes[row, number] = shared.setdefault(text, text)
        for made in (*arrays.values(), needs, breaks, foreign, prototypes):
            made.flags.writeable = False
        self.status: npt.NDArray[np.uint8] = arrays["status"]
        self.value: npt.NDArray[np.uint64] = arrays["value"]
        self.bit_offset: npt.NDArray[np.uint32] = arrays["bit_offset"]
        self.target: npt.NDArray[np.uint32] = arrays["target"]
        self.size: npt.NDArray[np.uint32] = arrays["size"]
        self.candidates: npt.NDArray[np.uint32] = arrays["candidates"]
        self.requirement_status: npt.NDArray[np.uint8] = needs
        self.requirement_breaks: npt.NDArray[np.bool_] = breaks
        self.other_byte_order: npt.NDArray[np.bool_] = foreign
        self.prototypes: npt.NDArray[np.object_] = prototypes
        self._answers: list[dict[str, Any] | None] = [
            None
            if each is None
            else {
                "reason": each.reasons,
                "similar": each.similar,
                "programs": each.programs,
                "requirement_reason": each.need_reasons,
                "requirement_similar": each.need_similar,
                "requirement_programs": each.need_programs,
            }
            for each in answers
        ]

    @cached_property
    def verdict(self) -> npt.NDArray[np.uint8]:
        """Whether each object loads on each kernel, a `Verdict`: `uint8[kernels, objects]`.

        Example:
            >>> btfmmap.check([], btf).verdict.shape
            (1, 0)
        """
        found = np.zeros((len(self.kernels), len(self.objects)), np.uint8)
        absent = self.requirement_status == RequirementStatus.ABSENT
        doubtful = absent & self.requirements.needed & ~self.requirement_breaks
        for verdict, relocations, needs in (
            (Verdict.MAYBE, self.status == RelocationStatus.MAYBE, doubtful),
            (Verdict.BREAKS, np.isin(self.status, BREAKING), self.requirement_breaks),
        ):
            for mask, table in ((relocations, self.relocations), (needs, self.requirements)):
                kernel, column = np.nonzero(mask)
                found[kernel, table["object"][column]] = verdict
        found[self.other_byte_order] = Verdict.BREAKS
        found[self.kernels.error != ""] = Verdict.NOT_TRIED
        found[:, self.objects.error != ""] = Verdict.NOT_TRIED
        found.flags.writeable = False
        return found

    @cached_property
    def object_labels(self) -> list[str]:
        """The names of the objects, or the paths of those whose names are equal; no two are equal.

        Example:
            >>> btfmmap.check(["a/prog.o", "b/prog.o"], btf).object_labels
            ['a/prog.o', 'b/prog.o']
        """
        names: list[str] = self.objects.name.tolist()
        return labels_of_files(names, [*map(labelled, names, self.objects.path.tolist())])

    @cached_property
    def kernel_labels(self) -> list[str]:
        """The names of the kernels, or the paths of those whose names are equal; no two are equal.

        Example:
            >>> btfmmap.check([], [btf, btf]).kernel_labels
            ['sample', 'sample #2']
        """
        return labels_of_files(self.kernels.name.tolist(), self.kernels.path.tolist())

    @property
    def relocation_answers(self) -> ArrowTable:
        """What becomes of each relocation on each kernel, for libraries that read Arrow.

        A row for each kernel and relocation: `kernel`, `kernel_name`, `relocation`, the rows in the tables of
        that name, `object_name`, `kind`, `root` and `path` of the relocation, and the arrays `status`, by
        name, `value`, `bit_offset`, `target`, `size` and `candidates`.

        Example:
            >>> len(btfmmap.check([], btf).relocation_answers)
            0
        """
        from .answer_tables import relocation_table

        return relocation_table(self)

    @property
    def requirement_answers(self) -> ArrowTable:
        """Whether each kernel has what each object requires, for libraries that read Arrow.

        A row for each kernel and requirement: `kernel`, `kernel_name`, `requirement`, `object_name`, `need`,
        `name`, `status`, by name, `breaks` and `prototype`.

        Example:
            >>> len(btfmmap.check([], btf).requirement_answers)
            0
        """
        from .answer_tables import requirement_table

        return requirement_table(self)

    @property
    def broken(self) -> npt.NDArray[np.int64]:
        """The rows of the relocations that break their object on some kernel, `int64[n]`.

        Their statuses are POISONED, AMBIGUOUS or ERROR.

        Example:
            >>> result = btfmmap.check([], btf)
            >>> len(result.relocations[result.broken])
            0
        """
        return _rows(np.isin(self.status, BREAKING).any(axis=0))

    @property
    def drift(self) -> npt.NDArray[np.int64]:
        """The rows of the relocations that have more than one value, `int64[n]`.

        Kernels where a relocation is neither OK nor ABSENT do not count.

        Example:
            >>> btfmmap.check([], btf).drift.tolist()
            []
        """
        if not len(self.status):
            return np.zeros(0, np.int64)
        known = self.status <= RelocationStatus.ABSENT
        first = np.take_along_axis(self.value, known.argmax(axis=0)[None], axis=0)
        return _rows(((self.value != first) & known).any(axis=0))

    @property
    def changed_prototypes(self) -> npt.NDArray[np.int64]:
        """The rows of the requirements that have more than one prototype, `int64[n]`.

        Example:
            >>> btfmmap.check([], btf).changed_prototypes.tolist()
            []
        """
        several = [len({*column} - {""}) > 1 for column in self.prototypes.T.tolist()]
        return _rows(np.array(several, bool))

    def reason(self, kernel: int, relocation: int) -> str:
        """Return why a relocation has its status, as a sentence; "" if it is OK.

        Args:
            kernel: The row of the kernel.
            relocation: The row of the relocation.

        Raises:
            IndexError: There is no such row.

        Example:
            >>> btfmmap.check([], btf).reason(0, 0)
            Traceback (most recent call last):
            IndexError: there is no relocation 0
        """
        return self._answer("reason", kernel, relocation) or ""

    def requirement_reason(self, kernel: int, requirement: int) -> str:
        """Return why a requirement is ABSENT or NOT_JUDGED, as a sentence; "" if it is PRESENT.

        Args:
            kernel: The row of the kernel.
            requirement: The row of the requirement.

        Raises:
            IndexError: There is no such row.

        Example:
            >>> btfmmap.check([], btf).requirement_reason(1, 0)
            Traceback (most recent call last):
            IndexError: there is no kernel 1
        """
        return self._answer("requirement_reason", kernel, requirement) or ""

    def similar(self, kernel: int, relocation: int) -> list[str]:
        """Return what a kernel has in place of what a relocation does not find.

        The list is empty unless `check` was called with `similar=True`.

        Args:
            kernel: The row of the kernel.
            relocation: The row of the relocation.

        Returns:
            A few names, the best first, some with a remark in parentheses.

        Raises:
            IndexError: There is no such row.

        Example:
            >>> btfmmap.check([], btf).similar(0, 0)
            Traceback (most recent call last):
            IndexError: there is no relocation 0
        """
        return [*(self._answer("similar", kernel, relocation) or ())]

    def requirement_similar(self, kernel: int, requirement: int) -> list[str]:
        """Return names of a kernel that resemble one that is required and absent.

        The list is empty unless `check` was called with `similar=True`.

        Args:
            kernel: The row of the kernel.
            requirement: The row of the requirement.

        Returns:
            A few names, the best first.

        Raises:
            IndexError: There is no such row.

        Example:
            >>> btfmmap.check([], btf).requirement_similar(0, 0)
            Traceback (most recent call last):
            IndexError: there is no requirement 0
        """
        return [*(self._answer("requirement_similar", kernel, requirement) or ())]

    def programs(self, kernel: int, relocation: int) -> tuple[str, ...]:
        """Return the programs that come to an instruction without a value.

        The instruction may be in a function that several programs call.

        Args:
            kernel: The row of the kernel.
            relocation: The row of the relocation.

        Returns:
            The names of programs that are loaded, if the status is POISONED or MAYBE; otherwise none.

        Raises:
            IndexError: There is no such row.

        Example:
            >>> btfmmap.check([], btf).programs(0, 0)
            Traceback (most recent call last):
            IndexError: there is no relocation 0
        """
        return tuple(self._answer("programs", kernel, relocation) or ())

    def requirement_programs(self, kernel: int, requirement: int) -> tuple[str, ...]:
        """Return the programs that need something absent.

        Args:
            kernel: The row of the kernel.
            requirement: The row of the requirement.

        Returns:
            The program of an attach target, or those that call an absent weak function. None if the whole
            object needs it.

        Raises:
            IndexError: There is no such row.

        Example:
            >>> btfmmap.check([], btf).requirement_programs(0, 0)
            Traceback (most recent call last):
            IndexError: there is no requirement 0
        """
        found = self._answer("requirement_programs", kernel, requirement)
        own = self.requirements.program[requirement]
        return tuple(found or ([own] if own else ()))

    def problems(self) -> list[Problem]:
        """Return all that is wrong, each once with the kernels and the places where it occurs.

        Returns:
            What could not be tried first, then what breaks objects, then what may; each in the order of the
            objects. If this list is empty, every object was checked on every kernel, and nothing that is
            judged is missing.

        Example:
            >>> btfmmap.check([], btf).problems()
            []
        """
        from .problems import problems

        return problems(self)

    def _arrow_table(self) -> ArrowTable:
        from .answer_tables import verdict_table

        return verdict_table(self)

    def _answer(self, which: str, kernel: int, row: int) -> Any:
        of_requirement = which.startswith("requirement")
        what = "requirement" if of_requirement else "relocation"
        rows = len(self.requirements if of_requirement else self.relocations)
        if not 0 <= kernel < len(self._answers):
            raise IndexError(f"there is no kernel {kernel}")
        if not 0 <= row < rows:
            raise IndexError(f"there is no {what} {row}")
        answers = self._answers[kernel]
        return None if answers is None else answers[which].get(row)

    def _repr_html_(self) -> str:
        from ..html.reprs import check_html

        return check_html(self, [verdict.name for verdict in Verdict])

    def __repr__(self) -> str:
        counted = (Verdict.BREAKS, Verdict.MAYBE, Verdict.NOT_TRIED)
        breaks, maybe, not_tried = (int((self.verdict == each).sum()) for each in counted)
        return (
            f"<CheckResult {len(self.objects)} objects x {len(self.kernels)} kernels: "
            f"{f'{not_tried} not tried, ' if not_tried else ''}{breaks} break, {maybe} maybe>"
        )


def _rows(mask: npt.ArrayLike) -> npt.NDArray[np.int64]:
    return np.flatnonzero(mask).astype(np.int64)  # numpy's own are of 32 bits on 32-bit hosts
