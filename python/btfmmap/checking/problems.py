"""What is wrong, each problem once, with the kernels and places where it occurs."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..relocation_kinds import RelocationStatus
from ..requirements import Need, RequirementStatus, essential_name
from .objects import REGISTERS
from .sources import labelled
from .verdicts import BREAKING, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .result import CheckResult

    Key = tuple[Verdict, str, str]

_OTHER_BYTE_ORDER = "libbpf does not load objects of another byte order; -target bpfel and bpfeb select it"
_TYPE_ID = re.compile(r" \[\d+\]")


class Place(NamedTuple):
    """Where an object needs something.

    Attributes:
        object: The row of the object.
        function: The function that contains the instructions; empty if it is not known, or this is not about
            instructions.
        programs: The loaded programs that come there, whose names `check` takes as `programs` and
            `skip_programs`: the function, or others that call it. Empty if the whole object is concerned.
        section: The ELF section.
        offset: The first instruction in that section, in bytes; -1 if this is not about instructions.
        instructions: The number of instructions of this source line.
        source: The source file and line, such as "bindsnoop.bpf.c:88"; empty if they are not known.
        text: The text of that line; often empty.
    """

    object: int
    function: str
    programs: tuple[str, ...]
    section: str
    offset: int
    instructions: int
    source: str
    text: str


class Problem(NamedTuple):
    """Something that objects need and kernels do not have, or an object or kernel that did not open.

    Attributes:
        verdict: NOT_TRIED, BREAKS or MAYBE.
        subject: What is missing, such as "inet_sock.freebind", or "fentry/vfs_read, fexit/vfs_read" if
            several programs attach to it. The path of an object or kernel that did not open.
        reason: Why that is a problem, as a sentence.
        kernels: The rows of the kernels where it occurs.
        places: Where objects need it; empty for a kernel that did not open.
        similar: What these kernels have instead, the best first; empty unless `check` looked for it.
    """

    verdict: Verdict
    subject: str
    reason: str
    kernels: tuple[int, ...]
    places: tuple[Place, ...]
    similar: tuple[str, ...]


class _Group:
    """One problem while it is collected: dicts keep the order."""

    def __init__(self) -> None:
        self.kernels: dict[int, None] = {}
        self.rows: dict[int, dict[str, None]] = {}  # with the programs of each
        self.similar: dict[str, None] = {}

    def add(self, kernel: int, row: int, programs: tuple[str, ...], similar: list[str]) -> None:
        self.kernels[kernel] = None
        self.rows.setdefault(row, {}).update(dict.fromkeys(programs))
        self.similar.update(dict.fromkeys(similar))


def problems(result: CheckResult) -> list[Problem]:
    """Collect what could not be tried, breaks objects, or may."""
    found = [
        *_of_inputs(result),
        *_of_byte_orders(result),
        *_of_relocations(result),
        *_of_requirements(result),
    ]
    return sorted(found, key=lambda problem: -problem.verdict)


def _of_inputs(result: CheckResult) -> Iterator[Problem]:
    every = tuple(range(len(result.kernels)))
    for row, error in enumerate(result.objects.error.tolist()):
        if error:
            label = labelled(result.objects.name[row], result.objects.path[row])
            yield Problem(Verdict.NOT_TRIED, label, error, every, (_whole(row),), ())
    for row, error in enumerate(result.kernels.error.tolist()):
        if error:
            subject = result.kernels.path[row] or result.kernels.name[row]
            yield Problem(Verdict.NOT_TRIED, subject, error, (row,), (), ())


def _of_byte_orders(result: CheckResult) -> Iterator[Problem]:
    for order, other in (("little", "big"), ("big", "little")):
        foreign = result.other_byte_order & (result.objects.byte_order == order)
        kernels, objects = (tuple(np.flatnonzero(foreign.any(axis=axis)).tolist()) for axis in (1, 0))
        if kernels:
            subject = f"{order}-endian object, {other}-endian kernel"
            places = tuple(map(_whole, objects))
            yield Problem(Verdict.BREAKS, subject, _OTHER_BYTE_ORDER, kernels, places, ())


def _whole(row: int) -> Place:
    """The place of a problem with a whole object."""
    return Place(row, "", (), "", -1, 0, "", "")


def _of_relocations(result: CheckResult) -> Iterator[Problem]:
    groups: dict[Key, _Group] = {}
    table = result.relocations
    archs = result.objects.arch[table.object]
    wanting = np.isin(result.status, (*BREAKING, RelocationStatus.MAYBE))
    for row, kernel in np.argwhere(wanting.T).tolist():
        status = result.status[kernel, row]
        verdict = Verdict.MAYBE if status == RelocationStatus.MAYBE else Verdict.BREAKS
        arch, own = result.kernels.arch[kernel], archs[row]
        root = essential_name(table.root[row])
        if root in REGISTERS and arch and own and arch != own:
            reason = f"`struct {root}` of another architecture does not have these registers"
            key = (verdict, f"registers of {own}", reason)
        else:
            path = table.path[row]
            joined = path if path.startswith("[") else f".{path}"
            subject = table.root[row] + (joined if path else "")
            key = (verdict, subject, _TYPE_ID.sub("", result.reason(kernel, row)))
        programs, similar = result.programs(kernel, row), result.similar(kernel, row)
        groups.setdefault(key, _Group()).add(kernel, row, programs, similar)
    for (verdict, subject, reason), group in groups.items():
        places = _places(result, group.rows)
        yield Problem(verdict, subject, reason, tuple(sorted(group.kernels)), places, tuple(group.similar))


def _places(result: CheckResult, rows: Mapping[int, Iterable[str]]) -> tuple[Place, ...]:
    """The places of relocations, those of one source line as one."""
    table = result.relocations
    places: dict[tuple[object, ...], Place] = {}
    for row, programs in rows.items():
        line, name = int(table.line[row]), os.path.basename(table.file_name[row])
        source = f"{name}:{line}" if line else ""
        own, function, section = int(table.object[row]), table.function[row], table.section[row]
        key = own, function, section, source
        if (place := places.get(key)) is not None:
            merged = tuple(dict.fromkeys((*place.programs, *programs)))
            places[key] = place._replace(instructions=place.instructions + 1, programs=merged)
        else:
            offset, text = int(table.insn_off[row]), table.text[row].strip()
            places[key] = Place(own, function, tuple(programs), section, offset, 1, source, text)
    return tuple(places.values())


def _of_requirements(result: CheckResult) -> Iterator[Problem]:
    groups: dict[tuple[Verdict, Need, str, str], _Group] = {}
    table = result.requirements
    wanting = (result.requirement_status == RequirementStatus.ABSENT) & table.needed
    wanting |= result.requirement_breaks
    for row, kernel in np.argwhere(wanting.T).tolist():
        verdict = Verdict.BREAKS if result.requirement_breaks[kernel, row] else Verdict.MAYBE
        # Programs of several types may attach to one function.
        key = verdict, Need(int(table.need[row])), table.name[row], result.requirement_reason(kernel, row)
        programs, similar = result.requirement_programs(kernel, row), result.requirement_similar(kernel, row)
        groups.setdefault(key, _Group()).add(kernel, row, programs, similar)
    for (verdict, need, name, reason), group in groups.items():
        sections = dict.fromkeys(table.section[row] for row in group.rows)
        subject = ", ".join(sections) if need == Need.TARGET else name
        places = dict.fromkeys(
            Place(int(table.object[row]), "", tuple(programs), table.section[row], -1, 0, "", "")
            for row, programs in group.rows.items()
        )
        kernels = tuple(sorted(group.kernels))
        yield Problem(verdict, subject, reason, kernels, tuple(places), tuple(group.similar))
