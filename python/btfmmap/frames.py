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
    made: pd.DataFrame = pandas.DataFrame(dict(enumerate(columns)), index=range(rows), copy=False)
    made.columns = pandas.Index(names, dtype=object)
    return made


def refuse_array(what: str, instead: str) -> NoReturn:
    """Raise `TypeError` from `__array__`.

    Without `__array__`, numpy and pandas iterate over the object, and would not convert its columns.
    """
    raise TypeError(f"{what}: columns of several types do not make one array; {instead}")
