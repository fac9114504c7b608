"""`Corpus`: reads a corpus, and answers questions about its kernels."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import FormatError, NotFoundError
from ..kernels.identity import Identity
from ..kernels.inputs import KernelInput
from ..kernels.opened import OpenKernel
from ..kernels.versions import version_key
from .files import Files, follow_failures
from .lineage import Lineage
from .manifest import needed_parts, read_manifest
from .restoring import Restored, restored
from .schema import TABLES, escaped, part_of, pyarrow, schema, unescaped
from .storage import storage_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Executor
    from typing import SupportsIndex

    from ..btf import Btf
    from ..checking.result import CheckResult
    from ..diffing.result import DiffResult
    from ..kernels.mapping import Outcome, Progress
    from .manifest import Part


def open(path: str | os.PathLike[str]) -> Corpus:  # noqa: A001 (named like `btfmmap.open`)
    """Open a corpus for reading.

    What is published later is not seen.

    Args:
        path: A folder, or the URL of one that fsspec opens.

    Returns:
        The corpus.

    Raises:
        FileNotFoundError: There is no corpus.
        FormatError: It is damaged, or of another version.
        NotSupportedError: pyarrow or fsspec is not installed. The message names the extra.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = btfmmap.corpus.build(folder, btf)
        ...     btfmmap.corpus.open(folder)
        <Corpus of 1 kernels in 1 parts>
    """
    return Corpus(path)


class Corpus:
    """A corpus: many kernels, each definition stored once. `btfmmap.corpus.open` returns one.

    Tables are `pyarrow.Table`; docs/corpus.md describes their columns. Results of `check` and `diff` are
    converted by `to_arrow`. Kernels are in the order of architecture, flavour and version, each followed by
    its modules.

    Example:
        >>> corpus.kernels.num_rows
        1
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        pyarrow()
        self._path = os.fspath(path)
        self._storage = storage_of(path)
        manifest = read_manifest(self._storage)
        if not manifest.sequence:
            raise FileNotFoundError(2, "there is no corpus", self._path)
        self._parts = manifest.parts
        self._files = Files(self._storage)
        self._lineages: dict[int, Lineage] = {}

    def __repr__(self) -> str:
        return f"<Corpus of {self.kernels.num_rows:,} kernels in {len(self._parts):,} parts>"

    # -- tables

    @cached_property
    def kernels(self) -> Any:
        """The kernels and modules.

        Example:
            >>> corpus.kernels["types"].to_pylist()
            [48]
        """
        pa = pyarrow()
        found = [self._files.kernels(part) for part in self._parts.values()]
        table = pa.concat_tables([schema("kernels").empty_table(), *found])
        names = ("id", "parent", "arch", "flavour", "release", "name", "sha256", "module")
        columns = {name: table[name].to_pylist() for name in names}
        rows = {kernel_id: row for row, kernel_id in enumerate(columns["id"])}
        labels = [release or name for release, name in zip(columns["release"], columns["name"], strict=True)]
        versions = {label: version_key(label) for label in {*labels}}

        def key(row: int) -> tuple[Any, ...]:
            base = row
            for _ in range(8):
                if columns["parent"][base] is None:
                    break
                base = rows.get(columns["parent"][base], base)
            return (
                *(columns[each][base] for each in ("arch", "flavour")),
                versions[labels[base]],
                *(columns[each][base] for each in ("name", "sha256")),
                columns["parent"][row] is not None,
                *(columns[each][row] for each in ("module", "sha256")),
            )

        order = sorted(range(len(table)), key=key)
        return table.take(pa.array(order, pa.int64()))

    @property
    def failures(self) -> Any:
        """The inputs that did not open, and have not opened since, each with its error.

        Example:
            >>> corpus.failures.num_rows
            0
        """
        failed: dict[str, str] = {}
        for part in self._parts.values():
            follow_failures(failed, self._files.sources(part), self._files.failures(part))
        columns = [[*failed], [*failed.values()]]
        return pyarrow().table(columns, schema=schema("failures"))

    def table(self, name: str) -> Any:
        """Return a whole table.

        Args:
            name: "kernels", "sources", "failures", "types", "layouts", "members", "params", "enumerators",
                "secinfos" or "presence".

        Returns:
            The `pyarrow.Table`, part by part.

        Raises:
            FormatError: A file is damaged.
            ValueError: There is no such table.

        Example:
            >>> corpus.table("members").column_names[:3]
            ['parent', 'number', 'name']
        """
        pa = pyarrow()
        found = [self._files.whole(part, name) for part in self._with_table(name)]
        return pa.concat_tables([schema(name).empty_table(), *found])

    def files(self, table: str) -> list[str]:
        """Return the Parquet files of a table, for other engines.

        Args:
            table: As for `table`.

        Returns:
            Paths or URLs. A table without rows has none.

        Raises:
            ValueError: There is no such table.

        Example:
            >>> len(corpus.files("kernels"))
            1
        """
        return [self._storage.path(f"{table}/{part.files[table].name}") for part in self._with_table(table)]

    def count(self, table: str) -> int:
        """Return the number of rows of a table, without reading it.

        Args:
            table: As for `table`.

        Raises:
            ValueError: There is no such table.

        Example:
            >>> corpus.count("members")
            22
        """
        return sum(part.files[table].rows for part in self._with_table(table))

    def size(self, table: str) -> int:
        """Return the size of the files of a table in bytes.

        Args:
            table: As for `table`.

        Raises:
            ValueError: There is no such table.

        Example:
            >>> corpus.size("secinfos") > 0
            True
        """
        return sum(part.files[table].size for part in self._with_table(table))

    # -- single kernels

    def btf(self, kernel: SupportsIndex | str) -> Btf:
        """Restore the BTF of a kernel or module.

        Its types are those of the original, with the same names, members and references, in another order:
        type IDs differ.

        Args:
            kernel: Row in `kernels`, or a kernel's name.

        Returns:
            The BTF. That of a module has its kernel as base.

        Raises:
            FormatError: A file is damaged.
            IndexError: There is no such row.
            NotFoundError: No kernel has this name.

        Example:
            >>> corpus.btf(0)["struct flow"].size
            112
        """
        rows = self._kernel_rows
        if isinstance(kernel, str):
            name = escaped(kernel)
            found = [row for row in rows if row["name"] == name and row["parent"] is None]
            if not found:
                raise NotFoundError(f"the corpus has no kernel named {kernel!r}")
            return self._restored(found[0]).btf
        return self._restored(rows[range(len(rows))[kernel]]).btf

    def inputs(self) -> list[CorpusInput]:
        """Return the kernels, without modules, for functions that take kernels, such as `check`.

        Returns:
            One for each kernel, in order. It can be pickled, and restores the kernel when it is opened.

        Example:
            >>> btfmmap.check([], corpus.inputs()).kernels.error.tolist()
            ['']
        """
        return [
            CorpusInput(self._storage.url, row["id"], unescaped(row["path"]), self._identity(row), self)
            for row in self._kernel_rows
            if row["parent"] is None
        ]

    def map(
        self,
        function: Callable[[OpenKernel], Any],
        *,
        executor: Executor | None = None,
        progress: Progress | None = None,
    ) -> Iterator[Outcome]:
        """Call a function with each kernel.

        Args:
            function: Takes an `OpenKernel`. With an executor of processes it is pickled, as is its result.
            executor: A `concurrent.futures.Executor`; None for this process.
            progress: Called with the number of kernels done, their number, and the name of the next one.

        Returns:
            An iterator of outcomes with `identity`, `value` and `error`, in order.

        Example:
            >>> [outcome.value for outcome in corpus.map(lambda kernel: len(kernel.base))]
            [49]
        """
        from ..kernels.mapping import map_kernels

        return map_kernels(function, self.inputs(), executor=executor, progress=progress)

    def check(self, objects: Any, **options: Any) -> CheckResult:
        """Check whether BPF objects load on the kernels; see `btfmmap.check`.

        Args:
            objects: As for `btfmmap.check`.
            options: As for `btfmmap.check`.

        Returns:
            The result. For libraries that read Arrow, it is a table of the verdicts.

        Example:
            >>> corpus.check([]).kernels.error.tolist()
            ['']
        """
        from ..checking.check import check

        return check(objects, self.inputs(), **options)

    def diff(self, kernels: Sequence[SupportsIndex] | None = None, **options: Any) -> DiffResult:
        """Compare what the kernels define; see `btfmmap.diff`.

        Args:
            kernels: Positions in `inputs()`; None for all.
            options: As for `btfmmap.diff`.

        Returns:
            The result. For libraries that read Arrow, it is a table of which version each kernel has.

        Raises:
            IndexError: There is no such kernel.

        Example:
            >>> corpus.diff([0, 0])
            <DiffResult 2 kernels: 22 entities, 22 of them the same in all>
        """
        from ..diffing.diff import diff

        found = self.inputs()
        chosen = found if kernels is None else [found[range(len(found))[each]] for each in kernels]
        return diff(chosen, **options)

    # -- questions

    def history(self, path: str) -> Any:
        """Return what a type, member, enumerator or parameter is in each kernel.

        Args:
            path: The name of a type or function, or one with the path of a member: "struct sock",
                "sock.sk_uid", "task_struct.se.vruntime", "vfs_read.buf". Members of members without a name
                count as the struct's own. If a kernel has several types of the name, structs and unions come
                first.

        Returns:
            A table with a row for each kernel, modules excluded: kernel, release, arch, flavour, present,
            definition (ID of the type that has the name), type, bit_offset, bits, size, value. What does not
            exist is null.

        Raises:
            NotFoundError: No kernel has it.

        Example:
            >>> corpus.history("flow.link.prev").select(["present", "bit_offset"]).to_pylist()
            [{'present': True, 'bit_offset': 64}]
        """
        from .questions import history

        return history(self._questions, [path]).drop_columns(["path"])

    def offsets(self, paths: Sequence[str]) -> Any:
        """Return where several members are in each kernel.

        Args:
            paths: As for `history`.

        Returns:
            The tables of `history`, one after the other, with the column `path`.

        Raises:
            NotFoundError: No kernel has one of them.

        Example:
            >>> corpus.offsets(["flow.link", "flow.protocol"])["bit_offset"].to_pylist()
            [0, 384]
        """
        from .questions import history

        return history(self._questions, paths)

    def presence(self, pattern: str) -> Any:
        """Return which kernels define what matches a glob.

        Args:
            pattern: A glob of names, such as "tcp_*"; a keyword may precede it: "struct tcp_*", "func tcp_*".

        Returns:
            A table with a row for each definition and kernel, sorted by name: kind, name, kernel, definition,
            fingerprint, size.

        Example:
            >>> corpus.presence("struct f*").select(["name", "size"]).to_pylist()
            [{'name': 'flow', 'size': 112}]
        """
        from .questions import presence

        return presence(self._questions, pattern)

    def functions(self, pattern: str) -> Any:
        """Return the functions whose names match a glob, with their prototypes in each kernel.

        Args:
            pattern: A glob of names, such as "tcp_*".

        Returns:
            A table with a row for each function and kernel: name, kernel, linkage, definition, prototype.

        Example:
            >>> corpus.functions("*").column_names
            ['name', 'kernel', 'linkage', 'definition', 'prototype']
        """
        from .questions import functions

        return functions(self._questions, pattern)

    def size_changes(self, pattern: str = "*") -> Any:
        """Return which structs and unions have another size in the next kernel.

        Neighbours are kernels that follow one another in `kernels`, of one architecture and flavour.

        Args:
            pattern: A glob of names.

        Returns:
            A table: kind, name, old and new kernel, old and new size.

        Example:
            >>> corpus.size_changes().num_rows
            0
        """
        from .questions import size_changes

        return size_changes(self._questions, pattern)

    # -- within the package

    def _with_table(self, name: str) -> list[Part]:
        """The parts that have rows of a table."""
        if name not in TABLES:
            raise ValueError(f"there is no table {name!r}; the tables are {', '.join(TABLES)}")
        return [part for part in self._parts.values() if name in part.files]

    @cached_property
    def _kernel_rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.kernels.to_pylist()
        return rows

    @cached_property
    def _questions(self) -> Any:
        from .questions import CorpusReader

        return CorpusReader(self._files, [*self._parts.values()], self.kernels)

    @cached_property
    def _rows_by_id(self) -> dict[int, dict[str, Any]]:
        return {row["id"]: row for row in self._kernel_rows}

    def _identity(self, row: dict[str, Any]) -> Identity:
        cells: list[Any] = [unescaped(row[name]) for name in Identity._fields]
        return Identity(*cells)

    def _open_kernel(self, kernel_id: int) -> OpenKernel:
        row = self._rows_by_id[kernel_id]
        return OpenKernel(self._identity(row), self._restored(row).btf, owned=True)

    def _restored(self, row: dict[str, Any]) -> Restored:
        return self._restored_in(self._lineage(part_of(row["id"])), row, 0)

    def _restored_in(self, lineage: Lineage, row: dict[str, Any], depth: int) -> Restored:
        base = None
        if row["parent"] is not None:
            if row["parent"] not in self._rows_by_id or depth > 8:
                raise FormatError(f"{self._path}: the kernel {row['parent']} is missing")
            base = self._restored_in(lineage, self._rows_by_id[row["parent"]], depth + 1)
        part = self._parts[part_of(row["id"])]
        start, stop, first, last = self._files.rectangles(part)
        own = np.flatnonzero((first <= row["id"]) & (row["id"] <= last))
        lengths = (stop - start)[own]
        if lengths.sum() > len(lineage.ids):
            raise FormatError(f"{self._path}: the table presence of part {part.number} is damaged")
        ids = [np.arange(start[each], stop[each]) for each in own]
        numbers = lineage.numbers_of(np.concatenate([np.zeros(0, np.int64), *ids]))
        return restored(lineage, np.unique(numbers), row["byte_order"], base)

    def _lineage(self, number: int) -> Lineage:
        if number not in self._lineages:
            self._lineages = {number: Lineage(self._files, needed_parts(self._parts, number))}
        return self._lineages[number]


class CorpusInput(KernelInput):
    """A kernel of a corpus, for functions that take kernels. `Corpus.inputs` returns them.

    Attributes:
        identity: Which kernel it is.

    Example:
        >>> with corpus.inputs()[0].open() as kernel:
        ...     len(kernel.base)
        49
    """

    __slots__ = ("_corpus", "_corpus_path", "_id", "identity")

    def __init__(
        self, corpus_path: str, kernel_id: int, path: str, identity: Identity, corpus: Corpus | None = None
    ) -> None:
        super().__init__(path, identity.name)
        self.identity: Identity = identity
        self._corpus_path = corpus_path
        self._id = kernel_id
        self._corpus = corpus

    def __reduce__(self) -> tuple[Any, ...]:
        return CorpusInput, (self._corpus_path, self._id, self.path, self.identity)

    def open(self) -> OpenKernel:
        """Restore the kernel.

        Returns:
            The open kernel, without modules.

        Raises:
            FormatError: A file of the corpus is damaged.

        Example:
            >>> corpus.inputs()[0].open().identity.name
            'sample'
        """
        if self._corpus is None:
            self._corpus = Corpus(self._corpus_path)
        return self._corpus._open_kernel(self._id)
