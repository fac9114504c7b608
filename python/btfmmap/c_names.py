"""Types in C's spelling, as pahole writes it: for people to read, not for a compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .kinds import Kind

if TYPE_CHECKING:
    from .types import Type

_PREFIXES = {Kind.STRUCT: "struct ", Kind.UNION: "union ", Kind.ENUM: "enum ", Kind.ENUM64: "enum "}
_MAX_DEPTH = 64
_MAX_TEXT = 4096  # a prototype that takes itself twice would be written without end


def type_name(type_: Type | None, depth: int = 0) -> str:
    """Say "struct sock *"; of an array what it is made of."""
    if type_ is None or type_.kind == Kind.VOID:
        return "void"
    if depth > _MAX_DEPTH:
        return "..."
    kind = type_.kind
    if kind == Kind.PTR:
        return pointer_name(type_, depth)
    if kind == Kind.CONST:
        return f"const {type_name(type_.type, depth + 1)} "
    if kind == Kind.VOLATILE:
        return f"volatile {type_name(type_.type, depth + 1)} "
    if kind == Kind.RESTRICT:
        return f"{type_name(type_.type, depth + 1)} restrict "
    if kind in (Kind.TYPE_TAG, Kind.ARRAY):
        return type_name(type_.type, depth + 1)
    if kind == Kind.FWD:
        return f"{'union' if type_.kind_flag else 'struct'} {type_.name}"
    if kind == Kind.FUNC_PROTO:
        return function(type_, "", depth=depth + 1)
    return _PREFIXES.get(kind, "") + (type_.name or "{...}")


def untagged(type_: Type | None) -> Type | None:
    """Below TYPE_TAGs."""
    for _ in range(_MAX_DEPTH):
        if type_ is None or type_.kind != Kind.TYPE_TAG:
            break
        type_ = type_.type
    return type_


def padded_name(type_: Type, width: int) -> str:
    """`type_name` of `width`; a keyword is never what is padded."""
    prefix = _PREFIXES.get(type_.kind, "")
    return prefix + type_name(type_)[len(prefix) :].ljust(abs(width - len(prefix)))


def pointer_name(type_: Type, depth: int = 0) -> str:
    if depth > _MAX_DEPTH:
        return "..."
    target = untagged(type_.type)
    if target is not None and target.kind == Kind.FUNC_PROTO:
        return function(target, "", pointer=True, depth=depth + 1)
    if target is not None and target.kind == Kind.CONST:
        inner = target.type
        if inner is not None and inner.kind == Kind.PTR:
            return f"{pointer_name(inner, depth + 1)} const *"
    return f"{type_name(target, depth + 1)} *"


def function(proto: Type, name: str, *, pointer: bool = False, spacing: int = 0, depth: int = 0) -> str:
    """A prototype with a name, or a pointer to one; the return type padded to `spacing`."""
    if depth > _MAX_DEPTH:
        return "..."
    parameters: list[str] = []
    length = 0
    for parameter in proto.params:
        if length > _MAX_TEXT:
            parameters.append("...")
            break
        if parameter.type.kind == Kind.VOID and not parameter.name:
            parameters.append("...")
        else:
            parameters.append(parameter_text(parameter.type, parameter.name, depth + 1))
        length += len(parameters[-1])
    declarator = f"(*{name})" if pointer else name
    returned = type_name(proto.type, depth + 1)
    return f"{returned.ljust(abs(spacing))} {declarator}({', '.join(parameters) or 'void'})"


def parameter_text(type_: Type, name: str, depth: int) -> str:
    if type_.kind == Kind.PTR and type_.type is not None and type_.type.kind == Kind.FUNC_PROTO:
        return function(type_.type, name, pointer=True, depth=depth)
    text = type_name(type_, depth)
    return f"{text} {name}" if name else text
