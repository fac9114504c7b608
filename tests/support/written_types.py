"""What a BTF says, by bpftool's JSON: records without IDs, for comparing BTFs whose IDs or strings differ."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import bpftool_json as bpftool

REFERENCES = ("type_id", "ret_type_id", "index_type_id")


def records_of(blob: bytes, folder: Path) -> list[dict[str, Any]]:
    """The records of a standalone BTF by bpftool."""
    path = folder / "records.btf"
    path.write_bytes(blob)
    bpftool.records.cache_clear()
    return bpftool.records(path)


def definitions(records: list[dict[str, Any]], rounds: int = 12) -> list[int]:
    """For each record what it is: its content, and what it leads to, down to a number of references.

    By plain repetition: in each round, a number stands for what a record and its references were before.
    """
    parts = [_parts(record) for record in records]
    ids = [record["id"] for record in records]
    numbers = {0: 0} | {type_id: hash(content) for type_id, (content, _) in zip(ids, parts, strict=True)}
    for _ in range(rounds):
        found = (hash((content, *map(numbers.__getitem__, references))) for content, references in parts)
        numbers = {0: 0} | dict(zip(ids, found, strict=True))
    return [numbers[type_id] for type_id in ids]


def _parts(record: dict[str, Any]) -> tuple[Hashable, list[int]]:
    """The content of a record without IDs, and the IDs in it, in their order."""
    references: list[int] = []

    def content(value: Any, key: str = "") -> Hashable:
        if isinstance(value, dict):
            return tuple((name, content(item, name)) for name, item in sorted(value.items()) if name != "id")
        if isinstance(value, list):
            return tuple(map(content, value))
        if key in REFERENCES:
            references.append(value)
            return None
        return value  # type: ignore[no-any-return]

    return content(record), references
