"""What fingerprints stand for, written out: nested tuples for each depth, over bpftool's JSON.

Equal tuples become equal numbers, so that they can be compared across BTFs.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import cached_property

from bpftool_json import Record, name

COMPOSITES = ("STRUCT", "UNION")
QUALIFIERS = ("CONST", "VOLATILE", "RESTRICT")
ENUMS = ("ENUM", "ENUM64")
ENTITIES = (*COMPOSITES, *ENUMS, "FUNC", "TYPEDEF", "VAR")

_numbers: dict[Hashable, int] = {}


def number(content: Hashable) -> int:
    """The same for equal contents, in all BTFs."""
    return _numbers.setdefault(content, len(_numbers))


class CanonicalTypes:
    """The contents of a BTF's types. `base` is bpftool's records of the base of a split BTF."""

    def __init__(self, records: list[Record], base: list[Record] | None = None) -> None:
        self.own = records
        self.types: dict[int, Record] = {0: {"id": 0, "kind": "VOID", "name": ""}}
        self.types |= {record["id"]: record for record in [*(base or []), *records]}
        self._embedded: dict[int, int] = {}
        self._spelled: dict[int, int] = {}

    @cached_property
    def pointer_size(self) -> int:
        longs = ("long", "long int", "unsigned long", "long unsigned int")
        return next(
            int(record["size"])
            for record in self.types.values()
            if record["kind"] == "INT" and record["name"] in longs
        )

    def depths(self) -> dict[int, tuple[int, int, int]]:
        """Numbers of the contents of each entity: layout, declaration, deep."""
        return {
            record["id"]: (
                self.layout(self._meant(record)),
                self.declaration(self._meant(record)),
                self.embedded(self._meant(record)),
            )
            for record in self.own
            if record["kind"] in ENTITIES
        }

    def _meant(self, record: Record) -> int:
        """A function is its prototype."""
        return int(record["type_id"] if record["kind"] == "FUNC" else record["id"])

    def resolved(self, type_id: int) -> Record:
        record = self.types[type_id]
        while record["kind"] in (*QUALIFIERS, "TYPEDEF", "TYPE_TAG"):
            record = self.types[record["type_id"]]
        return record

    def element(self, type_id: int) -> Record:
        record = self.resolved(type_id)
        while record["kind"] == "ARRAY":
            record = self.resolved(record["type_id"])
        return record

    def size(self, type_id: int) -> int | None:
        record = self.resolved(type_id)
        if record["kind"] == "PTR":
            return self.pointer_size
        if record["kind"] == "ARRAY":
            size = self.size(record["type_id"])
            return None if size is None else size * int(record["nr_elems"])
        return record.get("size") if record["kind"] != "FWD" else None

    # -- layout

    def flattened(self, record: Record, start: int = 0) -> Iterator[tuple[str, int, Hashable, Hashable]]:
        for member in record["members"]:
            offset, own_name = start + member["bits_offset"], name(member["name"])
            inner = self.resolved(member["type_id"])
            if not own_name and inner["kind"] in COMPOSITES and inner["members"]:
                yield from self.flattened(inner, offset)
                continue
            bits: int | None = member.get("bitfield_size") or None
            if bits is None:
                size = self.size(member["type_id"])
                bits = None if size is None else 8 * size
            element = self.element(member["type_id"])
            unnamed = element["kind"] in COMPOSITES and not name(element["name"])
            yield own_name, offset, bits, self.layout(element["id"]) if unnamed else None

    def shallow(self, type_id: int) -> Hashable:
        kind = self.resolved(type_id)["kind"]
        return ("value", "ENUM" if kind in ENUMS else kind, self.size(type_id))

    def layout(self, type_id: int) -> int:
        if self.types[type_id]["kind"] == "VAR":
            type_id = self.types[type_id]["type_id"]
        record = self.resolved(type_id)
        kind = record["kind"]
        if kind in COMPOSITES:
            members = sorted(self.flattened(record), key=repr)
            return number(("composite", kind, record["size"], tuple(members)))
        if kind in ENUMS:
            size = record["size"]
            values = ((value["name"], value["val"] % (1 << 8 * size)) for value in record["values"])
            return number(("enum", size, tuple(sorted(values))))
        if kind == "FUNC_PROTO":
            params = tuple(self.shallow(param["type_id"]) for param in record["params"])
            return number(("function", self.shallow(record["ret_type_id"]), params))
        if kind == "ARRAY":
            return number(("array", self.size(record["id"]), self.layout(self.element(type_id)["id"])))
        return number(self.shallow(type_id))

    # -- declaration

    def spelled(self, type_id: int) -> int:
        if type_id not in self._spelled:
            self._spelled[type_id] = number(self._spelling(self.types[type_id]))
        return self._spelled[type_id]

    def _spelling(self, record: Record) -> Hashable:
        kind, own_name = record["kind"], name(record["name"])
        if kind == "PTR":
            return ("pointer", self.spelled(record["type_id"]))
        if kind == "ARRAY":
            return ("array", record["nr_elems"], self.spelled(record["type_id"]))
        if kind in (*QUALIFIERS, "TYPE_TAG"):
            found = set()
            while record["kind"] in (*QUALIFIERS, "TYPE_TAG"):
                found.add(record["kind"])
                record = self.types[record["type_id"]]
            found.discard("TYPE_TAG")
            below = self._spelling(record)
            return ("qualified", frozenset(found), below) if found else below
        if kind == "FUNC_PROTO":
            params = tuple(self.spelled(param["type_id"]) for param in record["params"])
            return ("prototype", self.spelled(record["ret_type_id"]), params)
        if kind in (*COMPOSITES, *ENUMS) and not own_name:
            return ("own", self.declaration(record["id"]))
        if kind == "FWD":
            kind = "UNION" if record["fwd_kind"] == "union" else "STRUCT"
        return ("named", "ENUM" if kind in ENUMS else kind, own_name)

    def declaration(self, type_id: int) -> int:
        record = self.types[type_id]
        kind, layout = record["kind"], self.layout(type_id)
        if kind in COMPOSITES:
            members = ((*_place(member), self.spelled(member["type_id"])) for member in record["members"])
            return number((kind, layout, tuple(sorted(members))))
        if kind in ENUMS:
            return number(("enum", layout, record["encoding"]))
        if kind == "FUNC_PROTO":
            params = tuple(
                (name(param["name"]), self.spelled(param["type_id"])) for param in record["params"]
            )
            return number(("function", layout, self.spelled(record["ret_type_id"]), params))
        return number(("alias", layout, self.spelled(record["type_id"])))

    # -- deep

    def embedded(self, type_id: int) -> int:
        if type_id not in self._embedded:
            self._embedded[type_id] = number(self._content(self.types[type_id]))
        return self._embedded[type_id]

    def _content(self, record: Record) -> Hashable:
        kind = record["kind"]
        if kind in COMPOSITES:
            members = ((*_place(member), self.embedded(member["type_id"])) for member in record["members"])
            return ("composite", self.declaration(record["id"]), tuple(sorted(members)))
        if kind in ENUMS:
            return ("enum", self.declaration(record["id"]))
        if kind == "ARRAY":
            return ("array", record["nr_elems"], self.embedded(record["type_id"]))
        if kind in (*QUALIFIERS, "TYPE_TAG"):
            return self._content(self.types[record["type_id"]])
        if kind in ("TYPEDEF", "VAR"):
            return ("alias", self.declaration(record["id"]), self.embedded(record["type_id"]))
        if kind == "FUNC_PROTO":
            params = tuple(self.embedded(param["type_id"]) for param in record["params"])
            returned = self.embedded(record["ret_type_id"])
            return ("function", self.declaration(record["id"]), returned, params)
        if kind == "INT":
            fields = ("name", "size", "encoding", "bits_offset", "nr_bits")
            return ("int", *(record[field] for field in fields))
        return (kind, record["name"], record["size"]) if kind == "FLOAT" else (kind,)


def _place(member: Record) -> tuple[str, int, int]:
    return name(member["name"]), member["bits_offset"], member.get("bitfield_size", 0)
