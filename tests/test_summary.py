"""`Btf.summary` against the tables, and what the modules of commands use in place of enum and typing."""

from __future__ import annotations

import pickle
import typing
from pathlib import Path

import numpy as np
import pytest
from btf_writer import BtfWriter, every_kind

import btfmmap
from btfmmap import Kind, kind_numbers
from btfmmap.named_tuples import NamedTuple


def check(btf: btfmmap.Btf, top: int) -> None:
    found = btf.summary(top)
    types = btf.types
    own = types[types.kind != Kind.VOID]
    assert found["types"] == len(own)
    kinds = {kind.name: int(np.count_nonzero(own.kind == kind)) for kind in Kind if kind}
    assert found["kinds"] == kinds
    for table in ("members", "params", "enumerators", "secinfos"):
        assert found[table] == len(getattr(btf, table))
    assert found["strings"] == btf.string_section.tobytes().count(0)
    structs = own[own.kind == Kind.STRUCT]
    rows = sorted(
        zip(structs.id.tolist(), btf.names(structs.id), structs.size_or_type.tolist(), strict=True),
        key=lambda row: (-row[2], row[0]),
    )
    assert [tuple(row.values()) for row in found["biggest_structs"]] == rows[:top]


@pytest.mark.parametrize("top", [0, 1, 7, 1 << 20])
def test_kernel(kernel: Path, top: int) -> None:
    check(btfmmap.open(kernel), top)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("padding", range(18))
def test_every_kind(order: str, padding: int) -> None:
    """String sections of many lengths: NULs are counted 16 bytes at a time."""
    writer = every_kind(order)
    for number in range(padding):
        writer.string("x" * number)
    check(btfmmap.open(data=writer.build()), 3)


def test_many_empty_strings() -> None:
    """More NULs than a lane can count."""
    writer = BtfWriter()
    writer.add_int()
    writer.strings += bytes(255 * 16 * 2 + 5)
    check(btfmmap.open(data=writer.build()), 3)


def test_empty() -> None:
    found = btfmmap.open(data=every_kind().build(types=b"", str_off=0)).summary()
    assert found["types"] == sum(found["kinds"].values()) == found["members"] == 0
    assert found["biggest_structs"] == []


def test_wrong_arguments() -> None:
    btf = btfmmap.open(btfmmap.SAMPLE_BTF)
    with pytest.raises(ValueError, match="top is -1"):
        btf.summary(-1)
    with pytest.raises(TypeError):
        btf.summary("3")  # type: ignore[arg-type]


def test_numbers_of_kinds() -> None:
    assert {name: getattr(kind_numbers, name) for name in Kind.__members__} == dict(Kind.__members__)
    assert list(kind_numbers.NAMES) == [kind.name for kind in Kind]
    assert [kind for kind in Kind if kind.is_composite] == list(kind_numbers.COMPOSITE)
    assert [kind for kind in Kind if kind.is_enum] == list(kind_numbers.ENUMS)


class Ours(NamedTuple):
    """Documented."""

    first: int
    second: str = "two"

    @property
    def both(self) -> str:
        return f"{self.first} {self.second}"


class Theirs(typing.NamedTuple):
    """Documented."""

    first: int
    second: str = "two"

    @property
    def both(self) -> str:
        return f"{self.first} {self.second}"


def test_named_tuples_are_those_of_typing() -> None:
    for name in ("__doc__", "_fields", "_field_defaults", "__module__", "__slots__"):
        assert getattr(Ours, name) == getattr(Theirs, name)
    assert Ours.__annotations__.keys() == Theirs.__annotations__.keys()
    assert Ours.__bases__ == Theirs.__bases__ == (tuple,)
    make: typing.Any = Ours
    made = make(1)
    assert (made, made.both, made._asdict()) == (Theirs(1), Theirs(1).both, Theirs(1)._asdict())
    assert repr(made) == repr(Theirs(1)).replace("Theirs", "Ours")
    assert pickle.loads(pickle.dumps(made)) == made
    assert type(pickle.loads(pickle.dumps(made))) is Ours
    with pytest.raises(AttributeError):
        made.third = 3
