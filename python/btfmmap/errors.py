"""What btfmmap raises. The operating system's own errors come through as `OSError`."""

from __future__ import annotations


class BtfError(Exception):
    """The base of btfmmap's own errors."""


class FormatError(BtfError, ValueError):
    """The bytes are no valid BTF.

    Attributes:
        offset: where in the BTF blob the offending field is, in bytes, or None.
        type_id: the offending record's type id, or None.
    """

    def __init__(self, message: str, *, offset: int | None = None, type_id: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset
        self.type_id = type_id


class MissingBaseError(FormatError):
    """A split BTF, which continues another one: open it with `base=`."""


class NotFoundError(BtfError, KeyError):
    """No type of that name or id, no member of that name, or no string at that offset."""

    def __str__(self) -> str:
        return Exception.__str__(self)  # KeyError's own quotes the message


class NotSupportedError(BtfError):
    """Valid, but something that btfmmap cannot do; the message says what."""
