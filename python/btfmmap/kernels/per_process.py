"""A value that each process makes for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Callable

Value = TypeVar("Value")


class PerProcess(Generic[Value]):
    """A value that is made here, and once more in each process that this object is pickled to.

    The value does not travel; what makes it does. A process keeps the value that it made last, as an executor
    pickles the object for each call.
    """

    def __init__(self, make: Callable[[], Value]) -> None:
        self._key = uuid4().hex
        self._make = make
        self._value: Value | None = make()

    def get(self) -> Value:
        """Return the value of this process."""
        if self._value is None:
            self._value = _made_here.get(self._key)
        if self._value is None:
            self._value = self._make()
            _made_here.clear()
            _made_here[self._key] = self._value
        return self._value

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_value": None}


_made_here: dict[str, Any] = {}
