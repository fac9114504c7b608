"""Methods of objects that are a table for libraries that read Arrow. Imports nothing until one is called."""

from __future__ import annotations

from .optional import optional

TYPE_CHECKING = False
if TYPE_CHECKING:
    import polars as pl
    from pyarrow import Table as PyArrowTable

    from .arrow import ArrowTable


class ArrowExport:
    """An object that pyarrow, polars, duckdb, nanoarrow and pandas take as a table.

    Subclasses describe the columns.

    Example:
        >>> isinstance(btf.graph, btfmmap.arrow_export.ArrowExport)
        True
    """

    __slots__ = ()

    def to_arrow(self) -> PyArrowTable:
        """Return the table as a `pyarrow.Table`, which shares its numbers.

        Returns:
            The table.

        Raises:
            NotSupportedError: pyarrow is not installed. The extra `btfmmap[arrow]` installs it.

        Example:
            >>> btf.graph.to_arrow().num_rows
            64
        """
        converted: PyArrowTable = optional("pyarrow", "arrow").table(self)
        return converted

    def to_polars(self) -> pl.DataFrame:
        """Return the table as a `polars.DataFrame`, which shares its numbers.

        Returns:
            The DataFrame.

        Raises:
            NotSupportedError: polars is not installed. The extra `btfmmap[polars]` installs it.

        Example:
            >>> btf.graph.to_polars().shape
            (64, 4)
        """
        converted: pl.DataFrame = optional("polars", "polars").DataFrame(self)
        return converted

    def __arrow_c_schema__(self) -> object:
        """Return the columns' types for libraries that read Arrow: a capsule "arrow_schema"."""
        return self._arrow_table().__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return the columns for libraries that read Arrow: a capsule "arrow_array_stream".

        Args:
            requested_schema: Ignored, as the interface permits.
        """
        return self._arrow_table().__arrow_c_stream__(requested_schema)

    def _arrow_table(self) -> ArrowTable:
        raise NotImplementedError
