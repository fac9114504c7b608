"""What CO-RE relocations ask, how instructions use their values, and what becomes of them."""

from __future__ import annotations

from enum import IntEnum


class CoreReloKind(IntEnum):
    """What a CO-RE relocation asks of the running kernel.

    `enum bpf_core_relo_kind` of the kernel's `include/uapi/linux/bpf.h`. A record may have a number that is
    not listed; libbpf refuses such objects.

    Example:
        >>> btfmmap.CoreReloKind(2), btfmmap.CoreReloKind.TYPE_SIZE.is_type
        (<CoreReloKind.FIELD_EXISTS: 2>, True)
    """

    FIELD_BYTE_OFFSET = 0
    FIELD_BYTE_SIZE = 1
    FIELD_EXISTS = 2
    FIELD_SIGNED = 3
    FIELD_LSHIFT_U64 = 4
    FIELD_RSHIFT_U64 = 5
    TYPE_ID_LOCAL = 6
    TYPE_ID_TARGET = 7
    TYPE_EXISTS = 8
    TYPE_SIZE = 9
    ENUMVAL_EXISTS = 10
    ENUMVAL_VALUE = 11
    TYPE_MATCHES = 12

    @property
    def is_field(self) -> bool:
        """Whether the relocation is of a member or an array element.

        Example:
            >>> btfmmap.CoreReloKind.FIELD_EXISTS.is_field
            True
        """
        return self <= CoreReloKind.FIELD_RSHIFT_U64

    @property
    def is_enum_value(self) -> bool:
        """Whether the relocation is of an enumerator.

        Example:
            >>> btfmmap.CoreReloKind.ENUMVAL_VALUE.is_enum_value
            True
        """
        return self in (CoreReloKind.ENUMVAL_EXISTS, CoreReloKind.ENUMVAL_VALUE)

    @property
    def is_type(self) -> bool:
        """Whether the relocation is of a type as a whole.

        Example:
            >>> btfmmap.CoreReloKind.TYPE_MATCHES.is_type
            True
        """
        return not self.is_field and not self.is_enum_value


class InstructionUse(IntEnum):
    """How the instruction of a relocation uses the value."""

    NONE = 0
    """There is no such instruction, or libbpf cannot relocate it."""
    IMMEDIATE = 1
    """An operand of arithmetic, or an assignment of 32 bits."""
    IMMEDIATE64 = 2
    """An assignment of 64 bits."""
    LOAD = 3
    """The offset of a load."""
    STORE = 4
    """The offset of a store."""


class RelocationStatus(IntEnum):
    """What becomes of a relocation on one kernel."""

    OK = 0
    """The instruction gets a value."""
    ABSENT = 1
    """The kernel has no such type, field or enumerator, and the instruction gets the value 0."""
    POISONED = 2
    """The instruction is replaced by one that the verifier refuses if it can be reached."""
    DEAD = 3
    """The instruction is poisoned, and cannot be reached."""
    MAYBE = 4
    """The instruction is poisoned, and it is not known whether it can be reached."""
    AMBIGUOUS = 5
    """Several types of the kernel match, and their values differ. libbpf does not load the object."""
    ERROR = 6
    """libbpf does not load the object, with an error number."""
    NOT_JUDGED = 7
    """There is no instruction to relocate. libbpf ignores such records."""
