"""The tables of a corpus: names, columns and types. docs/corpus.md describes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..optional import optional

if TYPE_CHECKING:
    from typing import Any

VERSION = 1
"""Version of the schema. A corpus of another version is refused."""

_IDENTITY = ("name", "release", "arch", "flavour")

# Arrow's types of the columns, by their names in pyarrow. "?" is a column that may be null.
TABLES: dict[str, dict[str, str]] = {
    "kernels": {
        "id": "int64",
        "sha256": "string",
        "parent": "int64?",
        "module": "string",
        **dict.fromkeys(_IDENTITY, "string"),
        **dict.fromkeys((f"{name}_how" for name in _IDENTITY), "string"),
        "path": "string",
        "byte_order": "string",
        "pointer_size": "uint8",
        "size": "uint32",
        "types": "uint32",
        "structs": "uint32",
        "functions": "uint32",
    },
    "sources": {
        "path": "string",
        "size": "int64",
        "mtime_ns": "int64",
        "sha256": "string?",
    },
    "failures": {"path": "string", "error": "string"},
    "types": {
        "id": "int64",
        "defined": "bool_",
        "kind": "string",
        "name": "string",
        "ordinal": "uint32",
        "spelling": "string",
        "size": "uint32?",
        "type": "int64?",
        "flag": "bool_",
        "signed": "bool_",
        "extra": "uint32",
        "index_type": "int64?",
        "elements": "uint32",
        "fingerprint": "uint64",
    },
    "layouts": {
        "type": "int64",
        "holes": "uint32",
        "hole_bytes": "uint32",
        "bit_holes": "uint32",
        "bit_hole_bits": "uint32",
        "padding": "uint32",
        "bit_padding": "uint32",
        "packed": "bool_",
        "flexible": "bool_",
    },
    "members": {
        "parent": "int64",
        "number": "uint32",
        "name": "string",
        "type": "int64",
        "bit_offset": "uint32",
        "bits": "uint8",
        "size": "uint32?",
    },
    "params": {"parent": "int64", "number": "uint32", "name": "string", "type": "int64"},
    "enumerators": {"parent": "int64", "number": "uint32", "name": "string", "value": "int64"},
    "secinfos": {
        "parent": "int64",
        "number": "uint32",
        "type": "int64",
        "offset": "uint32",
        "size": "uint32",
    },
    "presence": {"start": "int64", "stop": "int64", "first": "int64", "last": "int64"},
}

_ROW_BITS = 32

_schemas: dict[str, Any] = {}


def part_of(ids: Any) -> Any:
    """The number of the part that IDs of types or kernels belong to."""
    return ids >> _ROW_BITS


def row_of(ids: Any) -> Any:
    """The row, in its part, that an ID of a type or kernel belongs to."""
    return ids & ((1 << _ROW_BITS) - 1)


def first_id(part: int) -> int:
    """The ID of the first row of a part."""
    return part << _ROW_BITS


def pyarrow() -> Any:
    """The package pyarrow.

    Raises:
        NotSupportedError: It is not installed. The message names the extra.
    """
    return optional("pyarrow", "corpus")


def parquet() -> Any:
    """The module `pyarrow.parquet`.

    Raises:
        NotSupportedError: It is not installed. The message names the extra.
    """
    return optional("pyarrow.parquet", "corpus")


def schema(table: str) -> Any:
    """The Arrow schema of a table."""
    if table in _schemas:
        return _schemas[table]
    pa = pyarrow()
    fields = [
        pa.field(name, getattr(pa, kind.rstrip("?"))(), nullable=kind.endswith("?"))
        for name, kind in TABLES[table].items()
    ]
    return _schemas.setdefault(table, pa.schema(fields, {"btfmmap.corpus": str(VERSION)}))


def escaped(name: str) -> str:
    r"""A name as the tables have it: bytes that are not UTF-8 as \xNN, and a backslash twice.

    Example:
        >>> from btfmmap.corpus.schema import escaped, unescaped
        >>> escaped("a\udcff"), unescaped(escaped("a\udcff")) == "a\udcff"
        ('a\\xff', True)
    """
    if name.isascii() and "\\" not in name:
        return name
    return re.sub(
        "[\\\\\udc80-\udcff]",
        lambda found: "\\\\" if found[0] == "\\" else f"\\x{ord(found[0]) - 0xDC00:02x}",
        name,
    )


def unescaped(name: str) -> str:
    """A name of a table as `Btf` has it."""
    if "\\" not in name:
        return name
    return re.sub(
        r"\\(\\|x([0-9a-f]{2}))", lambda found: chr(0xDC00 + int(found[2], 16)) if found[2] else "\\", name
    )
