"""For each rule of the kernel: BTF that breaks it, and BTF that only just does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from btf_writer import (
    CONST,
    DATASEC,
    DECL_TAG,
    ENUM,
    FLOAT,
    FUNC,
    FUNC_PROTO,
    FWD,
    INT,
    PTR,
    RESTRICT,
    TYPE_TAG,
    TYPEDEF,
    UNION,
    VAR,
    VOLATILE,
    BtfWriter,
)

Members = list[tuple[str, int, int]]
Build = Callable[[str], bytes]


@dataclass(frozen=True)
class Case:
    """`good` and `bad` make BTF in a byte order; `what` tells cases of one rule apart."""

    rule: str
    what: str
    good: Build | None
    bad: Build

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"


class Types(BtfWriter):
    """A writer that has some types to refer to."""

    def __init__(self, order: str) -> None:
        super().__init__(order)
        self.int = self.add_int()
        self.char = self.add_int("char", 1)
        self.long = self.add_int("long unsigned int", 8, encoding=0)
        self.odd_int = self.add_int("bits", 4, bits=7)
        self.pointer = self.add(PTR, size_or_type=self.int)
        self.proto = self.add_proto(0, [("a", self.int)])
        self.fwd = self.add(FWD, "opaque")
        self.var = self.add(VAR, "var", size_or_type=self.int, extra=(1,))
        self.enum = self.add_enum("color", [("RED", 0)])
        self.pair = self.add_struct("pair", 8, [("x", self.int, 0), ("y", self.int, 32)])

    def opaque(self, name: str, words: int) -> int:
        """A struct of the kernel's own that consists of words of 8 bytes."""
        return self.add_struct(name, 8 * words, [("__opaque", self.add_array(self.long, self.int, words), 0)])

    def lock(self) -> int:
        return self.add_struct("bpf_spin_lock", 4, [("val", self.int, 0)])

    def res_lock(self) -> int:
        return self.add_struct("bpf_res_spin_lock", 4, [("val", self.int, 0)])

    def refcount(self) -> int:
        return self.add_struct("bpf_refcount", 4, [("__opaque", self.add_array(self.int, self.int, 1), 0)])


Add = Callable[[Types], object]


def made(add: Add) -> Build:
    def build(order: str) -> bytes:
        types = Types(order)
        add(types)
        return types.build()

    return build


def pair(rule: str, what: str, good: Add | None, bad: Add) -> Case:
    return Case(rule, what, None if good is None else made(good), made(bad))


def header(rule: str, what: str, good: dict[str, int] | None, bad: dict[str, int], size: int = 24) -> Case:
    def build(order: str, fields: dict[str, int]) -> bytes:
        types = Types(order)
        types.header_size = size
        return types.build(types=None, strings=None, **fields)

    return Case(
        rule,
        what,
        (lambda order: build(order, good)) if good is not None else None,
        lambda order: build(order, bad),
    )


def of_headers() -> Iterator[Case]:
    yield Case("header-length", "no length", None, lambda order: Types(order).build()[:7])
    yield header("header-length", "past the data", None, {"hdr_len": 2**20})
    yield header("header-tail", "32 bytes", {}, {"layout_len": 4}, size=32)
    yield Case("magic", "of another format", None, lambda order: b"\0\1" + Types(order).build()[2:])
    yield header("version", "2", {}, {"version": 2})
    yield header("flags", "1", {}, {"flags": 1})
    yield Case("no-data", "header only", None, lambda order: Types(order).build()[:24])
    for field, value in (
        ("type_off", 4),
        ("type_len", 8),
        ("str_off", 4),
        ("str_len", 4),
        ("str_len", 2**31),
    ):
        yield header("sections", f"{field} {value}", {}, {field: value})
    yield Case("sections", "bytes after", None, lambda order: Types(order).build() + b"\0\0\0\0")

    def strings_first(order: str) -> bytes:
        types = Types(order)
        padded = types.strings + b"\0" * (-len(types.strings) % 4)
        fields = {"type_off": len(padded), "str_off": 0, "str_len": len(padded)}
        return types.build(types=b"", strings=padded, type_len=len(types.type_section), **fields) + (
            types.type_section
        )

    yield Case("strings-last", "before the types", None, strings_first)

    def with_strings(strings: Callable[[bytes], bytes]) -> Build:
        def build(order: str) -> bytes:
            types = Types(order)
            return types.build(strings=strings(types.strings))

        return build

    yield Case("strings", "no NUL at the end", None, with_strings(lambda own: own + b"x"))
    yield Case("strings", "no NUL at the start", None, with_strings(lambda own: b"x" + own[1:]))
    yield Case(
        "blob-size",
        "16 MiB",
        lambda order: sized(order, 2**24),
        lambda order: sized(order, 2**24 + 1),
    )

    def unaligned(order: str) -> bytes:
        types = Types(order)
        types.string("x" * (len(types.strings) % 4 == 3))
        size = len(types.strings)
        return types.build(types=b"", type_off=size, str_off=0)

    yield Case("types-alignment", "no types after the strings", None, unaligned)
    yield Case("no-types", "strings only", None, lambda order: BtfWriter(order).build())


def sized(order: str, size: int) -> bytes:
    types = Types(order)
    return types.build(strings=types.strings + b"\0" * (size - len(types.build())))


def of_records() -> Iterator[Case]:
    def cut(order: str) -> bytes:
        types = Types(order)
        types.add_struct("cut", 8, [("a", types.int, 0), ("b", types.int, 32)])
        return types.build(types=types.type_section[:-4])

    yield Case("record-end", "of a struct", None, cut)

    def cut_head(order: str) -> bytes:
        types = Types(order)
        return types.build(types=types.type_section + b"\0" * 8)

    yield Case("record-end", "in a head", None, cut_head)

    def raw(info: int, rest: int = 0) -> Add:
        def add(types: Types) -> None:
            types.records.append(types.words(0, info, 4, *(0 for _ in range(rest))))

        return add

    yield pair("info", "vlen of 65,536", None, many_members(65_536))
    yield Case("vlen", "65,535 members", made(many_members(65_535)), made(lambda t: t.add(PTR, vlen=1)))
    for kind in (0, 20, 31):
        yield pair("kind", str(kind), None, raw(kind << 24))
    yield Case("name-offset", "of a type", None, lambda order: offset_at_end(order, 0))
    yield pair(
        "name-offset",
        "of a member",
        None,
        lambda t: t.add(4, "s", size_or_type=4, vlen=1, extra=(9999, t.int, 0)),
    )
    yield pair(
        "name-offset",
        "of an enumerator",
        None,
        lambda t: t.add(ENUM, size_or_type=4, vlen=1, extra=(9999, 0)),
    )
    for kind in (INT, PTR, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, VAR, FLOAT, DECL_TAG, TYPE_TAG):
        yield of_kind("vlen", kind, vlen=1)
    for kind in (INT, PTR, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR, DATASEC, FLOAT):
        yield of_kind("kind-flag", kind, kind_flag=True)
    yield pair("vlen", "ARRAY", None, lambda t: t.add(3, vlen=1, extra=(t.int, t.int, 1)))
    yield pair("kind-flag", "ARRAY", None, lambda t: t.add(3, kind_flag=True, extra=(t.int, t.int, 1)))
    yield pair(
        "kind-flag",
        "tags and FWD may have it",
        lambda t: (
            t.add(TYPE_TAG, "a", size_or_type=t.int, kind_flag=True),
            t.add(DECL_TAG, "a", size_or_type=t.pair, kind_flag=True, extra=(-1,)),
            t.add(FWD, "u", kind_flag=True),
        ),
        lambda t: t.add(PTR, kind_flag=True),
    )
    yield pair("unused-field", "FWD", lambda t: t.add(FWD, "f"), lambda t: t.add(FWD, "f", size_or_type=1))
    yield pair("unused-field", "ARRAY", None, lambda t: t.add(3, size_or_type=1, extra=(t.int, t.int, 1)))


def many_members(count: int) -> Add:
    return lambda t: t.add(4, size_or_type=4, vlen=count, extra=(0, t.char, 0) * count)


def of_kind(rule: str, kind: int, **wrong: bool | int) -> Case:
    """A record of a kind, right and with a wrong field."""
    names = {INT: "int", FWD: "f", TYPEDEF: "t", FUNC: "f", VAR: "v", DATASEC: ".data", FLOAT: "float"}
    names |= {DECL_TAG: "tag", TYPE_TAG: "tag"}

    def add(types: Types, **fields: bool | int) -> int:
        target = {
            INT: 4,
            FWD: 0,
            FUNC: types.proto,
            FUNC_PROTO: 0,
            DATASEC: 4,
            FLOAT: 4,
            DECL_TAG: types.pair,
        }
        extra = {INT: (32,), VAR: (1,), DECL_TAG: (-1,)}
        return types.add(
            kind,
            names.get(kind, ""),
            size_or_type=target.get(kind, types.int),
            vlen=int(fields.get("vlen", 0)),
            kind_flag=bool(fields.get("kind_flag", False)),
            extra=extra.get(kind, ()),
        )

    return pair(rule, f"kind {kind}", lambda t: add(t), lambda t: add(t, **wrong))


def offset_at_end(order: str, past: int) -> bytes:
    types = Types(order)
    types.records.append(types.words(len(types.strings) + past, INT << 24, 4, 32))
    return types.build()


def of_names() -> Iterator[Case]:
    names: tuple[tuple[str, bytes, bytes], ...] = (
        ("512 bytes", b"x" * 512, b"x" * 513),
        ("digit first", b"a1", b"1a"),
        ("dot", b".a.b", b"a-b"),
        ("space", b"a_b", b"a b"),
        ("Latin-1", b"\xc0\xd6\xf8", b"a\xd7"),
        ("division", b"\xff", b"a\xf7"),
        ("UTF-8", b"\xc3\xa9"[:1], b"\xc3\xa9"),
        ("16 bytes", b"abcdefghijklmno.", b"abcdefghijklmno "),
        ("17 bytes", b"abcdefghijklmnop9", b"abcdefghijklmnop\x01"),
    )
    for what, good, bad in names:
        yield pair(
            "name",
            f"TYPEDEF, {what}",
            lambda t, name=good: t.add(TYPEDEF, name, size_or_type=t.int),  # type: ignore[misc]
            lambda t, name=bad: t.add(TYPEDEF, name, size_or_type=t.int),  # type: ignore[misc]
        )
    sections: tuple[tuple[str, bytes, bytes], ...] = (
        ("printable", b"?.a b/\xa0\xff", b"a\x80"),
        ("512 bytes", b"." * 512, b"." * 513),
        ("control", b" ", b"a\x1f"),
        ("rubout", b"~", b"\x7f"),
    )
    for what, good, bad in sections:
        yield pair(
            "name",
            f"DATASEC, {what}",
            lambda t, name=good: t.add_datasec(name, 4, []),  # type: ignore[misc]
            lambda t, name=bad: t.add_datasec(name, 4, []),  # type: ignore[misc]
        )

    def empty_named(kind: int, *extra: int, size: int = 0) -> Add:
        """The name is an empty string, but not that at offset 0."""

        def add(types: Types) -> None:
            at = len(types.strings) - 1
            types.records.append(types.words(at, kind << 24, size, *extra))

        return add

    yield pair("name", "of an INT, any", lambda t: t.add_int("two words!"), empty_named(PTR, size=1))
    yield pair("name", "empty string of a struct", lambda t: t.add_struct("", 4, []), empty_named(4, size=4))
    yield pair(
        "name",
        "empty TYPE_TAG",
        lambda t: t.add(TYPE_TAG, "any text!", size_or_type=t.int),
        empty_named(TYPE_TAG, size=1),
    )
    yield pair("name", "no name of a TYPE_TAG", None, lambda t: t.add(TYPE_TAG, size_or_type=t.int))
    for kind in (PTR, VOLATILE, CONST, RESTRICT, FUNC_PROTO):
        yield pair("name", f"of kind {kind}", None, lambda t, kind=kind: t.add(kind, "n", size_or_type=t.int))  # type: ignore[misc]
    yield pair("name", "of an ARRAY", None, lambda t: t.add(3, "n", extra=(t.int, t.int, 1)))
    for kind in (FWD, TYPEDEF, FUNC, VAR, DATASEC):
        extra = (1,) if kind == VAR else ()
        size = 0 if kind == FWD else 4
        yield pair(
            "name",
            f"missing of kind {kind}",
            None,
            lambda t, kind=kind, size=size, extra=extra: t.add(kind, size_or_type=size, extra=extra),  # type: ignore[misc]
        )
    yield pair(
        "name",
        "of a member",
        lambda t: t.add_struct("s", 4, [("", t.int, 0)]),
        lambda t: t.add_struct("s", 4, [("a b", t.int, 0)]),
    )
    yield pair("name", "of an enumerator", None, lambda t: t.add_enum("e", [("", 0)]))
    yield pair(
        "name",
        "of an ENUM64",
        lambda t: t.add_enum64("", [("A", 0)]),
        lambda t: t.add_enum64("e f", [("A", 0)]),
    )
    yield pair(
        "tag-value",
        "empty",
        lambda t: t.add(DECL_TAG, "x", size_or_type=t.pair, extra=(-1,)),
        lambda t: t.add(DECL_TAG, size_or_type=t.pair, extra=(-1,)),
    )


def of_numbers() -> Iterator[Case]:
    def integer(size: int, word: int) -> Add:
        return lambda t: t.add(INT, "i", size_or_type=size, extra=(word,))

    yield pair("int-data", "bit 28", integer(4, 32), integer(4, 1 << 28 | 32))
    yield pair("int-bits", "past the size", integer(4, 8 << 16 | 24), integer(4, 8 << 16 | 25))
    yield pair("int-bits", "128", integer(16, 128), integer(17, 129))
    yield pair("int-bits", "offset", integer(32, 64 << 16 | 64), integer(32, 64 << 16 | 65))
    for encoding in (3, 5, 8):
        yield pair("int-encoding", str(encoding), integer(1, 4 << 24 | 8), integer(1, encoding << 24 | 8))
    for good, bad in ((2, 1), (4, 6), (12, 10), (16, 32)):
        yield pair(
            "float-size",
            str(bad),
            lambda t, size=good: t.add(FLOAT, "f", size_or_type=size),  # type: ignore[misc]
            lambda t, size=bad: t.add(FLOAT, "f", size_or_type=size),  # type: ignore[misc]
        )
    for kind in (ENUM, 19):
        for good, bad in ((1, 0), (2, 3), (8, 16)):
            yield pair(
                "enum-size",
                f"{bad} of kind {kind}",
                lambda t, kind=kind, size=good: t.add(kind, "e", size_or_type=size),  # type: ignore[misc]
                lambda t, kind=kind, size=bad: t.add(kind, "e", size_or_type=size),  # type: ignore[misc]
            )
    yield pair(
        "func-linkage",
        "extern",
        lambda t: t.add(FUNC, "f", size_or_type=t.proto, vlen=1),
        lambda t: t.add(FUNC, "f", size_or_type=t.proto, vlen=2),
    )
    yield pair(
        "var-linkage",
        "extern",
        lambda t: t.add(VAR, "v", size_or_type=t.int, extra=(0,)),
        lambda t: t.add(VAR, "v", size_or_type=t.int, extra=(2,)),
    )


def of_members() -> Iterator[Case]:
    def struct(size: int, members: Callable[[Types], Members], **fields: int) -> Add:
        kind, flag = fields.get("kind", 4), bool(fields.get("flag", 0))
        return lambda t: t.add_struct("s", size, members(t), kind=kind, kind_flag=flag)

    def one(attribute: str, offset: int, size: int, **fields: int) -> Add:
        return struct(size, lambda t: [("m", getattr(t, attribute), offset)], **fields)

    yield pair(
        "member-offset",
        "order",
        struct(8, lambda t: [("a", t.int, 0), ("b", t.int, 0)]),
        struct(8, lambda t: [("a", t.int, 32), ("b", t.int, 0)]),
    )
    yield pair("member-offset", "union", one("int", 0, 8, kind=UNION), one("int", 8, 8, kind=UNION))
    empty = struct(4, lambda t: [("a", t.int, 0), ("b", t.add_array(t.int, t.int, 0), 32)])
    yield pair("member-start", "at the end", empty, one("char", 33, 4))
    yield pair("member-type", "FWD", None, one("fwd", 0, 8))
    yield pair("member-type", "prototype", None, one("proto", 0, 8))
    yield pair("member-type", "VAR", None, one("var", 0, 8))
    yield pair("member-type", "void by a const", None, struct(8, lambda t: [("m", t.add(CONST), 0)]))
    yield pair("type-id", "void member", None, struct(8, lambda _: [("m", 0, 0)]))
    yield pair("member-type", "no such type", None, struct(8, lambda _: [("m", 500, 0)]))
    yield pair("member-end", "INT", one("int", 32, 8), one("int", 40, 8))
    yield pair("member-end", "pointer", one("pointer", 64, 16), one("pointer", 72, 16))
    yield pair("member-end", "struct", one("pair", 64, 16), one("pair", 72, 16))
    yield pair("member-end", "enum", one("enum", 32, 8), one("enum", 40, 8))
    yield pair(
        "member-end",
        "array",
        struct(16, lambda t: [("a", t.add_array(t.int, t.int, 3), 32)]),
        struct(16, lambda t: [("a", t.add_array(t.int, t.int, 3), 40)]),
    )
    yield pair(
        "member-end",
        "typedef",
        struct(4, lambda t: [("a", t.add(TYPEDEF, "td", size_or_type=t.int), 0)]),
        struct(4, lambda t: [("a", t.add(TYPEDEF, "td", size_or_type=t.long), 0)]),
    )
    yield pair(
        "member-end", "bitfield", one("int", 5 << 24 | 27, 4, flag=1), one("int", 5 << 24 | 28, 4, flag=1)
    )
    yield pair(
        "member-end",
        "enum bitfield",
        one("enum", 5 << 24 | 27, 4, flag=1),
        one("enum", 5 << 24 | 28, 4, flag=1),
    )
    yield pair(
        "member-end",
        "small enum counts as 4 bytes",
        one("enum", 0, 4, flag=1),
        struct(1, lambda t: [("m", t.add(ENUM, "small", size_or_type=1), 0)], flag=1),
    )
    yield pair("bitfield-size", "INT", one("int", 32 << 24, 8, flag=1), one("int", 33 << 24, 8, flag=1))
    yield pair("bitfield-size", "enum", one("enum", 32 << 24, 8, flag=1), one("enum", 33 << 24, 8, flag=1))
    yield pair("bitfield-size", "pointer", one("pointer", 0, 8, flag=1), one("pointer", 1 << 24, 8, flag=1))
    yield pair("member-base-type", "7 bits", one("odd_int", 0, 8), one("odd_int", 0, 8, flag=1))
    yield pair("member-alignment", "INT with the flag", one("int", 8, 8, flag=1), one("int", 9, 8, flag=1))
    for attribute in ("pointer", "pair", "enum"):
        yield pair("member-alignment", attribute, one(attribute, 8, 16), one(attribute, 12, 16))
    yield pair(
        "member-alignment", "enum with the flag", one("enum", 8, 16, flag=1), one("enum", 12, 16, flag=1)
    )
    yield pair(
        "member-alignment", "array", None, struct(16, lambda t: [("a", t.add_array(t.int, t.int, 1), 4)])
    )
    for size, good, bad in ((4, 32, 16), (8, 64, 32), (16, 64, 32), (2, 16, 8)):
        yield pair(
            "member-alignment",
            f"FLOAT of {size} bytes",
            struct(32, lambda t, size=size, at=good: [("f", t.add(FLOAT, "f", size_or_type=size), at)]),  # type: ignore[misc]
            struct(32, lambda t, size=size, at=bad: [("f", t.add(FLOAT, "f", size_or_type=size), at)]),  # type: ignore[misc]
        )
    yield pair(
        "member-end", "FLOAT", None, struct(8, lambda t: [("f", t.add(FLOAT, "f", size_or_type=8), 64)])
    )

    def wide(types: Types) -> int:
        return types.add_int("wide", 16)

    yield pair(
        "member-bits",
        "128 from the byte",
        struct(24, lambda t: [("w", wide(t), 8)]),
        struct(24, lambda t: [("w", wide(t), 9)]),
    )
    yield pair(
        "member-bits",
        "128 with the flag",
        struct(24, lambda t: [("w", wide(t), 121 << 24 | 7)], flag=1),
        struct(24, lambda t: [("w", wide(t), 122 << 24 | 7)], flag=1),
    )

    def shifted(types: Types) -> int:
        return types.add(INT, "high", size_or_type=8, extra=(16 << 16 | 32,))

    yield pair("member-bits", "past bit 2^32", None, struct(2**29, lambda t: [("h", shifted(t), 2**32 - 8)]))


def of_references() -> Iterator[Case]:
    def refers(kind: int, to: Callable[[Types], int], *extra: int) -> Add:
        name = "" if kind in (PTR, CONST, VOLATILE, RESTRICT) else "n"
        return lambda t: t.add(kind, name, size_or_type=to(t), extra=extra)

    last = len(Types("<").records)
    for kind in (PTR, TYPEDEF, CONST, TYPE_TAG):
        yield pair(
            "type-id",
            f"past the end, kind {kind}",
            refers(kind, lambda _: last),
            refers(kind, lambda _: last + 2),
        )
        yield pair("type-id", f"VAR, kind {kind}", refers(kind, lambda _: 0), refers(kind, lambda t: t.var))
        yield pair("type-id", f"1,048,576, kind {kind}", None, refers(kind, lambda _: 1_048_576))
    yield pair("type-id", "FUNC's", refers(FUNC, lambda t: t.proto), refers(FUNC, lambda t: t.int))
    yield pair("type-id", "VAR of a FWD", None, refers(VAR, lambda t: t.fwd, 1))
    yield pair("type-id", "VAR of void", None, refers(VAR, lambda _: 0, 1))
    yield pair(
        "type-id",
        "VAR of a const void",
        refers(VAR, lambda t: t.add(CONST, size_or_type=t.int), 1),
        refers(VAR, lambda t: t.add(CONST), 1),
    )
    yield pair(
        "type-id",
        "pointer to a FUNC",
        refers(PTR, lambda t: t.proto),
        lambda t: (t.add(PTR, size_or_type=len(t.records) + 2), t.add(FUNC, "f", size_or_type=t.proto)),
    )
    for attribute, good in (("pair", True), ("var", True), ("int", False), ("enum", False)):
        add = refers(DECL_TAG, lambda t, attribute=attribute: getattr(t, attribute), -1)  # type: ignore[misc]
        if good:
            yield pair("type-id", f"tag of {attribute}", add, refers(DECL_TAG, lambda _: 0, -1))
        else:
            yield pair("type-id", f"tag of {attribute}", None, add)
    yield pair(
        "component",
        "of a struct",
        refers(DECL_TAG, lambda t: t.pair, 1),
        refers(DECL_TAG, lambda t: t.pair, 2),
    )
    yield pair("component", "-2", None, refers(DECL_TAG, lambda t: t.pair, -2))
    yield pair(
        "component", "of a VAR", refers(DECL_TAG, lambda t: t.var, -1), refers(DECL_TAG, lambda t: t.var, 0)
    )

    def func(types: Types) -> int:
        return types.add(FUNC, "f", size_or_type=types.proto)

    yield pair("component", "of a FUNC", refers(DECL_TAG, func, 0), refers(DECL_TAG, func, 1))
    yield pair("return-type", "FWD", lambda t: t.add_proto(t.pair, []), lambda t: t.add_proto(t.fwd, []))
    yield pair("return-type", "VAR", lambda t: t.add_proto(0, []), lambda t: t.add_proto(t.var, []))
    yield pair("return-type", "none", None, lambda t: t.add_proto(500, []))
    yield pair(
        "argument",
        "void",
        lambda t: t.add_proto(0, [("a", t.int), ("", 0)]),
        lambda t: t.add_proto(0, [("a", 0), ("b", t.int)]),
    )
    yield pair("argument", "named void", None, lambda t: t.add_proto(0, [("a", 0)]))
    yield pair("argument", "name", None, lambda t: t.add_proto(0, [("a b", t.int)]))
    yield pair("argument", "FWD", None, lambda t: t.add_proto(0, [("a", t.fwd)]))
    yield pair(
        "argument",
        "unnamed of a FUNC",
        lambda t: t.add_proto(0, [("", t.int)]),
        lambda t: t.add(FUNC, "f", size_or_type=t.add_proto(0, [("", t.int)])),
    )
    yield pair(
        "array-element",
        "FWD",
        lambda t: t.add_array(t.pair, t.int, 4),
        lambda t: t.add_array(t.fwd, t.int, 4),
    )
    yield pair("array-element", "void", None, lambda t: t.add_array(0, t.int, 4))
    yield pair("array-element", "none", None, lambda t: t.add_array(500, t.int, 4))
    yield pair(
        "array-index",
        "enum",
        lambda t: t.add_array(t.int, t.char, 4),
        lambda t: t.add_array(t.int, t.enum, 4),
    )
    yield pair("array-index", "7 bits", None, lambda t: t.add_array(t.int, t.odd_int, 4))
    yield pair("array-index", "void", None, lambda t: t.add_array(t.int, 0, 4))
    yield pair("array-of-bits", "7 bits", None, lambda t: t.add_array(t.odd_int, t.int, 4))
    yield pair(
        "array-size",
        "4 GiB",
        lambda t: t.add_array(t.char, t.int, 2**32 - 1),
        lambda t: t.add_array(t.int, t.int, 2**30),
    )


def of_sections() -> Iterator[Case]:
    def section(size: int, *entries: tuple[int, int], var: str = "var") -> Add:
        return lambda t: t.add_datasec(
            ".data", size, [(getattr(t, var), at, bytes_) for at, bytes_ in entries]
        )

    yield pair("section-size", "0", section(1), section(0))
    yield pair("entry-offset", "overlap", section(8, (0, 4), (4, 4)), section(8, (0, 4), (3, 4)))
    yield pair("entry-offset", "past the end", None, section(4, (4, 4)))
    yield pair("entry-size", "0", None, section(8, (0, 0)))
    yield pair("entry-size", "more than the section", section(8, (0, 8)), section(8, (0, 9)))
    yield pair("entry-size", "less than the type", section(8, (0, 4)), section(8, (0, 3)))
    yield pair("entry-end", "past the end", section(8, (4, 4)), section(8, (5, 4)))
    big = 2**32 - 1
    yield pair("entry-sum", "wraps around", None, section(big, (big - 15, 32), (16, big - 16)))
    yield pair("entry-kind", "INT", None, section(8, (0, 8), var="int"))
    yield pair("type-id", "entry of void", None, lambda t: t.add_datasec(".data", 8, [(0, 0, 8)]))


def of_chains() -> Iterator[Case]:
    def chain(kinds: Callable[[int], int], length: int) -> Add:
        """Each refers to the next one; the last to an INT."""

        def add(types: Types) -> None:
            first = len(types.records) + 1
            for number in range(length):
                kind = kinds(number)
                name = "n" if kind in (TYPEDEF, TYPE_TAG) else ""
                last = number == length - 1
                types.add(kind, name, size_or_type=types.int if last else first + number + 1)

        return add

    def nested(length: int) -> Add:
        def add(types: Types) -> None:
            first = len(types.records) + 1
            for number in range(length):
                last = number == length - 1
                types.add_struct("n", 4, [("m", types.int if last else first + number + 1, 0)])

        return add

    for kind in (CONST, PTR, TYPEDEF):
        yield pair(
            "depth",
            f"kind {kind}",
            chain(lambda _, kind=kind: kind, 32),  # type: ignore[misc]
            chain(lambda _, kind=kind: kind, 33),  # type: ignore[misc]
        )
    yield pair("depth", "structs", nested(32), nested(33))

    def cycle(kinds: tuple[int, ...]) -> Add:
        def add(types: Types) -> None:
            first = len(types.records) + 1
            for number, kind in enumerate(kinds):
                target = first + (number + 1) % len(kinds)
                if kind == 3:
                    types.add_array(target, types.int, 1)
                elif kind == 4:
                    types.add_struct("s", 8, [("m", target, 0)])
                elif kind == FUNC_PROTO:
                    types.add_proto(0, [("m", target)])
                else:
                    types.add(kind, "t" if kind == TYPEDEF else "", size_or_type=target)

        return add

    for good, bad in (
        ((PTR, FUNC_PROTO), (PTR, CONST)),
        ((PTR, 4), (TYPEDEF, CONST)),
        ((4, TYPEDEF, PTR), (4, TYPEDEF)),
        ((PTR, 3, PTR, 4), (3, 4)),
        ((PTR, 4, 4), (PTR,)),
    ):
        yield pair("loop", f"of kinds {bad}", cycle(good) if good != (PTR, 4, 4) else None, cycle(bad))

    tags = (TYPE_TAG, TYPE_TAG, CONST)
    yield pair(
        "tag-order", "after a const", chain(lambda at: tags[at], 3), chain(lambda at: tags[(at + 2) % 3], 3)
    )
    yield pair("tag-order", "after a typedef", None, chain(lambda at: (TYPEDEF, TYPE_TAG)[at], 2))

    def two_chains(length: int) -> Add:
        """The pointer resolves the second half, so that only the whole chain is too long."""

        def add(types: Types) -> None:
            first = len(types.records) + 2
            types.add(PTR, size_or_type=first + length // 2)
            for number in range(length):
                last = number == length - 1
                types.add(CONST, size_or_type=types.int if last else first + number + 1)

        return add

    yield pair("modifier-chain", "33", two_chains(32), two_chains(33))


def of_special_fields() -> Iterator[Case]:
    def locks(*attributes: str, size: int = 8, first: int = 0) -> Add:
        return lambda t: t.add_struct(
            "s", size, [(f"m{at}", getattr(t, name)(), first + 32 * at) for at, name in enumerate(attributes)]
        )

    def twice(types: Types) -> None:
        lock = types.lock()
        types.add_struct("s", 8, [("a", lock, 0), ("b", lock, 32)])

    yield pair("special-field", "two locks", locks("lock"), twice)
    yield pair("special-field", "locks of both kinds", locks("res_lock"), locks("lock", "res_lock"))
    yield pair("special-field", "alignment", locks("lock", first=32), locks("lock", first=16))

    def wrong_size(types: Types) -> None:
        types.add_struct("s", 8, [("a", types.add_struct("bpf_spin_lock", 8, [("v", types.int, 0)]), 0)])

    yield pair("special-field", "size", None, wrong_size)

    def nodes(count: int) -> Add:
        def add(types: Types) -> None:
            node = types.opaque("bpf_list_node", 3)
            types.add_struct("s", 24 * count, [(f"n{at}", node, 192 * at) for at in range(count)])

        return add

    yield pair("special-field", "11 fields", nodes(11), nodes(12))

    def array(make: Callable[[Types], int], count: int) -> Add:
        def add(types: Types) -> None:
            item = make(types)
            many = types.add_array(item, types.int, count)
            types.add_struct("s", 256, [("many", many, 0), ("one", item, 1024)])

        return add

    yield pair(
        "special-field", "array of reference counts", array(Types.refcount, 1), array(Types.refcount, 2)
    )

    def within(depth: int) -> Add:
        def add(types: Types) -> None:
            inner = types.pair
            for _ in range(depth):
                inner = types.add_struct("n", 8, [("m", inner, 0)])
            types.add_struct("s", 16, [("lock", types.lock(), 0), ("inner", inner, 64)])

        return add

    yield pair("special-field", "31 levels", within(30), within(31))

    def bitfield(types: Types, bits: int) -> None:
        lock = types.lock()
        types.add_struct("s", 8, [("lock", lock, 0), ("b", types.int, 3 << 24 | bits)], kind_flag=True)

    yield pair("special-field", "bitfield", lambda t: bitfield(t, 32), lambda t: bitfield(t, 33))

    def owner(
        tag: str | None,
        *,
        lock: bool = True,
        tags: int = 1,
        component: int = 0,
        node: tuple[str, int] = ("node", 0),
        root: str = "bpf_list_head",
        nodes: str = "bpf_list_node",
    ) -> Add:
        def add(types: Types) -> None:
            words = {"bpf_list_head": 2, "bpf_list_node": 3, "bpf_rb_root": 2, "bpf_rb_node": 4}
            held = types.opaque(nodes, words[nodes])
            types.add_struct("value", 64, [(node[0], held, node[1])])
            members = [("head", types.opaque(root, words[root]), 0)]
            members += [("lock", types.lock(), 128)] if lock else []
            outer = types.add_struct("owner", 24, members)
            for _ in range(tags if tag else 0):
                types.add(DECL_TAG, tag or "", size_or_type=outer, extra=(component,))

        return add

    right = owner("contains:value:node")
    yield pair("special-field", "list without a lock", right, owner("contains:value:node", lock=False))
    yield pair("graph-root", "no tag", right, owner(None))
    yield pair("graph-root", "two tags", None, owner("contains:value:node", tags=2))
    yield pair("graph-root", "tag of another member", None, owner("contains:value:node", component=1))
    yield pair("graph-root", "no member", None, owner("contains:value"))
    yield pair("graph-root", "empty member", None, owner("contains:value:"))
    yield pair("graph-root", "no such struct", None, owner("contains:val:node"))
    yield pair("graph-root", "no such member", None, owner("contains:value:nod"))
    yield pair(
        "graph-root",
        "unnamed member",
        owner("contains:value:(anon)", node=("", 0)),
        owner("contains:value:anon", node=("", 0)),
    )
    tree = owner("contains:value:node", root="bpf_rb_root", nodes="bpf_rb_node")
    yield pair(
        "graph-root", "node of a list in a tree", tree, owner("contains:value:node", root="bpf_rb_root")
    )
    yield pair(
        "graph-root",
        "node at a bit",
        owner("contains:value:node", node=("node", 64)),
        owner("contains:value:node", node=("node", 64), nodes="bpf_rb_node"),
    )

    def both_nodes(refcount: bool) -> Add:
        def add(types: Types) -> None:
            members = [("l", types.opaque("bpf_list_node", 3), 0), ("r", types.opaque("bpf_rb_node", 4), 192)]
            members += [("c", types.refcount(), 448)] if refcount else []
            types.add_struct("s", 64, members)

        return add

    yield pair("special-field", "nodes of both kinds", both_nodes(True), both_nodes(False))

    def owners(circular: bool) -> Add:
        def add(types: Types) -> None:
            node, head, lock = (
                types.opaque("bpf_list_node", 3),
                types.opaque("bpf_list_head", 2),
                types.lock(),
            )
            rest = [("head", head, 192), ("lock", lock, 320)]
            first = types.add_struct("first", 48, [("node", node, 0), *rest])
            second = types.add_struct("second", 48, [("node", node, 0), *(rest if circular else [])])
            types.add(DECL_TAG, "contains:second:node", size_or_type=first, extra=(1,))
            if circular:
                types.add(DECL_TAG, "contains:first:node", size_or_type=second, extra=(1,))

        return add

    yield pair("graph-root", "owners of owners", owners(False), owners(True))

    def pointer(tag: str, target: str = "pair", inner: bool = False, count: int = 1) -> Add:
        def add(types: Types) -> None:
            to = getattr(types, target)
            if inner:
                to = types.add(TYPE_TAG, "other", size_or_type=to)
            held = types.add(PTR, size_or_type=types.add(TYPE_TAG, tag, size_or_type=to))
            lock = types.lock()
            members = [("lock", lock, 0), ("many", types.add_array(held, types.int, count), 64)]
            types.add_struct("s", 128, members)

        return add

    for tag in ("kptr", "kptr_untrusted", "percpu_kptr", "uptr"):
        yield pair("kernel-pointer", tag, pointer(tag), pointer(f"{tag}s"))
    yield pair("kernel-pointer", "to an INT", None, pointer("kptr", "int"))
    yield pair("kernel-pointer", "two tags", None, pointer("kptr", inner=True))
    yield pair("special-field", "10 pointers", pointer("kptr", count=10), pointer("kptr", count=11))


def all_cases() -> list[Case]:
    return [
        case
        for part in (
            of_headers,
            of_records,
            of_names,
            of_numbers,
            of_members,
            of_references,
            of_sections,
            of_chains,
            of_special_fields,
        )
        for case in part()
    ]
