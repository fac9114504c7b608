"""Formats bytes as C initializers: one value, or records that follow one another."""

from __future__ import annotations

from . import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from typing import IO, Any

    from ._core import Buffer
    from .btf import Btf


def format_data(
    btf: Btf,
    type_id: int,
    data: Buffer,
    *,
    compact: bool,
    skip_names: bool,
    emit_zeroes: bool,
    emit_strings: bool,
    indent: str,
    indent_level: int,
) -> str:
    """Implement `Btf.format`."""
    return _core.format_data(
        btf._core_layout,
        type_id,
        data,
        compact,
        skip_names,
        emit_zeroes,
        emit_strings,
        indent,
        indent_level,
    )


def format_each(
    btf: Btf,
    type_id: int,
    buffer: Buffer,
    *,
    file: str | os.PathLike[str] | IO[Any] | None,
    end: str,
    size: int | None,
    compact: bool,
    skip_names: bool,
    emit_zeroes: bool,
    emit_strings: bool,
    indent: str,
    indent_level: int,
) -> list[str] | None:
    """Implement `Btf.format_each`."""

    def write_to(to: int | Callable[[bytes], object] | None) -> list[str] | None:
        return _core.format_each(
            btf._core_layout,
            type_id,
            buffer,
            size,
            compact,
            skip_names,
            emit_zeroes,
            emit_strings,
            indent,
            indent_level,
            end,
            to,
        )

    if file is None:
        return write_to(None)
    from .dumping import write_file

    write_file(file, write_to)
    return None
