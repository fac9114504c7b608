"""The table of struct and union layouts, in pahole's terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .tables import Table

if TYPE_CHECKING:
    from .tables import U32, Bool


class Layouts(Table):
    """How structs and unions use their bytes: one row for each STRUCT and UNION, in id order.

    Types of a base are not included. Columns are u32 unless stated.

    Holes and padding are defined as in pahole (`class__find_holes` in its dwarves.c). Unlike pahole's
    counters, these do not wrap at 255 holes or 65,535 bytes of padding. A union has no holes.

    Members are taken in the order of their offsets, which a record need not have: Rust's compiler reorders
    them. Bytes that no member covers are counted once, even if members overlap.

    A distilled base (`Btf.distilled`) does not record members: only `id` and `size` are meaningful, holes
    and padding are 0.

    Example:
        >>> btf.layouts.id.tolist(), btf.layouts.hole_bytes.tolist()
        ([2, 3, 5, 16], [5, 0, 0, 0])
    """

    id: U32
    """Type id."""
    size: U32
    """Size in bytes."""
    members: U32
    """Number of members."""
    holes: U32
    """Number of gaps of whole bytes between members."""
    hole_bytes: U32
    """Total size of those gaps in bytes."""
    bit_holes: U32
    """Number of gaps of bits between bitfields, or after them within their integer."""
    bit_hole_bits: U32
    """Total size of those gaps in bits."""
    padding: U32
    """Bytes after the last member."""
    bit_padding: U32
    """Bits after the last bitfield, within its integer."""
    cachelines: U32
    """Number of 64-byte cache lines it occupies if it starts at a cache line boundary."""
    packed: Bool
    """Whether a member is misaligned for its type, or the size is not a multiple of the alignment."""
    flexible: Bool
    """Whether the last member, by offset, is an array of zero elements."""

    def cachelines_of(self, line: int) -> U32:
        """Compute `cachelines` for cache lines of another size.

        Args:
            line: size of a cache line in bytes.

        Returns:
            Number of cache lines of each row: `uint32[n]`.

        Raises:
            ValueError: `line` is not positive.

        Example:
            >>> btf.layouts.cachelines_of(32).tolist()
            [4, 1, 1, 1]
        """
        if line <= 0:
            raise ValueError(f"line is {line}, but a cache line has at least 1 byte")
        lines: U32 = self.size // line + (self.size % line != 0)
        return lines
