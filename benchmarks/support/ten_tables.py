"""All tables of a BTF, the work of several benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import btfmmap


def ten_tables(btf: btfmmap.Btf) -> tuple[object, ...]:
    """Build every table."""
    return (
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
