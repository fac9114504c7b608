"""`Btf.layouts`: how every struct and union uses its bytes, in pahole's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .tables import Table

if TYPE_CHECKING:
    from .tables import U32, Bool


class Layouts(Table):
    """One row a STRUCT or UNION, in id order; those of a base are not among them. Columns are u32 unless
    stated.

    The words mean what they mean to pahole (`class__find_holes` of its dwarves.c), but do not wrap at 255
    holes or 65,535 bytes of padding as its counters do. A union has no holes.
    Of a distilled base (`Btf.distilled`), whose members are not recorded, only `id` and `size` say something:
    holes and padding are 0.

    Members count by their offsets, also where a record has them in another order (Rust's compiler reorders
    them) or they overlap: what no member covers is free, once.
    """

    id: U32
    size: U32
    """In bytes."""
    members: U32
    holes: U32
    """Gaps of whole bytes between members."""
    hole_bytes: U32
    """How many bytes those are."""
    bit_holes: U32
    """Gaps of bits between bitfields, or after them within their integer."""
    bit_hole_bits: U32
    padding: U32
    """Bytes after the last member."""
    bit_padding: U32
    """Bits after the last bitfield, within its integer."""
    cachelines: U32
    """How many cache lines of 64 bytes it takes, if it starts with one."""
    packed: Bool
    """Whether a member is not aligned as its type asks for, or the size is no multiple of the alignment."""
    flexible: Bool
    """Whether the last member, by offset, is an array of no elements."""

    def cachelines_of(self, line: int) -> U32:
        """`cachelines` for lines of another size, in bytes."""
        if line <= 0:
            raise ValueError(f"a cache line has {line} bytes, must be more than 0")
        lines: U32 = self.size // line + (self.size % line != 0)
        return lines
