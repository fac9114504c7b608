"""Names to search for: drawn at random, the same ones every time."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass

import btfmmap


@dataclass(frozen=True)
class Named:
    """A name and the kind of a type that has it."""

    name: str
    kind: int


def some_names(btf: btfmmap.Btf, count: int) -> list[Named]:
    """The names of `count` types with a name."""
    types = [
        Named(name, kind) for name, kind in zip(btf.names(), btf.types.kind.tolist(), strict=True) if name
    ]
    return random.Random(6).choices(types[1:], k=count)  # without void


def absent_names(btf: btfmmap.Btf, count: int) -> list[Named]:
    """Names in the style of the others that no type has."""
    absent = [Named(f"{named.name}_absent", named.kind) for named in some_names(btf, count)]
    return [named for named in absent if btf.find(named.name) is None]


def is_sorted(btf: btfmmap.Btf) -> bool:
    """Whether types are in the order of their names, as those of 7.x kernels are."""
    names = [os.fsencode(name) for name in btf.names()[1:]]
    return names == sorted(names)
