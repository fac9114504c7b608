"""Spells plans as C and for bpftrace."""

from __future__ import annotations

from ..fields import resolved
from ..kind_numbers import ARRAY, STRUCT, UNION, VAR
from .names_in_code import index_names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..types import Type
    from .plans import Hop, Plan


def expression(plan: Plan) -> str:
    """Spell a plan as `Btf.path` accepts it."""
    first = "." if plan.origin == "type" or not plan.is_pointer else "->"
    return _C(index_names(plan.start)).spelled(plan, plan.start, first)


def to_c(plan: Plan, name: str) -> str:
    """Implement `Plan.to_c`."""
    return _C(index_names(name)).spelled(plan, name, "->" if plan.is_pointer else ".")


def to_bpftrace(plan: Plan, name: str | None) -> str:
    """Implement `Plan.to_bpftrace`."""
    indices = index_names(plan.name if name is None else name, "$")
    if name is None:
        name = f"args.{plan.name}" if plan.origin == "parameter" else f"${plan.name}"
    if plan.origin == "type" and plan.root is not None:
        name = f"(({plan.root.c_name} *){name})"
    return _Bpftrace(indices).spelled(plan, name, "->" if plan.is_pointer else ".")


def root_type(plan: Plan) -> Type | None:
    """The type of the object that a plan starts from."""
    root = plan.root
    return root.type if root is not None and root._kind == VAR else root


def indexes_array(before: Type | None, hop: Hop) -> bool:
    """Whether an index is one of an array that a pointer leads to, and not of the pointer."""
    array = None if before is None else resolved(before)
    return array is not None and array._kind == ARRAY and resolved(hop.type).id != array.id


class _C:
    """Spells plans as C."""

    def __init__(self, indices: Iterator[str]) -> None:
        self.indices = indices

    def container(self, pointer: str, hop: Hop) -> str:
        """Spell `container_of`."""
        return f"container_of({pointer}, {hop.type.c_name}, {hop.name})"

    def element(self, pointer: str, _: Hop) -> str:
        """Spell an element of a table of pointers, which the hop follows."""
        return pointer

    def spelled(self, plan: Plan, text: str, first: str) -> str:
        """Spell a plan. `first` is the operator for a member of what `text` is."""
        operator = first  # "->" after a pointer, "." after an object
        before = root_type(plan)
        kind = ""
        is_pointer = plan.is_pointer  # whether `text` is a pointer whose object the next hop starts from
        for hop in plan.hops:
            match hop.kind:
                case "member":
                    text = f"{text}{operator if is_pointer else '.'}{hop.name}"
                    is_pointer = False
                case "index":
                    if is_pointer and indexes_array(before, hop):
                        text = f"(*{text})"
                    text = f"{text}[{next(self.indices) if hop.element is None else hop.element}]"
                    is_pointer = False
                case "dereference":
                    if is_pointer:
                        text = f"(*{text})"
                    elif kind == "index":
                        text = self.element(text, hop)
                    is_pointer = True
                case "cast":
                    text = f"(({hop.name}){text})"
                    is_pointer = True
                case "container":
                    text = self.container(text, hop)
                    is_pointer = True
            if hop.kind != "member":
                operator = "->"
            before, kind = hop.type, hop.kind
        is_pointee = kind == "dereference" or (not kind and plan.origin == "variable" and plan.is_pointer)
        return f"*{text}" if is_pointee else text


class _Bpftrace(_C):
    """Spells plans for bpftrace."""

    def container(self, pointer: str, hop: Hop) -> str:
        """Spell `container_of`, which bpftrace does not have, by numbers: pointers would count in objects."""
        type_ = hop.type.c_name
        return f"(({type_} *)((uint64){pointer} - offsetof({type_}, {hop.name})))"

    def element(self, pointer: str, hop: Hop) -> str:
        """Cast an element of a table: without that, bpftrace 0.17 does not know the members of its type."""
        below = resolved(hop.type)
        is_named = below._kind in (STRUCT, UNION) and bool(below.name)
        return f"(({hop.type.c_name} *){pointer})" if is_named else pointer
