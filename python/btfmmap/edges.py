"""The edges of a graph as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from .roles import Role
from .tables import Table

if TYPE_CHECKING:
    from .tables import U8, U32


class Edges(Table):
    """The references between types, those of the first type first.

    For libraries that read Apache Arrow, roles have their names.
    """

    _words: ClassVar = {"role": [role.name for role in Role]}

    source: U32
    """ID of the type that refers to another; in `Graph.reverse`, of the type that is referred to."""
    target: U32
    """ID of the type at the other end; 0 for void."""
    role: U8
    """The `Role`."""
    row: U32
    """The table row that holds the reference, see `Graph.row`."""
