"""The kinds of entities and of changes."""

from __future__ import annotations

from enum import IntEnum


class EntityKind(IntEnum):
    """What an entity of a `DiffResult` is.

    ENUM and ENUM64 are one kind. A typedef of a pointer to a function whose name starts with `btf_trace_` is
    the TRACEPOINT of the rest of its name. Integer and floating-point types are BASE.

    Example:
        >>> btfmmap.EntityKind(4)
        <EntityKind.TYPEDEF: 4>
    """

    STRUCT = 0
    UNION = 1
    ENUM = 2
    FUNCTION = 3
    TYPEDEF = 4
    VARIABLE = 5
    TRACEPOINT = 6
    BASE = 7


class ChangeKind(IntEnum):
    """What changed. `docs/diff.md` defines each.

    Example:
        >>> btfmmap.ChangeKind(11)
        <ChangeKind.MEMBER_MOVED: 11>
    """

    ADDED = 0
    REMOVED = 1
    SIZE = 2
    ALIGNMENT = 3
    TAGS = 4
    LINKAGE = 5
    SIGNED = 6
    GROUPING = 7
    MEMBER_ADDED = 8
    MEMBER_REMOVED = 9
    MEMBER_RENAMED = 10
    MEMBER_MOVED = 11
    MEMBER_TYPE = 12
    MEMBER_BITS = 13
    MEMBER_NESTED = 14
    MEMBER_EMBEDDED = 15
    ENUMERATOR_ADDED = 16
    ENUMERATOR_REMOVED = 17
    ENUMERATOR_VALUE = 18
    ENUMERATOR_RENAMED = 19
    PARAMETER_ADDED = 20
    PARAMETER_REMOVED = 21
    PARAMETER_REORDERED = 22
    PARAMETER_TYPE = 23
    PARAMETER_RENAMED = 24
    RETURN_TYPE = 25
    VARIADIC = 26
    PARAMETER_EMBEDDED = 27
    TYPE = 28
    EMBEDDED = 29
