"""The tables by name, the same ones for one BTF and for a kernel with all its modules."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from . import tables

    AnyTable = TypeVar("AnyTable", bound=tables.Table)


class HasTables:
    """Something with tables, each built on first use and kept."""

    __slots__ = ()

    def _table(self, table: type[AnyTable]) -> AnyTable:
        raise NotImplementedError

    @property
    def types(self) -> tables.Types:
        """Every type in id order, see `tables.Types`."""
        from .tables import Types

        return self._table(Types)

    @property
    def members(self) -> tables.Members:
        """The members of every STRUCT and UNION."""
        from .tables import Members

        return self._table(Members)

    @property
    def params(self) -> tables.Params:
        """The parameters of every FUNC_PROTO."""
        from .tables import Params

        return self._table(Params)

    @property
    def enumerators(self) -> tables.Enumerators:
        """The values of every ENUM and ENUM64."""
        from .tables import Enumerators

        return self._table(Enumerators)

    @property
    def arrays(self) -> tables.Arrays:
        """Every ARRAY."""
        from .tables import Arrays

        return self._table(Arrays)

    @property
    def ints(self) -> tables.Ints:
        """Every INT."""
        from .tables import Ints

        return self._table(Ints)

    @property
    def funcs(self) -> tables.Funcs:
        """Every FUNC."""
        from .tables import Funcs

        return self._table(Funcs)

    @property
    def vars(self) -> tables.Vars:
        """Every VAR."""
        from .tables import Vars

        return self._table(Vars)

    @property
    def secinfos(self) -> tables.Secinfos:
        """The entries of every DATASEC."""
        from .tables import Secinfos

        return self._table(Secinfos)

    @property
    def decl_tags(self) -> tables.DeclTags:
        """Every DECL_TAG."""
        from .tables import DeclTags

        return self._table(DeclTags)
