"""A short list of questions about every type, cheap enough for thousands of small files. `exercise` draws
from the whole API."""

from __future__ import annotations

from table_rows import COLUMNS, rows

from btfmmap import Btf, Kind


def ask_about_types(btf: Btf) -> None:
    """Read all tables and all names, and each type's fields; find each named type again."""
    btf.names()
    for table in COLUMNS:
        rows(btf, table)
    for found in btf:
        repr(found)
        _ = (found.size, found.type, found.index_type, found.nelems, found.encoding, found.nr_bits)
        _ = (found.linkage, found.component_idx, found.members, found.enumerators, found.secinfos)
        if found.kind == Kind.FUNC_PROTO:
            _ = found.params
        if found.name:
            assert found.id in btf.find_all(found.name)
            assert btf[found.name].name == found.name
