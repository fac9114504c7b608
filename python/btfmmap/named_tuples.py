"""`NamedTuple` as in `typing`, whose import takes as long as starting the interpreter.

Type checkers read `typing.NamedTuple` instead: modules import this one only at run time.
"""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class _Meta(type):
    """Makes a named tuple of a class that is defined with the base `NamedTuple`."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> type:
        if not bases:
            return super().__new__(cls, name, bases, namespace)
        fields = namespace["__annotations__"]
        defaults = [namespace[field] for field in fields if field in namespace]
        make: Any = namedtuple
        made: type = make(name, fields, defaults=defaults, module=namespace["__module__"])
        for key, value in namespace.items():
            if key not in fields and key not in ("__module__", "__classcell__"):
                setattr(made, key, value)
        return made


class NamedTuple(metaclass=_Meta):
    """The base class in the definition of a named tuple. The class that is made has the base `tuple`."""
