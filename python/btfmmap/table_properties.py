"""The tables by name, as properties that `Btf` and `Kernel` share."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import tables
    from ._core import Btf as CoreBtf

_classes: dict[str, type[tables.Table]] = {}


def _table_class(name: str) -> type[tables.Table]:
    """Return the class of a table.

    The classes need numpy, so their module is imported on first use. They are cached here because an import
    statement takes a microsecond each time, and several with cold caches.
    """
    kept = _classes.get(name)
    if kept is None:
        from .tables import CLASSES

        _classes.update(CLASSES)
        kept = CLASSES[name]
    return kept


def table_of(core: CoreBtf, name: str) -> tables.Table:
    """Return a table of a BTF's own records."""
    from functools import partial

    columns = tuple(column for column in core.table_columns(name) if column != "indptr")
    count, build = partial(core.table_rows, name), partial(core.column_arrays, name)
    return _table_class(name)._built_on_demand(columns, count, build)


class HasTables:
    """An object with tables. Their columns are built when they are first asked for, and kept."""

    __slots__ = ()

    def _table(self, name: str) -> Any:
        raise NotImplementedError

    @property
    def types(self) -> tables.Types:
        """All types in ID order. See `btfmmap.tables.Types`.

        Example:
            >>> structs = btf.types[btf.types.kind == btfmmap.Kind.STRUCT]
            >>> structs.id.tolist()
            [2, 3]
        """
        table: tables.Types = self._table("types")
        return table

    @property
    def members(self) -> tables.Members:
        """The members of all STRUCT and UNION types. See `btfmmap.tables.Members`.

        Example:
            >>> btf.members[1]
            {'parent': 2, 'name_off': 11, 'type': 5, 'bit_offset': 128, 'bitfield_size': 0}
        """
        table: tables.Members = self._table("members")
        return table

    @property
    def params(self) -> tables.Params:
        """The parameters of all FUNC_PROTO types. See `btfmmap.tables.Params`.

        Example:
            >>> btf.params.parent.tolist()
            [32, 32, 32, 37, 37, 41, 41]
        """
        table: tables.Params = self._table("params")
        return table

    @property
    def enumerators(self) -> tables.Enumerators:
        """The values of all ENUM and ENUM64 types. See `btfmmap.tables.Enumerators`.

        Example:
            >>> btf.enumerators.value[:3].tolist()
            [-1, 0, 1]
        """
        table: tables.Enumerators = self._table("enumerators")
        return table

    @property
    def arrays(self) -> tables.Arrays:
        """All ARRAY types. See `btfmmap.tables.Arrays`.

        Example:
            >>> btf.arrays.nelems.tolist()
            [16, 4, 0]
        """
        table: tables.Arrays = self._table("arrays")
        return table

    @property
    def ints(self) -> tables.Ints:
        """All INT types. See `btfmmap.tables.Ints`.

        Example:
            >>> btf.ints.nr_bits.tolist()
            [8, 32, 32, 8, 64, 8, 32, 64]
        """
        table: tables.Ints = self._table("ints")
        return table

    @property
    def funcs(self) -> tables.Funcs:
        """All FUNC types. See `btfmmap.tables.Funcs`.

        Example:
            >>> btf.strings(btf.funcs.name_off)
            ['decide', 'now', 'judge']
        """
        table: tables.Funcs = self._table("funcs")
        return table

    @property
    def vars(self) -> tables.Vars:
        """All VAR types. See `btfmmap.tables.Vars`.

        Example:
            >>> btf.strings(btf.vars.name_off)
            ['decisions', 'latest']
        """
        table: tables.Vars = self._table("vars")
        return table

    @property
    def secinfos(self) -> tables.Secinfos:
        """The variables of all DATASEC types. See `btfmmap.tables.Secinfos`.

        Example:
            >>> btf.secinfos.type.tolist()
            [44, 45, 40]
        """
        table: tables.Secinfos = self._table("secinfos")
        return table

    @property
    def decl_tags(self) -> tables.DeclTags:
        """All DECL_TAG types. See `btfmmap.tables.DeclTags`.

        Example:
            >>> btf.strings(btf.decl_tags.name_off)
            ['counted', 'not null']
        """
        table: tables.DeclTags = self._table("decl_tags")
        return table
