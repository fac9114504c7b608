"""Asks everything that there is to ask: every function of the public API, and every attribute of the objects
that come of it, as `public_api` finds them, with arguments that `arguments` draws.
"""

from __future__ import annotations

import copy
import operator
import pickle
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache
from inspect import Parameter
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from arguments import TYPED_ERRORS, Context, choices, draw
from btf_writer import every_kind
from public_api import Attribute, attributes, functions, own_classes, public_classes

import btfmmap
from btfmmap.types import NamedItems

TABLES = [name for name in vars(btfmmap.Btf.__base__) if not name.startswith("_")]

NOT_ASKED = {
    "doctor": "asks the running kernel; tests/test_doctor.py",
    "loaded": "asks the running kernel; tests/test_opening.py",
    "find_kernels": "leads to more of the same Btf; tests/test_kernel_inputs.py asks it of mutants",
    "Btf.close": "ends the object that is asked; tests/test_opening.py",
    "Btf.__enter__": "is for `with`; tests/test_opening.py",
    "Btf.__exit__": "ends the object that is asked; tests/test_opening.py",
    "OpenKernel.close": "as Btf.close; tests/test_kernel_inputs.py",
    "OpenKernel.__enter__": "as of Btf; tests/test_kernel_inputs.py",
    "OpenKernel.__exit__": "as of Btf; tests/test_kernel_inputs.py",
    "Kernel.close": "as Btf.close; tests/test_kernel.py",
    "Kernel.__enter__": "as of Btf; tests/test_kernel.py",
    "Kernel.__exit__": "as of Btf; tests/test_kernel.py",
}
NOT_REACHED = {
    "Finding": "comes of doctor",
    "Identity": "comes of find_kernels",
    "KernelInput": "comes of find_kernels",
    "OpenKernel": "comes of find_kernels",
    "LoadedBtf": "comes of loaded",
    "MinCoreFailure": "comes of relocations that fail; tests/test_min_core.py",
}
"""Classes that no answer has an object of."""

NEVER_ANSWERED = {
    "__array__": "refuses always",
    "__setattr__": "refuses always",
    "__delattr__": "refuses always",
    "Layouts.module": "a column of tables that a Kernel has",
    "Fingerprints.module": "a column of tables that a Kernel has",
    "FuncInfo.module": "a column of tables that a Kernel has",
    "LineInfo.module": "a column of tables that a Kernel has",
    "CoreRelo.module": "a column of tables that a Kernel has",
    "Relocations.module": "a column of tables that a Kernel has",
    "KernelTable.module": "a column of tables that a Kernel has",
    "CheckedObjects.module": "a column of tables that a Kernel has",
    "CheckedRelocations.module": "a column of tables that a Kernel has",
    "CheckedRequirements.module": "a column of tables that a Kernel has",
    "Causes.module": "a column of tables that a Kernel has",
    "Changes.module": "a column of tables that a Kernel has",
    "Edges.module": "a column of tables that a Kernel has",
    "Entities.module": "a column of tables that a Kernel has",
    "MemberHistory.module": "a column of tables that a Kernel has",
    "Offsets.module": "a column of tables that a Kernel has",
    "Versions.module": "a column of tables that a Kernel has",
    "MinCoreObjects.module": "a column of tables that a Kernel has",
}
"""Attributes, or those of that name."""

# Beside TYPED_ERRORS, what a question raises as documented.
DOCUMENTED: dict[str, tuple[type[Exception], ...]] = {
    "open": (OSError,),  # an empty file cannot be mapped
    "open_kernel": (OSError, RuntimeWarning),  # warnings are errors in tests
    "check": (OSError, TypeError),
    "min_core_btf": (OSError, TypeError),
    "MinCoreResult.content": (IndexError,),
    "MinCoreResult.btf": (IndexError,),
    "MinCoreResult.save_file": (IndexError,),
    "Builder.add_tables": (TypeError,),
    "CheckResult.reason": (IndexError,),
    "check_paths": (OSError, TypeError),
    "PathResult.offsets": (IndexError,),
    "PathResult.reason": (IndexError,),
    "CheckResult.requirement_reason": (IndexError,),
    "CheckResult.similar": (IndexError,),
    "CheckResult.programs": (IndexError,),
    "CheckResult.requirement_programs": (IndexError,),
    "CheckResult.requirement_similar": (IndexError,),
    "diff": (OSError, TypeError),
    "DiffResult.change_counts": (IndexError,),
    "DiffResult.changes": (IndexError,),
    "DiffResult.changed": (IndexError,),
    "DiffResult.causes": (IndexError,),
    "DiffResult.report": (IndexError,),
    "DiffReport.headline": (IndexError,),
    "DiffResult.causes_of": (IndexError,),
    "DiffResult.follows": (IndexError,),
    "DiffResult.name": (IndexError,),
    "DiffResult.version_numbers": (IndexError,),
    "DiffResult.members": (IndexError,),
    "Changes.follows": (IndexError,),
    "PathResult.unions": (IndexError,),
    "Table.module": (AttributeError,),
    "ChildTable.indptr": (AttributeError,),
    "Table.__getattr__": (AttributeError,),
    "Table.__getitem__": (KeyError, IndexError),
    "Table.__array__": (TypeError,),
    "Table.__setattr__": (AttributeError,),
    "Table.__delattr__": (AttributeError,),
    "NamedItems.__getitem__": (IndexError,),
    "Records.__array__": (TypeError,),
    "Records.__len__": (TypeError,),
    "Records.__iter__": (TypeError,),
    "Records.__getitem__": (KeyError, IndexError, TypeError),
    "Records.__getattr__": (AttributeError,),
    "Records.enum_names": (KeyError, TypeError),
}


def _read_by_pyarrow(subject: Any) -> object:
    """Everything, if pyarrow is there."""
    try:
        import pyarrow as pa
    except ImportError:
        return subject.__arrow_c_stream__()
    read = pa.table(subject)
    read.validate(full=True)
    return read


SPECIAL: dict[str, Callable[..., object]] = {
    "__array__": np.asarray,
    "__arrow_c_schema__": lambda subject: subject.__arrow_c_schema__(),
    "__arrow_c_stream__": _read_by_pyarrow,
    "__bool__": bool,
    "__contains__": operator.contains,
    "__delattr__": delattr,
    "__dir__": dir,
    "__eq__": operator.eq,
    "__getattr__": getattr,
    "__getitem__": operator.getitem,
    "__getstate__": copy.copy,
    "__hash__": hash,
    "__iter__": lambda subject: list(islice(subject, 4096)),
    "__len__": len,
    "__reduce__": lambda subject: pickle.loads(pickle.dumps(subject)),
    "__repr__": repr,
    "__setattr__": setattr,
    "__setstate__": copy.copy,
    "__str__": str,
}
"""How special methods are called, when they are not by their name."""

_NO_ARGUMENTS = ("__array__", "__arrow_c_stream__", "__setstate__")
"""Special methods whose arguments come of what calls them."""
# Several seconds for a kernel's graph, all of it in networkx.
_MOST_NODES = {"to_networkx": 5_000}


def parameters(attribute: Attribute) -> list[Parameter]:
    """Those to draw arguments for."""
    return [] if attribute.name in _NO_ARGUMENTS else attribute.parameters()


class Question:
    """One of a subject: something of its class, with drawn arguments."""

    def __init__(self, attribute: Attribute, subject: Any, context: Context) -> None:
        self.attribute = attribute
        self.subject = subject
        self.positional, self.named = draw(attribute, parameters(attribute), subject, context)

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """Those that are as good as an answer."""
        found: tuple[type[Exception], ...] = TYPED_ERRORS
        for owner in own_classes(type(self.subject)):
            found += DOCUMENTED.get(f"{owner.__name__}.{self.attribute.name}", ())
        return found + DOCUMENTED.get(self.attribute.key, ())

    def ask(self) -> object:
        name, value = self.attribute.name, self.attribute.value
        if not self.attribute.owner:
            answer = value(*self.positional, **self.named)
        elif name in SPECIAL:
            answer = SPECIAL[name](self.subject, *self.positional, *self.named.values())
        else:
            answer = getattr(self.subject, name)
            if self.attribute.is_called:
                answer = answer(*self.positional, **self.named)
        if isinstance(answer, np.ndarray) and answer.dtype != object and answer.dtype.names is None:
            answer.sum()  # of memory that may not be there
        return answer

    def __repr__(self) -> str:
        return f"{self.attribute.key}(*{self.positional!r}, **{self.named!r})"


_asked: dict[type, tuple[Attribute, ...]] = {}


def asked_of(class_: type) -> tuple[Attribute, ...]:
    """What is asked of an instance."""
    if class_ not in _asked:
        found = (attribute for attribute in attributes(class_) if attribute.key not in NOT_ASKED)
        _asked[class_] = tuple(found)
    return _asked[class_]


@cache
def asked_functions() -> tuple[Attribute, ...]:
    return tuple(function for function in functions() if function.key not in NOT_ASKED)


@cache
def _public() -> frozenset[type]:
    return frozenset(public_classes().values())


def takes_type(attribute: Attribute) -> bool:
    return any(parameter.name in ("type_", "type_id") for parameter in attribute.parameters())


def is_too_large(attribute: Attribute, subject: Any) -> bool:
    return attribute.name in _MOST_NODES and len(subject) > _MOST_NODES[attribute.name]


def objects_in(answer: object, source: random.Random) -> list[Any]:
    """Objects of public classes: the answer, or a few of those that it holds. A NamedItems, which few have
    items, comes with one of them."""
    if isinstance(answer, NamedItems):
        return [answer, *source.sample(answer, min(1, len(answer)))]
    if type(answer) in _public():
        return [answer]
    items: Iterable[Any] = ()
    if isinstance(answer, Mapping):
        items = answer.values()
    elif isinstance(answer, list | tuple):
        items = answer if len(answer) <= 2 else source.sample(answer, 2)
    return [found for item in islice(items, 2) for found in objects_in(item, source)]


class Asker:
    """Asks, and counts.

    Attributes:
        counts: "questions", and "refused questions".
        asked: how often each attribute was asked, by its key.
        answered: how often it had an answer.
        passed: of parameters that are a bool or a Literal, the values that were passed.
        explored: of each class, how many objects were asked.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.passed: Counter[tuple[str, str, Any]] = Counter()
        self.explored: Counter[type] = Counter()

    def ask(self, attribute: Attribute, subject: Any, context: Context) -> list[Any]:
        """Objects that can be asked in turn: of the answer, or the error."""
        if is_too_large(attribute, subject):
            return []
        question = Question(attribute, subject, context)
        self.counts["questions"] += 1
        self.asked[attribute.key] += 1
        for parameter in parameters(attribute):
            if choices(parameter.annotation) and parameter.name in question.named:
                self.passed[attribute.key, parameter.name, question.named[parameter.name]] += 1
        try:
            answer = question.ask()
        except question.errors as error:
            self.counts["refused questions"] += 1
            return objects_in(error, context.random)
        except Exception as error:
            error.args = (f"{question!r}: {error}", *error.args[1:])
            raise
        self.answered[attribute.key] += 1
        return objects_in(answer, context.random)

    def ask_all(self, subject: Any, context: Context) -> list[Any]:
        """All of an object."""
        return [
            found for attribute in asked_of(type(subject)) for found in self.ask(attribute, subject, context)
        ]

    def ask_btf(self, btf: btfmmap.Btf, context: Context, each: int = 1) -> list[Any]:
        """All of a Btf, and what takes a type for `each` of the context's ids."""
        found: list[Any] = []
        with suppress(*TYPED_ERRORS):
            found.append(btfmmap.Builder(base=context.random.choice((None, btf))))
        for attribute in asked_of(type(btf)):
            ids = context.type_ids
            if not takes_type(attribute):
                found += self.ask(attribute, btf, context)
                continue
            for type_id in context.random.sample(ids, min(each, len(ids))):
                context.type_ids = [type_id]
                found += self.ask(attribute, btf, context)
            context.type_ids = ids
        return found

    def explore(self, subjects: list[Any], context: Context, most: int, of_each: int | None = None) -> None:
        """Ask `of_each` (None: all) of what comes, at most so many questions. Classes asked least come
        first."""
        left = most
        pending: dict[type, list[Any]] = {}
        new = subjects
        while left > 0:
            for subject in new:
                pending.setdefault(type(subject), []).append(subject)
            if not pending:
                return
            class_ = min(pending, key=lambda each: (self.explored[each], context.random.random()))
            self.explored[class_] += 1
            subject = pending[class_].pop(context.random.randrange(len(pending[class_])))
            if not pending[class_]:
                del pending[class_]
            own = context.of(subject) if isinstance(subject, btfmmap.Btf) else context
            possible = asked_of(class_)
            if of_each is not None and of_each < len(possible):
                possible = tuple(context.random.sample(possible, of_each))
            new = [found for attribute in possible for found in self.ask(attribute, subject, own)]
            left -= len(possible) or 1


def context_of(
    btf: btfmmap.Btf, type_ids: list[int], source: random.Random, folder: Path, data: bytes = b""
) -> Context:
    return Context(btf, source, folder, data, _other(), type_ids)


@cache
def _other() -> btfmmap.Btf:
    return btfmmap.open(data=every_kind().build())


def walk(btf: btfmmap.Btf, type_ids: list[int]) -> None:
    """Every question of a BTF, and of those types, has an answer or a typed error."""
    asker = Asker()
    with tempfile.TemporaryDirectory() as folder:
        context = context_of(btf, type_ids, random.Random(1), Path(folder))
        found = asker.ask_btf(btf, context, len(type_ids))
        for type_id in type_ids:
            with suppress(*TYPED_ERRORS):
                found += asker.ask_all(btf[type_id], context)
        asker.explore(found, context, 4 * len(type_ids), 3)
