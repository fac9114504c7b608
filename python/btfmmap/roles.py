"""The roles of references between types."""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """The role of a reference: how one type uses another.

    Example:
        >>> [role.name for role in btfmmap.Role][:3]
        ['POINTEE', 'ELEMENT', 'INDEX']
    """

    POINTEE = 0
    """The type a PTR points to."""
    ELEMENT = 1
    """The element type of an ARRAY."""
    INDEX = 2
    """The index type of an ARRAY."""
    MEMBER = 3
    """The type of a member of a STRUCT or UNION."""
    PARAMETER = 4
    """The type of a parameter of a FUNC_PROTO."""
    RETURN = 5
    """The return type of a FUNC_PROTO."""
    UNDERLYING = 6
    """The type below a TYPEDEF, CONST, VOLATILE, RESTRICT or TYPE_TAG."""
    PROTOTYPE = 7
    """The FUNC_PROTO of a FUNC."""
    VARIABLE = 8
    """The type of a VAR."""
    SECTION_ENTRY = 9
    """A type listed by a DATASEC."""
    TAG_TARGET = 10
    """The type tagged by a DECL_TAG."""
