"""That the list of questions is whole: nothing of the public API is left out, and no parameter is unknown."""

from __future__ import annotations

import random
from importlib.util import find_spec
from pathlib import Path

import pytest
from arguments import Context, NoGenerator, choices, generator
from btf_writer import BtfWriter, every_kind
from exercise import (
    NEVER_ANSWERED,
    NOT_ASKED,
    NOT_REACHED,
    SPECIAL,
    Asker,
    asked_functions,
    asked_of,
    context_of,
    parameters,
)
from fuzz import seeds
from public_api import attributes, functions, public_classes

import btfmmap

MOST_ROUNDS = 40
CONVERTERS = {"to_arrow": "pyarrow", "to_polars": "polars"}  # packages that some Pythons do not have


def expected() -> set[str]:
    """The keys of all that is to be asked."""
    classes = [class_ for name, class_ in public_classes().items() if name not in NOT_REACHED]
    return {attribute.key for class_ in classes for attribute in asked_of(class_)} | {
        function.key for function in asked_functions()
    }


def test_what_is_left_out_is_there() -> None:
    """Each exception names something of the API."""
    there = {attribute.key for class_ in public_classes().values() for attribute in attributes(class_)}
    there |= {function.key for function in functions()}
    assert there >= NOT_ASKED.keys()
    assert public_classes().keys() >= NOT_REACHED.keys()


def test_classes_are_found_by_what_returns_them() -> None:
    """Some that `__all__` does not have."""
    assert public_classes().keys() >= {"Member", "Secinfo", "LayoutMember", "Layouts", "Members", "CoreRelo"}
    keys = {attribute.key for class_ in public_classes().values() for attribute in attributes(class_)}
    assert keys >= {"Type.c_name", "Type.btf", "Kernel.modules", "StructLayout.summary", "Members.bit_offset"}
    assert keys >= {"FormatError.offset", "Types.__getitem__", "LineInfo.text", "Member.offset", "Btf.types"}


def test_every_parameter_has_a_generator() -> None:
    for class_ in public_classes().values():
        for attribute in asked_of(class_):
            if attribute.name.startswith("__"):
                assert attribute.name in SPECIAL, f"no way to ask {attribute.key}"
            for parameter in parameters(attribute):
                generator(attribute, parameter, class_)
    for function in asked_functions():
        for parameter in function.parameters():
            generator(function, parameter, None)


def small_files() -> list[bytes]:
    """With what each class comes of: among them an enum member, a split BTF, sections and ELF files."""
    writer = BtfWriter()
    enum = writer.add_enum("small", [("LOW", 1)])
    writer.add_struct("holder", 8, [("first", enum, 0), ("second", enum, 32)])
    split = BtfWriter(strings=b"own\0")
    split.add_struct("", 8, [("", 1, 0)])
    files = [every_kind("<").build(), every_kind(">").build(), Path(btfmmap.SAMPLE_BTF).read_bytes()]
    files += [content for target, content in seeds.seeds() if target == "elf"]
    sections = BtfWriter()
    for _ in range(3):
        sections.add_datasec(".data", 0, [(1, 0, 0)])
    return [*files, writer.build(), split.build(), sections.build()]


def contexts(folder: Path, seed: int) -> list[Context]:
    files = small_files()
    found = []
    for number, data in enumerate(files):
        for base in (None, btfmmap.open(data=files[0])):
            try:
                btf = btfmmap.open(data=data, base=base)
            except btfmmap.BtfError:
                continue
            ids = [*range(btf.first_id + len(btf))]
            found.append(context_of(btf, ids, random.Random(f"{seed} {number}"), folder, data))
    sample = btfmmap.open(btfmmap.SAMPLE_BTF)  # a file: it can be pickled
    found.append(context_of(sample, [*range(len(sample))], random.Random(f"{seed} file"), folder, files[0]))
    return found


def test_everything_is_asked_and_answered(tmp_path: Path) -> None:
    """Of good files: each function and attribute at least once, with each value of a bool or Literal."""
    asker = Asker()
    passed = {
        (attribute.key, parameter.name, value)
        for class_ in (None, btfmmap.Btf, *public_classes().values())
        for attribute in (asked_functions() if class_ is None else asked_of(class_))
        for parameter in parameters(attribute)
        for value in choices(parameter.annotation)
    }
    missing: set[object] = set()
    without = {method for method, package in CONVERTERS.items() if find_spec(package) is None}
    for seed in range(MOST_ROUNDS):
        for context in contexts(tmp_path, seed):
            found = asker.ask_btf(context.btf, context, 3)
            for function in asked_functions():
                found += asker.ask(function, None, context)
            asker.explore(found, context, 300)
        missing = {*expected() - asker.asked.keys(), *passed - asker.passed.keys()}
        missing |= {
            key
            for key in expected() - asker.answered.keys()
            if (NEVER_ANSWERED.keys() | without).isdisjoint({key, key.rpartition(".")[2]})
        }
        if not missing:
            break
    assert not sorted(map(str, missing))


class TestSomethingNew:
    """Whoever adds to the API is told."""

    def test_parameter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def added(self: btfmmap.Btf, unheard_of: int) -> None: ...

        monkeypatch.setattr(btfmmap.Btf, "added", added, raising=False)
        (attribute,) = (each for each in attributes(btfmmap.Btf) if each.name == "added")
        (parameter,) = attribute.parameters()
        with pytest.raises(NoGenerator, match=r"no argument generator for Btf\.added\.unheard_of"):
            generator(attribute, parameter, btfmmap.Btf)

    def test_special_method(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(btfmmap.Graph, "__reversed__", lambda _: iter(()), raising=False)
        assert "__reversed__" in {each.name for each in attributes(btfmmap.Graph)} - SPECIAL.keys()

    def test_function(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def added(path: str) -> btfmmap.Btf: ...  # type: ignore[empty-body]

        monkeypatch.setattr(btfmmap, "added", added, raising=False)
        monkeypatch.setattr(btfmmap, "__all__", [*btfmmap.__all__, "added"])
        assert "added" in {function.key for function in functions()}
