"""BTF in plain Python: one `struct` unpacking per record, the straightforward way.

Benchmarks measure against it and tests use it as an independent reference, so it imports nothing of btfmmap.
It reads base BTF with kinds 1 to 19, and trusts its input.
"""

from __future__ import annotations

from struct import Struct

Rows = list[tuple[int, ...]]

INT, ARRAY, STRUCT, UNION, ENUM = 1, 3, 4, 5, 6
FUNC, FUNC_PROTO, VAR, DATASEC, DECL_TAG, ENUM64 = 12, 13, 14, 15, 17, 19
HEAD_ONLY = frozenset([2, 7, 8, 9, 10, 11, 16, 18])  # PTR FWD TYPEDEF VOLATILE CONST RESTRICT FLOAT TYPE_TAG


def parse(blob: bytes) -> dict[str, Rows]:
    """The ten tables of a BTF by name, each a list of rows in btfmmap's order of columns."""
    order = {b"\x9f\xeb": "<", b"\xeb\x9f": ">"}[blob[:2]]
    word, signed_word = Struct(order + "I"), Struct(order + "i")
    two_words, word_and_signed = Struct(order + "II"), Struct(order + "Ii")
    three_words, two_words_and_signed = Struct(order + "III"), Struct(order + "IIi")

    header_size, type_offset, type_size = three_words.unpack_from(blob, 4)
    section = blob[header_size + type_offset :][:type_size]

    types: Rows = [(0, 0, 0, 0, 0, 0, 0)]
    members: Rows = []
    params: Rows = []
    enumerators: Rows = []
    arrays: Rows = []
    ints: Rows = []
    funcs: Rows = []
    variables: Rows = []
    secinfos: Rows = []
    decl_tags: Rows = []

    position = 0
    while position < type_size:
        id_ = len(types)
        name_off, info, size_or_type = three_words.unpack_from(section, position)
        vlen, kind, kind_flag = info & 0xFFFFFF, info >> 24 & 0x7F, info >> 31
        types.append((id_, kind, kind_flag, vlen, name_off, size_or_type, position))
        position += 12

        if kind in HEAD_ONLY:
            pass
        elif kind == INT:
            (bits,) = word.unpack_from(section, position)
            ints.append((id_, size_or_type, bits >> 24 & 0xF, bits >> 16 & 0xFF, bits & 0xFF))
            position += 4
        elif kind == ARRAY:
            arrays.append((id_, *three_words.unpack_from(section, position)))
            position += 12
        elif kind in (STRUCT, UNION):
            for _ in range(vlen):
                member_name, type_, offset = three_words.unpack_from(section, position)
                position += 12
                if kind_flag:
                    members.append((id_, member_name, type_, offset & 0xFFFFFF, offset >> 24))
                else:
                    members.append((id_, member_name, type_, offset, 0))
        elif kind == ENUM:
            entry = word_and_signed if kind_flag else two_words
            for _ in range(vlen):
                value_name, value = entry.unpack_from(section, position)
                enumerators.append((id_, value_name, value, kind_flag))
                position += 8
        elif kind == ENUM64:
            for _ in range(vlen):
                value_name, low, high = two_words_and_signed.unpack_from(section, position)
                enumerators.append((id_, value_name, high << 32 | low, kind_flag))
                position += 12
        elif kind == FUNC:
            funcs.append((id_, name_off, size_or_type, min(vlen, 255)))
        elif kind == FUNC_PROTO:
            for _ in range(vlen):
                param_name, type_ = two_words.unpack_from(section, position)
                params.append((id_, param_name, type_))
                position += 8
        elif kind == VAR:
            (linkage,) = word.unpack_from(section, position)
            variables.append((id_, name_off, size_or_type, linkage))
            position += 4
        elif kind == DATASEC:
            for _ in range(vlen):
                type_, offset, size = three_words.unpack_from(section, position)
                secinfos.append((id_, type_, offset, size))
                position += 12
        elif kind == DECL_TAG:
            (component_idx,) = signed_word.unpack_from(section, position)
            decl_tags.append((id_, name_off, size_or_type, component_idx))
            position += 4
        else:
            raise ValueError(f"type {id_} has unknown kind {kind}")

    return {
        "types": types,
        "members": members,
        "params": params,
        "enumerators": enumerators,
        "arrays": arrays,
        "ints": ints,
        "funcs": funcs,
        "vars": variables,
        "secinfos": secinfos,
        "decl_tags": decl_tags,
    }
