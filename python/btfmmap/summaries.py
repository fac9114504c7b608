"""`Btf.summary`: counts, and the largest structs. Does not need numpy."""

from __future__ import annotations

from _operator import index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .btf import Btf


def summary(btf: Btf, top: int) -> dict[str, Any]:
    """Implement `Btf.summary`."""
    top = index(top)
    if top < 0:
        raise ValueError(f"top is {top}, must not be negative")
    kinds, counts, biggest = btf._core.summary(min(top, len(btf)))
    names = btf.names([type_id for type_id, _ in biggest])
    return {
        "types": sum(kinds.values()),
        "kinds": kinds,
        **counts,
        "biggest_structs": [
            {"id": type_id, "name": name, "size": size}
            for (type_id, size), name in zip(biggest, names, strict=True)
        ],
    }
