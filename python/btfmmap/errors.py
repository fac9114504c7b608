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


class ExpressionError(BtfError, ValueError):
    """An expression cannot be parsed, or does not agree with the types. The text points at the place.

    Attributes:
        reason: What is wrong.
        expression: The expression.
        start: The position of the part that is wrong, in characters.
        end: The end of that part.

    Example:
        >>> btf.path("flow.link.nxt")
        Traceback (most recent call last):
            ...
        btfmmap.errors.ExpressionError: struct list has no member 'nxt'; close to it: 'next'
          flow.link.nxt
                    ^^^
    """

    def __init__(self, reason: str, expression: str, start: int, end: int) -> None:
        super().__init__(reason, expression, start, end)
        self.reason = reason
        self.expression = expression
        self.start = start
        self.end = end

    def __str__(self) -> str:
        marks = " " * self.start + "^" * max(1, self.end - self.start)
        return f"{self.reason}\n  {self.expression}\n  {marks}"


class NotSupportedError(BtfError):
    """The input is valid, but btfmmap does not support the operation on it. The message gives the reason."""
