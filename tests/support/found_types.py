"""Types that are there: what `Btf.find` and `Type.type` return, without None."""

from __future__ import annotations

from btfmmap import Btf, Type


def id_of(btf: Btf, name: str) -> int:
    """The lowest ID of a type of that name."""
    found = btf.find(name)
    assert found is not None, name
    return found


def target(type_: Type) -> Type:
    """The type that a type refers to."""
    found: Type | None = type_.type
    assert found is not None
    return found
