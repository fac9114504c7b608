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


def definitions(records: list[dict[str, Any]], rounds: int = 12) -> list[Hashable]:
    """For each record what it is: its content, and what it leads to, down to a number of references.

    By plain repetition: in each round the IDs are replaced by what the round before has found.
    """
    numbers: dict[int, int] = {0: 0}
    for record in records:
        numbers[record["id"]] = 1
    contents: list[Hashable] = []
    for _ in range(rounds):
        contents = [_content(record, numbers) for record in records]
        seen: dict[Hashable, int] = {}
        found = {0: 0}
        for record, content in zip(records, contents, strict=True):
            # Hashes of strings are equal within a process.
            found[record["id"]] = hash(content)
            seen.setdefault(content, len(seen))
        numbers = found
    return [hash(content) for content in contents]


def _content(value: Any, numbers: dict[int, int], key: str = "") -> Hashable:
    if isinstance(value, dict):
        return tuple(
            (name, _content(item, numbers, name)) for name, item in sorted(value.items()) if name != "id"
        )
    if isinstance(value, list):
        return tuple(_content(item, numbers) for item in value)
    return numbers[value] if key in REFERENCES else value
