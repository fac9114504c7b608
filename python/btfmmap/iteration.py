"""Recursive functions without recursion, and the release of long chains of objects.

The depth of types is bounded, but the stack of the caller's thread may have room for less, and so may
Python's recursion limit.
"""

from __future__ import annotations

from _thread import _local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any, TypeVar

    T = TypeVar("T")
    Calls = Generator[Any, Any, T]
    """A function that yields the calls of its kind that it makes, and is sent what they return."""


def run(call: Calls[T]) -> T:
    """What a function that yields its calls returns. An exception ends all of them; none can catch it."""
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
    """A thread's references that are to be dropped."""

    def __init__(self) -> None:
        self.objects: list[object] = []
        self.is_releasing = False


_PENDING = _Pending()


def release(objects: list[object], pending: _Pending = _PENDING) -> None:
    """Drop the references in a list, from the `__del__` of what held them. Where that ends other objects
    which call this, theirs are dropped after they return: a chain of any length takes a few frames."""
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
