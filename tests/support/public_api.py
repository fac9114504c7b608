"""The public API, found by looking at it: the package's names, and the classes of what they return.

A class is public where `btfmmap.__all__` has it, or where the annotation of a public result or attribute
names it. What it has: methods, properties, special methods, fields of a tuple, annotated attributes, and what
its `__init__` sets.
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections.abc import Iterator
from enum import Enum
from importlib import import_module
from typing import Any, NamedTuple

import btfmmap

# Made by Python, or not for instances.
_UNASKED_SPECIAL = {
    "__annotate_func__",
    "__annotations_cache__",
    "__annotations__",
    "__class_getitem__",
    "__del__",
    "__dict__",
    "__doc__",
    "__firstlineno__",
    "__getnewargs__",
    "__init__",
    "__match_args__",
    "__module__",
    "__new__",
    "__orig_bases__",
    "__replace__",
    "__slotnames__",  # set by pickling
    "__slots__",
    "__static_attributes__",
    "__weakref__",
}


class Attribute(NamedTuple):
    """Something of a public class, or a public function (then `owner` is "")."""

    owner: str
    name: str
    value: Any  # as it stands in the class; None for what only instances have
    result: str  # its annotation, "" where there is none

    @property
    def key(self) -> str:
        return f"{self.owner}.{self.name}" if self.owner else self.name

    @property
    def is_called(self) -> bool:
        return inspect.isfunction(self.value) or inspect.isclass(self.value)

    def parameters(self) -> list[inspect.Parameter]:
        """Without the instance."""
        if not self.is_called:
            return []
        if inspect.isclass(self.value):  # an enum
            return [inspect.Parameter("value", inspect.Parameter.POSITIONAL_ONLY, annotation="int")]
        found = list(inspect.signature(self.value).parameters.values())
        return found[1:] if self.owner else found


def _modules() -> Iterator[Any]:
    for found in pkgutil.walk_packages(btfmmap.__path__, "btfmmap."):
        parts = found.name.split(".")
        if not any(part.startswith("_") for part in parts) and "cli" not in parts:
            yield import_module(found.name)


def _classes() -> dict[str, type]:
    """Of the package, by name."""
    return {
        value.__name__: value
        for module in _modules()
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__ == module.__name__ and value.__name__[0] != "_"
    }


def _names(annotation: str) -> set[str]:
    if not annotation:
        return set()
    nodes = ast.walk(ast.parse(annotation, mode="eval"))
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in nodes
        if isinstance(node, ast.Name | ast.Attribute)
    }


def _result(value: object) -> str:
    if isinstance(value, property):
        value = value.fget
    value = getattr(value, "func", value)  # of a cached_property
    if not inspect.isfunction(value):
        return ""
    returned = inspect.signature(value).return_annotation
    return returned if isinstance(returned, str) else ""


def own_classes(class_: type) -> list[type]:
    """The class and its bases, so far as the package has made them."""
    return [base for base in class_.__mro__ if base.__module__.split(".")[0] == "btfmmap"]


def attributes(class_: type) -> list[Attribute]:
    """What can be asked of an instance; of an enum its properties, for the rest its members are numbers."""
    if issubclass(class_, Enum):
        return [
            Attribute(class_.__name__, name, value, _result(value))
            for name, value in vars(class_).items()
            if type(value) is property and not name.startswith("_")
        ]
    found: dict[str, Attribute] = {}
    for base in reversed(own_classes(class_)):
        annotated = dict.fromkeys(_set_by_init(base), "") | dict.fromkeys(getattr(base, "_fields", ()), "")
        annotated |= _annotations(base)
        for name, annotation in annotated.items():
            if not name.startswith("_"):
                found[name] = Attribute(class_.__name__, name, None, annotation)
        for name, value in vars(base).items():
            if name not in annotated and _is_asked(name, value):
                found[name] = Attribute(class_.__name__, name, value, _result(value))
    return list(found.values())


def _set_by_init(class_: type) -> list[str]:
    own = vars(class_).get("__init__")
    return re.findall(r"\bself\.(\w+)(?:: [^=\n]+)? = ", inspect.getsource(own)) if own else []


def _annotations(class_: type) -> dict[str, str]:
    """As text; of a NamedTuple they are ForwardRefs."""
    found = inspect.get_annotations(class_)
    return {name: getattr(value, "__forward_arg__", str(value)) for name, value in found.items()}


def _is_asked(name: str, value: object) -> bool:
    if name.startswith("__") and name.endswith("__"):
        return name not in _UNASKED_SPECIAL and value is not None
    return not name.startswith("_") and not inspect.ismemberdescriptor(value)


def functions() -> list[Attribute]:
    """The package's functions, and its enums, which are called with a number."""
    found = {name: getattr(btfmmap, name) for name in btfmmap.__all__}
    return [
        Attribute("", name, value, _result(value))
        for name, value in found.items()
        if inspect.isfunction(value) or (inspect.isclass(value) and issubclass(value, Enum))
    ]


def public_classes() -> dict[str, type]:
    """By name, with those that public results lead to."""
    known = _classes()
    pending = [name for name in btfmmap.__all__ if inspect.isclass(getattr(btfmmap, name))]
    pending += [name for function in functions() for name in _names(function.result) if name in known]
    public: dict[str, type] = {}
    while pending:
        name = pending.pop()
        if name in public:
            continue
        public[name] = known[name]
        for attribute in attributes(known[name]):
            pending += [each for each in _names(attribute.result) if each in known]
    return dict(sorted(public.items()))
