"""What other entities follow from, as far as the depth of a report of `diff` shows them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .. import DiffResult
    from .diff_text import Depth


class Causes:
    """The entities that changed by themselves from one kernel to another, and from which others follow."""

    def __init__(self, result: DiffResult, pair: tuple[int, int], depth: Depth) -> None:
        self._result = result
        self._pair = pair
        self._shown: set[int] | None = None  # None: all
        if depth == "layout":
            self._shown = {each.entity for each in result.changed(*pair, depth="layout")}

    def counted(self) -> list[tuple[int, int]]:
        """Rows of entities, each with the number of those that follow; the most first.

        Raises:
            NotSupportedError: Too many changes depend on each other.
        """
        found = self._result.causes(*self._pair)
        if self._shown is None:
            return found
        counts = ((cause, len(self.followers(cause))) for cause, _ in found)
        return sorted((each for each in counts if each[1]), key=lambda each: -each[1])

    def followers(self, cause: int) -> list[int]:
        """Rows of the entities that follow from one, ascending."""
        rows = self._result.follows(cause, *self._pair)
        return rows if self._shown is None else [row for row in rows if row in self._shown]
