"""Decodes records of one type again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .record_readers import reader_of
from .record_sizes import MAKE_DECODER, bytes_text, not_one_record
from .records import Records, records_plan, records_values

if TYPE_CHECKING:
    from typing import SupportsIndex

    import numpy.typing as npt

    from ._core import Buffer
    from .btf import Btf
    from .types import Type


class Decoder:
    """Decodes bytes as records of one struct or union, with everything about the type prepared.

    `Btf.decoder` makes it. Any number of threads may use it at the same time, and it still decodes after the
    `Btf` was closed.

    Example:
        >>> decoder = btf.decoder("list")
        >>> decoder
        <Decoder list: 16 bytes>
        >>> decoder.to_dict(bytes(16))
        {'next': 0, 'prev': 0}
    """

    __slots__ = ("_btf", "_dtype", "_longer", "_plan", "_read")

    def __init__(
        self,
        btf: Btf,
        type_: SupportsIndex | str | Type,
        size: SupportsIndex | None,
        *,
        enum_names: bool,
        text: bool,
    ) -> None:
        self._btf = btf
        self._plan = records_plan(btf, type_, size)
        self._dtype = self._plan.dtype
        self._longer = MAKE_DECODER if size is None else None
        self._read = reader_of(btf, self._plan, enum_names=enum_names, text=text).read

    @property
    def size(self) -> int:
        """The size of a record in bytes.

        Example:
            >>> btf.decoder("list").size
            16
        """
        return self._dtype.itemsize

    def records(self, buffer: Buffer | npt.NDArray[Any]) -> Records:
        """Interpret bytes as records, as `Btf.records` does.

        Args:
            buffer: A bytes-like object that holds a whole number of records. It is not copied.

        Returns:
            The records.

        Raises:
            FormatError: `buffer` does not hold a whole number of records.

        Example:
            >>> btf.decoder("list").records(bytes(32)).next.tolist()
            [0, 0]
        """
        return Records(self._btf, self._plan, records_values(self._plan, buffer, self._longer))

    def to_dict(self, buffer: Buffer | npt.NDArray[Any]) -> dict[str, Any]:
        """Convert one record to a dict.

        Args:
            buffer: A bytes-like object that holds exactly one record.

        Returns:
            What `Records.to_dict` returns for a single record.

        Raises:
            FormatError: `buffer` has more or fewer bytes than a record.
            TypeError: The decoder makes names of enums, and the size of one is not that of an integer.

        Example:
            >>> btf.decoder("flow", size=112, enum_names=True).to_dict(bytes(112))["verdict"]
            'PASS'
        """
        try:
            values = np.frombuffer(buffer, self._dtype)  # type: ignore[arg-type]
        except ValueError:
            values = self._checked(buffer)
        if len(values) != 1:
            values = self._checked(buffer)
        made: dict[str, Any] = self._read(values)[0]
        return made

    def to_dicts(self, buffer: Buffer | npt.NDArray[Any]) -> list[dict[str, Any]]:
        """Convert records to dicts.

        Args:
            buffer: A bytes-like object that holds a whole number of records.

        Returns:
            A list of what `to_dict` returns for each record.

        Raises:
            FormatError: `buffer` does not hold a whole number of records.
            TypeError: The decoder makes names of enums, and the size of one is not that of an integer.

        Example:
            >>> btf.decoder("list").to_dicts(bytes(32))
            [{'next': 0, 'prev': 0}, {'next': 0, 'prev': 0}]
        """
        made: list[dict[str, Any]] = self._read(records_values(self._plan, buffer, self._longer))
        return made

    def _checked(self, buffer: Buffer | npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the record of a buffer that numpy refuses, which is that of a type without bytes."""
        count = np.frombuffer(buffer, np.uint8).size  # type: ignore[arg-type]
        if count != self.size:
            raise not_one_record(self._name, self.size, count)
        return np.empty(1, self._dtype)

    @property
    def _name(self) -> str:
        return self._plan.name or f"type [{self._plan.type_id}]"

    def __repr__(self) -> str:
        return f"<Decoder {self._name}: {bytes_text(self.size)}>"
