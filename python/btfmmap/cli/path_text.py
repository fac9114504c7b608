"""How commands print the offsets and types of members."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def offsets_text(offsets: Sequence[int], bit_offset: int) -> str:
    """The offsets in bytes of what is read; of a bitfield that starts within a byte also the bit: "128:5"."""
    text = ", ".join(map(str, offsets))
    return f"{text}:{bit_offset % 8}" if offsets and bit_offset % 8 else text


def type_text(name: str, bitfield_size: int) -> str:
    """The type of a value, with the size of a bitfield as in C."""
    return f"{name}:{bitfield_size}" if bitfield_size else name
