"""`check`: evaluates BPF objects on kernels."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ..kernels.listing import kernel_table
from ..kernels.mapping import map_kernels
from ..opening import KERNEL_BTF
from .evaluation import Evaluator
from .objects import Selection, matches_any
from .result import CheckedObjects, CheckedRelocations, CheckedRequirements, CheckResult
from .sources import object_sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from concurrent.futures import Executor

    import numpy.typing as npt

    from ..kernels.inputs import Kernels
    from ..kernels.mapping import Progress
    from ..relocations import Semantics
    from .objects import PreparedObject, PreparedObjects
    from .sources import Objects, ObjectSource

    Patterns = str | Iterable[str] | None

_NUMBERS = {
    "kind": np.uint32,
    "insn_off": np.uint32,
    "use": np.uint8,
    "access_size": np.uint8,
    "bit_offset": np.uint32,
    "bitfield_size": np.uint8,
    "size": np.uint32,
    "value": np.uint64,
    "field_size": np.uint32,
    "line": np.uint32,
}


def check(
    objects: Objects,
    kernels: Kernels | None = None,
    *,
    semantics: Semantics = "libbpf",
    programs: Patterns = None,
    skip_programs: Patterns = None,
    similar: bool = False,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> CheckResult:
    """Check whether BPF objects load on kernels.

    Evaluates the CO-RE relocations of each object, finds out which of the instructions that get no value can
    be reached, and looks up attach targets, kfuncs and ksyms. Helpers, map types, program types and the
    verifier's other rules are not judged. `docs/check.md` has the details.

    One kernel is open at a time; with an executor, one per worker.

    Args:
        objects: A path, a glob, a folder, the bytes of an object, or a `Btf` of an object with `.BTF.ext`; or
            several of these. Other files that embed objects are searched for them. Of a folder, the BPF
            objects in it and below are taken.
        kernels: As for `find_kernels`; None for the running kernel with its loaded modules.
        semantics: "libbpf" evaluates the relocations of an object in their order, as libbpf does: once one of
            them has found types that match its root, later ones consider only these. "independent" evaluates
            each relocation on its own.
        programs: Globs of the names of the programs that are loaded; by default those whose section's name
            does not start with "?".
        skip_programs: Globs of the names of programs that are not loaded.
        similar: Also look in each kernel for names that are close to what is missing. This takes longer than
            everything else.
        executor: A `concurrent.futures.Executor` that evaluates kernels; None for this process.
        progress: Called with the number of kernels done, their number if it is known, and the name of the
            next one, before each.

    Returns:
        The result. Objects and kernels that do not open have a row with the error, and are the first of
        `CheckResult.problems()`.

    Raises:
        FileNotFoundError: A glob matches no file, or a folder contains no object or kernel.
        TypeError: An object or kernel is of another type.
        ValueError: `semantics` is unknown, a `Btf` is closed, one name is given to several kernels, or
            `programs` has a glob that matches no program.

    Example:
        >>> result = btfmmap.check("no such file", btf)
        >>> [problem.reason for problem in result.problems()]
        ['no such file: No such file or directory']
        >>> btfmmap.Verdict(result.verdict[0, 0])
        <Verdict.NOT_TRIED: 3>
    """
    if semantics not in ("libbpf", "independent"):
        raise ValueError(f"semantics is {semantics!r}, must be 'libbpf' or 'independent'")
    sources = object_sources(objects)
    selection = Selection(_patterns(programs), _patterns(skip_programs))
    evaluator = Evaluator(sources, selection, semantics, similar=similar)
    prepared = evaluator.objects
    _check_patterns(selection, prepared)
    chosen = os.path.dirname(KERNEL_BTF) if kernels is None else kernels
    outcomes = [*map_kernels(evaluator, chosen, executor=executor, progress=progress)]
    rows, table = _objects(sources, prepared)
    return CheckResult(
        kernel_table(outcomes),
        table,
        _relocations(rows, prepared),
        _requirements(rows, prepared),
        [outcome.value for outcome in outcomes],
    )


def _patterns(patterns: Patterns) -> Sequence[str] | None:
    return [patterns] if isinstance(patterns, str) else None if patterns is None else [*patterns]


def _check_patterns(selection: Selection, prepared: PreparedObjects) -> None:
    functions = [function for each in prepared.objects if each for function in each.programs.functions]
    names = {function.name for function in functions if function.is_program}
    for pattern in (*(selection.programs or ()), *selection.skip_programs):
        if names and not any(matches_any(name, [pattern]) for name in names):
            called = next((each.name for each in functions if matches_any(each.name, [pattern])), None)
            hint = "" if called is None else f"; {called!r} is a function that programs call"
            raise ValueError(f"no program of the objects matches {pattern!r}{hint}")


def _objects(sources: Sequence[ObjectSource], prepared: PreparedObjects) -> tuple[list[int], CheckedObjects]:
    """The rows of the objects without an error in reading, and the table of all."""
    rows = [row for row, source in enumerate(sources) if not source.error]
    errors = [source.error for source in sources]
    found: dict[int, PreparedObject] = {}
    for row, each, error in zip(rows, prepared.objects, prepared.errors, strict=True):
        errors[row] = error
        if each is not None:
            found[row] = each
    opened = [found.get(row) for row in range(len(sources))]
    table = CheckedObjects.of(
        {
            "name": [source.name for source in sources],
            "path": [source.path for source in sources],
            "offset": np.array([source.offset for source in sources], np.uint64),
            "byte_order": [each.byte_order if each else "" for each in opened],
            "arch": [each.arch if each else "" for each in opened],
            "programs": np.array([len(each.loaded) if each else 0 for each in opened], np.uint32),
            "loaded": np.array([each.loaded.sum() if each else 0 for each in opened], np.uint32),
            "error": errors,
        }
    )
    return rows, table


def _relocations(rows: Sequence[int], prepared: PreparedObjects) -> CheckedRelocations:
    pairs = [(row, each) for row, each in zip(rows, prepared.objects, strict=True) if each]
    tables = [each.relocations for _, each in pairs if each.relocations is not None]
    numbers = [row for row, each in pairs if each.relocations is not None]
    counts = [len(table) for table in tables]
    columns: dict[str, npt.NDArray[Any]] = {"object": np.repeat(np.array(numbers, np.uint32), counts)}
    for name in CheckedRelocations.__annotations__:
        if name != "object":
            parts = [np.asarray(getattr(table, name)) for table in tables]
            columns[name] = np.concatenate([np.zeros(0, _NUMBERS.get(name, object)), *parts])
    return CheckedRelocations.of(columns)


def _requirements(rows: Sequence[int], prepared: PreparedObjects) -> CheckedRequirements:
    needs = [
        (row, need, needed)
        for row, each in zip(rows, prepared.objects, strict=True)
        if each
        for need, needed in zip(each.requirements, each.needed.tolist(), strict=True)
    ]
    return CheckedRequirements.of(
        {
            "object": np.array([row for row, _, _ in needs], np.uint32),
            "need": np.array([need.need for _, need, _ in needs], np.uint8),
            "name": [need.name for _, need, _ in needs],
            "section": [need.section for _, need, _ in needs],
            "program": [need.program or "" for _, need, _ in needs],
            "needed": np.array([needed for _, _, needed in needs], bool),
        }
    )
