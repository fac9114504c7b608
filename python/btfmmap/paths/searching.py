"""Paths that are found: from a type to another one, and from parameters of functions."""

from __future__ import annotations

from _operator import index

from .._core import closest_parameters, find_paths
from ..errors import NotFoundError
from ..fields import required_field, resolved
from ..kind_numbers import FUNC, PTR, STRUCT, UNION
from .plans import Plan, hops_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from ..btf import Btf
    from ..types import Type

_EVERY = "*"
_MAX_POINTERS = 64
_MAX_LIMIT = (1 << 31) - 1


def paths(
    btf: Btf,
    start: int,
    target: int,
    *,
    max_pointers: int,
    limit: int | None,
    up: bool,
    avoid: Iterable[str | Type],
) -> list[Plan]:
    """Implement `Btf.paths`."""
    root = btf._type(start)
    below = resolved(root)
    if root._kind == FUNC:
        raise ValueError(f"{root.name} is a function: `closest` finds the paths from its parameters")
    if below._kind not in (STRUCT, UNION):
        raise ValueError(f"{root.c_name} is neither a struct nor a union")
    name = root.name or root.c_name
    rows = find_paths(
        btf._core_graph, btf._core_layout, below.id, *_query(btf, target, max_pointers, limit, up, avoid)
    )
    found = []
    for row in rows:
        hops = tuple(hops_of(btf, row))
        found.append(Plan(name, "type", "ptr", True, root, hops, hops[-1].type))
    return found


def closest(
    btf: Btf,
    target: int,
    functions: str | Iterable[str],
    *,
    max_pointers: int,
    limit: int | None,
    up: bool,
    avoid: Iterable[str | Type],
) -> list[Plan]:
    """Implement `Btf.closest`."""
    patterns = [functions] if isinstance(functions, str) else [*functions]
    ids: dict[int, None] = {}
    for pattern in patterns:
        found_ids = btf.match(pattern, FUNC)
        if not found_ids and pattern != _EVERY:
            raise NotFoundError(f"no function matches {pattern!r}")
        ids.update(dict.fromkeys(found_ids))
    rows = closest_parameters(
        btf._core_graph, btf._core_layout, ids, *_query(btf, target, max_pointers, limit, up, avoid)
    )
    found = []
    for function, position, type_id, row in rows:
        hops = tuple(hops_of(btf, row))
        type_ = btf._type(type_id)
        parameters = btf._type(function).params  # fewer than before, if the bytes have changed
        name = (parameters[position].name if position < len(parameters) else "") or f"arg{position}"
        is_pointer = resolved(type_)._kind == PTR
        end = hops[-1].type if hops else type_
        found.append(Plan(f"{btf.name(function)}.{name}", "parameter", name, is_pointer, type_, hops, end))
    return found


def _query(
    btf: Btf, target: int, max_pointers: int, limit: int | None, up: bool, avoid: Iterable[str | Type]
) -> tuple[Any, ...]:
    max_pointers = index(max_pointers)
    if not 0 <= max_pointers <= _MAX_POINTERS:
        raise ValueError(f"max_pointers is {max_pointers}, must be 0 to {_MAX_POINTERS}")
    limit = _MAX_LIMIT if limit is None else index(limit)
    if limit < 0:
        raise ValueError(f"limit is {limit}, must not be negative")
    if target == 0:
        raise ValueError("paths do not lead to void")
    if isinstance(avoid, str):
        raise TypeError(f"avoid must be a collection such as [{avoid!r}], not {avoid!r}")
    types: list[int] = []
    members: list[tuple[int, int]] = []
    for each in avoid:
        _add_avoided(btf, each, types, members)
    # A struct may be the target under the name of a typedef too.
    targets = {target, resolved(btf._type(target)).id}
    return [*targets], max_pointers, min(limit, _MAX_LIMIT), bool(up), types, members


def _add_avoided(btf: Btf, item: str | Type, types: list[int], members: list[tuple[int, int]]) -> None:
    if not isinstance(item, str):
        types.append(btf._id_of(item))
        return
    ids = btf.find_all(item)
    if ids or "." not in item:
        if not ids:
            btf._id_of(item)  # raises
        types += ids
        return
    name, _, path = item.partition(".")
    for type_id in btf.candidates(name, "find_member") or [btf._id_of(name)]:
        field = required_field(btf, type_id, name, path)
        members.append((field.parent.id, field.number))
