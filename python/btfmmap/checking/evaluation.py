"""The answers for all objects on one kernel."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import FormatError, NotSupportedError
from ..kernels.per_process import PerProcess
from ..programs import Reach, Relocated, Resolved
from ..relocation_kinds import CoreReloKind, RelocationStatus
from ..relocations import evaluate
from ..requirements import Need, RequirementStatus, essential_name, judge
from .kernel_version import kernel_version
from .objects import REGISTERS, PreparedObjects, Selection
from .similar import Missing, Similar
from .verdicts import BREAKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from ..kernels.opened import OpenKernel
    from ..relocations import RelocationResults, Semantics
    from ..requirements import Answer
    from .objects import PreparedObject
    from .sources import ObjectSource

    Externals = Mapping[str, tuple[Resolved, int]]

_COLUMNS = ("status", "value", "bit_offset", "target", "size", "candidates")
_REACHED = {
    Reach.DEAD: RelocationStatus.DEAD,
    Reach.MAYBE: RelocationStatus.MAYBE,
    Reach.REACHABLE: RelocationStatus.POISONED,
}
_STATUS_OF_REACH = np.array([_REACHED[reach] for reach in Reach], np.uint8)
_RELOCATED = np.full(len(RelocationStatus), Relocated.UNKNOWN, np.uint8)
_RELOCATED[[RelocationStatus.OK, RelocationStatus.ABSENT]] = Relocated.VALUE
_RELOCATED[RelocationStatus.POISONED] = Relocated.POISONED


class KernelAnswers(NamedTuple):
    """The answers for all objects on one kernel.

    Attributes:
        byte_order: That of the kernel, "little" or "big".
        columns: `status`, `value`, ... of each relocation.
        reasons: Why relocations are not OK, by their numbers.
        similar: What the kernel has in place of what relocations do not find, by their numbers.
        programs: The loaded programs that come to relocations that are POISONED or MAYBE, by their numbers.
        needs: The `RequirementStatus` of each requirement.
        breaks: Whether each requirement keeps its object from being loaded.
        need_reasons: Why requirements are not PRESENT, by their numbers.
        need_similar: Functions whose names resemble absent ones, by their numbers.
        need_programs: The loaded programs that call absent weak functions, by their numbers.
        prototypes: The types in C of functions that are there, by the numbers of the requirements.
    """

    byte_order: str
    columns: dict[str, npt.NDArray[Any]]
    reasons: dict[int, str]
    similar: dict[int, list[str]]
    programs: dict[int, tuple[str, ...]]
    needs: npt.NDArray[np.uint8]
    breaks: npt.NDArray[np.bool_]
    need_reasons: dict[int, str]
    need_similar: dict[int, list[str]]
    need_programs: dict[int, tuple[str, ...]]
    prototypes: dict[int, str]


class Evaluator:
    """Evaluates objects on a kernel. Travels to other processes, which prepare the objects once."""

    def __init__(
        self,
        sources: Sequence[ObjectSource],
        selection: Selection,
        semantics: Semantics = "libbpf",
        *,
        similar: bool = False,
    ) -> None:
        opened = [source for source in sources if not source.error]
        self._prepared: PerProcess[PreparedObjects] = PerProcess(partial(PreparedObjects, opened, selection))
        self._semantics = semantics
        self._similar = similar

    @property
    def objects(self) -> PreparedObjects:
        """The objects without an error."""
        return self._prepared.get()

    def __call__(self, kernel: OpenKernel) -> KernelAnswers:
        """Evaluate the objects.

        Raises:
            FormatError: The kernel is a BPF object or turned out to be invalid, or its texts exceed a limit.
        """
        if kernel.identity.arch == "bpf" or kernel.base.ext is not None:
            path = kernel.base.source.path or kernel.identity.name
            raise FormatError(f"{path}: a BPF object, not a kernel")
        try:
            return _Evaluation(self.objects, kernel, self._semantics, self._similar).answers()
        except NotSupportedError as error:  # of this kernel: others go on
            raise FormatError(str(error)) from None


def _reached(
    each: PreparedObject,
    positions: npt.NDArray[np.uint32],
    statuses: npt.NDArray[np.uint8],
    values: npt.NDArray[np.uint64],
    externals: Externals,
) -> npt.NDArray[np.uint8]:
    """Whether each program of an object that is loaded reaches poisoned instructions.

    Returns:
        A `Reach` for each, `uint8[programs, n]`; DEAD for programs that are not loaded.
    """
    try:
        reached = each.programs.reachability(
            positions, statuses, values, externals=externals, past_poison=True
        )
    except NotSupportedError:  # too many
        reached = np.full((len(each.loaded), len(positions)), Reach.MAYBE, np.uint8)
    if each.loaded.all():
        return reached
    return np.where(each.loaded[:, None], reached, np.uint8(Reach.DEAD))


def _programs_that_reach(each: PreparedObject, reached: npt.NDArray[np.uint8]) -> tuple[str, ...]:
    """The programs for which the answer is the highest of all; none if that is DEAD."""
    answers = reached.tolist()
    highest = max(answers, default=Reach.DEAD)
    if highest == Reach.DEAD:
        return ()
    programs = zip(each.programs.programs, answers, strict=True)
    return tuple(program.name for program, answer in programs if answer == highest)


class _Evaluation:
    def __init__(
        self, prepared: PreparedObjects, kernel: OpenKernel, semantics: Semantics, similar: bool
    ) -> None:
        self.prepared = prepared
        self.kernel = kernel
        self.btfs = {"vmlinux": kernel.base, **kernel.modules}
        objects = [each.btf for each in prepared.objects if each]
        self.results: RelocationResults = evaluate(
            objects, kernel.base, [*kernel.modules.values()], semantics
        )
        running = kernel.identity.release_how == "uname"
        self.answered: list[Answer] = judge(
            prepared.requirements,
            self.btfs,
            complete=kernel.complete,
            running=running,
            missing=kernel.missing,
        )
        self.similar = Similar(kernel.base) if similar else None
        self.programs: dict[int, tuple[str, ...]] = {}
        # By requirement: the programs that call weak functions although the kernel lacks them.
        self.callers: dict[int, tuple[str, ...]] = {}
        self.version = kernel_version(kernel.identity.release)

    def answers(self) -> KernelAnswers:
        status = self.results.status.copy()
        breaks = np.zeros(len(self.answered), bool)
        for number, each in enumerate(self.prepared.objects):
            if each is not None:
                relocations = slice(*self.prepared.relocation_starts[number : number + 2])
                needs = slice(*self.prepared.requirement_starts[number : number + 2])
                self._judge_object(each, relocations, needs, status, breaks)
        bad = np.flatnonzero(status != RelocationStatus.OK).tolist()
        absent = np.array([answer.status for answer in self.answered], np.uint8)
        columns = {name: np.array(self.results[name]) for name in _COLUMNS}
        return KernelAnswers(
            self.kernel.base.source.byte_order,
            {**columns, "status": status},
            {row: self.results.reason(row) for row in bad},
            self._similar_fields(status),
            self.programs,
            absent,
            breaks,
            self._need_reasons(),
            self._similar_targets(absent),
            self.callers,
            self._prototypes(),
        )

    def _judge_object(
        self,
        each: PreparedObject,
        relocations: slice,
        needs: slice,
        status: npt.NDArray[np.uint8],
        breaks: npt.NDArray[np.bool_],
    ) -> None:
        """Find out what of an object is reached, and set the statuses of its relocations and needs."""
        own, answers = status[relocations], self.answered[needs]
        for number, (answer, needed) in enumerate(zip(answers, each.needed.tolist(), strict=True)):
            if needed and answer.certain and answer.status == RequirementStatus.ABSENT:
                breaks[needs.start + number] = True
        poisoned = own == RelocationStatus.POISONED
        any_poisoned = bool(poisoned.any())
        externals = self._externals(each, answers) if any_poisoned or each.has_weak_calls else {}
        lacking = [name for name, (known, _) in externals.items() if known == Resolved.ABSENT]
        calls = each.calls(lacking)
        if any_poisoned or len(calls):
            statuses = np.concatenate([_RELOCATED[own], np.full(len(calls), Relocated.POISONED, np.uint8)])
            values = np.concatenate([self.results.value[relocations], np.zeros(len(calls), np.uint64)])
            reached = _reached(each, np.concatenate([each.positions, calls]), statuses, values, externals)
            own[poisoned] = _STATUS_OF_REACH[reached.max(axis=0, initial=Reach.DEAD)[: len(own)][poisoned]]
            for row in np.flatnonzero(poisoned).tolist():
                if programs := _programs_that_reach(each, reached[:, row]):
                    self.programs[relocations.start + row] = programs
            for name in lacking:
                here = np.isin(calls, each.calls([name]))
                called = reached[:, len(own) :][:, here].max(axis=1, initial=Reach.DEAD)
                if (called == Reach.REACHABLE).any():
                    number = needs.start + self._need_of(each, name)
                    breaks[number] = True
                    self.callers[number] = _programs_that_reach(each, called)
        # libbpf does not relocate programs that are not loaded, so their errors do not matter.
        if each.unloaded.any():
            own[each.unloaded & np.isin(own, BREAKING)] = RelocationStatus.DEAD

    def _need_reasons(self) -> dict[int, str]:
        return {
            number: answer.reason + ("; a call of it can be reached" if number in self.callers else "")
            for number, answer in enumerate(self.answered)
            if answer.reason
        }

    def _need_of(self, each: PreparedObject, name: str) -> int:
        return next(
            number
            for number, need in enumerate(each.requirements)
            if need.name == name and need.need in (Need.KFUNC, Need.KSYM)
        )

    def _externals(self, each: PreparedObject, answers: Sequence[Answer]) -> Externals:
        """What is known of an object's external symbols."""
        known: dict[str, tuple[Resolved, int]] = {}
        for need, answer in zip(each.requirements, answers, strict=True):
            if need.need in (Need.KFUNC, Need.KSYM):
                if answer.status == RequirementStatus.PRESENT:
                    known[need.name] = (Resolved.PRESENT, 0)
                elif answer.status == RequirementStatus.ABSENT and answer.certain:
                    known[need.name] = (Resolved.ABSENT, 0)
            elif need.name == "LINUX_KERNEL_VERSION" and self.version is not None:
                known[need.name] = (Resolved.VALUE, self.version)
        return known

    def _similar_fields(self, status: npt.NDArray[np.uint8]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        if self.similar is None:
            return found
        asked: dict[Missing, list[str]] = {}
        arch = self.kernel.identity.arch
        wanting = (status == RelocationStatus.POISONED) | (status == RelocationStatus.MAYBE)
        for number, each in enumerate(self.prepared.objects):
            start, end = self.prepared.relocation_starts[number : number + 2]
            rows = np.flatnonzero(wanting[start:end]).tolist()
            if each is None or each.relocations is None or not rows:
                continue
            table = each.relocations
            for row in rows:
                is_bitfield = bool(table.bitfield_size[row])
                kind = int(table.kind[row])
                if kind <= CoreReloKind.FIELD_RSHIFT_U64:
                    kind = CoreReloKind.FIELD_BYTE_OFFSET  # all of a field have one answer
                missing = Missing(table.root[row], table.path[row], kind, is_bitfield)
                if essential_name(missing.root) in REGISTERS and each.arch != arch:
                    continue
                if missing not in asked:
                    asked[missing] = self.similar.to_relocation(missing, each.btf[int(table.type[row])])
                if asked[missing]:
                    found[start + row] = asked[missing]
        return found

    def _similar_targets(self, status: npt.NDArray[np.uint8]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        if self.similar is None:
            return found
        asked: dict[tuple[int, str], list[str]] = {}
        for number in np.flatnonzero(status == RequirementStatus.ABSENT).tolist():
            need = self.prepared.requirements[number]
            kind, name = need.types[0]
            if (kind, name) not in asked:
                # Names as sections spell them: without "btf_trace_" and the like.
                prefix = name.removesuffix(need.name) if need.need == Need.TARGET else ""
                similar = self.similar.to_type(name, kind)
                asked[kind, name] = [each.removeprefix(prefix) for each in similar]
            if asked[kind, name]:
                found[number] = asked[kind, name]
        return found

    def _prototypes(self) -> dict[int, str]:
        """The types of functions and tracepoints in C, spelled for all of a BTF at once."""
        wanted: dict[str, dict[int, list[int]]] = {}
        names = {id(btf): name for name, btf in self.btfs.items()}
        for number, (need, answer) in enumerate(zip(self.prepared.requirements, self.answered, strict=True)):
            if answer.btf is not None and answer.type_id and need.need in (Need.TARGET, Need.KFUNC):
                of_btf = wanted.setdefault(names[id(answer.btf)], {})
                of_btf.setdefault(answer.type_id, []).append(number)
        found: dict[int, str] = {}
        for name, numbers in wanted.items():
            btf = self.btfs[name]
            types = [btf[type_id].type for type_id in numbers]
            spelled = btf.c_names([type_.id if type_ is not None else 0 for type_ in types])
            found.update(
                (number, text) for of, text in zip(numbers.values(), spelled, strict=True) for number in of
            )
        return found
