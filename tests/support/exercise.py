"""Asks a BTF everything there is to ask: for tests in which its bytes, its file or its threads misbehave."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import suppress

import btfmmap

TABLES = [name for name in vars(btfmmap.Btf.__base__) if not name.startswith("_")]
# What an answer may be instead of an answer.
TYPED_ERRORS = (btfmmap.BtfError, ValueError)


def questions(btf: btfmmap.Btf, type_ids: list[int]) -> Iterator[Callable[[], object]]:
    """Each question is asked with a call; those of one type for each of `type_ids`."""
    for table in TABLES:
        yield lambda table=table: {  # type: ignore[misc]
            name: int(column.sum()) for name, column in dict(getattr(btf, table)).items()
        }
    for view in ("raw", "type_section", "string_section"):
        yield lambda view=view: bytes(getattr(btf, view))  # type: ignore[misc]
    yield lambda: (repr(btf), btf.source, btf.header, len(btf), btf.first_id)
    yield btf.names
    yield lambda: btf.strings(btf.members.name_off)
    yield lambda: btf.strings(btf.enumerators.name_off)
    for name in ("int", "struct flow", "void", "no such name"):
        yield lambda name=name: (btf.find(name), btf.find_all(name), name in btf)  # type: ignore[misc]
    yield lambda: [
        btf.candidates(name, question) for name in btf.names()[-50:] for question in (None, "dtype")
    ]
    yield lambda: btf.lookup(["int", "char", "flow", ""])
    yield lambda: btf.match("*a*")
    yield lambda: btf.match("struct .*", regex=True)
    yield lambda: (btf.find_members("next"), btf.find_enumerators("LOW"))
    yield lambda: [(edges.indptr.sum(), edges.indices.sum()) for edges in (btf.graph, btf.graph.reverse)]
    yield lambda: btf.graph.reachable(type_ids)
    yield lambda: btf.graph.reverse.reachable(type_ids)
    yield lambda: (btf.sizeof(range(len(btf))), btf.alignof(range(len(btf))), btf.resolve(range(len(btf))))
    yield lambda: {name: column.sum() for name, column in dict(btf.layouts).items()}
    yield lambda: btf.dump("raw")
    yield lambda: btf.dump("json", pretty=True)
    yield lambda: btf.dump("c", file=io.BytesIO())
    yield lambda: btf.dump("c", file=io.BytesIO(), sort=False)
    for type_id in type_ids:
        yield from questions_of_type(btf, type_id)


def questions_of_type(btf: btfmmap.Btf, type_id: int) -> Iterator[Callable[[], object]]:
    yield lambda: (repr(btf[type_id]), btf[type_id].c_name, btf[type_id].kind_flag)
    yield lambda: (btf[type_id].members, btf[type_id].params, btf[type_id].enumerators)
    yield lambda: (btf[type_id].type, btf[type_id].size, btf[type_id].secinfos, btf[type_id].linkage)
    yield lambda: (btf[type_id].index_type, btf[type_id].nelems, btf[type_id].encoding)
    yield lambda: (btf[type_id].component_idx, btf[type_id].nr_bits, btf[type_id].bit_offset)
    yield lambda: [(member.type.name, member.type.members) for member in btf[type_id].members]
    yield lambda: btf.layout(type_id).text(expand=True)
    yield lambda: btf.layout(type_id).to_dict()
    yield lambda: btf.at_each(type_id, range(0, 64, 4))
    yield lambda: btf.users(type_id)
    yield lambda: btf.dtype(type_id, bitfields="omit")
    yield lambda: btf.records(type_id, bytes(2 * (btf[type_id].size or 0))).to_dict()
    yield lambda: btf.ctypes(type_id)
    yield lambda: btf.to_c(type_id)
    yield lambda: btf.find_member(f"{btf.name(type_id)}.next")


def walk(btf: btfmmap.Btf, type_ids: list[int]) -> None:
    """Every question has an answer, or a typed error."""
    for question in questions(btf, type_ids):
        with suppress(*TYPED_ERRORS):
            question()
