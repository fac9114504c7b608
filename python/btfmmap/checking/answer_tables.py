"""The answers of a `CheckResult` as tables for libraries that read Arrow.

They have a row for each kernel and object, relocation or requirement.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrow import ArrowTable, arrow_columns, text_column
from ..relocation_kinds import CoreReloKind, RelocationStatus
from ..requirements import Need, RequirementStatus
from .verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from .._core import ArrowColumn
    from .result import CheckResult

    Array = npt.NDArray[Any]

_ANSWERS = ("value", "bit_offset", "target", "size", "candidates")


def verdict_table(result: CheckResult) -> ArrowTable:
    """The columns kernel, kernel_name, object, object_name, verdict."""
    objects = result.objects
    kernels, columns = _kernels(result, len(objects))
    rows = np.tile(np.arange(len(objects), dtype=np.uint32), len(result.kernels))
    columns |= arrow_columns({"object": rows}, {})
    columns["object_name"] = text_column("object_name", objects.name.tolist(), rows)
    columns |= arrow_columns({"verdict": result.verdict.ravel()}, {"verdict": _names(Verdict)})
    return ArrowTable(columns, len(kernels))


def relocation_table(result: CheckResult) -> ArrowTable:
    """The columns kernel, kernel_name, relocation, object_name, kind, root, path, and the arrays."""
    table = result.relocations
    kernels, columns = _kernels(result, len(table))
    rows = np.tile(np.arange(len(table), dtype=np.uint32), len(result.kernels))
    columns |= arrow_columns({"relocation": rows}, {})
    columns |= _described(result, table, rows, {"kind": _names(CoreReloKind)}, ("root", "path"))
    answers = {name: getattr(result, name).ravel() for name in ("status", *_ANSWERS)}
    columns |= arrow_columns(answers, {"status": _names(RelocationStatus)})
    return ArrowTable(columns, len(kernels))


def requirement_table(result: CheckResult) -> ArrowTable:
    """The columns kernel, kernel_name, requirement, object_name, need, name, status, breaks, prototype."""
    table = result.requirements
    kernels, columns = _kernels(result, len(table))
    rows = np.tile(np.arange(len(table), dtype=np.uint32), len(result.kernels))
    columns |= arrow_columns({"requirement": rows}, {})
    columns |= _described(result, table, rows, {"need": _names(Need)}, ("name",))
    answers: dict[str, Array] = {
        "status": result.requirement_status.ravel(),
        "breaks": result.requirement_breaks.ravel(),
        "prototype": result.prototypes.ravel(),
    }
    columns |= arrow_columns(answers, {"status": _names(RequirementStatus)})
    return ArrowTable(columns, len(kernels))


def _names(kinds: type[IntEnum]) -> list[str]:
    return [each.name for each in kinds]


def _kernels(result: CheckResult, count: int) -> tuple[Array, dict[str, ArrowColumn]]:
    """For each kernel `count` rows: the numbers of the kernels, and the columns that tell which they are."""
    kernels = np.repeat(np.arange(len(result.kernels), dtype=np.uint32), count)
    names = text_column("kernel_name", result.kernels.name.tolist(), kernels)
    return kernels, arrow_columns({"kernel": kernels}, {}) | {"kernel_name": names}


def _described(
    result: CheckResult, table: Any, rows: Array, words: Mapping[str, Sequence[str]], texts: Sequence[str]
) -> dict[str, ArrowColumn]:
    """The columns of a table that tell what its rows are, each repeated for all kernels."""
    columns = {"object_name": text_column("object_name", result.objects.name.tolist(), table["object"][rows])}
    columns |= arrow_columns({name: table[name][rows] for name in words}, words)
    return columns | {name: text_column(name, table[name].tolist(), rows) for name in texts}
