"""The tables by name, the same ones for one BTF and for a kernel with all its modules."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import tables

_classes: dict[str, type[tables.Table]] = {}


def table_class(name: str) -> type[tables.Table]:
    """The class of the table of that name. They need numpy, so they are imported when the first is asked for,
    and kept here: an import statement takes a microsecond each time, several with cold caches."""
    kept = _classes.get(name)
    if kept is None:
        from .tables import CLASSES

        _classes.update(CLASSES)
        kept = CLASSES[name]
    return kept


class HasTables:
    """Something with tables, each built on first use and kept."""

    __slots__ = ()

    def _table(self, name: str) -> Any:
        raise NotImplementedError

    @property
    def types(self) -> tables.Types:
        """Every type in id order, see `tables.Types`."""
        table: tables.Types = self._table("types")
        return table

    @property
    def members(self) -> tables.Members:
        """The members of every STRUCT and UNION."""
        table: tables.Members = self._table("members")
        return table

    @property
    def params(self) -> tables.Params:
        """The parameters of every FUNC_PROTO."""
        table: tables.Params = self._table("params")
        return table

    @property
    def enumerators(self) -> tables.Enumerators:
        """The values of every ENUM and ENUM64."""
        table: tables.Enumerators = self._table("enumerators")
        return table

    @property
    def arrays(self) -> tables.Arrays:
        """Every ARRAY."""
        table: tables.Arrays = self._table("arrays")
        return table

    @property
    def ints(self) -> tables.Ints:
        """Every INT."""
        table: tables.Ints = self._table("ints")
        return table

    @property
    def funcs(self) -> tables.Funcs:
        """Every FUNC."""
        table: tables.Funcs = self._table("funcs")
        return table

    @property
    def vars(self) -> tables.Vars:
        """Every VAR."""
        table: tables.Vars = self._table("vars")
        return table

    @property
    def secinfos(self) -> tables.Secinfos:
        """The entries of every DATASEC."""
        table: tables.Secinfos = self._table("secinfos")
        return table

    @property
    def decl_tags(self) -> tables.DeclTags:
        """Every DECL_TAG."""
        table: tables.DeclTags = self._table("decl_tags")
        return table
