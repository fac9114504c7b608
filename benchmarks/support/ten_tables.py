"""All tables of a BTF, the work of several benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import btfmmap


def ten_tables(btf: btfmmap.Btf) -> list[dict[str, object]]:
    """Build every column of every table, those of a table together."""
    tables = (
        btf.types,
        btf.members,
        btf.params,
        btf.enumerators,
        btf.arrays,
        btf.ints,
        btf.funcs,
        btf.vars,
        btf.secinfos,
        btf.decl_tags,
    )
    return [dict(table) for table in tables]


def three_columns(btf: btfmmap.Btf) -> tuple[object, ...]:
    """Build what a question often needs: the kinds of types, the names of members and of functions."""
    return btf.types.kind, btf.members.name_off, btf.funcs.name_off
