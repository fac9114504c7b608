"""One change for each code of `btfmmap.diff`, and what must come back. `make` chooses a place."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from btf_writer import DECL_TAG, ENUM, ENUM64, FUNC, FUNC_PROTO, FWD, INT, PTR, STRUCT, TYPEDEF, UNION, VAR
from diff_editor import ADDED, FRESH, REMOVED, Edit, Editor, Expected, UnsuitableError, entity
from diff_layout import COMPOSITES
from diff_member_edits import (
    grouped,
    member_added,
    member_bits,
    member_moved,
    member_nested,
    member_qualified,
    member_renamed,
    member_renamed_and_moved,
    member_retyped,
    members_swapped,
)
from raw_records import Record

# -- entities


def added(editor: Editor) -> Edit:
    one = editor.of_kind(INT)
    end = len(editor.records)
    choices = [
        [Record(STRUCT, FRESH, size_or_type=4, elements=((b"a", one, 0),))],
        [Record(UNION, FRESH, size_or_type=4, elements=((b"a", one, 0),))],
        [Record(ENUM, FRESH, size_or_type=4, elements=((b"FRESH", 1),))],
        [Record(ENUM64, FRESH, size_or_type=8, elements=((b"FRESH", 1, 0),))],
        [Record(ENUM, b"", size_or_type=4, elements=((FRESH, 1), (b"OTHER", 2)))],
        [Record(TYPEDEF, FRESH, size_or_type=one)],
        [Record(VAR, FRESH, size_or_type=one, elements=((1,),))],
        [Record(FUNC, FRESH, size_or_type=end + 2, linkage=1), Record(FUNC_PROTO, size_or_type=one)],
        [
            Record(TYPEDEF, b"btf_trace_" + FRESH, size_or_type=end + 2),
            Record(PTR, size_or_type=end + 3),
            Record(FUNC_PROTO, elements=((b"", one),)),
        ],
    ]
    records = editor.source.choice(choices)
    if records[0].kind == TYPEDEF and len(records) > 1:
        key = "TRACEPOINT", FRESH.decode()
    else:
        key = entity(records, 1) or ("ENUM", "{" + FRESH.decode())
    row = Expected(*key, ADDED)
    return editor.edit(end + 1, {}, [row], records, follows=False)


def undefined(editor: Editor) -> Edit:
    """A struct that only pointers mention becomes a declaration."""
    owner = editor.of_kind(*COMPOSITES)
    record = editor.records[owner - 1]
    if editor.holders[owner]:
        raise UnsuitableError
    declaration = Record(FWD, record.name, record.kind == UNION)
    return editor.edit(owner, {owner: declaration}, [editor.row(owner, REMOVED)], follows=False)


def resized(editor: Editor) -> Edit:
    owner = editor.of_kind(*COMPOSITES)
    record = editor.records[owner - 1]
    size = record.size_or_type + 64 * editor.source.randint(1, 5)
    row = editor.row(owner, "SIZE", "", "", record.size_or_type, size)
    return editor.edit(owner, {owner: replace(record, size_or_type=size)}, [row])


def packed(editor: Editor) -> Edit:
    """A struct loses the padding at its end, and with it its alignment."""
    owner = editor.of_kind(STRUCT)
    record = editor.records[owner - 1]
    if not editor.layout.is_natural(owner):
        raise UnsuitableError
    end = max(sum(editor.layout.member(record, at)) for at in range(len(record.elements))) // 8
    if 8 * end % editor.layout.alignment(owner) == 0:
        raise UnsuitableError
    rows = [
        editor.row(owner, "SIZE", "", "", record.size_or_type, end),
        editor.row(owner, "ALIGNMENT", "", "", editor.layout.alignment(owner) // 8, 1),
    ]
    # Structs around it stay: they keep the size that they had, and a hole.
    return editor.edit(owner, {owner: replace(record, size_or_type=end)}, rows)


def tagged(editor: Editor) -> Edit:
    owner = editor.of_kind(STRUCT, UNION, FUNC, TYPEDEF, VAR)
    component = 0 if editor.records[owner - 1].kind in COMPOSITES else 0xFFFFFFFF
    tag = Record(DECL_TAG, FRESH, size_or_type=owner, elements=((component,),))
    return editor.edit(owner, {}, [editor.row(owner, "TAGS")], [tag], follows=False)


def linked(editor: Editor) -> Edit:
    owner = editor.of_kind(FUNC, VAR)
    record = editor.records[owner - 1]
    if record.kind == FUNC:
        changed = replace(record, linkage=1 - min(record.linkage, 1))
    else:
        changed = replace(record, elements=((1 - min(int(record.elements[0][0]), 1),),))
    return editor.edit(owner, {owner: changed}, [editor.row(owner, "LINKAGE")], follows=False)


def base_signed(editor: Editor) -> Edit:
    owner = editor.of_kind(INT)
    record = editor.records[owner - 1]
    changed = replace(record, elements=((int(record.elements[0][0]) ^ 1 << 24,),))
    return editor.edit(owner, {owner: changed}, [editor.row(owner, "SIGNED")])


# -- enums


def _with_value(record: Record, own_name: bytes, value: int) -> tuple[int | bytes, ...]:
    words = (value & 0xFFFFFFFF, value >> 32 & 0xFFFFFFFF)
    return (own_name, *words) if record.kind == ENUM64 else (own_name, words[0])


def _value(record: Record, at: int) -> int:
    _, *words = (int(word) if isinstance(word, int) else 0 for word in record.elements[at])
    value = words[0] | (words[1] << 32 if len(words) > 1 else 0)
    width = 64 if record.kind == ENUM64 else 32
    return value - (1 << width) if record.flag and value >> (width - 1) else value


def _free_value(record: Record) -> int:
    values = {_value(record, at) for at in range(len(record.elements))}
    limit = 1 << min(8 * record.size_or_type - 1, 31)
    return next(value for value in range(limit - 1, 0, -1) if value not in values)


def enumerator_added(editor: Editor) -> Edit:
    owner, record = editor.enum()
    value = _free_value(record)
    at = editor.source.randint(1, len(record.elements))
    new = _with_value(record, FRESH, value)
    changed = replace(record, elements=(*record.elements[:at], new, *record.elements[at:]))
    row = editor.row(owner, "ENUMERATOR_ADDED", "", FRESH.decode(), None, value)
    return editor.edit(owner, {owner: changed}, [row])


def enumerator_changed(editor: Editor) -> Edit:
    owner, record = editor.enum()
    at = editor.source.randrange(len(record.elements))
    value = _free_value(record)
    own_name = bytes(record.elements[at][0])
    new = _with_value(record, own_name, value)
    changed = replace(record, elements=(*record.elements[:at], new, *record.elements[at + 1 :]))
    path = own_name.decode()
    row = editor.row(owner, "ENUMERATOR_VALUE", path, path, _value(record, at), value)
    return editor.edit(owner, {owner: changed}, [row])


def enumerator_renamed(editor: Editor) -> Edit:
    owner, record = editor.enum()
    at = editor.source.randrange(len(record.elements))
    own_name, *words = record.elements[at]
    changed = replace(record, elements=(*record.elements[:at], (FRESH, *words), *record.elements[at + 1 :]))
    row = editor.row(owner, "ENUMERATOR_RENAMED", bytes(own_name).decode(), FRESH.decode())
    return editor.edit(owner, {owner: changed}, [row])


def enum_signed(editor: Editor) -> Edit:
    owner, record = editor.enum()
    changed = replace(record, flag=not record.flag)
    return editor.edit(owner, {owner: changed}, [editor.row(owner, "SIGNED")])


def enum_resized(editor: Editor) -> Edit:
    """Wider by another kind of record, with the same values."""
    owner, record = editor.enum()
    if record.kind != ENUM or record.size_or_type != 4:
        raise UnsuitableError
    wide = replace(record, kind=ENUM64, size_or_type=8)
    elements = tuple(
        _with_value(wide, bytes(element[0]), _value(record, at)) for at, element in enumerate(record.elements)
    )
    row = editor.row(owner, "SIZE", "", "", 4, 8)
    return editor.edit(owner, {owner: replace(wide, elements=elements)}, [row])


# -- functions and tracepoints


def _path(proto: Record, at: int) -> str:
    return bytes(proto.elements[at][0]).decode() or f"[{at}]"


def _named(proto: Record) -> bool:
    return all(element[0] for element in proto.elements)


def parameter_added(editor: Editor) -> Edit:
    owner, proto = editor.function(0)
    named = bool(proto.elements) and _named(proto)
    at = editor.source.randint(0, len(proto.elements)) if named else len(proto.elements)
    parameter = (FRESH if named else b"", editor.of_kind(INT))
    elements = (*proto.elements[:at], parameter, *proto.elements[at:])
    changed, added_records = editor.cloned(owner, lambda record: replace(record, elements=elements))
    row = editor.row(owner, "PARAMETER_ADDED", "", FRESH.decode() if named else f"[{at}]")
    return editor.edit(owner, changed, [row], added_records, follows=False)


def parameters_reordered(editor: Editor) -> Edit:
    owner, proto = editor.function(2)
    names = [element[0] for element in proto.elements]
    if not _named(proto) or len(set(names)) < len(names):
        raise UnsuitableError
    first, second = sorted(editor.source.sample(range(len(names)), 2))
    elements = list(proto.elements)
    elements[first], elements[second] = elements[second], elements[first]
    changed, added_records = editor.cloned(owner, lambda record: replace(record, elements=tuple(elements)))
    row = editor.row(owner, "PARAMETER_REORDERED")
    return editor.edit(owner, changed, [row], added_records, follows=False)


def parameter_retyped(editor: Editor) -> Edit:
    owner, proto = editor.function(1)
    at = editor.source.randrange(len(proto.elements))
    own_name, type_id = proto.elements[at]
    other = editor.other_int(int(type_id))
    elements = (*proto.elements[:at], (own_name, other), *proto.elements[at + 1 :])
    changed, added_records = editor.cloned(owner, lambda record: replace(record, elements=elements))
    path = _path(proto, at)
    row = editor.row(owner, "PARAMETER_TYPE", path, path)
    return editor.edit(owner, changed, [row], added_records, follows=False)


def parameter_renamed(editor: Editor) -> Edit:
    owner, proto = editor.function(1)
    at = editor.source.randrange(len(proto.elements))
    elements = (*proto.elements[:at], (FRESH, proto.elements[at][1]), *proto.elements[at + 1 :])
    changed, added_records = editor.cloned(owner, lambda record: replace(record, elements=elements))
    row = editor.row(owner, "PARAMETER_RENAMED", _path(proto, at), FRESH.decode())
    return editor.edit(owner, changed, [row], added_records, follows=False)


def result_retyped(editor: Editor) -> Edit:
    owner, proto = editor.function(0)
    other = editor.of_kind(INT)
    if other == proto.size_or_type:
        raise UnsuitableError
    changed, added_records = editor.cloned(owner, lambda record: replace(record, size_or_type=other))
    row = editor.row(owner, "RETURN_TYPE", "return", "return")
    return editor.edit(owner, changed, [row], added_records, follows=False)


def made_variadic(editor: Editor) -> Edit:
    owner, proto = editor.function(1)
    elements = (*proto.elements, (b"", 0))
    changed, added_records = editor.cloned(owner, lambda record: replace(record, elements=elements))
    row = editor.row(owner, "VARIADIC")
    return editor.edit(owner, changed, [row], added_records, follows=False)


# -- typedefs and variables


def alias_retyped(editor: Editor) -> Edit:
    owner = editor.of_kind(TYPEDEF, VAR)
    record = editor.records[owner - 1]
    key = editor.key(owner)
    if (key and key[0] == "TRACEPOINT") or not record.size_or_type:
        raise UnsuitableError
    if editor.records[record.size_or_type - 1].kind not in (INT, TYPEDEF, PTR):
        raise UnsuitableError
    other = editor.other_int(record.size_or_type)
    row = editor.row(owner, "TYPE")
    return editor.edit(owner, {owner: replace(record, size_or_type=other)}, [row])


EDITS: dict[str, Callable[[Editor], Edit]] = {
    edit.__name__: edit
    for edit in (
        added,
        undefined,
        resized,
        packed,
        tagged,
        linked,
        base_signed,
        member_added,
        member_renamed,
        member_renamed_and_moved,
        member_moved,
        members_swapped,
        member_retyped,
        member_qualified,
        member_bits,
        member_nested,
        grouped,
        enumerator_added,
        enumerator_changed,
        enumerator_renamed,
        enum_signed,
        enum_resized,
        parameter_added,
        parameters_reordered,
        parameter_retyped,
        parameter_renamed,
        result_retyped,
        made_variadic,
        alias_retyped,
    )
}
"""With the mirror of each, they give every code."""


def make(name: str, records: list[Record], source: random.Random, *, mirror: bool = True) -> Edit:
    """The edit of that name, at a place chosen by `source`; or, with `mirror`, perhaps its mirror."""
    editor = Editor(records, source)
    for _ in range(2000):
        try:
            edit = EDITS[name](editor)
        except UnsuitableError:
            continue
        return edit.mirrored() if mirror and source.random() < 0.5 else edit
    raise AssertionError(f"no place for {name}")
