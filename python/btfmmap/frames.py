"""Columns as a `pandas.DataFrame`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from .optional import optional

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    import pandas as pd


def frame(names: Sequence[str], columns: Sequence[npt.NDArray[Any]], rows: int) -> pd.DataFrame:
    """The columns under these names, of which two may be the same, without copying them. Raises
    `NotSupportedError` without pandas."""
    pandas = optional("pandas", "pandas")
    made: pd.DataFrame = pandas.DataFrame(dict(enumerate(columns)), index=range(rows), copy=False)
    made.columns = pandas.Index(names, dtype=object)
    return made


def refuse_array(what: str, instead: str) -> NoReturn:
    """For `__array__`, which numpy and pandas ask: without one they iterate, and what they find is not the
    columns."""
    raise TypeError(f"{what} is not one array but columns of several types: {instead}")
