"""Spells plans as C, as `BPF_CORE_READ` and for bpftrace."""

from __future__ import annotations

from ..fields import resolved
from ..kind_numbers import ARRAY, STRUCT, UNION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..types import Type
    from .plans import Hop, Plan

_MAX_ACCESSORS = 9  # of BPF_CORE_READ
_OPEN = "i"


def expression(plan: Plan) -> str:
    """Spell a plan as `Btf.path` accepts it."""
    first = "." if plan.origin == "type" or not plan.is_pointer else "->"
    return _spelled(plan, plan.start, first, _container_of)


def to_c(plan: Plan, name: str) -> str:
    """Implement `Plan.to_c`."""
    return _spelled(plan, name, "->" if plan.is_pointer else ".", _container_of)


def to_bpftrace(plan: Plan, name: str | None) -> str:
    """Implement `Plan.to_bpftrace`."""
    if name is None:
        name = f"args.{plan.name}" if plan.origin == "parameter" else f"${plan.name}"
    if plan.origin == "type" and plan.root is not None:
        name = f"(({plan.root.c_name} *){name})"
    return _spelled(plan, name, "->" if plan.is_pointer else ".", _by_offset, open_index="$i")


def _container_of(pointer: str, hop: Hop) -> str:
    return f"container_of({pointer}, {hop.type.c_name}, {hop.name})"


def _by_offset(pointer: str, hop: Hop) -> str:
    """Spell `container_of`, which bpftrace does not have, by numbers: pointers would count in objects."""
    type_ = hop.type.c_name
    return f"(({type_} *)((uint64){pointer} - offsetof({type_}, {hop.name})))"


def _spelled(
    plan: Plan, text: str, first: str, container: Callable[[str, Hop], str], open_index: str = _OPEN
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
                text = f"{text}[{open_index if hop.element is None else hop.element}]"
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
    return f"*{text}" if plan.hops and plan.hops[-1].kind == "dereference" else text


def _is_array(type_: Type | None) -> bool:
    return type_ is not None and resolved(type_)._kind == ARRAY


class _CoreRead:
    """Collects what one `BPF_CORE_READ` reads: members from a pointer on, through further pointers."""

    def __init__(self, pointer: str) -> None:
        self.pointer = pointer
        self.accessors: list[str] = []
        self.is_open = False  # whether the last accessor goes on

    def add(self, text: str) -> None:
        if self.is_open:
            self.accessors[-1] += text if text.startswith("[") else f".{text}"
        else:
            self.accessors.append(text)
        self.is_open = True

    def value(self) -> str:
        """The value that the accessors lead to, which is read."""
        pointer, accessors = self.pointer, self.accessors
        while accessors:
            pointer = f"BPF_CORE_READ({', '.join((pointer, *accessors[:_MAX_ACCESSORS]))})"
            accessors = accessors[_MAX_ACCESSORS:]
        return pointer

    def before_last(self) -> str:
        """The pointer that the last accessor starts from."""
        rest = _CoreRead(self.pointer)
        rest.accessors = self.accessors[:-1]
        return rest.value()

    def restart(self, pointer: str) -> None:
        self.pointer, self.accessors, self.is_open = pointer, [], False


def to_core_read(plan: Plan, name: str) -> str:
    """Implement `Plan.to_core_read`."""
    reading = _CoreRead(name if plan.is_pointer else f"&{name}")
    for hop in plan.hops:
        match hop.kind:
            case "member":
                reading.add(hop.name)
            case "index":
                index = f"[{_OPEN if hop.element is None else hop.element}]"
                if reading.is_open:
                    reading.add(index)
                else:  # of a pointer
                    value = reading.value()
                    reading.restart(f"&{value}{index}")
            case "dereference":
                if not reading.is_open:  # a pointer to a pointer
                    value = reading.value()
                    reading.restart(
                        f"({{ typeof(*({value})) p; bpf_core_read(&p, sizeof(p), {value}); p; }})"
                    )
                reading.is_open = False
            case "cast":
                reading.restart(f"(({hop.name}){_pointer(reading)})")
            case "container":
                reading.restart(_container_of(reading.value(), hop))
    return _read_value(plan, reading)


def _pointer(reading: _CoreRead) -> str:
    """The pointer that a cast is applied to: one that was read, or an array."""
    if reading.is_open:
        return f"&{reading.before_last()}->{reading.accessors[-1]}"
    return reading.value()


def _read_value(plan: Plan, reading: _CoreRead) -> str:
    if not reading.is_open:
        return reading.value()
    last = reading.accessors[-1]
    if plan.bitfield_size:
        return f"BPF_CORE_READ_BITFIELD_PROBED({reading.before_last()}, {last})"
    below = resolved(plan.type)
    if below._kind in (STRUCT, UNION):
        return f"&{reading.before_last()}->{last}"
    if below._kind != ARRAY:
        return reading.value()
    element = below.type
    is_text = element is not None and resolved(element).name == "char"
    macro = "BPF_CORE_READ_STR_INTO" if is_text else "BPF_CORE_READ_INTO"
    long = len(reading.accessors) > _MAX_ACCESSORS
    pointer, accessors = (reading.before_last(), [last]) if long else (reading.pointer, reading.accessors)
    return f"{macro}({', '.join(('&buffer', pointer, *accessors))})"
