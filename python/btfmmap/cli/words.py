"""Kinds and roles in arguments, by the kernel's names or the words that people use for them."""

from __future__ import annotations

from .common import wrong_usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import NoReturn

    from .. import Kind, Role

_KINDS = {
    "pointer": "PTR",
    "forward": "FWD",
    "function": "FUNC",
    "prototype": "FUNC_PROTO",
    "proto": "FUNC_PROTO",
    "variable": "VAR",
    "section": "DATASEC",
    "integer": "INT",
}
_ROLES = {
    "param": "PARAMETER",
    "argument": "PARAMETER",
    "arg": "PARAMETER",
    "ret": "RETURN",
    "return_type": "RETURN",
    "returned": "RETURN",
    "field": "MEMBER",
    "var": "VARIABLE",
    "global": "VARIABLE",
    "pointer": "POINTEE",
    "ptr": "POINTEE",
    "array": "ELEMENT",
    "typedef": "UNDERLYING",
}


def kind_of(text: str) -> Kind:
    """The kind that a word means."""
    from .. import Kind

    try:
        return Kind[_name(text, _KINDS, Kind.__members__)]
    except KeyError:
        _refuse("kind", text, kind_of, (kind.name for kind in Kind))


def role_of(text: str) -> Role:
    """The role that a word means."""
    from .. import Role

    try:
        return Role[_name(text, _ROLES, Role.__members__)]
    except KeyError:
        _refuse("role", text, role_of, (role.name for role in Role))


def _refuse(what: str, text: str, parse: Callable[[str], object], names: Iterable[str]) -> NoReturn:
    """Refuse a word. A list of several known words is told to be one per option."""
    words = [word.strip() for word in text.replace("|", ",").split(",") if word.strip()]
    if len(words) > 1:
        for word in words:
            parse(word)
        options = " ".join(f"--{what} {word}" for word in words)
        wrong_usage(f"{text!r} is more than one {what}; write {options}")
    wrong_usage(f"unknown {what} {text!r}; {what}s are {', '.join(names).lower()}")


def _name(text: str, aliases: dict[str, str], known: Mapping[str, object]) -> str:
    """The name that a word means. Capital letters, dashes and a plural do not matter."""
    word = text.lower().replace("-", "_").replace(" ", "_")
    for each in (word, word.removesuffix("s")):
        name = aliases.get(each, each.upper())
        if name in known:
            return name
    raise KeyError(text)
