"""The manifest of a corpus: which parts there are. A part that no manifest lists does not count."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, NamedTuple

from ..errors import FormatError
from ..fingerprints import VERSION as FINGERPRINTS_VERSION
from .schema import TABLES, VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .storage import Storage

_FOLDER = "manifests"
_NAME = re.compile(r"(\d{8})\.json")
_KEPT = 3  # older manifests, for readers that are about to read them
_FILE = re.compile(r"[0-9a-f]{32}\.parquet")


class File(NamedTuple):
    """A file of a part.

    Attributes:
        name: Its name in the folder of its table: the start of the SHA-256 of its content.
        rows: Number of rows.
        size: Size in bytes.
    """

    name: str
    rows: int
    size: int


class Part(NamedTuple):
    """A part: files that were written together, one for each table.

    Attributes:
        number: Its number, which the IDs of its rows contain.
        needs: Numbers of the parts that its rows refer to.
        files: Its files, by table. A table without rows has none.
    """

    number: int
    needs: tuple[int, ...]
    files: dict[str, File]


class Manifest(NamedTuple):
    """A manifest.

    Attributes:
        sequence: Its number; 0 if there is no corpus yet.
        parts: The parts, by number, in the order in which they were published.
    """

    sequence: int
    parts: dict[int, Part]


def content_name(content: bytes) -> str:
    """The name of a file with this content."""
    return f"{hashlib.sha256(content).hexdigest()[:32]}.parquet"


def read_manifest(storage: Storage) -> Manifest:
    """Read the newest manifest.

    Raises:
        FormatError: It is damaged, or of another version.
        OSError: It cannot be read.
    """
    for attempt in range(10):
        numbers = [int(found[1]) for name in storage.names(_FOLDER) if (found := _NAME.fullmatch(name))]
        if not numbers:
            return Manifest(0, {})
        try:
            return _newest(storage, max(numbers))
        except FileNotFoundError:  # replaced meanwhile
            if attempt == 9:
                raise
    raise AssertionError


def _newest(storage: Storage, sequence: int) -> Manifest:
    """Read a manifest, or a later one: a folder that changes while it is listed may lack the newest."""
    content = storage.read(_name(sequence))
    while True:
        try:
            content = storage.read(_name(sequence + 1))
        except FileNotFoundError:
            return _parsed(content, sequence, storage.path(_name(sequence)))
        sequence += 1


def publish(storage: Storage, manifest: Manifest) -> bool:
    """Write a manifest. Returns False if there is one of this number, or was: old ones are removed."""
    document = {
        "format": "btfmmap corpus",
        "version": VERSION,
        "fingerprints": FINGERPRINTS_VERSION,
        "parts": [
            {
                "number": part.number,
                "needs": [*part.needs],
                "files": {table: file._asdict() for table, file in part.files.items()},
            }
            for part in manifest.parts.values()
        ],
    }
    content = json.dumps(document, indent=1).encode()
    if not storage.create(_name(manifest.sequence), content):
        return False
    last = next(reversed(manifest.parts), None)
    newest = read_manifest(storage)
    if newest.sequence > manifest.sequence and last not in newest.parts:
        storage.remove(_name(manifest.sequence))
        return False
    if manifest.sequence > _KEPT:
        storage.remove(_name(manifest.sequence - _KEPT))
    return True


def unused_files(storage: Storage, manifest: Manifest) -> list[str]:
    """The files that belong to no part, and manifests that were not written to their end; sorted."""
    used = {f"{table}/{file.name}" for part in manifest.parts.values() for table, file in part.files.items()}
    there = {f"{table}/{name}" for table in TABLES for name in storage.names(table)}
    unfinished = [f"{_FOLDER}/{name}" for name in storage.names(_FOLDER) if name.endswith(".tmp")]
    return sorted([*(there - used), *unfinished])


def needed_parts(parts: Mapping[int, Part], number: int) -> list[Part]:
    """A part and all that it needs, directly or not, in the order in which they were published."""
    wanted, pending = {number}, [number]
    while pending:
        for needed in parts[pending.pop()].needs:
            if needed not in wanted:
                wanted.add(needed)
                pending.append(needed)
    return [part for each, part in parts.items() if each in wanted]


def _name(sequence: int) -> str:
    return f"{_FOLDER}/{sequence:08}.json"


def _parsed(content: bytes, sequence: int, path: str) -> Manifest:
    try:
        document = json.loads(content)
        if document["format"] != "btfmmap corpus":
            raise ValueError(f"the format is {document['format']!r}")
        version = document["version"], document["fingerprints"]
        if version != (VERSION, FINGERPRINTS_VERSION):
            raise FormatError(
                f"{path}: the corpus has version {version[0]} with fingerprints of version {version[1]}; "
                f"this btfmmap reads {VERSION} with {FINGERPRINTS_VERSION}"
            )
        parts = [_part(each) for each in document["parts"]]
    except FormatError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise FormatError(f"{path}: the manifest is damaged: {error!r}") from None
    found = {part.number: part for part in parts}
    for part in parts:
        for needed in part.needs:
            if needed not in found:
                raise FormatError(f"{path}: part {part.number} needs part {needed}, which is missing")
    if len(found) != len(parts):
        raise FormatError(f"{path}: the manifest has a part twice")
    return Manifest(sequence, found)


def _part(document: dict[str, object]) -> Part:
    number, needs, files = document["number"], document["needs"], document["files"]
    if not (isinstance(number, int) and 0 < number < 1 << 31 and isinstance(needs, list)):
        raise ValueError(f"a part has the number {number!r}")
    if not isinstance(files, dict):
        raise TypeError("a part has no files")
    found = {}
    for table, each in files.items():
        file = File(**each)
        if table not in TABLES or _FILE.fullmatch(file.name) is None:
            raise ValueError(f"the table {table!r} has the file {file.name!r}")
        if not (isinstance(file.rows, int) and isinstance(file.size, int)):
            raise ValueError(f"the file {file.name!r} has the rows {file.rows!r} and the size {file.size!r}")
        found[table] = file
    return Part(number, tuple(map(int, needs)), found)
