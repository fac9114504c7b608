"""Searches for the users of a type, for `Btf.users`."""

from __future__ import annotations

from bisect import bisect_left
from functools import partial
from itertools import repeat, zip_longest

from . import kind_numbers as kinds
from .roles import Role
from .types import Type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from typing import Any, NamedTuple, TypeVar

    from .btf import Btf

    _T = TypeVar("_T")
else:
    from .named_tuples import NamedTuple

THROUGH = ("typedef", "const", "volatile", "restrict", "type_tag", "pointer", "array", "anonymous")
"""The kinds of types that may lie between a type and its user."""

EMBEDDED = tuple(word for word in THROUGH if word != "pointer")
"""`THROUGH` without pointers: finds users that contain the type itself."""

_KINDS = {
    "typedef": kinds.TYPEDEF,
    "const": kinds.CONST,
    "volatile": kinds.VOLATILE,
    "restrict": kinds.RESTRICT,
    "type_tag": kinds.TYPE_TAG,
    "pointer": kinds.PTR,
    "array": kinds.ARRAY,
}
_ROLES = tuple(Role)


class User(NamedTuple):
    """One use of a type.

    Attributes:
        type: the user: a STRUCT or UNION, a FUNC_PROTO and each FUNC that has it, a VAR, a DECL_TAG, ...
        role: how it uses the type: `Role.MEMBER`, `Role.PARAMETER`, `Role.RETURN`, `Role.VARIABLE`, ...
        position: index of the member or parameter, from 0; -1 for other roles. For a use through anonymous
            structs, it is the index in the innermost one.
        name: name of the member or parameter. If a named member has an anonymous struct as its
            type, the members of that struct have dotted names: "outer.inner".
        bit_offset: offset of the member from the start of the user, in bits; 0 for other roles.
        pointers: number of pointers between the user and the type.

    Example:
        >>> user = btf.users("struct list")[1]
        >>> user.role.name, user.name, user.pointers
        ('MEMBER', 'next', 1)
    """

    type: Type
    role: Role
    position: int
    name: str
    bit_offset: int
    pointers: int


_new_user: Callable[[tuple[Any, ...]], User] = partial(tuple.__new__, User)


def users(
    btf: Btf, type_id: int, roles: Collection[int] | None = None, through: Collection[str] = THROUGH
) -> list[User]:
    """Find the users of a type; see `Btf.users`."""
    wanted = _chosen("roles", _ROLES if roles is None else roles, _ROLES)
    passed = _chosen("through", through, THROUGH)
    ids, numbers, *columns = btf._core_graph.users(
        type_id,
        list(wanted),
        [kind for word, kind in _KINDS.items() if word in passed],
        "anonymous" in passed,
    )
    rows = zip(_types(btf, ids), map(_ROLES.__getitem__, numbers), *columns, strict=True)
    return list(map(_new_user, rows))


def _types(btf: Btf, ids: list[int]) -> list[Type]:
    """Return the types with some IDs, which are in ascending order."""
    types: list[Type] = []
    levels = btf._levels()
    for level, after in zip_longest(levels, levels[1:]):
        start = len(types)
        end = len(ids) if after is None else bisect_left(ids, after.first_id, start)
        types += map(Type, repeat(level), ids[start:end])
    return types


def _chosen(argument: str, items: Collection[_T], possible: Iterable[_T]) -> frozenset[_T]:
    if isinstance(items, str | int):
        raise TypeError(f"{argument} must be a collection such as [{items!r}], not {items!r}")
    chosen = frozenset(items)
    unknown = sorted(repr(item) for item in chosen - set(possible))
    if unknown:
        words = [f"Role.{item.name}" if isinstance(item, Role) else str(item) for item in possible]
        raise ValueError(f"{argument} contains {', '.join(unknown)}; allowed are {', '.join(words)}")
    return chosen
