"""Changes to the members of structs and unions, for the editor."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from btf_writer import ARRAY, CONST, INT, PTR, STRUCT, TYPEDEF, UNION
from diff_editor import FRESH, Edit, Editor, Place, UnsuitableError
from diff_layout import COMPOSITES, natural
from raw_records import Record


def keep_first(place: Place, at: int) -> None:
    """The first member of an anonymous struct is placed by the alignment of the others."""
    if at == 0 and place.body != place.owner:
        raise UnsuitableError


def member_added(editor: Editor) -> Edit:
    place = editor.natural_place(STRUCT, UNION)
    record = editor.records[place.body - 1]
    at = editor.source.randint(0, len(record.elements))
    keep_first(place, at)
    ints = [
        type_id
        for type_id, other in enumerate(editor.records, 1)
        if other.kind == INT and editor.layout.alignment(type_id) <= editor.layout.alignment(place.body)
    ]
    member = (FRESH, editor.source.choice(ints), 0)
    elements = (*record.elements[:at], member, *record.elements[at:])
    changed = natural(replace(record, elements=elements), editor.layout)
    editor.same_alignment(record, changed)
    row = editor.row(place.owner, "MEMBER_ADDED", "", place.prefix + FRESH.decode())
    return editor.edit(place.owner, {place.body: changed}, [row])


def member_renamed(editor: Editor) -> Edit:
    place = editor.place(STRUCT, UNION)
    record = editor.records[place.body - 1]
    named = [at for at, member in enumerate(record.elements) if member[0]]
    if not named:
        raise UnsuitableError
    at = editor.source.choice(named)
    own_name, *rest = record.elements[at]
    elements = (*record.elements[:at], (FRESH, *rest), *record.elements[at + 1 :])
    paths = [place.prefix + bytes(part).decode() for part in (own_name, FRESH)]
    row = editor.row(place.owner, "MEMBER_RENAMED", *paths)
    return editor.edit(place.owner, {place.body: replace(record, elements=elements)}, [row])


def member_renamed_and_moved(editor: Editor) -> Edit:
    """Known by its neighbours alone: a new member before them moves it."""
    place = editor.natural_place(STRUCT)
    record = editor.records[place.body - 1]
    if len(record.elements) < 3:
        raise UnsuitableError
    at = editor.source.randrange(1, len(record.elements) - 1)
    first = record.elements[0]
    inserted = (b"before_" + FRESH, first[1], 0)
    own_name, *rest = record.elements[at]
    elements = (first, inserted, *record.elements[1:at], (FRESH, *rest), *record.elements[at + 1 :])
    if at == 1:  # the neighbours would be another
        raise UnsuitableError
    changed = natural(replace(record, elements=elements), editor.layout)
    paths = [place.prefix + bytes(part).decode() for part in (own_name, FRESH)]
    rows = [
        editor.row(place.owner, "MEMBER_ADDED", "", place.prefix + inserted[0].decode()),
        editor.row(place.owner, "MEMBER_RENAMED", *paths),
    ]
    return editor.edit(place.owner, {place.body: changed}, rows)


def member_moved(editor: Editor) -> Edit:
    """A member moves behind two or more others."""
    place = editor.natural_place(STRUCT)
    record = editor.records[place.body - 1]
    count = len(record.elements)
    if count < 4 or any(editor.is_owned(int(member[1])) for member in record.elements):
        raise UnsuitableError
    at = editor.source.randrange(count - 2)
    keep_first(place, at)
    to = editor.source.randrange(at + 2, count)
    elements = list(record.elements)
    member = elements.pop(at)
    elements.insert(to, member)
    changed = natural(replace(record, elements=tuple(elements)), editor.layout)
    starts = [editor.layout.member(record, at)[0], editor.layout.member(changed, to)[0]]
    path = place.prefix + bytes(member[0]).decode()
    row = editor.row(place.owner, "MEMBER_MOVED", path, path, *starts)
    return editor.edit(place.owner, {place.body: changed}, [row])


def members_swapped(editor: Editor) -> Edit:
    """Two neighbours: either may be the one that moved, so both are own."""
    place = editor.natural_place(STRUCT)
    record = editor.records[place.body - 1]
    if len(record.elements) < 2 or any(editor.is_owned(int(member[1])) for member in record.elements):
        raise UnsuitableError
    at = editor.source.randrange(len(record.elements) - 1)
    keep_first(place, at)
    elements = list(record.elements)
    elements[at : at + 2] = elements[at + 1], elements[at]
    changed = natural(replace(record, elements=tuple(elements)), editor.layout)
    rows = []
    for old, new in ((at, at + 1), (at + 1, at)):
        path = place.prefix + bytes(record.elements[old][0]).decode()
        starts = editor.layout.member(record, old)[0], editor.layout.member(changed, new)[0]
        if starts[0] == starts[1]:  # there was padding
            continue
        rows.append(editor.row(place.owner, "MEMBER_MOVED", path, path, *starts))
    return editor.edit(place.owner, {place.body: changed}, rows)


def member_retyped(editor: Editor) -> Edit:
    place = editor.place(STRUCT, UNION)
    record = editor.records[place.body - 1]
    at = editor.source.randrange(len(record.elements) or 1)
    if not record.elements or not record.elements[at][0]:
        raise UnsuitableError
    own_name, type_id, word = record.elements[at]
    if editor.records[int(type_id) - 1].kind not in (INT, PTR, TYPEDEF):
        raise UnsuitableError
    member = (own_name, editor.other_int(int(type_id)), word)
    changed = replace(record, elements=(*record.elements[:at], member, *record.elements[at + 1 :]))
    editor.same_alignment(record, changed)
    path = place.prefix + bytes(own_name).decode()
    return editor.edit(
        place.owner, {place.body: changed}, [editor.row(place.owner, "MEMBER_TYPE", path, path)]
    )


def member_qualified(editor: Editor) -> Edit:
    place = editor.place(STRUCT, UNION)
    record = editor.records[place.body - 1]
    named = [
        at
        for at, member in enumerate(record.elements)
        if member[0] and editor.records[int(member[1]) - 1].kind not in (ARRAY, CONST, *COMPOSITES)
    ]
    if not named:
        raise UnsuitableError
    at = editor.source.choice(named)
    own_name, type_id, word = record.elements[at]
    member = (own_name, len(editor.records) + 1, word)
    changed = replace(record, elements=(*record.elements[:at], member, *record.elements[at + 1 :]))
    path = place.prefix + bytes(own_name).decode()
    qualified = Record(CONST, size_or_type=int(type_id))
    row = editor.row(place.owner, "MEMBER_TYPE", path, path)
    return editor.edit(place.owner, {place.body: changed}, [row], [qualified])


def member_bits(editor: Editor) -> Edit:
    place = editor.place(STRUCT, UNION)
    record = editor.records[place.body - 1]
    wide = [
        at
        for at, member in enumerate(record.elements)
        if editor.layout.is_bitfield(record, at) and int(member[2]) >> 24 > 1 and member[0]
    ]
    if not wide:
        raise UnsuitableError
    at = editor.source.choice(wide)
    own_name, type_id, word = record.elements[at]
    bits = int(word) >> 24
    member = (own_name, type_id, int(word) - (1 << 24))
    changed = replace(record, elements=(*record.elements[:at], member, *record.elements[at + 1 :]))
    path = place.prefix + bytes(own_name).decode()
    row = editor.row(place.owner, "MEMBER_BITS", path, path, bits, bits - 1)
    return editor.edit(place.owner, {place.body: changed}, [row])


def member_nested(editor: Editor) -> Edit:
    place = editor.place(STRUCT, UNION)
    record = editor.records[place.body - 1]
    whole = [
        at
        for at, member in enumerate(record.elements)
        if member[0] and not editor.layout.is_bitfield(record, at) and editor.layout.size(int(member[1]))
    ]
    if not whole:
        raise UnsuitableError
    at = editor.source.choice(whole)
    own_name, type_id, word = record.elements[at]
    size = editor.layout.size(int(type_id)) // 8
    kind = editor.source.choice(COMPOSITES)
    container = Record(kind, size_or_type=size, elements=((own_name, type_id, 0),))
    member = (b"", len(editor.records) + 1, word)
    changed = replace(record, elements=(*record.elements[:at], member, *record.elements[at + 1 :]))
    path = place.prefix + bytes(own_name).decode()
    row = editor.row(place.owner, "MEMBER_NESTED", path, path)
    return editor.edit(place.owner, {place.body: changed}, [row], [container])


def grouped(editor: Editor) -> Edit:
    """Two members in one anonymous struct, or in one each: the same for the members."""
    place = editor.natural_place(STRUCT)
    record = editor.records[place.body - 1]
    layout, end = editor.layout, len(editor.records)
    ends = [sum(layout.member(record, at)) for at in range(len(record.elements))]
    alignments = [layout.alignment(int(member[1])) for member in record.elements]
    adjacent = [
        at
        for at in range(len(ends) - 1)
        if layout.member(record, at + 1)[0] == ends[at] and alignments[at] == alignments[at + 1]
    ]
    if not adjacent:
        raise UnsuitableError
    at = editor.source.choice(adjacent)
    first, second = record.elements[at : at + 2]
    sizes = [layout.size(int(member[1])) for member in (first, second)]
    containers = [
        Record(STRUCT, size_or_type=sizes[0] // 8, elements=((first[0], first[1], 0),)),
        Record(STRUCT, size_or_type=sizes[1] // 8, elements=((second[0], second[1], 0),)),
        Record(
            STRUCT,
            size_or_type=sum(sizes) // 8,
            elements=((first[0], first[1], 0), (second[0], second[1], sizes[0])),
        ),
    ]
    before, after = record.elements[:at], record.elements[at + 2 :]
    members = (b"", end + 1, first[2]), (b"", end + 2, second[2])
    apart = replace(record, elements=(*before, *members, *after))
    joined = replace(record, elements=(*before, (b"", end + 3, first[2]), *after))
    old, new = (
        [changed if type_id == place.body else other for type_id, other in enumerate(editor.records, 1)]
        + containers
        for changed in (apart, joined)
    )
    rows = Counter([editor.row(place.owner, "GROUPING")])
    return Edit(old, new, rows, editor.followers(place.owner))
