"""The exceptions of btfmmap. Errors of the operating system are raised as `OSError`."""

from __future__ import annotations


class BtfError(Exception):
    """The base class of btfmmap's exceptions."""


class FormatError(BtfError, ValueError):
    """The bytes are not valid BTF.

    Attributes:
        offset: The offset of the invalid field in the BTF blob in bytes, or None.
        type_id: The ID of the invalid type, or None.

    Example:
        >>> btfmmap.open(data=btf.raw[:2].tobytes())
        Traceback (most recent call last):
            ...
        btfmmap.errors.FormatError: buffer: too short for BTF: 2 bytes, a header has 24
    """

    def __init__(self, message: str, *, offset: int | None = None, type_id: int | None = None) -> None:
        super().__init__(message)
        self.offset = offset
        self.type_id = type_id


class MissingBaseError(FormatError):
    """A split BTF was opened without its base: pass `base=`."""


class NotFoundError(BtfError, KeyError):
    """There is no such type, member, string or unit.

    Example:
        >>> btf["flows"]
        Traceback (most recent call last):
            ...
        btfmmap.errors.NotFoundError: no type named 'flows'
    """

    def __str__(self) -> str:
        return Exception.__str__(self)  # KeyError's own quotes the message


class NotSupportedError(BtfError):
    """The input is valid, but btfmmap does not support the operation on it. The message gives the reason."""
