"""The names of a catalog as Arrow texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .schema import escaped, pyarrow

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from .._core import CorpusCatalog

    Array = npt.NDArray[Any]


class CatalogNames:
    """The names of some numbers, each once.

    Args:
        catalog: The names.
        numbers: Columns of numbers.

    Attributes:
        texts: The names, an Arrow array in the order of the numbers.
    """

    def __init__(self, catalog: CorpusCatalog, numbers: Iterable[Array]) -> None:
        columns = [*numbers]
        used = np.zeros(max(int(column.max(initial=0)) for column in columns) + 1, bool)
        for column in columns:
            used[column] = True
        found = np.flatnonzero(used)
        self._places = np.zeros(len(used), np.int32)
        self._places[found] = np.arange(len(found), dtype=np.int32)
        self.texts: Any = _texts(catalog, found)

    def places(self, numbers: Array) -> Array:
        """The positions in `texts` of the names with these numbers."""
        places: Array = self._places[numbers]
        return places

    def column(self, numbers: Array) -> Any:
        """The names with these numbers."""
        return self.texts.take(pyarrow().array(self.places(numbers)))


def _texts(catalog: CorpusCatalog, numbers: Array) -> Any:
    """The names with these numbers, escaped."""
    pa = pyarrow()
    content, starts = (np.asarray(each) for each in catalog.names(numbers))
    if (content >= 0x80).any() or (content == ord("\\")).any():
        raw = content.tobytes()
        slices = zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True)
        names = [raw[start:stop].decode(errors="surrogateescape") for start, stop in slices]
        return pa.array([*map(escaped, names)], pa.string())
    buffers = [None, pa.py_buffer(starts), pa.py_buffer(content)]
    return pa.Array.from_buffers(pa.large_string(), len(numbers), buffers).cast(pa.string())
