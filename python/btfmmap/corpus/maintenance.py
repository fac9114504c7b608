"""Verifies and compacts a corpus."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import BtfError
from .building import CorpusBuilder
from .files import Files
from .manifest import content_name, read_manifest, unused_files
from .opened import Corpus
from .storage import storage_of

if TYPE_CHECKING:
    from ..kernels.mapping import Progress
    from .files import Mark


class Verified(NamedTuple):
    """What `verify` found.

    Attributes:
        kernels: Number of kernels and modules that could be restored.
        problems: What is wrong; empty if nothing is.
        unused: Files that no part has, such as those of a build that was ended. `compact` removes them.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = btfmmap.corpus.build(folder, btf)
        ...     btfmmap.corpus.verify(folder)
        Verified(kernels=1, problems=[], unused=[])
    """

    kernels: int
    problems: list[str]
    unused: list[str]


def verify(path: str | os.PathLike[str], *, progress: Progress | None = None) -> Verified:
    """Verify a corpus: the content of each file, and that each kernel can be restored.

    Args:
        path: A folder, or the URL of one that fsspec opens.
        progress: Called with the number of kernels done, their number, and the name of the next one.

    Returns:
        What was found.

    Raises:
        FileNotFoundError: There is no corpus.
        FormatError: The manifest is damaged, or of another version.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = btfmmap.corpus.build(folder, btf)
        ...     btfmmap.corpus.verify(folder).problems
        []
    """
    storage = storage_of(path)
    manifest = read_manifest(storage)
    if not manifest.sequence:
        raise FileNotFoundError(2, "there is no corpus", os.fspath(path))
    problems = []
    for part in manifest.parts.values():
        for table, file in part.files.items():
            name = f"{table}/{file.name}"
            try:
                content = storage.read(name)
            except OSError as error:
                problems.append(f"{storage.path(name)}: {error.strerror or error}")
                continue
            if content_name(content) != file.name:
                problems.append(f"{storage.path(name)}: the content is not what the name says")
    restored = 0
    if not problems:
        try:
            corpus = Corpus(path)
            restored, found = _restored(corpus, progress)
            problems += found
        except BtfError as error:
            problems.append(str(error))
    return Verified(restored, problems, unused_files(storage, manifest))


def _restored(corpus: Corpus, progress: Progress | None) -> tuple[int, list[str]]:
    problems = []
    rows = corpus.kernels.to_pylist()
    order = sorted(range(len(rows)), key=lambda number: rows[number]["id"])  # part by part
    for done, number in enumerate(order):
        row = rows[number]
        if progress is not None:
            progress(done, len(rows), row["name"])
        label = f"{row['name']} {row['module']}".rstrip()
        try:
            types = corpus.btf(number).types
        except BtfError as error:
            problems.append(f"{label}: {error}")
            continue
        count = len(types) - (row["parent"] is None)
        if count != row["types"]:
            problems.append(f"{label}: has {count:,} types, must have {row['types']:,}")
    return len(rows) - len(problems), problems


def compact(path: str | os.PathLike[str], *, progress: Progress | None = None) -> None:
    """Write a corpus with fewer parts, and remove what is not used.

    Small parts, such as those of a build for each new kernel, and types that several parts store, take more
    room and time to read. Nothing else may write the corpus meanwhile. Who has the corpus open needs
    to open it again.

    Args:
        path: A folder, or the URL of one that fsspec opens.
        progress: Called with the number of kernels done, their number, and the name of the next one.

    Raises:
        FileNotFoundError: There is no corpus.
        FormatError: The corpus is damaged, or was changed meanwhile.
        OSError: The corpus cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = btfmmap.corpus.build(folder, btf)
        ...     btfmmap.corpus.compact(folder)
        ...     btfmmap.corpus.open(folder)
        <Corpus of 1 kernels in 1 parts>
    """
    storage = storage_of(path)
    manifest = read_manifest(storage)
    corpus = Corpus(path)
    rows = corpus.kernels.to_pylist()
    builder = CorpusBuilder(storage, replaces=manifest.sequence)
    done = 0
    for number, row in enumerate(rows):
        if row["parent"] is not None:
            continue
        family = [number, *_modules(rows, row["id"])]
        if progress is not None:
            progress(done, len(rows), row["name"])
        builder.rewrite([(rows[each], corpus.btf(each)) for each in family], {})
        done += len(family)
    files = Files(storage)
    sources: dict[Mark, str | None] = {}
    for part in manifest.parts.values():
        sources.update(files.sources(part))
    failures = corpus.failures.to_pylist()
    builder.replace(sources, {row["path"]: row["error"] for row in failures})
    for name in unused_files(storage, builder.manifest):
        storage.remove(name)


def _modules(rows: list[dict[str, Any]], kernel_id: int) -> list[int]:
    """The numbers of the rows that continue a kernel, directly or not, each after its base."""
    family, found = {kernel_id}, []
    pending = [number for number, row in enumerate(rows) if row["parent"] is not None]
    while ready := [number for number in pending if rows[number]["parent"] in family]:
        found += ready
        family |= {rows[number]["id"] for number in ready}
        pending = [number for number in pending if number not in ready]
    return found
