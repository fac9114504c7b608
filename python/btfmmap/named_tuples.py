"""`NamedTuple` as in `typing`, whose import takes as long as starting the interpreter.

`collections` takes a sixth of that, so it is not imported either. Type checkers read `typing.NamedTuple`
instead: modules import this one only at run time.
"""

from __future__ import annotations

from _collections import _tuplegetter  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class _Methods:
    """The methods of all named tuples."""

    def _make(cls: Any, iterable: Iterable[Any]) -> Any:  # noqa: N805 (becomes a class method)
        """Make an instance from a sequence or iterable."""
        made = tuple.__new__(cls, iterable)
        if len(made) != len(cls._fields):
            raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
        return made

    def _replace(self: Any, /, **values: Any) -> Any:
        """Return a copy with other values in some fields."""
        made = self._make(map(values.pop, self._fields, self))
        if values:
            raise TypeError(f"Got unexpected field names: {[*values]!r}")
        return made

    def _asdict(self: Any) -> dict[str, Any]:
        """Return a dict from the names of the fields to the values."""
        return dict(zip(self._fields, self, strict=True))

    def __repr__(self: Any) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
        return f"{self.__class__.__name__}({values})"

    def __getnewargs__(self: Any) -> tuple[Any, ...]:
        """Return the values, for pickle and copy."""
        return tuple(self)


class _Meta(type):
    """Makes a named tuple of a class that is defined with the base `NamedTuple`."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> type:
        if not bases:
            return super().__new__(cls, name, bases, namespace)
        fields = tuple(namespace["__annotations__"])
        defaults = {field: namespace[field] for field in fields if field in namespace}
        methods: dict[str, Any] = {
            key: value for key, value in vars(_Methods).items() if key not in ("__dict__", "__weakref__")
        }
        methods.update(
            __slots__=(),
            __new__=_constructor(name, fields, defaults),
            __match_args__=fields,
            __replace__=methods["_replace"],  # of copy.replace
            _make=classmethod(methods["_make"]),
            _fields=fields,
            _field_defaults=defaults,
        )
        getters = {field: _tuplegetter(at, f"Alias for field number {at}") for at, field in enumerate(fields)}
        own = {key: value for key, value in namespace.items() if key not in fields and key != "__classcell__"}
        return type(name, (tuple,), methods | getters | own)


def _constructor(name: str, fields: tuple[str, ...], defaults: dict[str, Any]) -> Any:
    """Return `__new__`. Compiled, as in `collections.namedtuple`: calls of it take no longer than a call."""
    arguments = ", ".join(fields)
    made = eval(f"lambda _cls, {arguments}: _new(_cls, ({arguments},))", {"_new": tuple.__new__})
    made.__name__ = "__new__"
    made.__qualname__ = f"{name}.__new__"
    made.__doc__ = f"Create new instance of {name}({arguments})"
    made.__defaults__ = tuple(defaults.values()) or None
    return made


class NamedTuple(metaclass=_Meta):
    """The base class in the definition of a named tuple. The class that is made has the base `tuple`."""
