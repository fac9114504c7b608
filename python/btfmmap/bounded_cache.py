"""A cache with a bound, for what a `Btf` makes on demand for any number of types."""

from __future__ import annotations

from _thread import RLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    T = TypeVar("T")
    _Dict = dict[Any, Any]
else:
    _Dict = dict


class BoundedCache(_Dict):
    """A dict whose values have costs. When their sum would exceed the limit, it starts again empty.

    `get` needs no lock. Values are never None, and they are shared: they must not be changed.
    """

    __slots__ = ("_cost", "_limit", "_lock")

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit
        self._cost = 0
        # Reentrant, because a signal handler may run while the lock is held, and ask the same Btf.
        self._lock = RLock()

    def keep(self, key: object, value: T, cost: int = 1) -> T:
        """Store a value and return it, or the one that another thread has stored first."""
        with self._lock:
            kept: T | None = self.get(key)
            if kept is not None:
                return kept
            if cost <= self._limit:
                if self._cost + cost > self._limit:
                    self.clear()
                    self._cost = 0
                self._cost += cost
                self[key] = value
            return value

    def keep_also(self, key: object, value: object, kept_as: object) -> None:
        """Store a value under another key, if it is still stored under `kept_as`."""
        with self._lock:
            if self.get(kept_as) is value:
                self.keep(key, value)

    def drop(self, value: object) -> None:
        """Remove a value, whatever its keys. Its cost counts until the cache starts again empty."""
        with self._lock:
            for key in [key for key, kept in self.items() if kept is value]:
                del self[key]
