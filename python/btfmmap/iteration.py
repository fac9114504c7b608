"""Runs recursive functions without recursion, and releases long chains of objects.

The depth of types is limited, but the caller's thread may have a smaller stack, or Python a lower recursion
limit.
"""

from __future__ import annotations

from _thread import _local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any, TypeVar

    T = TypeVar("T")
    Calls = Generator[Any, Any, T]
    """A function that yields its recursive calls and is sent their results."""


def run(call: Calls[T]) -> T:
    """Return the result of a function that yields its recursive calls.

    An exception ends all of the calls; none of them can catch it.
    """
    stack: list[Calls[Any]] = [call]
    value: Any = None
    while stack:
        try:
            inner = stack[-1].send(value)
        except StopIteration as end:
            value = end.value
            stack.pop()
        else:
            value = None
            stack.append(inner)
    result: T = value
    return result


class _Pending(_local):
    """The references that a thread has yet to drop."""

    def __init__(self) -> None:
        self.objects: list[object] = []
        self.is_releasing = False


_PENDING = _Pending()


def release(objects: list[object], pending: _Pending = _PENDING) -> None:
    """Drop the references in a list; called from the `__del__` of their owner.

    If this destroys objects that call `release` too, their references are dropped after they return. A chain
    of any length therefore takes only a few stack frames.
    """
    pending.objects += objects
    objects.clear()
    if pending.is_releasing:
        return
    pending.is_releasing = True
    try:
        while pending.objects:
            pending.objects.pop()
    finally:
        pending.is_releasing = False
