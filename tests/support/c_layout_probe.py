"""C that asks a compiler, for any target, where it places the members of a BTF's types. Nothing runs: a file
of assertions is compiled, and the bits of bitfields are read from the initial values of a variable."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requirements

from btfmmap import Btf, Kind

_COMPOSITES = (Kind.STRUCT, Kind.UNION)
_TRANSPARENT = (Kind.CONST, Kind.VOLATILE, Kind.RESTRICT, Kind.TYPE_TAG)
_KEYWORDS = (
    "alignas",
    "alignof",
    "bool",
    "constexpr",
    "false",
    "nullptr",
    "static_assert",
    "thread_local",
    "true",
)
"""Those of C23 only, which get an underscore in a header of that dialect."""


@dataclass
class Place:
    """A member, or one of a type without a name inside it, by its path from the outermost type."""

    path: str
    bit_offset: int
    bitfield_size: int


class Types:
    """The columns of a BTF as lists, which are faster to read one by one."""

    def __init__(self, btf: Btf) -> None:
        self.btf = btf
        self.kind, self.size = btf.types.kind.tolist(), btf.types.size_or_type.tolist()
        self.name = btf.names()
        members = btf.members
        self.indptr, self.type = members.indptr.tolist(), members.type.tolist()
        self.bit_offset, self.bitfield_size = members.bit_offset.tolist(), members.bitfield_size.tolist()
        self.member_name = btf.strings(members.name_off)
        arrays = btf.arrays
        self.element = dict(
            zip(
                arrays.id.tolist(),
                zip(arrays.type.tolist(), arrays.nelems.tolist(), strict=True),
                strict=True,
            )
        )

    def unqualified(self, type_id: int) -> int:
        while self.kind[type_id] in _TRANSPARENT:
            type_id = self.size[type_id]
        return type_id

    def places(self, type_id: int, path: str = "", start: int = 0) -> Iterator[Place]:
        """The members of a type, and those of types without a name inside it."""
        for at in range(self.indptr[type_id], self.indptr[type_id + 1]):
            name, offset = self.member_name[at], start + self.bit_offset[at]
            below = self.unqualified(self.type[at])
            if not name:
                while self.kind[below] == Kind.TYPEDEF:
                    below = self.unqualified(self.size[below])
                if self.kind[below] in _COMPOSITES:
                    yield from self.places(below, path, offset)
                continue
            own = f"{path}{name}"
            yield Place(own, offset, self.bitfield_size[at])
            while self.kind[below] == Kind.ARRAY and self.element[below][1]:
                own, below = f"{own}[0]", self.unqualified(self.element[below][0])
            if self.kind[below] in _COMPOSITES and not self.name[below]:
                yield from self.places(below, f"{own}.", offset)


def unique_types(btf: Btf) -> tuple[list[tuple[str, int]], list[int]]:
    """The types with a name of their own, and that name; the others, whose names are numbered in a header."""
    types = Types(btf)
    named: dict[str, list[int]] = {}
    for type_id, kind in enumerate(types.kind):
        if kind in (*_COMPOSITES, Kind.ENUM, Kind.ENUM64) and types.name[type_id]:
            if kind not in _COMPOSITES and not len(btf[type_id].enumerators):
                continue  # a declaration
            named.setdefault(types.name[type_id], []).append(type_id)
    keyword = {Kind.STRUCT: "struct", Kind.UNION: "union"}
    unique = [
        (f"{keyword.get(types.kind[ids[0]], 'enum')} {name}", ids[0])
        for name, ids in named.items()
        if len(ids) == 1
    ]
    return unique, [type_id for ids in named.values() if len(ids) > 1 for type_id in ids]


class Probe:
    """The assertions on some types of a BTF, and a variable with all their bitfields."""

    def __init__(self, btf: Btf, named: list[tuple[str, int]], dialect: str) -> None:
        types = Types(btf)
        if dialect == "c23":
            types.member_name = [f"{name}_" if name in _KEYWORDS else name for name in types.member_name]
        big = btf.source.byte_order == "big"
        self.lines: list[str] = []
        self.bits = bytearray()
        self.owners: list[tuple[int, str]] = []
        self.checked = 0
        fields: list[str] = []
        values: list[str] = []
        for tag, type_id in named:
            size = types.size[type_id]
            self.lines.append(f'_Static_assert(sizeof({tag}) == {size}, "{tag}");')
            if types.kind[type_id] not in _COMPOSITES:
                continue
            for place in types.places(type_id):
                self.checked += 1
                if not place.bitfield_size:
                    self.lines.append(
                        f"_Static_assert(__builtin_offsetof({tag}, {place.path}) == {place.bit_offset // 8}, "
                        f'"{tag}");'
                    )
                    continue
                fields.append(f"{tag} m{len(values)};")
                values.append(f".m{len(values)}.{place.path} = -1,")
                self.owners.append((len(self.bits), f"{tag}.{place.path}"))
                mask = ((1 << place.bitfield_size) - 1) << place.bit_offset
                content = mask.to_bytes(size, "little")
                if big:
                    mask = ((1 << place.bitfield_size) - 1) << (
                        8 * size - place.bit_offset - place.bitfield_size
                    )
                    content = mask.to_bytes(size, "big")
                self.bits += content
        if fields:
            self.lines += [
                "struct probes {", *fields, "} __attribute__((packed));",
                "struct probes probes __attribute__((section(\".probes\"))) = {", *values, "};",
            ]  # fmt: skip

    def wrong(self, header: str, compiler: list[str], folder: Path) -> set[str]:
        """The types and bitfields that a compiler lays out differently. The header has to compile."""
        source, built, data = (folder / f"probe.{suffix}" for suffix in ("c", "o", "bin"))
        source.write_text("\n".join([header, *self.lines, ""]))
        words = [*compiler, "-w", "-c", str(source), "-o", str(built)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        wrong = set(re.findall(r'"?((?:struct|union|enum) \w+)"?$', done.stderr, re.MULTILINE))
        errors = [
            line
            for line in done.stderr.splitlines()
            if "error:" in line and not re.search(r"static.assert", line)
        ]
        assert not errors, errors[:5]
        if wrong or not self.bits:
            assert wrong or done.returncode == 0, done.stderr
            return wrong
        objcopy = requirements.tool("llvm-objcopy")
        subprocess.run([objcopy, f"--dump-section=.probes={data}", str(built), "/dev/null"], check=True)
        found = data.read_bytes()
        assert len(found) - len(self.bits) in (0, 1)  # s390x: sizes of sections are even
        ends = [*(start for start, _ in self.owners[1:]), len(self.bits)]
        return {
            owner
            for (start, owner), end in zip(self.owners, ends, strict=True)
            if found[start:end] != self.bits[start:end]
        }
