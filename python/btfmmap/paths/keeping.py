"""`Btf.path`: keeps what expressions mean, because loops ask for the same ones again and again."""

from __future__ import annotations

from .expressions import Meaning, check_variables, parsed
from .plans import Hop, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..btf import Btf

_new: Any = tuple.__new__  # half the time of a call of the class


def plan_of(btf: Btf, expression: str, variables: Mapping[str, str] | None) -> Plan:
    """Implement `Btf.path`."""
    kept = btf._expressions
    key = (expression, tuple(sorted(variables.items())) if variables else ())
    meaning: Meaning | None = kept.get(key) if type(expression) is str else None
    if meaning is None:
        meaning = parsed(btf, expression, variables or {})
        check_variables(btf, variables or {})
        if type(expression) is str:
            kept.keep(key, meaning, len(expression) + sum(map(len, (variables or {}).values())))
    # A plan is not kept: it refers to the Btf, and only the garbage collector could free such a cycle.
    return plan_from(btf, meaning)


def plan_from(btf: Btf, meaning: Meaning) -> Plan:
    """Return the plan of what an expression means."""
    type_of = btf._type
    *head, root, rows, end = meaning
    hops = tuple([_new(Hop, (kind, name, type_of(of), *rest)) for kind, name, of, *rest in rows])
    plan: Plan = _new(Plan, (*head, None if root is None else type_of(root), hops, type_of(end)))
    return plan
