"""The errors about bytes that are not records of a type, which say what to do."""

from __future__ import annotations

from .errors import FormatError

PASS_SIZE = "pass their size in bytes, size=N"
"""How `Btf.records` is told that records are longer."""
MAKE_DECODER = "make the decoder with size=N"
"""How a decoder is told that records are longer."""


def bytes_text(count: int) -> str:
    """Return a number of bytes with its unit."""
    return "1 byte" if count == 1 else f"{count:,} bytes"


def not_records(name: str, each: int, count: int, longer: str | None) -> FormatError:
    """Return the error that bytes are not a whole number of records.

    Args:
        name: The name of the type.
        each: The size of a record in bytes.
        count: The number of bytes.
        longer: What to do if records are longer than the type; None if the caller gave their size.
    """
    if not each:
        return FormatError(f"{name} has no bytes, so records cannot be told apart")
    verb = "is" if count == 1 else "are"
    records = f"{name} ({bytes_text(each)} each)" if longer else f"records of size={each}"
    message = f"{bytes_text(count)} {verb} not a whole number of {records}"
    left = count % each
    if count < each:
        return FormatError(message + _padding(each, count))
    if not longer:
        return FormatError(f"{message}; {left:,} remain{'s' * (left == 1)}")
    last = "byte" if left == 1 else bytes_text(left)
    return FormatError(f"{message}; if records are longer, {longer}; if not, drop the last {last}")


def not_one_record(name: str, each: int, count: int) -> FormatError:
    """Return the error that bytes are not exactly one record.

    Args:
        name: The name of the type.
        each: The size of a record in bytes.
        count: The number of bytes.
    """
    message = f"expected one {name} of {bytes_text(each)}, got {bytes_text(count)}"
    if each and count > each:
        longer = f"if the record is longer, make the decoder with size={count}"
        return FormatError(f"{message}; {longer if count % each else 'to_dicts takes several records'}")
    return FormatError(message + _padding(each, count))


def _padding(each: int, count: int) -> str:
    """The advice for a record that ends early, such as one of a kernel whose struct has fewer members."""
    return (
        f"; pad a record that ends early with zeros: data.ljust({each}, b'\\0')" if 0 < count < each else ""
    )
