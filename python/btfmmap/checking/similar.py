"""What a kernel has in place of what it lacks: similar names, and fields at the same offset."""

from __future__ import annotations

import re
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


def similar_to(missing: Missing, local: Btf, root_id: int, kernel: Btf) -> list[str]:
    """Find what in a kernel may stand for what a relocation asks for.

    Args:
        missing: What the relocation asks for.
        local: The object's BTF.
        root_id: The root type there.
        kernel: The kernel's BTF.

    Returns:
        At most a few names, each with a remark in parentheses if there is more to say.
    """
    root = local[root_id]
    name = essential_name(missing.root)
    type_id = kernel.find(name, root.kind)
    if type_id is None:
        return similar_types(kernel, name, root.kind)
    target = kernel[type_id]
    if missing.kind in (CoreReloKind.ENUMVAL_EXISTS, CoreReloKind.ENUMVAL_VALUE):
        return similar_names(
            essential_name(missing.path), (each.name for each in target.enumerators), _CUTOFF
        )
    if missing.kind > CoreReloKind.FIELD_RSHIFT_U64:
        return []
    parts = _PART.findall(_INDEX.sub("", missing.path))
    found = _similar_fields(parts, root, target, missing.root == name)
    return found if found or not missing.is_bitfield or not parts else _similar_flags(parts[-1], kernel)


def similar_types(kernel: Btf, name: str, kind: Kind) -> list[str]:
    """The types of a kind whose names resemble a name.

    Looks only at names that contain the first part of this one: comparing all takes seconds.
    """
    bare = name.strip("_")
    stem = bare[: max(len(bare) * 2 // 3, 1)]
    if not stem or any(letter in stem for letter in "*?["):
        return []
    found = kernel.names(kernel.match(f"*{stem}*", kind))
    return similar_names(name, dict.fromkeys(found), _CUTOFF)


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


def _similar_flags(name: str, kernel: Btf) -> list[str]:
    """Enumerators that end with the name of a bitfield: bitfields often become flags in an integer."""
    strings, wanted = kernel.string_section.tobytes(), f"_{name.upper()}\0".encode()
    found: list[str] = []
    at = strings.find(wanted)
    while at >= 0 and len(found) < _MAX_CLOSE:
        start = strings.rfind(b"\0", 0, at) + 1
        flag = strings[start : at + len(wanted) - 1].decode("utf-8", "replace")
        if kernel.find_enumerators(flag):
            found.append(f"{flag} (enumerator)")
        at = strings.find(wanted, at + 1)
    return found


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
