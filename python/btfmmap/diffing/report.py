"""What changed between two kernels, as text that a person reads."""

from __future__ import annotations

import sys
from operator import index

from .. import _core
from .kinds import EntityKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import SupportsIndex

_MAX = sys.maxsize


class DiffReport:
    """What changed between two kernels, as text. `DiffResult.report` returns it.

    Example:
        >>> report = btfmmap.diff([btf, btf]).report()
        >>> report.count(btfmmap.EntityKind.STRUCT)
        0
    """

    def __init__(self, changes: _core.DiffChanges, depth: int, selected: bytes) -> None:
        self._core = _core.DiffReport(changes, depth, selected)
        self._entities = len(selected)

    def added(self, kind: EntityKind, limit: SupportsIndex | None = None) -> list[str]:
        """Return the names of the entities that only the new kernel has.

        Args:
            kind: What they are.
            limit: The number of names to return, the first in the alphabet; None for all.

        Raises:
            ValueError: There is no such kind, or the limit is negative.

        Example:
            >>> btfmmap.diff([btf, btf]).report().added(btfmmap.EntityKind.STRUCT)
            []
        """
        return self._core.added(EntityKind(kind), _size(limit, _MAX))

    def removed(self, kind: EntityKind, limit: SupportsIndex | None = None) -> list[str]:
        """Return the names of the entities that only the old kernel has.

        Args:
            kind: What they are.
            limit: The number of names to return, the first in the alphabet; None for all.

        Raises:
            ValueError: There is no such kind, or the limit is negative.

        Example:
            >>> btfmmap.diff([btf, btf]).report().removed(btfmmap.EntityKind.STRUCT)
            []
        """
        return self._core.removed(EntityKind(kind), _size(limit, _MAX))

    def count(self, kind: EntityKind) -> int:
        """Return the number of entities that `write` writes.

        Args:
            kind: What they are.

        Raises:
            ValueError: There is no such kind.

        Example:
            >>> btfmmap.diff([btf, btf]).report().count(btfmmap.EntityKind.ENUM)
            0
        """
        return self._core.count(EntityKind(kind))

    def write(self, kind: EntityKind, to: Callable[[str], object], width: SupportsIndex = 80) -> None:
        """Write what changed about the entities that both kernels have.

        Those that only follow from other changes are included if the depth is "deep". ASCII control
        characters in names are escaped.

        Args:
            kind: What they are.
            to: Called with pieces of the text, each of whole lines.
            width: The longest line, in characters; at least 40.

        Raises:
            NotSupportedError: The texts of the types exceed a limit.
            ValueError: There is no such kind, or the width is negative.

        Example:
            >>> btfmmap.diff([btf, btf]).report().write(btfmmap.EntityKind.STRUCT, print)
        """
        self._core.write(EntityKind(kind), _size(width, _MAX), to)

    def headline(self, entity: SupportsIndex) -> str:
        """Return the change of an entity's size, to follow its name, such as ", 8 -> 12 bytes".

        Args:
            entity: Row in `DiffResult.entities`.

        Returns:
            The text. For base types it has the change of the encoding, too. It is empty if neither changed.

        Raises:
            IndexError: There is no such entity.

        Example:
            >>> btfmmap.diff([btf, btf]).report().headline(0)
            ''
        """
        row = index(entity)
        if not 0 <= row < self._entities:
            raise IndexError(f"there is no entity {row}")
        return self._core.headline(row)

    def __repr__(self) -> str:
        counts = [f"{self.count(kind):,} {kind.name}" for kind in EntityKind if self.count(kind)]
        return f"<DiffReport {', '.join(counts) or 'nothing changed'}>"


def _size(value: SupportsIndex | None, default: int) -> int:
    number = default if value is None else index(value)
    if number < 0:
        raise ValueError(f"{number} is negative")
    return min(number, default)
