"""The columns of a table of records without numpy."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._core import Btf as CoreBtf
    from ._core import View

    Views = dict[str, View]
else:
    Views = dict


class ColumnViews(Views):
    """Columns by name. Each is built when it is first asked for."""

    __slots__ = ("_core", "_table")

    def __init__(self, core: CoreBtf, table: str) -> None:
        self._core = core
        self._table = table

    def __missing__(self, name: str) -> View:
        self.build([name])
        return self[name]

    def build(self, names: Sequence[str]) -> None:
        """Build columns together, unless the last one is there: that takes little longer than one."""
        if names[-1] not in self:
            self.update(self._core.column_views(self._table, names))
