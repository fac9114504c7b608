"""The comparison of two kernels, without numpy."""

from __future__ import annotations

from .kinds import ChangeKind, EntityKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, NamedTuple

    from .._core import DiffChanges
    from .report import DiffReport

    Depth = Literal["layout", "declaration", "deep"]
else:
    from ..named_tuples import NamedTuple

DEPTHS = ("layout", "declaration", "deep")
ENTITY_KINDS = tuple(EntityKind)
CHANGE_KINDS = tuple(ChangeKind)


class Change(NamedTuple):
    """One change of an entity. `Changes` documents the fields.

    Example:
        >>> other = btfmmap.open(btfmmap.SAMPLE_BTF)
        >>> btfmmap.diff([btf, other]).changed()
        []
    """

    kind: ChangeKind
    own: bool
    layout: bool
    path_old: str
    path_new: str
    text_old: str
    text_new: str
    offset_old: int
    offset_new: int
    bits_old: int
    bits_new: int
    size_old: int
    size_new: int
    value_old: int
    value_new: int
    cause_old: int
    cause_new: int


class ChangedEntity(NamedTuple):
    """An entity that changed between two kernels.

    Attributes:
        entity: Row in `DiffResult.entities`.
        kind: What it is.
        name: Its name.
        own: Whether it changed by itself. If not, it only follows from other changes.
        layout: Whether its layout differs, or it is in one of the kernels only.
        changes: What changed.

    Example:
        >>> btfmmap.diff([btf, btf]).changed()
        []
    """

    entity: int
    kind: EntityKind
    name: str
    own: bool
    layout: bool
    changes: list[Change]


class ChangeCounts(NamedTuple):
    """How many entities of one kind changed between two kernels.

    Attributes:
        kind: What they are.
        added: The number of those that only the new kernel has.
        removed: The number of those that only the old kernel has.
        changed: The number of others that changed by themselves.
        follow: The number of those that only follow from other changes.

    Example:
        >>> btfmmap.diff([btf, btf]).change_counts()
        []
    """

    kind: EntityKind
    added: int
    removed: int
    changed: int
    follow: int


class Comparison:
    """The changes between two kernels.

    Attributes:
        selected: A byte for each entity, 1 if it is selected.
    """

    def __init__(self, core: DiffChanges, selected: bytes) -> None:
        self._core = core
        self.selected: bytes = selected

    def columns(self) -> dict[str, Any]:
        """The columns of all changes."""
        return self._core.columns()

    def causes(self) -> tuple[list[int], list[int]]:
        """The entities from which selected ones follow, with the number of these; the most first.

        Raises:
            NotSupportedError: Too many changes depend on each other.
        """
        entities, followers = self._core.causes(self.selected)
        return entities[:], followers[:]

    def follows(self, cause: int) -> list[int]:
        """The selected entities that follow from one."""
        self._check(cause)
        return [row for row in self._core.followers(cause) if self.selected[row]]

    def causes_of(self, entity: int) -> list[int]:
        """The entities that one follows from."""
        self._check(entity)
        return self._core.causes_of(entity)[:]

    def changed(self, depth: Depth) -> list[ChangedEntity]:
        """The selected entities that changed, in order; see `DiffResult.changed`."""
        return self._core.changed(
            DEPTHS.index(depth), self.selected, ChangedEntity, Change, ENTITY_KINDS, CHANGE_KINDS
        )

    def counts(self, depth: Depth) -> list[ChangeCounts]:
        """How many of these there are of each kind; see `DiffResult.change_counts`."""
        found = zip(ENTITY_KINDS, self._core.counts(DEPTHS.index(depth), self.selected), strict=True)
        return [ChangeCounts(kind, *numbers) for kind, numbers in found if any(numbers)]

    def report(self, depth: Depth) -> DiffReport:
        """The text about these; see `DiffResult.report`."""
        from .report import DiffReport

        return DiffReport(self._core, DEPTHS.index(depth), self.selected)

    def _check(self, entity: int) -> None:
        if not 0 <= entity < len(self.selected):
            raise IndexError(f"there is no entity {entity}")
