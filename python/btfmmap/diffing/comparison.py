"""The comparison of two kernels, without numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .kinds import ChangeKind, EntityKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Literal

    from .._core import DiffChanges

    Depth = Literal["layout", "declaration", "deep"]


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


class Comparison:
    """The changes between two kernels.

    Attributes:
        selected: A mark for each entity, 1 if it is selected; None if all are.
    """

    def __init__(
        self, core: DiffChanges, entities: Sequence[tuple[EntityKind, str]], selected: bytes | None
    ) -> None:
        self._core = core
        self._entities = entities
        self._deep: list[tuple[ChangedEntity, bool]] | None = None
        self.selected: bytes | None = selected

    def columns(self) -> dict[str, Any]:
        """The columns of all changes."""
        return self._core.columns()

    def causes(self) -> tuple[list[int], list[int]]:
        """The entities from which selected ones follow, with the number of these; the most first.

        Raises:
            NotSupportedError: Too many changes depend on each other.
        """
        marks = bytes([1]) * len(self._entities) if self.selected is None else self.selected
        entities, followers = self._core.causes(marks)
        return entities[:], followers[:]

    def follows(self, cause: int) -> list[int]:
        """The selected entities that follow from one."""
        self._check(cause)
        return [row for row in self._core.followers(cause) if self._is_selected(row)]

    def causes_of(self, entity: int) -> list[int]:
        """The entities that one follows from."""
        self._check(entity)
        return self._core.causes_of(entity)[:]

    def changed(self, depth: Depth) -> list[ChangedEntity]:
        """The selected entities that changed, in order; see `DiffResult.changed`."""
        if self._deep is None:
            self._deep = [*self._all_changed()]
        return [
            each._replace(changes=[*each.changes])
            for each, declared in self._deep
            if depth == "deep" or (each.layout if depth == "layout" else declared)
        ]

    def _all_changed(self) -> Iterator[tuple[ChangedEntity, bool]]:
        """Yield the selected entities that changed, each with whether its declaration did."""
        changes = self._changes_by_entity()
        columns = {name: column[:] for name, column in self._core.changed().items()}
        for entity, own, declared, layout in zip(
            columns["entity"], columns["own"], columns["declared"], columns["layout"], strict=True
        ):
            if self._is_selected(entity):
                kind, name = self._entities[entity]
                each = ChangedEntity(entity, kind, name, bool(own), bool(layout), changes[entity])
                yield each, bool(declared)

    def _changes_by_entity(self) -> dict[int, list[Change]]:
        columns: dict[str, list[Any]] = {name: column[:] for name, column in self.columns().items()}
        for side in ("old", "new"):
            values, signed = columns[f"value_{side}"], columns[f"signed_{side}"]
            for row, value in enumerate(values):
                if value < 0 and not signed[row]:
                    values[row] = value + (1 << 64)
        found: dict[int, list[Change]] = {}
        fields = [columns[name] for name in Change._fields]
        for entity, kind, own, layout, *rest in zip(columns["entity"], *fields, strict=True):
            if self._is_selected(entity):
                change = Change(ChangeKind(kind), bool(own), bool(layout), *rest)
                found.setdefault(entity, []).append(change)
        return found

    def _is_selected(self, entity: int) -> bool:
        return self.selected is None or bool(self.selected[entity])

    def _check(self, entity: int) -> None:
        if not 0 <= entity < len(self._entities):
            raise IndexError(f"there is no entity {entity}")
