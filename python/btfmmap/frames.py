"""Converts columns to a `pandas.DataFrame`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from .optional import optional

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd


def frame(names: Sequence[str], columns: Sequence[npt.NDArray[Any]], rows: int) -> pd.DataFrame:
    """Return columns as a `pandas.DataFrame`, without a copy.

    Args:
        names: The names of the columns, which may repeat.
        columns: The columns.
        rows: The number of rows.

    Raises:
        NotSupportedError: pandas is not installed.
    """
    pandas = optional("pandas", "pandas")
    data = {
        number: column if column.dtype != object or _is_utf8(column) else pandas.Series(column, dtype=object)
        for number, column in enumerate(columns)
    }
    made: pd.DataFrame = pandas.DataFrame(data, index=range(rows), copy=False)
    made.columns = pandas.Index(names, dtype=object)
    return made


def _is_utf8(column: npt.NDArray[Any]) -> bool:
    """Whether all texts can be UTF-8, as pandas 3 stores them. Others keep the dtype `object`."""
    try:
        for text in column:
            if isinstance(text, str):
                text.encode()
    except UnicodeEncodeError:
        return False
    return True


def refuse_array(what: str, instead: str) -> NoReturn:
    """Raise `TypeError` from `__array__`.

    Without `__array__`, numpy and pandas iterate over the object, and would not convert its columns.
    """
    raise TypeError(f"{what}: columns of several types do not make one array; {instead}")
