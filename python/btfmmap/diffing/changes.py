"""The changes between two kernels, and which follow from which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..tables import Table
from .kinds import ChangeKind

if TYPE_CHECKING:
    import numpy.typing as npt

    from ..tables import I32, I64, U8, U32, Bool, Text
    from .comparison import Comparison

_WORDS = {"kind": [kind.name for kind in ChangeKind]}  # of numbers, for Arrow


class Causes(Table):
    """Entities that changed by themselves, and that others contain by value; those with the most first."""

    entity: U32
    """Row in `DiffResult.entities`."""
    followers: U32
    """Number of the entities that changed because of it, directly or through others."""


class Changes(Table):
    """The changes between two kernels: one row for each, in the order of the entities.

    `_old` is the first kernel and `_new` the second. What a kind of change does not have is empty, or -1;
    values are then 0.

    Example:
        >>> changes = btfmmap.diff([btf, btf]).changes()
        >>> len(changes), changes.columns[:2]
        (0, ('entity', 'kind'))
    """

    _words = _WORDS

    entity: U32
    """Row in `DiffResult.entities`."""
    kind: U8
    """The `ChangeKind`."""
    own: Bool
    """Whether the entity changed by itself. False for what follows from another change: of a type that is
    embedded by value, or of members before it."""
    layout: Bool
    """Whether compiled code depends on it."""
    path_old: Text
    """The member, enumerator or parameter. "x[].y" is a member of an array of structs without a name."""
    path_new: Text
    text_old: Text
    """The type of the member, parameter or result in C; the tags of TAGS."""
    text_new: Text
    offset_old: I64
    """Offset of the member in bits."""
    offset_new: I64
    bits_old: I32
    """Size of a bitfield in bits; 0 for other members."""
    bits_new: I32
    size_old: I64
    """Size in bytes: of the entity (SIZE), or of the type of the member or parameter; the alignment of
    ALIGNMENT."""
    size_new: I64
    value_old: I64
    """The value of an enumerator, a linkage, an encoding, or 1 for VARIADIC. An unsigned 64-bit value keeps
    its bits: use `value_old.view("u8")` where `signed_old` is false."""
    value_new: I64
    signed_old: Bool
    """Whether the value is signed."""
    signed_new: Bool
    cause_old: I32
    """The entity whose definition is embedded and changed; -1 for none."""
    cause_new: I32

    def causes(self) -> Causes:
        """Return the entities that others follow from.

        Returns:
            The table of causes, those with the most followers first.

        Raises:
            NotSupportedError: So many changes depend on each other that counting would take too long. Only
                hostile files have so many.
            ValueError: This is a selection of rows.

        Example:
            >>> len(btfmmap.diff([btf, btf]).changes().causes())
            0
        """
        entities, followers = self._compared().causes()
        return Causes.of(
            {"entity": np.array(entities, np.uint32), "followers": np.array(followers, np.uint32)}
        )

    def follows(self, cause: int) -> npt.NDArray[np.uint32]:
        """Return the entities that follow from one.

        Args:
            cause: Row of an entity in `DiffResult.entities`.

        Returns:
            The rows of the entities that contain it by value, directly or through others, and changed;
            ascending, `uint32`. It is empty if the cause did not change by itself.

        Raises:
            ValueError: This is a selection of rows.

        Example:
            >>> btfmmap.diff([btf, btf]).changes().follows(0).tolist()
            []
        """
        return np.array(self._compared().follows(cause), np.uint32)

    def _compared(self) -> Comparison:
        comparison: Comparison | None = self.__dict__.get("_comparison")
        if comparison is None:
            raise ValueError("a selection of changes has no causes: ask the whole")
        return comparison


def changes_table(comparison: Comparison) -> Changes:
    """Make the table of the changes of selected entities."""
    columns: dict[str, npt.NDArray[np.generic] | list[str]] = {}
    found = comparison.columns()
    for name in Changes.__annotations__:
        column = found[name]
        if isinstance(column, list):
            columns[name] = np.array([*column, None], object)[:-1]
        else:
            columns[name] = np.asarray(column)
    for name in ("own", "layout", "signed_old", "signed_new"):
        columns[name] = np.asarray(columns[name]).view(bool)
    table: Changes = Changes.of(columns)
    selected = np.frombuffer(comparison.selected, bool)
    if not selected.all():
        table = table[selected[table.entity]]
    table.__dict__["_comparison"] = comparison
    return table
