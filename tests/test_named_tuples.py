"""`named_tuples.NamedTuple` compared with `typing.NamedTuple`."""

from __future__ import annotations

import copy
import inspect
import pickle
import typing
from typing import Any

import pytest

from btfmmap import named_tuples

BODY = """
class Made(Base):
    '''A doc.'''

    a: int
    b: str = "x"
    c: tuple[int, ...] = ()

    @property
    def twice(self):
        return 2 * self.a

    def __str__(self):
        return f"<{self.a}>"
"""


def made(base: Any) -> Any:
    namespace: dict[str, Any] = {"Base": base, "__name__": __name__}
    exec(BODY, namespace)
    return namespace["Made"]


# Only in some versions of Python. Python 3.14's `typing` computes annotations when they are asked for.
HIDDEN = {"__replace__", "__orig_bases__", "__annotations_cache__", "__annotations__", "__annotate_func__"}
OURS, THEIRS = made(named_tuples.NamedTuple), made(typing.NamedTuple)
Made = OURS  # where pickle looks


def outcome(ask: Any, cls: Any) -> Any:
    try:
        return ask(cls)
    except Exception as error:
        return type(error)


@pytest.mark.parametrize(
    "ask",
    [
        lambda cls: (*map(tuple, (cls(1), cls(1, "y"), cls(a=1, c=(2,)), cls(1, b="z"))),),
        lambda cls: cls(),
        lambda cls: cls(1, 2, 3, 4),
        lambda cls: cls(1, d=2),
        lambda cls: (cls(1).a, cls(1).b, cls(1, c=(5,)).c, cls(4).twice),
        lambda cls: (repr(cls(1, "y")), str(cls(1))),
        lambda cls: (cls._fields, cls._field_defaults, cls.__match_args__, cls.__doc__, cls.__slots__),
        lambda cls: (cls.__mro__[1:], cls.__name__, cls.__qualname__, cls.__module__),
        lambda cls: tuple(cls._make([1, 2, 3])),
        lambda cls: cls._make([1]),
        lambda cls: tuple(cls(1)._replace(b="q")),
        lambda cls: cls(1)._asdict(),
        lambda cls: (cls(1) == (1, "x", ()), hash(cls(1)) == hash((1, "x", ())), cls(1) < cls(2)),
        lambda cls: [(each.name, each.default) for each in inspect.signature(cls).parameters.values()],
        lambda cls: tuple(copy.deepcopy(cls(1))),
        lambda cls: setattr(cls(1), "a", 2),
        lambda cls: setattr(cls(1), "d", 2),
        lambda cls: cls.a.__doc__,
        lambda cls: sorted(set(dir(cls)) - HIDDEN),
    ],
)
def test_like_typing(ask: Any) -> None:
    assert outcome(ask, OURS) == outcome(ask, THEIRS)


def test_annotations() -> None:
    assert [*OURS.__annotations__] == [*THEIRS.__annotations__]


def test_replace_unknown() -> None:
    with pytest.raises(TypeError, match=r"unexpected field names: \['d'\]"):
        OURS(1)._replace(b="x", d=1)


def test_pickle() -> None:
    assert pickle.loads(pickle.dumps(OURS(3))) == OURS(3)
    assert type(pickle.loads(pickle.dumps(OURS(3)))) is OURS
