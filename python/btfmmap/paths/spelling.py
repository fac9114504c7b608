"""Spells plans as C and for bpftrace."""

from __future__ import annotations

from ..fields import resolved
from ..kind_numbers import ARRAY
from .names_in_code import index_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..types import Type
    from .plans import Hop, Plan


def expression(plan: Plan) -> str:
    """Spell a plan as `Btf.path` accepts it."""
    first = "." if plan.origin == "type" or not plan.is_pointer else "->"
    return _spelled(plan, plan.start, first, _container_of, index_names(plan.start))


def to_c(plan: Plan, name: str) -> str:
    """Implement `Plan.to_c`."""
    first = "->" if plan.is_pointer else "."
    return _spelled(plan, name, first, _container_of, index_names(name))


def to_bpftrace(plan: Plan, name: str | None) -> str:
    """Implement `Plan.to_bpftrace`."""
    indices = index_names(plan.name if name is None else name, "$")
    if name is None:
        name = f"args.{plan.name}" if plan.origin == "parameter" else f"${plan.name}"
    if plan.origin == "type" and plan.root is not None:
        name = f"(({plan.root.c_name} *){name})"
    return _spelled(plan, name, "->" if plan.is_pointer else ".", _by_offset, indices)


def _container_of(pointer: str, hop: Hop) -> str:
    return f"container_of({pointer}, {hop.type.c_name}, {hop.name})"


def _by_offset(pointer: str, hop: Hop) -> str:
    """Spell `container_of`, which bpftrace does not have, by numbers: pointers would count in objects."""
    type_ = hop.type.c_name
    return f"(({type_} *)((uint64){pointer} - offsetof({type_}, {hop.name})))"


def _spelled(
    plan: Plan, text: str, first: str, container: Callable[[str, Hop], str], indices: Iterator[str]
) -> str:
    """Spell a plan as C. `first` is the operator for a member of what `text` is."""
    operator = first  # "->" after a pointer, "." after an object
    before = plan.root
    is_pointer = True  # whether `text` is a pointer whose object the next hop starts from
    for hop in plan.hops:
        match hop.kind:
            case "member":
                text = f"{text}{operator if is_pointer else '.'}{hop.name}"
                is_pointer = False
            case "index":
                if is_pointer and text is not plan.start and _is_array(before):
                    text = f"(*{text})"
                text = f"{text}[{next(indices) if hop.element is None else hop.element}]"
                is_pointer = False
            case "dereference":
                text = f"(*{text})" if is_pointer else text
                is_pointer = True
            case "cast":
                text = f"(({hop.name}){text})"
                is_pointer = True
            case "container":
                text = container(text, hop)
                is_pointer = True
        if hop.kind != "member":
            operator = "->"
        before = hop.type
    last = plan.hops[-1].kind if plan.hops else ""
    is_pointee = last == "dereference" or (not last and plan.origin == "variable" and plan.is_pointer)
    return f"*{text}" if is_pointee else text


def _is_array(type_: Type | None) -> bool:
    return type_ is not None and resolved(type_)._kind == ARRAY
