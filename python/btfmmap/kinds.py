"""The kinds of BTF types and the encodings of integers, with the kernel's names and numbers."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class Kind(IntEnum):
    """The kind of a type: `BTF_KIND_*` of the kernel's `include/uapi/linux/btf.h`.

    `VOID` is the kind of type ID 0, which is not recorded in a file; the header names it `BTF_KIND_UNKN`. A
    file's layout section may describe kinds up to 127 that are newer than this list. They are named
    `UNKNOWN_20` and so on.

    Example:
        >>> btfmmap.Kind(4), btfmmap.Kind(20)
        (<Kind.STRUCT: 4>, <Kind.UNKNOWN_20: 20>)
    """

    VOID = 0
    INT = 1
    PTR = 2
    ARRAY = 3
    STRUCT = 4
    UNION = 5
    ENUM = 6
    FWD = 7
    TYPEDEF = 8
    VOLATILE = 9
    CONST = 10
    RESTRICT = 11
    FUNC = 12
    FUNC_PROTO = 13
    VAR = 14
    DATASEC = 15
    FLOAT = 16
    DECL_TAG = 17
    TYPE_TAG = 18
    ENUM64 = 19

    @property
    def is_composite(self) -> bool:
        """Whether types of this kind have members: STRUCT and UNION.

        Example:
            >>> btfmmap.Kind.UNION.is_composite
            True
        """
        return self in (Kind.STRUCT, Kind.UNION)

    @property
    def is_enum(self) -> bool:
        """Whether types of this kind have enumerators: ENUM and ENUM64.

        Example:
            >>> btfmmap.Kind.ENUM64.is_enum
            True
        """
        return self in (Kind.ENUM, Kind.ENUM64)

    @property
    def is_modifier(self) -> bool:
        """Whether types of this kind only rename, qualify or tag another type.

        True for TYPEDEF, CONST, VOLATILE, RESTRICT and TYPE_TAG, as in the kernel's `btf_type_is_modifier`.

        Example:
            >>> btfmmap.Kind.CONST.is_modifier, btfmmap.Kind.PTR.is_modifier
            (True, False)
        """
        return self in (Kind.TYPEDEF, Kind.CONST, Kind.VOLATILE, Kind.RESTRICT, Kind.TYPE_TAG)

    @classmethod
    def _missing_(cls, value: object) -> Kind | None:
        if not isinstance(value, int) or not 0 <= value < 128:
            return None
        kind = int.__new__(cls, value)
        kind._name_ = f"UNKNOWN_{value}"
        kind._value_ = value
        return kind

    def __reduce_ex__(self, protocol: object) -> tuple[type[Kind], tuple[int]]:
        """Pickle the kind by its number.

        Some releases of Python 3.11 pickle enum members by name, and `_missing_` adds no attribute of that
        name.
        """
        return Kind, (int(self),)


class IntEncoding(IntFlag):
    """The encoding of an INT: `BTF_INT_*` of the kernel's `include/uapi/linux/btf.h`.

    Example:
        >>> btf["_Bool"].encoding == btfmmap.IntEncoding.BOOL
        True
    """

    SIGNED = 1
    CHAR = 2
    BOOL = 4
