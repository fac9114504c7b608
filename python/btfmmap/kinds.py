"""The kinds of BTF records and the encodings of integers, with the kernel's names and numbers."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class Kind(IntEnum):
    """The kind of a type (`BTF_KIND_*` of the kernel's `include/uapi/linux/btf.h`).

    `VOID` is type id 0, which stands in no file; the header file calls its number `UNKN`. Kinds up to 127
    that are newer than this list, which a file's layout section may have, come as `UNKNOWN_20` and so on.
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
        """Whether its types have members: STRUCT and UNION."""
        return self in (Kind.STRUCT, Kind.UNION)

    @property
    def is_enum(self) -> bool:
        """Whether its types have enumerators: ENUM and ENUM64."""
        return self in (Kind.ENUM, Kind.ENUM64)

    @property
    def is_modifier(self) -> bool:
        """Whether its types only rename, qualify or tag another: TYPEDEF, CONST, VOLATILE, RESTRICT and
        TYPE_TAG, as for the kernel's `btf_type_is_modifier`."""
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
        """By its number: some releases of Python 3.11 pickle by name, and those that `_missing_` makes are no
        attributes."""
        return Kind, (int(self),)


class IntEncoding(IntFlag):
    """The encoding bits of an INT (`BTF_INT_*` of the same header)."""

    SIGNED = 1
    CHAR = 2
    BOOL = 4
