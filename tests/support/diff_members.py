"""Definitions as the differ of the tests compares them: flattened members, spellings, parameters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from bpftool_json import Record, name
from canonical_types import COMPOSITES, ENUMS, QUALIFIERS, CanonicalTypes

TRANSPARENT = (*QUALIFIERS, "TYPE_TAG")
EMBEDDABLE = (*COMPOSITES, *ENUMS, "TYPEDEF", "INT", "FLOAT")


@dataclass
class Part:
    """A member, enumerator or parameter."""

    path: str
    type_id: int = 0
    spelled: Hashable = None
    offset: int = 0
    """In bits from the start of the outermost struct."""
    bits: int = 0
    """The width of a bitfield, else 0."""
    value: int = 0
    """Of an enumerator."""
    end_before: int = 0
    """The end, in bits, of what is before it in its container."""
    chain: str = ""
    """The kinds of the anonymous containers around it."""
    parent: int = -1
    """The index of the member of type "struct {...}" around it."""
    depth: int = 0
    """The number of those."""
    relative: tuple[str, int] = ("", 0)
    """The path behind the parent's, and how many of that name are before it."""
    named_container: tuple[str, int] | None = None
    """The outermost named struct in a member without a name around it: the name, and how many are before."""


@dataclass
class Members:
    parts: list[Part] = field(default_factory=list)
    end: int = 0
    """Of the last bit."""
    containers: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    """Type id and offset of named structs in members without a name."""


class Definitions(CanonicalTypes):
    """The contents of a BTF's types, with what the differ needs besides."""

    def under(self, type_id: int, kinds: Iterable[str] = TRANSPARENT) -> Record:
        record = self.types[type_id]
        while record["kind"] in kinds:
            record = self.types[record["type_id"]]
        return record

    def held(self, type_id: int) -> Record | None:
        """The struct, union or enum without a name that a typedef or variable holds."""
        record = self.under(type_id)
        unnamed = record["kind"] in (*COMPOSITES, *ENUMS) and not name(record["name"])
        return record if unnamed else None

    def by_value(self, type_id: int) -> int | None:
        """The id of the named type that a member of this type embeds."""
        record = self.under(type_id, (*TRANSPARENT, "ARRAY"))
        return int(record["id"]) if record["kind"] in EMBEDDABLE and name(record["name"]) else None

    def outer_form(self, type_id: int) -> Hashable:
        """The spelling of what is around a struct without a name, and its kind."""
        record = self.types[type_id]
        found = set()
        while record["kind"] in TRANSPARENT:
            found.add(record["kind"])
            record = self.types[record["type_id"]]
        if record["kind"] == "ARRAY":
            return (
                frozenset(found) - {"TYPE_TAG"},
                record["nr_elems"],
                self.outer_form(record["type_id"]),
            )
        kind = "ENUM" if record["kind"] in ENUMS else record["kind"]
        return (frozenset(found) - {"TYPE_TAG"}, kind)

    # -- members

    def members(self, record: Record) -> Members:
        found = Members()
        self._add_members(found, record, 0, "", "", -1, 0, 0, None)
        counts: Counter[Hashable] = Counter()
        for part in found.parts:
            of_parent = found.parts[part.parent].path if part.parent >= 0 else ""
            own = part.path[len(of_parent) :].removeprefix("[]").removeprefix(".")
            key = (part.parent, own)
            part.relative = (own, counts[key])
            counts[key] += 1
        return found

    def _add_members(
        self,
        found: Members,
        record: Record,
        start: int,
        prefix: str,
        chain: str,
        parent: int,
        depth: int,
        end: int,
        named: tuple[str, int] | None,
    ) -> None:
        before = end
        for member in record["members"]:
            offset, own_name = start + member["bits_offset"], name(member["name"])
            type_id, bits = member["type_id"], member.get("bitfield_size") or 0
            if record["kind"] == "STRUCT":
                before = end
            inner = self.resolved(type_id)
            if not own_name:
                if inner["kind"] not in COMPOSITES:
                    continue
                container = named
                if named is None and name(inner["name"]):
                    count = sum(inner["name"] == other for other, _ in found.containers)
                    container = (inner["name"], count)
                    found.containers[container] = (type_id, offset)
                letter = "s" if inner["kind"] == "STRUCT" else "u"
                self._add_members(
                    found, inner, offset, prefix, chain + letter, parent, depth, before, container
                )
                end = max(end, offset + 8 * int(inner["size"]))
            else:
                if not bits and inner["kind"] == "INT" and inner["nr_bits"] < 8 * inner["size"]:
                    bits, offset = inner["nr_bits"], offset + inner["bits_offset"]
                element = self.under(type_id, (*TRANSPARENT, "ARRAY"))
                direct = element["kind"] in COMPOSITES and not name(element["name"])
                part = Part(
                    prefix + own_name,
                    type_id,
                    ("direct", self.outer_form(type_id)) if direct else self.spelled(type_id),
                    offset,
                    bits,
                    end_before=before,
                    chain=chain,
                    parent=parent,
                    depth=depth,
                    named_container=named,
                )
                found.parts.append(part)
                if direct:
                    array = self.under(type_id)["kind"] == "ARRAY"
                    self._add_members(
                        found,
                        element,
                        offset,
                        part.path + ("[]." if array else "."),
                        "",
                        len(found.parts) - 1,
                        depth + 1,
                        offset,
                        named,
                    )
                end = max(end, offset + (bits or 8 * (self.size(type_id) or 0)))
            found.end = max(found.end, end)

    # -- enums and functions

    def enumerators(self, record: Record) -> list[Part]:
        """bpftool extends the sign of values whatever the enum's: only the record's own bits count."""
        half = 1 << (63 if record["kind"] == "ENUM64" else 31)
        offset = half if record["encoding"] == "SIGNED" else 0
        return _counted(
            Part(value["name"], value=(value["val"] + offset) % (2 * half) - offset)
            for value in record["values"]
        )

    def parameters(self, proto: Record) -> list[Part]:
        """All but the mark of a variadic function."""
        params = proto["params"][: len(proto["params"]) - self.is_variadic(proto)]
        return _counted(
            Part(name(param["name"]) or f"[{at}]", param["type_id"], self.spelled(param["type_id"]))
            for at, param in enumerate(params)
        )

    def is_variadic(self, proto: Record) -> bool:
        params = proto["params"]
        return bool(params) and params[-1]["type_id"] == 0 and not name(params[-1]["name"])

    # -- alignment, as libbpf's btf__align_of has it

    def alignment(self, type_id: int) -> int | None:
        record = self.resolved(type_id)
        kind = record["kind"]
        if kind in COMPOSITES:
            largest = 1
            for member in record["members"]:
                align = self.alignment(member["type_id"])
                if align is None:
                    return None
                largest = max(largest, align)
                if not member.get("bitfield_size") and member["bits_offset"] % (8 * align):
                    return 1
            return 1 if record["size"] % largest else largest
        if kind == "PTR":
            return self.pointer_size
        if kind == "ARRAY":
            return self.alignment(record["type_id"])
        if kind in (*ENUMS, "INT", "FLOAT"):
            return min(self.pointer_size, int(record["size"]))
        return None

    # -- C

    def text(self, type_id: int, inner: str = "") -> str:
        """The type in C, without spaces that C does not need."""
        record = self.types[type_id]
        kind, own_name = record["kind"], name(record["name"])
        if kind == "TYPE_TAG":
            return self.text(record["type_id"], inner)
        if kind in QUALIFIERS:
            found = set()
            while record["kind"] in TRANSPARENT:
                found.add(record["kind"].lower())
                record = self.types[record["type_id"]]
            words = " ".join(sorted(found - {"type_tag"}))
            if record["kind"] == "PTR":
                return self.text(record["id"], f" {words} {inner}".rstrip())
            return f"{words} {self.text(record['id'], inner)}"
        if kind == "PTR":
            below = self.under(record["type_id"])["kind"]
            enclosed = f"(*{inner})" if below in ("ARRAY", "FUNC_PROTO") else f"*{inner}"
            return self.text(record["type_id"], enclosed)
        if kind == "ARRAY":
            return self.text(record["type_id"], f"{inner}[{record['nr_elems']}]")
        if kind == "FUNC_PROTO":
            params = [self.text(part.type_id) for part in self.parameters(record)]
            params += ["..."] * self.is_variadic(record)
            return self.text(record["ret_type_id"], f"{inner}({','.join(params) or 'void'})")
        if kind == "VOID":
            return f"void{inner}"
        word = {"STRUCT": "struct ", "UNION": "union ", "ENUM": "enum ", "ENUM64": "enum "}.get(kind, "")
        if kind == "FWD":
            word = f"{record['fwd_kind']} "
        return f"{word}{own_name or '{...}'}{inner}"


def _counted(parts: Iterable[Part]) -> list[Part]:
    counts: Counter[str] = Counter()
    found = []
    for part in parts:
        part.relative = (part.path, counts[part.path])
        counts[part.path] += 1
        found.append(part)
    return found
