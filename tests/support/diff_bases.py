"""Parts of kernels for the editor."""

from __future__ import annotations

import random

from btf_writer import ARRAY, CONST, ENUM, ENUM64, FUNC, FUNC_PROTO, INT, PTR, STRUCT, TYPEDEF, UNION, VAR
from diff_editor import traced
from diff_layout import COMPOSITES, ENUMS, Layout, natural
from raw_records import Record, pruned


def with_holders(records: list[Record], source: random.Random) -> list[Record]:
    """The records with types that embed some structs and enums in each way that there is."""
    found = list(records)
    composites = [
        type_id
        for type_id, record in enumerate(records, 1)
        if record.kind in COMPOSITES and record.name and record.size_or_type
    ]
    enums = [type_id for type_id, record in enumerate(records, 1) if record.kind in ENUMS and record.name]

    def add(record: Record) -> int:
        found.append(record)
        return len(found)

    def struct(record: Record) -> int:
        return add(natural(record, Layout(found)))

    one = next(type_id for type_id, record in enumerate(records, 1) if record.kind == INT)
    for number, type_id in enumerate(source.sample(composites, 12) + source.sample(enums, 4)):
        name = f"holder_{number}_".encode()

        alias = add(Record(TYPEDEF, name + b"alias", size_or_type=type_id))
        array = add(Record(ARRAY, elements=((type_id, one, 3),)))
        constant = add(Record(CONST, size_or_type=type_id))
        pointer = add(Record(PTR, size_or_type=type_id))
        struct(Record(STRUCT, name + b"plain", elements=((b"a", one, 0), (b"b", type_id, 0), (b"c", one, 0))))
        struct(Record(STRUCT, name + b"array", elements=((b"a", array, 0), (b"b", one, 0))))
        struct(Record(UNION, name + b"union", elements=((b"a", alias, 0), (b"b", one, 0))))
        struct(Record(STRUCT, name + b"pointer", elements=((b"a", pointer, 0), (b"b", one, 0))))
        inner = struct(Record(STRUCT, elements=((b"x", one, 0), (b"y", constant, 0))))
        struct(
            Record(STRUCT, name + b"anonymous", elements=((b"a", one, 0), (b"", inner, 0), (b"c", one, 0)))
        )
        inner = struct(Record(STRUCT, elements=((b"x", one, 0), (b"y", alias, 0), (b"z", one, 0))))
        struct(Record(STRUCT, name + b"unnamed", elements=((b"a", inner, 0), (b"b", one, 0))))
        inner = struct(Record(UNION, elements=((b"x", one, 0), (b"y", type_id, 0))))
        add(Record(TYPEDEF, name + b"typedef", size_or_type=inner))
        add(Record(VAR, name + b"variable", size_or_type=type_id, elements=((1,),)))
        proto = add(Record(FUNC_PROTO, size_or_type=one, elements=((b"by_value", type_id), (b"n", one))))
        add(Record(FUNC, name + b"takes", size_or_type=proto, linkage=1))
        proto = add(Record(FUNC_PROTO, size_or_type=alias))
        add(Record(FUNC, name + b"returns", size_or_type=proto))
        proto = add(Record(FUNC_PROTO, elements=((b"", pointer), (b"", type_id))))
        add(Record(TYPEDEF, b"btf_trace_" + name, size_or_type=add(Record(PTR, size_or_type=proto))))
    return found


def part(records: list[Record], source: random.Random) -> list[Record]:
    """A part of a kernel that has what the edits need."""
    wanted = {STRUCT: 60, UNION: 10, ENUM: 15, ENUM64: 3, FUNC: 40, TYPEDEF: 15, VAR: 5}
    roots: list[int] = []
    for kind, count in wanted.items():
        found = [type_id for type_id, record in enumerate(records, 1) if record.kind == kind and record.name]
        roots += source.sample(found, min(count, len(found)))
    tracepoints = [type_id for type_id in range(1, len(records) + 1) if traced(records, type_id)]
    roots += source.sample(tracepoints, min(5, len(tracepoints)))
    return with_holders(pruned(records, roots), source)
