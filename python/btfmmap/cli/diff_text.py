"""Text that the reports of `diff` share."""

from __future__ import annotations

import sys

from .. import EntityKind
from .common import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from .. import DiffResult

    Depth = Literal["layout", "declaration", "deep"]

WORDS = {
    EntityKind.STRUCT: "structs",
    EntityKind.UNION: "unions",
    EntityKind.ENUM: "enums",
    EntityKind.FUNCTION: "functions",
    EntityKind.TYPEDEF: "typedefs",
    EntityKind.VARIABLE: "variables",
    EntityKind.TRACEPOINT: "tracepoints",
    EntityKind.BASE: "base types",
}
"""Headings, in the order of the report."""
_LEAST_WIDTH = 40


def label(kind: EntityKind, name: str) -> str:
    """The kind and the name of an entity, as in the text of a `DiffReport`."""
    return f"{'type' if kind == EntityKind.BASE else kind.name.lower()} {printable(name)}"


def labels(result: DiffResult, rows: Sequence[int], width: int, indent: str) -> list[str]:
    """The lines of a list of entities."""
    return wrapped(", ".join(label(*result.name(row)) for row in rows), width, indent)


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """The lines of a text; those after the first one are indented further."""
    if text and len(indent) + len(text) <= max(width, _LEAST_WIDTH):
        return [(indent + text).rstrip()]
    from textwrap import wrap

    return wrap(
        text,
        max(width, _LEAST_WIDTH),
        initial_indent=indent,
        subsequent_indent=f"{indent}    ",
        break_on_hyphens=False,
    )


def print_lines(text: str) -> None:
    """Print lines in which ASCII control characters are escaped, but others may not be."""
    if text.isascii():
        sys.stdout.write(text)
    else:
        sys.stdout.writelines(f"{printable(line)}\n" for line in text.splitlines())
