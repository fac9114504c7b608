"""The JSON of `diff`."""

from __future__ import annotations

from .common import print_document
from .diff_causes import Causes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .. import DiffResult
    from .diff_text import Depth


def print_diff_json(result: DiffResult, depth: Depth) -> None:
    """Print the changes from each kernel to the next."""
    identities, errors = result.identities, result.errors
    print_document(
        "diff",
        1,
        kernels=[
            {**identity._asdict(), "error": error} for identity, error in zip(identities, errors, strict=True)
        ],
        notes=result.notes,
        comparisons=[_comparison(result, pair, depth) for pair in result.neighbours],
    )


def _comparison(result: DiffResult, pair: tuple[int, int], depth: Depth) -> dict[str, Any]:
    def named(entity: int) -> dict[str, Any]:
        kind, name = result.name(entity)
        return {"entity": entity, "kind": kind.name, "name": name}

    def change_fields(change: Any) -> dict[str, Any]:
        return {**change._asdict(), "kind": change.kind.name}

    causes = Causes(result, pair, depth)
    return {
        "old": pair[0],
        "new": pair[1],
        "entities": [
            {
                **named(each.entity),
                "own": each.own,
                "layout": each.layout,
                "versions": result.version_numbers(each.entity),
                "changes": [change_fields(change) for change in each.changes],
            }
            for each in result.changed(*pair, depth=depth)
        ],
        "causes": [
            {**named(cause), "followers": [named(row) for row in causes.followers(cause)]}
            for cause, _ in causes.counted()
        ],
    }
