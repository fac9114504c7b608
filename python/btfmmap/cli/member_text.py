"""How commands print the offsets and types of members."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def offsets_text(offsets: Sequence[int], bit_offset: int) -> str:
    """The offsets in bytes of what is read; of a bitfield that starts within a byte also the bit: "128:5"."""
    text = ", ".join(map(str, offsets))
    return f"{text}:{bit_offset % 8}" if offsets and bit_offset % 8 else text


def marked(expression: str, unions: Sequence[str]) -> str:
    """An expression with the names of the members of unions in it.

    Args:
        expression: The expression.
        unions: The expressions up to each member of a union.
    """
    names = [_member(each) for each in unions]
    return f"{expression}  (union: {', '.join(names)})" if names else expression


def _member(expression: str) -> str:
    """The member that an expression ends with, or that a `container_of` leads up from."""
    if expression.endswith(")"):
        return expression[:-1].rpartition(", ")[2]
    return expression.replace("->", ".").rpartition(".")[2]


def type_text(name: str, bitfield_size: int) -> str:
    """The type of a value, with the size of a bitfield as in C."""
    return f"{name}:{bitfield_size}" if bitfield_size else name
