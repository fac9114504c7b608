"""What a kernel has in place of what it lacks: similar names, and fields at the same offset."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from ..close_names import similar_names
from ..kinds import Kind
from ..relocation_kinds import CoreReloKind
from ..requirements import essential_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..btf import Btf
    from ..types import Type

_COMPOSITES = (Kind.STRUCT, Kind.UNION)
_PART = re.compile(r"[^.\[\]]+(?=[.\[]|$)")
_INDEX = re.compile(r"\[\d+\]")
_CUTOFF = 0.6
_MAX_FIELDS = 4096  # of a type, with those of anonymous members
_MAX_LEVELS = 32  # of arrays, typedefs and qualifiers
_MAX_CLOSE = 3
_MAX_STRINGS = 64  # that contain a part
_MIN_PART = 6  # letters of a name that others may contain
_HEAD = 6  # letters of names that are searched at once
_PREFIXES = ("_", "__", "do_", "__do_", "")


class Missing(NamedTuple):
    """What a relocation asks for: the root type, the path below it, the `CoreReloKind`."""

    root: str
    path: str
    kind: int
    is_bitfield: bool


class _Field(NamedTuple):
    name: str
    bit_offset: int
    type: Type


class Similar:
    """Looks in one kernel for what may stand for what it lacks."""

    def __init__(self, kernel: Btf) -> None:
        self._kernel = kernel
        self._names: dict[tuple[Kind, str], list[str]] = {}  # by kind and first letters

    def to_relocation(self, missing: Missing, root: Type) -> list[str]:
        """Find what may stand for what a relocation asks for.

        Args:
            missing: What the relocation asks for.
            root: The root type, in the object.

        Returns:
            At most a few names, each with a remark in parentheses if there is more to say.
        """
        name = essential_name(missing.root)
        type_id = self._kernel.find(name, root.kind)
        if type_id is None:
            return self.to_type(name, root.kind)
        target = self._kernel[type_id]
        if missing.kind in (CoreReloKind.ENUMVAL_EXISTS, CoreReloKind.ENUMVAL_VALUE):
            values = {enumerator.name: enumerator.value for enumerator in target.enumerators}
            close = similar_names(essential_name(missing.path), values, _CUTOFF)
            return [f"{each} (value {values[each]})" for each in close]
        if missing.kind > CoreReloKind.FIELD_RSHIFT_U64:
            return []
        parts = _PART.findall(_INDEX.sub("", missing.path))
        found = _similar_fields(parts, root, target, missing.root == name)
        return found if found or not missing.is_bitfield or not parts else self._flags(parts[-1])

    def to_type(self, name: str, kind: Kind) -> list[str]:
        """Find types of a kind whose names resemble a name.

        Looks at names with the same beginning, apart from prefixes that functions get when they are split. If
        none of them is similar, looks at names that contain this one without such a prefix. Comparing all
        names would take seconds.
        """
        bare = name.strip("_")
        stem = bare[: len(bare) * 2 // 3]
        if not stem or any(letter in stem for letter in "*?["):
            return []
        split = self._kernel.lookup([prefix + bare for prefix in _PREFIXES], kind).tolist()
        names = self._kernel.names([type_id for type_id in split if type_id >= 0])
        beginning = dict.fromkeys((*self._starting_with(stem, kind), *names))
        found = similar_names(name, beginning, _CUTOFF)
        return found or similar_names(name, self._containing(bare.removeprefix("do_"), kind), _CUTOFF)

    def _starting_with(self, stem: str, kind: Kind) -> list[str]:
        """The names of a kind with a beginning. Missing names often have their first letters in common."""
        head = stem[:_HEAD]
        if (kind, head) not in self._names:
            self._names[kind, head] = self._kernel.names(self._kernel.match(f"{head}*", kind))
        return [name for name in self._names[kind, head] if name.startswith(stem)]

    def _containing(self, part: str, kind: Kind) -> list[str]:
        """The names of a kind that contain a part."""
        if len(part) < _MIN_PART:
            return []
        names = [*self._strings_with(part)]
        found: list[str] = []
        for name, type_id in zip(names, self._kernel.lookup(names, kind).tolist(), strict=True):
            found += [name] * (type_id >= 0)
        return found

    def _flags(self, name: str) -> list[str]:
        """Enumerators that end with the name of a bitfield: bitfields often become flags in an integer."""
        found: list[str] = []
        for flag in self._strings_with(f"_{name.upper()}\0"):
            found += [
                f"{flag} (enumerator of {_enum_name(enum)}, value {enumerator.value})"
                for enum, enumerator in self._kernel.find_enumerators(flag)[:1]
            ]
            if len(found) == _MAX_CLOSE:
                break
        return found

    def _strings_with(self, part: str) -> Iterator[str]:
        """The first strings that contain a part; a NUL at its end stands for the end of the string."""
        wanted = part.encode("utf-8", "surrogateescape")
        end = 0
        for _ in range(_MAX_STRINGS):
            at = self._strings.find(wanted, end)
            if at < 0:
                break
            start, end = self._strings.rfind(b"\0", 0, at) + 1, self._strings.find(b"\0", at)
            yield self._strings[start:end].decode("utf-8", "surrogateescape")

    @cached_property
    def _strings(self) -> bytes:
        return self._kernel.string_section.tobytes()


def _enum_name(enum: Type) -> str:
    return f"enum {enum.name}" if enum.name else "an unnamed enum"


def _similar_fields(parts: list[str], root: Type, target: Type, complete: bool) -> list[str]:
    """Fields of the target that resemble the first one of a path that it lacks.

    `complete` says that the root type is the whole type of another kernel, whose offsets can be compared.
    """
    at_local = at_target = 0
    for part in parts:
        theirs = [*_fields(target)]
        own = next((field for field in _fields(root) if field.name == part), None)
        if own is None:
            return []
        found = next((field for field in theirs if field.name == part), None)
        if found is None:
            return _close(own, at_local, theirs, at_target, complete)
        at_local, at_target = at_local + own.bit_offset, at_target + found.bit_offset
        root, target = _below(own.type), _below(found.type)
    return []


def _close(own: _Field, at_local: int, theirs: list[_Field], at_target: int, complete: bool) -> list[str]:
    named = similar_names(own.name, dict.fromkeys(field.name for field in theirs), _CUTOFF)
    remarks = dict.fromkeys(named, "")
    if complete:
        for field in theirs:
            same_offset = at_target + field.bit_offset == at_local + own.bit_offset
            if same_offset and field.type.c_name == own.type.c_name:
                remarks[field.name] = " (same offset and type)"
    remarked = sorted(remarks, key=lambda name: not remarks[name])
    return [name + remarks[name] for name in remarked[:_MAX_CLOSE]]


def _fields(type_: Type) -> Iterator[_Field]:
    """The members of a struct or union, with those of anonymous members in it."""
    pending = [(type_, 0)]
    for _ in range(_MAX_FIELDS):
        if not pending:
            return
        outer, start = pending.pop()
        if outer.kind not in _COMPOSITES:
            continue
        for member in outer.members[:_MAX_FIELDS]:
            if member.name:
                yield _Field(member.name, start + member.bit_offset, member.type)
            else:
                pending.append((_below(member.type), start + member.bit_offset))


def _below(type_: Type) -> Type:
    """The type below arrays, typedefs and qualifiers."""
    for _ in range(_MAX_LEVELS):
        inner = type_.type
        if inner is None or type_.kind in (Kind.PTR, Kind.FUNC, Kind.FUNC_PROTO, Kind.VAR):
            break
        type_ = inner
    return type_
