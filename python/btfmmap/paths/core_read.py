"""Spells plans in C for BPF programs, with libbpf's `BPF_CORE_READ` and its relatives."""

from __future__ import annotations

from ..fields import resolved
from ..kind_numbers import ARRAY, ENUMS, FLOAT, INT, PTR, STRUCT, UNION
from .names_in_code import index_names, unused_names
from .spelling import indexes_array, root_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..types import Type
    from .plans import Hop, Plan

_MAX_ACCESSORS = 9  # of BPF_CORE_READ
_OF_MACROS = ("val", "__r", "__t", "__mptr")  # the variables of libbpf's macros, which would capture others
_SCALARS = (INT, *ENUMS, FLOAT, PTR)
_COMPOSITE = (STRUCT, UNION)


def to_core_read(plan: Plan, name: str) -> str:
    """Implement `Plan.to_core_read`."""
    if not plan.hops and (plan.origin == "parameter" or not plan.is_pointer):
        return name
    reads = _Reads(plan, name)
    for number in range(len(plan.hops)):
        reads.add(number)
    return reads.expression()


class _Reads:
    """Collects what is read, hop by hop.

    libbpf's macros cannot be nested: compilers refuse one `__builtin_preserve_access_index` in another. The
    results of all reads but the last are kept in variables of a statement expression.

    The hops so far lead to an object: that behind `pointer` without accessors, otherwise a member
    (`is_member`), or what the pointer that they lead to points to.
    """

    def __init__(self, plan: Plan, name: str) -> None:
        self.plan = plan
        self.statements: list[str] = []
        self.pointer = name if plan.is_pointer else f"&{name}"
        self.reads_memory = False  # whether `pointer` must be kept in a variable before it is used
        self.accessors: list[str] = []
        self.is_member = False
        self.indices = index_names(name)
        self.variables = unused_names(name, "__p")
        self.buffer = next(unused_names(name, "buffer", ""))
        if name in _OF_MACROS:
            self.reads_memory = True
            self.settle()

    def add(self, number: int) -> None:
        hop = self.plan.hops[number]
        match hop.kind:
            case "member":
                self.add_member(hop)
            case "index":
                self.add_index(number)
            case "dereference":
                self.add_dereference(number)
            case "cast":
                self.convert(f"({hop.name}){self.address()}")
            case "container":
                self.convert(f"container_of({self.address()}, {hop.type.c_name}, {hop.name})")

    def add_member(self, hop: Hop) -> None:
        if self.is_member:
            self.accessors[-1] += f".{hop.name}"
            return
        if self.reads_memory or len(self.accessors) == _MAX_ACCESSORS:
            self.settle()
        self.accessors.append(hop.name)
        self.is_member = True

    def add_index(self, number: int) -> None:
        hop = self.plan.hops[number]
        index = next(self.indices) if hop.element is None else str(hop.element)
        has_stride = self.relocates_stride(number)
        if self.is_member:
            if hop.element is None and has_stride:
                self.keep_until_last()
                array = f"{_arrow(self.pointer)}{self.accessors[-1]}"
                self.add_stride(f"&{array}[0]", f"&{array}", index, f"{array}[0]")
            else:
                self.accessors[-1] += f"[{index}]"
            return
        self.settle()
        if indexes_array(self.plan.hops[number - 1].type if number else root_type(self.plan), hop):
            array = _object(self.pointer)
            self.pointer = f"&({array})[{index}]" if array.startswith("*") else f"&{array}[{index}]"
        elif has_stride and hop.element != 0:
            self.add_stride(self.pointer, self.pointer, index, _object(self.pointer))
        elif hop.element != 0:
            self.pointer = f"&{_operand(self.pointer)}[{index}]"

    def relocates_stride(self, number: int) -> bool:
        """Whether elements are structs, whose size differs between kernels, and that relocations can name."""
        below = resolved(self.plan.hops[number].type)
        is_named = below._kind in _COMPOSITE and bool(below.name)
        # Elements can also be pointers that have no record, to such a type.
        return is_named and all(hop.kind == "member" for hop in self.plan.hops[number + 1 : number + 2])

    def add_stride(self, typed: str, start: str, index: str, element: str) -> None:
        variable = next(self.variables)
        offset = f"{index} * bpf_core_type_size({element})"
        self.statements.append(f"typeof({typed}) {variable} = (void *){start} + {offset};")
        self.restart(variable)

    def add_dereference(self, number: int) -> None:
        if self.is_member:
            self.is_member = False
        elif number == 0 and not self.plan.is_pointer:
            self.pointer = self.pointer[1:]  # a variable that is a pointer
        else:
            self.read_object()

    def convert(self, pointer: str) -> None:
        """Go on from a pointer that is made of the one so far."""
        reads_memory = self.reads_memory or bool(self.accessors)
        self.restart(pointer)
        self.reads_memory = reads_memory

    def address(self) -> str:
        """The address of the object."""
        if self.is_member:
            *before, last = self.accessors
            return f"&{_arrow(self.value(before))}{last}"
        return self.value(self.accessors)

    def value(self, accessors: list[str]) -> str:
        """The pointer that accessors lead to."""
        if not accessors:
            return self.pointer
        return f"BPF_CORE_READ({', '.join((self.pointer, *accessors))})"

    def restart(self, pointer: str) -> None:
        self.pointer, self.accessors, self.is_member, self.reads_memory = pointer, [], False, False

    def settle(self) -> None:
        """Keep the pointer to the object in a variable if it is read."""
        if self.accessors or self.reads_memory:
            variable = next(self.variables)
            self.statements.append(f"__auto_type {variable} = {self.address()};")
            self.restart(variable)

    def keep_until_last(self) -> None:
        """Keep the pointer to the struct that has the last member in a variable if it is read."""
        *before, last = self.accessors
        if before:
            self.accessors, self.is_member = before, False
            self.settle()
            self.accessors, self.is_member = [last], True

    def read_object(self) -> None:
        """Read the object into a variable, from which the path goes on."""
        self.settle()
        variable = next(self.variables)
        read = f"bpf_probe_read_kernel(&{variable}, sizeof({variable}), {self.pointer});"
        self.statements.append(f"typeof({_object(self.pointer)}) {variable}; {read}")
        self.restart(variable)

    def expression(self) -> str:
        last = self.last()
        return f"({{ {' '.join((*self.statements, last))}; }})" if self.statements else last

    def last(self) -> str:
        """The expression of the value, after the statements."""
        plan = self.plan
        below = resolved(plan.type)
        is_container = bool(plan.hops) and plan.hops[-1].kind == "container"
        if plan.bitfield_size:
            self.keep_until_last()
            return f"BPF_CORE_READ_BITFIELD_PROBED({self.pointer}, {self.accessors[-1]})"
        if is_container or below._kind not in (*_SCALARS, ARRAY):
            return self.address()
        if below._kind == ARRAY:
            return self.read_array(below.type)
        if self.is_member:
            return self.value(self.accessors)
        self.read_object()
        return self.pointer

    def read_array(self, element: Type | None) -> str:
        is_text = element is not None and resolved(element).name == "char"
        if self.is_member:
            macro = "BPF_CORE_READ_STR_INTO" if is_text else "BPF_CORE_READ_INTO"
            return f"{macro}({', '.join((f'&{self.buffer}', self.pointer, *self.accessors))})"
        self.settle()
        function = "bpf_probe_read_kernel_str" if is_text else "bpf_probe_read_kernel"
        return f"{function}(&{self.buffer}, sizeof({self.buffer}), {self.pointer})"


def _operand(pointer: str) -> str:
    return f"({pointer})" if pointer.startswith(("&", "(")) else pointer


def _arrow(pointer: str) -> str:
    return f"{_operand(pointer)}->"


def _object(pointer: str) -> str:
    """What a pointer points to."""
    return pointer[1:] if pointer.startswith("&") else f"*{pointer}"
