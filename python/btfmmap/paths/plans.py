"""A path from an object to a value, step by step."""

from __future__ import annotations

from ..fields import resolved
from ..kind_numbers import PTR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, Literal, NamedTuple

    from .._core import Buffer
    from ..btf import Btf
    from ..types import Type

    HopKind = Literal["member", "index", "dereference", "container", "cast"]
    Origin = Literal["type", "parameter", "variable"]
else:
    from ..named_tuples import NamedTuple

HOP_KINDS: tuple[HopKind, ...] = ("member", "index", "dereference", "container", "cast")
"""The kinds of hops. The core numbers them in this order; it makes no casts."""


class Hop(NamedTuple):
    """One step of a `Plan`.

    Attributes:
        kind: "member" leads from a struct or union to a member; "index" to an element of an array, or to one
            of the objects that a pointer leads to; "dereference" to what a pointer points to, which is read;
            "container" from a member to the struct or union around it, as `container_of` does. "cast" only
            changes the type.
        name: The name of the member; of a container, the path of the member in it; of a cast, the type in C.
        type: The type after the step. After a cast, what the pointer points to.
        bit_offset: The offset that the step adds, in bits; negative for a container. 0 for an open index.
        bitfield_size: The size of a bitfield in bits; 0 for everything else.
        in_union: Whether the member is in a union, so that it may not be the active one.
        stride: The distance of elements in bytes; 0 for other kinds.
        element: The index of the element; None if it is left open, and for other kinds.

    Example:
        >>> btf.path("flow.link.next->prev").hops[2].kind
        'dereference'
    """

    kind: HopKind
    name: str
    type: Type
    bit_offset: int
    bitfield_size: int = 0
    in_union: bool = False
    stride: int = 0
    element: int | None = None


class Plan(NamedTuple):
    """A path from an object to a value: `Btf.path`, `Btf.paths` and `Btf.closest` return plans.

    A plan starts with the address of an object. Its text is its `expression`.

    Attributes:
        start: What the path starts from: "task_struct" for a type, "tcp_sendmsg.sk" for a parameter of a
            function, or a variable.
        origin: "type", "parameter" or "variable".
        name: The pointer or object in code: that of the parameter or variable; "ptr" for a type.
        is_pointer: Whether `name` is a pointer to the object, and not the object itself.
        root: The type of `start`. None for a variable of unknown type.
        hops: The steps.
        type: The type of the value. After `container_of`, what the pointer leads to.

    Example:
        >>> plan = btf.path("flow.link.next->prev")
        >>> print(plan)
        flow.link.next->prev
        >>> plan.pointers, plan.offsets, plan.type
        (2, (0, 8), <Type [4] PTR struct list *>)
    """

    start: str
    origin: Origin
    name: str
    is_pointer: bool
    root: Type | None
    hops: tuple[Hop, ...]
    type: Type

    @property
    def pointers(self) -> int:
        """The number of pointers that are read: those on the way, and the value if it is a pointer.

        Example:
            >>> btf.path("judge.flow->link").pointers, btf.path("judge.flow->link.next").pointers
            (0, 1)
        """
        ends = bool(self.hops) and self.hops[-1].kind != "container" and resolved(self.type)._kind == PTR
        return sum(hop.kind == "dereference" for hop in self.hops) + ends

    @property
    def members(self) -> int:
        """The number of members that are named.

        Example:
            >>> btf.path("flow.link.next").members
            2
        """
        members = sum(hop.kind == "member" for hop in self.hops)
        return members + sum(1 + hop.name.count(".") for hop in self.hops if hop.kind == "container")

    @property
    def offsets(self) -> tuple[int, ...]:
        """The offsets in bytes of what is read: of the first pointer, then from where it leads, and so on.

        The last one is that of the value. An open index counts as 0. A bitfield has the byte in which it
        starts.

        Example:
            >>> btf.path("flow.link.next->prev").offsets
            (0, 8)
        """
        return tuple(bits // 8 for bits in stages((hop.kind, hop.bit_offset) for hop in self.hops))

    @property
    def bit_offset(self) -> int:
        """The offset of the value from where the last pointer leads, in bits.

        Example:
            >>> btf.path("flow.protocol").bit_offset
            384
        """
        return stages((hop.kind, hop.bit_offset) for hop in self.hops)[-1]

    @property
    def bitfield_size(self) -> int:
        """The size of the value in bits if it is a bitfield, otherwise 0.

        Example:
            >>> btf.path("flow.protocol").bitfield_size
            8
        """
        return self.hops[-1].bitfield_size if self.hops else 0

    @property
    def unions(self) -> tuple[str, ...]:
        """The expressions up to each member of a union. The path holds only while these are active.

        Example:
            >>> btf.path("flow.from.words[1]").unions
            ('flow.from.words',)
        """
        return tuple(
            self._replace(hops=self.hops[: number + 1], type=hop.type).expression
            for number, hop in enumerate(self.hops)
            if hop.in_union
        )

    @property
    def open_indices(self) -> int:
        """The number of indices that are left open.

        Example:
            >>> btf.path("flow.from.words[i]").open_indices
            1
        """
        return sum(hop.kind == "index" and hop.element is None for hop in self.hops)

    @property
    def expression(self) -> str:
        """The path as an expression, which `Btf.path` accepts.

        Example:
            >>> btf.path("flow . link.next -> prev").expression
            'flow.link.next->prev'
        """
        from .spelling import expression

        return expression(self)

    def __str__(self) -> str:
        return self.expression

    def to_c(self, name: str | None = None) -> str:
        """Return the path in C.

        Args:
            name: The pointer or object in place of `Plan.name`.

        Returns:
            An expression. Open indices are i, j and so on.

        Example:
            >>> btf.path("flow.link.next->prev").to_c("f")
            'f->link.next->prev'
        """
        from .spelling import to_c

        return to_c(self, self.name if name is None else name)

    def to_core_read(self, name: str | None = None) -> str:
        """Return the path in C for BPF programs, with libbpf's `BPF_CORE_READ` and its relatives.

        Args:
            name: The pointer or object in place of `Plan.name`.

        Returns:
            An expression. It contains statements, `({ ... })`, where a read depends on another one that the
            same macro cannot make. Arrays are read into `buffer`, which must be defined; those of `char` as
            text, which ends at the first NUL. For a struct or union, the expression is its address. Open
            indices are i, j and so on.

        Example:
            >>> btf.path("flow.link.next->prev").to_core_read("f")
            'BPF_CORE_READ(f, link.next, prev)'
        """
        from .core_read import to_core_read

        return to_core_read(self, self.name if name is None else name)

    def to_bpftrace(self, name: str | None = None) -> str:
        """Return the path for bpftrace.

        Args:
            name: What stands for the pointer; by default, "args.NAME" for a parameter, otherwise "$NAME".

        Returns:
            An expression.

        Example:
            >>> btf.path("flow.link.next->prev").to_bpftrace()
            '((struct flow *)$ptr)->link.next->prev'
        """
        from .spelling import to_bpftrace

        return to_bpftrace(self, name)

    def read(self, memory: Callable[[int, int], Buffer], address: int, indices: Sequence[int] = ()) -> Any:
        r"""Follow the path through memory.

        Args:
            memory: Called with an address and a number of bytes; returns that many bytes. Its exceptions
                propagate.
            address: The address of the object: the value of the pointer that the path starts from.
            indices: A number for each open index.

        Returns:
            An `int` for integers, enums and pointers, a `bool` or `float`; `bytes` for an array of `char`,
            lists for other arrays, dicts for structs and unions, as in `Decoder.to_dict`. The address if the
            path ends with `container_of`. None if a pointer on the way is NULL.

        Raises:
            IndexError: An index is past the end of its array.
            TypeError: `memory` did not return bytes, or `indices` are not integers.
            ValueError: `memory` returned too few bytes, `indices` has too few or too many, the path has no
                steps, or the type has no size.
            NotSupportedError: The type cannot be decoded.

        Example:
            >>> memory = bytes(4096) + (4200).to_bytes(8, "little") + bytes(200)
            >>> btf.path("flow.link.next->prev").read(lambda at, size: memory[at : at + size], 4096)
            0
        """
        from .reading import read

        return read(self, memory, address, indices)


def stages(steps: Iterable[tuple[HopKind, int]]) -> tuple[int, ...]:
    """The offsets of steps in bits, up to each dereference and to the end. Steps are kinds and offsets."""
    found = [0]
    for kind, bit_offset in steps:
        if kind == "dereference":
            found.append(0)
        else:
            found[-1] += bit_offset
    return tuple(found)


def hops_of(btf: Btf, rows: Iterable[tuple[Any, ...]]) -> list[Hop]:
    """Make hops of the core's tuples."""
    return [
        Hop(
            HOP_KINDS[kind],
            name,
            btf._type(type_id),
            offset,
            bitfield,
            in_union,
            stride,
            None if index < 0 or kind != 1 else index,
        )
        for kind, name, type_id, offset, bitfield, in_union, stride, index in rows
    ]
