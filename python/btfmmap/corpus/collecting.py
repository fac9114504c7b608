"""Collects the types of some kernels, each once, to be handed over to the builder of a corpus."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .. import _core
from .schema import escaped

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

    from .._core import CorpusEntry
    from ..btf import Btf

    Array = npt.NDArray[Any]


class Types(NamedTuple):
    """Types of some kernels. They can be pickled, and merged into a catalog.

    Attributes:
        collector: What tells the collector from others. Its later types are these, and more after them.
        names: The bytes of the names, and where each starts.
        records: The words of the records, and where each starts.
        unnamed: Numbers of records of types without a name.
        spellings: Each of these as C spells it, escaped, separated by NUL.
    """

    collector: str
    names: tuple[Array, Array]
    records: tuple[Array, Array]
    unnamed: Array
    spellings: str


class Collector:
    """Numbers the types of kernels.

    Attributes:
        catalog: The types.
    """

    def __init__(self) -> None:
        self.catalog: _core.CorpusCatalog = _core.CorpusCatalog()
        self._name = ""
        self._process = 0  # whose name it is: a process that was forked goes on from the same types
        self._unnamed: list[Array] = []
        self._spellings: list[str] = []
        self._unspelled: Array = np.zeros(0, np.uint32)  # of BTFs that failed
        self._seen = 0

    def add(self, btf: Btf, base: CorpusEntry | None) -> CorpusEntry:
        """Number the types of a BTF, without those of its base.

        Raises:
            NotSupportedError: A limit is exceeded, or a kind is unknown.
        """
        entry = self.catalog.add(btf._core_layout, base)
        found = np.concatenate([self._unspelled, np.asarray(self.catalog.unnamed(self._seen))])
        self._seen = self.catalog.size()
        if len(found):
            rows = np.full(self._seen, -1)
            numbers = np.asarray(entry.numbers())
            rows[numbers] = np.arange(len(numbers))
            is_here = rows[found] >= 0
            self._unspelled, found = found[~is_here], found[is_here]
            self._unnamed.append(found)
            self._spellings += map(escaped, btf.c_names(rows[found] + btf.first_id))
        return entry

    def types(self) -> Types:
        """All types so far."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self._name = secrets.token_hex(16)
        names = self.catalog.names(np.arange(self.catalog.name_count()))
        records = self.catalog.records(np.arange(self.catalog.size()))
        return Types(
            self._name,
            (np.asarray(names[0]), np.asarray(names[1])),
            (np.asarray(records[0]), np.asarray(records[1])),
            np.concatenate([np.zeros(0, np.uint32), *self._unnamed]),
            "\0".join(self._spellings),
        )
