"""Writes types in C's spelling as pahole does: for people to read, not for a compiler.

The text is bounded: a type that refers to itself has no end, and a prototype that takes itself twice doubles
with each level. "..." replaces what is nested more than 64 types deep or follows the first 4,096 characters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .kinds import Kind

if TYPE_CHECKING:
    from .types import Type

_PREFIXES = {Kind.STRUCT: "struct ", Kind.UNION: "union ", Kind.ENUM: "enum ", Kind.ENUM64: "enum "}
_MAX_DEPTH = 64
_MAX_TEXT = 4096


def type_name(type_: Type | None) -> str:
    """A type's C name, such as "struct sock *". For an array, the name of its element type."""
    writer = _Writer()
    writer.push_type(type_, 0)
    return writer.text()


def untagged(type_: Type | None) -> Type | None:
    """The type below TYPE_TAGs."""
    for _ in range(_MAX_DEPTH):
        if type_ is None or type_.kind != Kind.TYPE_TAG:
            break
        type_ = type_.type
    return type_


def padded_name(type_: Type, width: int) -> str:
    """`type_name`, padded to `width`. As in pahole, only the part after the keyword is padded."""
    prefix = _PREFIXES.get(type_.kind, "")
    return prefix + type_name(type_)[len(prefix) :].ljust(abs(width - len(prefix)))


def function(proto: Type, name: str, *, pointer: bool = False, spacing: int = 0) -> str:
    """A named function or pointer to a function. The return type is padded to `spacing`."""
    returned = type_name(proto.type)
    writer = _Writer(len(returned))
    writer.push_declarator(proto, name, pointer, 0)
    return returned.ljust(abs(spacing)) + writer.text()


class _Writer:
    """Writes from left to right.

    A stack holds what remains to be written: texts, types with their depths, and the remaining parameters
    of prototypes.
    """

    def __init__(self, length: int = 0) -> None:
        self.pieces: list[str] = []
        self.length = length
        self.stack: list[str | tuple[Type | None, int] | _Parameters] = []

    def text(self) -> str:
        while self.stack:
            item = self.stack.pop()
            if isinstance(item, str):
                self.pieces.append(item)
                self.length += len(item)
            elif isinstance(item, _Parameters):
                self.parameter(item)
            else:
                self.type_(*item)
        return "".join(self.pieces)

    def push(self, *items: str | tuple[Type | None, int] | _Parameters) -> None:
        self.stack += reversed(items)

    def push_type(self, type_: Type | None, depth: int) -> None:
        self.stack.append((type_, depth))

    def push_declarator(self, proto: Type, name: str, pointer: bool, depth: int) -> None:
        """A prototype without its return type."""
        self.push(f" (*{name})(" if pointer else f" {name}(", _Parameters(proto, depth + 1), ")")

    def push_function(self, proto: Type, name: str, pointer: bool, depth: int) -> None:
        self.push_declarator(proto, name, pointer, depth)
        self.push_type(proto.type, depth + 1)

    def type_(self, type_: Type | None, depth: int) -> None:
        kind = Kind.VOID if type_ is None else type_.kind
        if type_ is None or kind == Kind.VOID:
            self.push("void")
        elif depth > _MAX_DEPTH or self.length > _MAX_TEXT:
            self.push("...")
        elif kind == Kind.PTR:
            self.pointer(type_, depth)
        elif kind in (Kind.CONST, Kind.VOLATILE):
            self.push(f"{kind.name.lower()} ", (type_.type, depth + 1), " ")
        elif kind == Kind.RESTRICT:
            self.push((type_.type, depth + 1), " restrict ")
        elif kind in (Kind.TYPE_TAG, Kind.ARRAY):
            self.push_type(type_.type, depth + 1)
        elif kind == Kind.FWD:
            self.push(f"{'union' if type_.kind_flag else 'struct'} {type_.name}")
        elif kind == Kind.FUNC_PROTO:
            self.push_function(type_, "", False, depth + 1)
        else:
            self.push(_PREFIXES.get(kind, "") + (type_.name or "{...}"))

    def pointer(self, type_: Type, depth: int) -> None:
        target = untagged(type_.type)
        if target is not None and target.kind == Kind.FUNC_PROTO:
            self.push_function(target, "", True, depth + 1)
            return
        if target is not None and target.kind == Kind.CONST:
            inner = target.type
            if inner is not None and inner.kind == Kind.PTR:
                self.push((inner, depth + 1), " const *")
                return
        self.push((target, depth + 1), " *")

    def parameter(self, parameters: _Parameters) -> None:
        """Write the next parameter, and push the rest back onto the stack."""
        parameter = parameters.take()
        if parameter is None:
            if parameters.is_first:
                self.push("void")
            return
        if not parameters.is_first:
            self.pieces.append(", ")
            self.length += 2
        if self.length > _MAX_TEXT:
            self.push("...")
            return
        parameters.is_first = False
        self.stack.append(parameters)
        name, type_ = parameter
        if type_.kind == Kind.VOID and not name:
            self.push("...")
        elif type_.kind == Kind.PTR and type_.type is not None and type_.type.kind == Kind.FUNC_PROTO:
            if parameters.depth > _MAX_DEPTH:
                self.push("...")
            else:
                self.push_function(type_.type, name, True, parameters.depth)
        else:
            self.push((type_, parameters.depth), f" {name}" if name else "")


class _Parameters:
    """The parameters of a prototype that remain to be written."""

    def __init__(self, proto: Type, depth: int) -> None:
        self.btf = proto.btf
        self.left = zip(*proto._children("params", "name_off", "type"), strict=True)
        self.depth = depth
        self.is_first = True

    def take(self) -> tuple[str, Type] | None:
        row = next(self.left, None)
        return None if row is None else (self.btf.string(row[0]), self.btf._type(row[1]))
