"""`btfmmap path EXPRESSION --kernels`: whether paths hold on kernels."""

from __future__ import annotations

from .. import check_paths
from .common import complain, print_columns, print_document, printable
from .exit_codes import DONE, WANTING, WRONG_INPUT
from .member_text import marked, offsets_text, type_text
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .. import PathResult

_OK = 0  # of RelocationStatus


def report(
    expressions: Sequence[str], kernels: Sequence[str], variables: Mapping[str, str], *, json: bool
) -> int:
    """Print the offsets on each kernel, or what breaks. Returns the exit code."""
    with Progress() as progress:
        result = check_paths(expressions, kernels, variables=variables, progress=progress)
    if json:
        _print_json(result)
    else:
        print_columns([("kernel", "offsets", "type", "path"), *_rows(result)], (False, False, False, False))
    errors = [error for error in result.kernels.error.tolist() if error]
    for error in errors:
        complain(error)
    if errors:
        return WRONG_INPUT
    return WANTING if len(result.broken) else DONE


def _rows(result: PathResult) -> Iterator[tuple[str, ...]]:
    for column, expression in enumerate(result.expressions):
        for row, name in enumerate(result.kernels.name.tolist()):
            reason = "did not open" if result.kernels.error[row] else result.reason(row, column)
            bits = int(result.bitfield_size[row, column])
            offsets = offsets_text(result.offsets(row, column), int(result.bit_offset[row, column]))
            unions = result.unions(row, column)
            path = f"{expression}  ({reason})" if reason else marked(expression, unions)
            yield (
                printable(name),
                offsets or "-",
                printable(type_text(result.types[row, column], bits)) or "-",
                printable(path),
            )


def _print_json(result: PathResult) -> None:
    print_document(
        "paths_on_kernels",
        1,
        kernels=[result.kernels[row] for row in range(len(result.kernels))],
        paths=[
            {
                "expression": expression,
                "holds": (result.status[:, column] == _OK).tolist(),
                "offsets": [result.offsets(row, column) for row in range(len(result.kernels))],
                "bit_offset": result.bit_offset[:, column].tolist(),
                "bitfield_size": result.bitfield_size[:, column].tolist(),
                "unions": [result.unions(row, column) for row in range(len(result.kernels))],
                "types": result.types[:, column].tolist(),
                "reasons": [result.reason(row, column) for row in range(len(result.kernels))],
            }
            for column, expression in enumerate(result.expressions)
        ],
    )
