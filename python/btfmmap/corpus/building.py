"""Builds a corpus, and goes on where an earlier build stopped."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import _core
from ..errors import FormatError, NotSupportedError
from ..kernels.inputs import KernelInput, inputs
from ..kernels.mapping import error_text
from .collecting import Collector
from .content import UrlInput
from .files import Files, follow_failures
from .heap import trim
from .lineage import Lineage
from .manifest import Manifest, needed_parts, publish, read_manifest
from .parts import Batch, Stored, make_part, write_part
from .schema import escaped, first_id, part_of, pyarrow
from .segments import read_segments
from .storage import Storage, is_url, storage_of
from .type_sets import TypeSet
from .words import encoded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    import numpy.typing as npt

    from .._core import CorpusEntry
    from ..btf import Btf
    from ..kernels.inputs import Kernels
    from ..kernels.mapping import Outcome, Progress
    from .collecting import Types
    from .content import Content
    from .files import Mark

    Array = npt.NDArray[Any]

_BATCH = 256  # kernels and modules of a part
_BATCH_SECONDS = 60.0
_MAX_BATCH_TYPES = 1 << 18  # that are new in a part
_MAX_CATALOG = 96 << 20  # bytes; then types are stored again
_MAX_COLLECTORS = 64  # whose numbers are kept: 1 MB each
_MAX_LOADED = 8 << 20  # bytes of files whose types are read before the first kernel


class Built(NamedTuple):
    """What a build did.

    Attributes:
        added: Number of kernels and modules that were added.
        known: Number of inputs that the corpus had already.
        failed: Absolute paths or URLs, and errors, of the inputs that did not open, now or when an earlier
            build read the same file.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     btfmmap.corpus.build(folder, btfmmap.SAMPLE_BTF)
        Built(added=1, known=0, failed=[])
    """

    added: int
    known: int
    failed: list[tuple[str, str]]


class Known(NamedTuple):
    """What the catalog has of a collector.

    Attributes:
        names: The number in the catalog of each name.
        numbers: The number in the catalog of each type.
        unnamed: How many of its types without a name.
    """

    names: Array
    numbers: Array
    unnamed: int


_NOTHING_KNOWN = Known(np.zeros(0, np.uint32), np.zeros(0, np.uint32), 0)


def build(
    out: str | os.PathLike[str],
    kernels: Kernels,
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Built:
    """Add kernels to a corpus, which is created if there is none.

    What is done is published in parts: a build that is ended at any moment, by whatever, leaves a corpus that
    can be read, and the next build goes on from there. A file is skipped if an earlier build has read one of
    the same path, size and time of modification, or found it invalid; a URL if it has been read. What failed
    for another reason is tried again. A BTF is added if the corpus has none of the same content.

    Several processes may build one corpus in a local folder at once. On an object store, one may.

    Args:
        out: A folder, or the URL of one that fsspec opens.
        kernels: As for `find_kernels`; also URLs of files, such as "s3://bucket/kernels/*.btf.tar.xz".
        executor: A `concurrent.futures.Executor` that opens and decompresses kernels; None for this process.
        progress: Called with the number of kernels done, their number, and the name of the next one, before
            each.

    Returns:
        What was added, and what failed.

    Raises:
        FileNotFoundError: A glob matches no file, or a folder contains no kernel.
        FormatError: There is a corpus, which is damaged or of another version.
        NotSupportedError: pyarrow or fsspec is not installed. The message names the extra.
        OSError: The corpus cannot be written.
        TypeError: An item of `kernels` is of another type.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     btfmmap.corpus.build(folder, [btf]).added, btfmmap.corpus.build(folder, [btf]).added
        (1, 0)
    """
    pyarrow()
    return CorpusBuilder(storage_of(out)).run(find_inputs(kernels), executor, progress)


def find_inputs(kernels: Kernels) -> list[KernelInput]:
    """Expand kernels as `find_kernels` does, and URLs with globs.

    Args:
        kernels: As for `find_kernels`, or URLs.

    Returns:
        The inputs, which `build` takes.

    Raises:
        FileNotFoundError: A glob matches no file, or a folder contains no kernel.
        NotSupportedError: fsspec is not installed.
        TypeError: An item is of another type.

    Example:
        >>> btfmmap.corpus.find_inputs("s3://bucket/6.12.43-amd64.btf.xz")
        [<KernelInput s3://bucket/6.12.43-amd64.btf.xz>]
    """
    if isinstance(kernels, Mapping):
        return [*inputs(kernels)]
    items: Any = kernels if _is_list(kernels) else [kernels]
    return [found for item in items for found in _of_item(item)]


def _is_list(kernels: Any) -> bool:
    return (
        isinstance(kernels, Iterable)
        and not hasattr(kernels, "base")
        and not isinstance(kernels, str | bytes)
    )


def _of_item(item: Any) -> Iterable[KernelInput]:
    if not isinstance(item, str) or not is_url(item):
        return inputs([item])
    if not any(letter in item for letter in "*?["):
        return [UrlInput(item)]
    from .storage import fsspec

    system, path = fsspec().core.url_to_fs(item)
    found = sorted(system.glob(path))
    if not found:
        raise FileNotFoundError(2, "no kernel matches this pattern", item)
    return [UrlInput(system.unstrip_protocol(each)) for each in found]


class CorpusBuilder:
    """The state of a build: the catalog of types, what the corpus has, and the batch at hand."""

    def __init__(self, storage: Storage, *, replaces: int | None = None) -> None:
        """Start a build.

        Args:
            storage: The corpus.
            replaces: The number of the manifest whose parts are all written again, and published at once by
                `replace`; None to add to them.
        """
        self.storage: Storage = storage
        self.manifest: Manifest = read_manifest(storage) if replaces is None else Manifest(replaces, {})
        self._replaces = replaces is not None
        self._ids_of: dict[tuple[str, int], int] = {}  # of kernels, by SHA-256 and ID of the base
        self._sources: set[Mark] = set()
        self._failures: dict[str, str] = {}  # of inputs that have not opened since
        self._read(self.manifest.parts)
        self._catalog = _core.CorpusCatalog()
        self._ids: Array = np.zeros(1, np.int64)
        self._texts: dict[int, str] = {}  # of types in the catalog that no part has yet, in C
        self._merged: tuple[Types, Array] | None = None  # the types added last, and their numbers
        self._collectors: dict[str, Known] = {}  # what the catalog has of each, by its name
        self._covered: set[int] = set()  # parts whose kernels have no types but those of the catalog
        if self.manifest.parts:
            self._load([*self.manifest.parts][-1], _MAX_LOADED)
        self._start_batch()

    def run(
        self, kernels: Sequence[KernelInput], executor: Executor | None, progress: Progress | None
    ) -> Built:
        """Add inputs, and publish them."""
        added = known = 0
        failed: list[tuple[str, str]] = []
        new = []
        marks: list[Mark] = []
        given: set[Mark] = set()
        for kernel in kernels:
            mark = source_mark(kernel)
            if mark in self._sources:
                known += 1
                if mark[0] in self._failures:
                    failed.append((mark[0], self._failures[mark[0]]))
            elif mark in given:
                known += 1
            else:
                if mark[0]:
                    given.add(mark)
                new.append(in_full(kernel))
                marks.append(mark)
        source = iter(marks)
        for segment in read_segments(new, executor, progress):
            for outcome in segment.outcomes:
                count, errors = self.add(outcome, segment.types, next(source))
                added += count
                known += not count and not errors
                failed += errors
            trim()
        self.flush()
        return Built(added, known, failed)

    def add(self, outcome: Outcome, types: Types, mark: Mark) -> tuple[int, list[tuple[str, str]]]:
        """Add one input to the batch. Returns the number of BTFs that are new, and the errors."""
        errors: list[tuple[str, str]] = []
        count = 0
        digest = None
        failure = outcome.error
        if failure is None:
            content: Content = outcome.value
            try:
                count = self._add(content, types)
                digest = content.levels[0].row["sha256"]
            except NotSupportedError as error:
                failure = error
            errors += content.failed
        if failure is not None:
            errors.insert(0, (outcome.path or "", error_text(failure)))
        for given, reason in errors:
            path = escaped(os.path.abspath(given) if given and not is_url(given) else given)
            text = escaped(reason)
            if self._failures.get(path) != text:
                self._batch.failures[path] = text
        # What is invalid stays so until the file changes, which the mark of a URL does not tell.
        if mark[0] and (digest is not None or (isinstance(failure, FormatError) and mark[1] >= 0)):
            self._batch.sources[mark] = digest
        if self._is_full() or time.monotonic() > self._deadline:
            self.flush()
        return count, errors

    def rewrite(self, kernels: Sequence[tuple[dict[str, Any], Btf]], parents: dict[int, Any]) -> None:
        """Add kernels, or modules of one kernel after it, that a corpus has.

        Args:
            kernels: Their rows and BTFs, each after its base.
            parents: The new IDs of kernels by the old ones, to which those of `kernels` are added. An ID is
                a tuple with the number in the batch as long as that is not published.
        """
        collector = Collector()
        entries: dict[int, CorpusEntry] = {}
        found = []
        for row, btf in kernels:
            base = None if row["parent"] is None else entries[row["parent"]]
            entry = entries[row["id"]] = collector.add(btf, base)
            found.append(TypeSet.of(np.asarray(entry.numbers())))
        numbers = self._numbers(collector.types())
        for (row, _), types in zip(kernels, found, strict=True):
            parent = None if row["parent"] is None else parents[row["parent"]]
            parents[row["id"]] = (len(self._batch.kernels),)
            new_row = {name: value for name, value in row.items() if name != "id"} | {"parent": parent}
            self._batch.kernels.append(Stored(new_row, types, numbers))
        if self._is_full():
            self.flush()

    def replace(self, sources: Mapping[Mark, str | None], failures: Mapping[str, str]) -> None:
        """Publish what was rewritten in place of the parts of the manifest that it replaces.

        Raises:
            FormatError: Another process has published a manifest.
        """
        self._batch.sources.update(sources)
        self._batch.failures.update(failures)
        self.flush()
        manifest = Manifest(self.manifest.sequence + 1, self.manifest.parts)
        if not publish(self.storage, manifest):
            raise FormatError(f"{self.storage.url}: the corpus was changed while it was compacted")
        self.manifest = manifest

    def flush(self) -> None:
        """Publish the batch at hand, if there is anything in it."""
        if any(self._batch):
            trim()
            self._publish()
            trim()
        self._start_batch()

    def _is_full(self) -> bool:
        is_large = self._catalog.size() - self._first_of_batch > _MAX_BATCH_TYPES
        return is_large or len(self._batch.kernels) >= _BATCH

    def _start_batch(self) -> None:
        self._batch = Batch([], {}, {})
        self._pending: dict[tuple[str, int], int] = {}
        self._deadline = time.monotonic() + _BATCH_SECONDS
        if self._catalog.bytes() > _MAX_CATALOG:
            self._forget()
        self._first_of_batch = self._catalog.size()

    def _forget(self) -> None:
        self._catalog = _core.CorpusCatalog()
        self._ids = np.zeros(1, np.int64)
        self._texts = {}
        self._merged = None
        self._collectors = {}
        self._covered = set()
        self._first_of_batch = self._catalog.size()

    # -- one input

    def _add(self, content: Content, types: Types) -> int:
        """Add the BTFs of an input that the corpus does not have."""
        missing = self._missing(content)
        if not missing:
            return 0
        self._cover(content, missing)
        numbers = self._numbers(types)
        ids: list[Any] = []  # of each BTF: its ID, or a tuple of its number in the batch
        for number, level in enumerate(content.levels):
            parent = None if level.base is None else ids[level.base]
            key = self._key(level.row["sha256"], parent)
            if number in missing:
                ids.append((len(self._batch.kernels),))
                self._pending[key] = len(self._batch.kernels)
                self._batch.kernels.append(Stored({**level.row, "parent": parent}, level.types, numbers))
            else:
                ids.append(self._known(key))
        return len(missing)

    def _missing(self, content: Content) -> set[int]:
        """The numbers of the BTFs that the corpus, and the batch, do not have."""
        ids: list[Any] = []
        missing = set()
        for number, level in enumerate(content.levels):
            parent = None if level.base is None else ids[level.base]
            found = None if parent == "new" else self._known(self._key(level.row["sha256"], parent))
            if found is None:
                missing.add(number)
            ids.append("new" if found is None else found)
        return missing

    def _key(self, sha256: str, parent: Any) -> tuple[str, int]:
        return sha256, 0 if parent is None else -1 - parent[0] if isinstance(parent, tuple) else parent

    def _known(self, key: tuple[str, int]) -> Any:
        if key in self._pending:
            return (self._pending[key],)
        return self._ids_of.get(key)

    # -- the catalog

    def _cover(self, content: Content, missing: set[int]) -> None:
        """Read the types of the bases that new split BTFs continue, if the catalog does not have them."""
        for number in sorted(missing):
            base = content.levels[number].base
            while base is not None and base not in missing:
                known = self._ids_of.get(self._key(content.levels[base].row["sha256"], None))
                if known is not None and part_of(known) not in self._covered:
                    self.flush()
                    self._forget()
                    self._load(part_of(known), None)
                    return
                base = content.levels[base].base

    def _load(self, number: int, limit: int | None) -> None:
        """Read the types of a part, and of those that it needs, into the empty catalog.

        Args:
            number: The part.
            limit: The most bytes of files to read; None for no limit.
        """
        parts = needed_parts(self.manifest.parts, number)
        if limit is not None and sum(file.size for part in parts for file in part.files.values()) > limit:
            return
        lineage = Lineage(Files(self.storage), parts)
        names = np.asarray(self._catalog.add_names(lineage.names))
        records = lineage.records
        records.types["name"] = names[records.types["name"]]
        for columns in records.elements.values():
            if "name" in columns:
                columns["name"] = names[columns["name"]]
        numbers = np.asarray(self._catalog.add_records(*encoded(records)))
        if (numbers != np.arange(1, len(numbers) + 1)).any():
            self._forget()  # two builders stored the same types
            return
        self._ids = lineage.ids
        self._first_of_batch = self._catalog.size()
        self._covered = {part.number for part in parts}

    def _numbers(self, types: Types) -> Array:
        """Add types to the catalog, unless they are the last that were added. Returns their numbers in it."""
        if self._merged is None or self._merged[0] is not types:
            known = self._collectors.pop(types.collector, _NOTHING_KNOWN)
            added = self._catalog.merge(types.names, types.records, known[:2])
            numbers = np.asarray(added[1])
            self._keep_texts(types, numbers, known.unnamed)
            if len(self._collectors) >= _MAX_COLLECTORS:
                del self._collectors[next(iter(self._collectors))]
            self._collectors[types.collector] = Known(np.asarray(added[0]), numbers, len(types.unnamed))
            self._merged = types, numbers
        return self._merged[1]

    def _keep_texts(self, types: Types, numbers: Array, known: int) -> None:
        """Keep how types are spelled that no part has, of those after the first `known` without a name."""
        unnamed = numbers[types.unnamed[known:]]
        is_spelled = np.zeros(self._catalog.size(), bool)
        is_spelled[: len(self._ids)] = self._ids != 0
        is_spelled[[*self._texts]] = True
        rows = np.flatnonzero(~is_spelled[unnamed]).tolist()
        if rows:
            texts = types.spellings.rsplit("\0", len(unnamed))[-len(unnamed) :]
            self._texts.update(zip(unnamed[rows].tolist(), map(texts.__getitem__, rows), strict=True))

    def _spellings(self, numbers: Array) -> list[str]:
        return [self._texts.get(number, "") for number in numbers.tolist()]

    # -- publishing

    def _publish(self) -> None:
        while True:
            size = self._catalog.size()
            ids = np.zeros(size, np.int64)
            ids[: len(self._ids)] = self._ids
            made = make_part(self._catalog, ids, self._spellings, self._batch, self._is_taken)
            part = write_part(self.storage, made)
            if not {*part.needs} <= {*self.manifest.parts}:
                raise FormatError(
                    f"{self.storage.url}: the corpus was compacted meanwhile; start the build again"
                )
            parts = {**self.manifest.parts, part.number: part}
            manifest = Manifest(self.manifest.sequence + (not self._replaces), parts)
            if self._replaces or publish(self.storage, manifest):
                break
            self._catch_up()
            if not any(self._batch):
                return
        self.manifest = manifest
        ids[made.new] = first_id(part.number) + np.arange(len(made.new))
        self._ids = ids
        self._covered.add(part.number)
        self._texts = {number: text for number, text in self._texts.items() if not ids[number]}
        self._sources.update(self._batch.sources)
        follow_failures(self._failures, self._batch.sources, self._batch.failures)
        rows = made.tables["kernels"].select(["id", "sha256", "parent"]).to_pylist()
        self._ids_of.update({(row["sha256"], row["parent"] or 0): row["id"] for row in rows})

    def _is_taken(self, number: int) -> bool:
        return number in self.manifest.parts

    def _catch_up(self) -> None:
        """Read what another builder has published, and leave it out of the batch."""
        manifest = read_manifest(self.storage)
        self._read(
            {number: part for number, part in manifest.parts.items() if number not in self.manifest.parts}
        )
        self.manifest = manifest
        kept: list[Stored] = []
        places: dict[int, Any] = {}  # of the kernels of the batch
        for number, kernel in enumerate(self._batch.kernels):
            parent = kernel.row["parent"]
            if isinstance(parent, tuple):
                parent = places[parent[0]]
            known = (
                None if isinstance(parent, tuple) else self._ids_of.get((kernel.row["sha256"], parent or 0))
            )
            if known is None:
                places[number] = (len(kept),)
                kept.append(kernel._replace(row={**kernel.row, "parent": parent}))
            else:
                places[number] = known
        sources = {mark: digest for mark, digest in self._batch.sources.items() if mark not in self._sources}
        failures = {
            path: text for path, text in self._batch.failures.items() if self._failures.get(path) != text
        }
        self._batch = Batch(kept, sources, failures)

    def _read(self, parts: Mapping[int, Any]) -> None:
        files = Files(self.storage)
        for part in parts.values():
            for row in files.kernels(part, ["id", "sha256", "parent"]).to_pylist():
                self._ids_of[row["sha256"], row["parent"] or 0] = row["id"]
            sources = files.sources(part)
            self._sources.update(sources)
            follow_failures(self._failures, sources, files.failures(part))


def source_mark(kernel: KernelInput) -> Mark:
    """Path, size and time of modification of an input that is a file; else empty, and zeros."""
    path = kernel.path
    if path is None or kernel.is_open:
        return "", 0, 0
    if isinstance(kernel, UrlInput):
        return escaped(path), -1, -1
    absolute = os.path.abspath(path)
    try:
        status = os.stat(absolute)
    except OSError:
        return escaped(absolute), -1, -1
    if os.path.isdir(absolute):
        return "", 0, 0
    return escaped(absolute), status.st_size, status.st_mtime_ns


def in_full(kernel: KernelInput) -> KernelInput:
    """The input with its absolute path: its error is the same in each folder, and in each process."""
    if type(kernel) is not KernelInput or kernel.is_open or kernel.path is None:
        return kernel
    return KernelInput(os.path.abspath(kernel.path), kernel.name)
