"""The errors about bytes that are not records of a type, which say what to do."""

from __future__ import annotations

from .errors import FormatError


def not_records(name: str, each: int, count: int) -> FormatError:
    """Return the error that bytes are not a whole number of records.

    Args:
        name: The name of the type.
        each: The size of a record in bytes.
        count: The number of bytes.
    """
    message = f"{count:,} bytes are not a whole number of {name} ({each:,} bytes each)"
    if each and count > each:
        advice = (
            f"if records are longer, pass their size in bytes, size=N; if not, drop the last {count % each:,}"
        )
        return FormatError(f"{message}; {advice}")
    return FormatError(message + _padding(each, count))


def not_one_record(name: str, each: int, count: int) -> FormatError:
    """Return the error that bytes are not exactly one record; the arguments are those of `not_records`."""
    message = f"expected one {name} of {each:,} bytes, got {count:,} bytes"
    if each and count > each:
        longer = f"if the record is longer, make the decoder with size={count}"
        return FormatError(f"{message}; {longer if count % each else 'to_dicts takes several records'}")
    return FormatError(message + _padding(each, count))


def _padding(each: int, count: int) -> str:
    """The advice for a record that ends early, such as one of a kernel whose struct has fewer members."""
    return (
        f"; pad a record that ends early with zeros: data.ljust({each}, b'\\0')" if 0 < count < each else ""
    )
