"""Results with many ids are integer arrays, with many texts lists of str; any integers are accepted as
ids."""

from __future__ import annotations

import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import btfmmap
from btfmmap import Btf

IDS = [3, 1, 4, 1, 5]
MANY: dict[str, Callable[[list[int]], Any]] = {
    "list": list,
    "tuple": tuple,
    "generator": iter,
    "int8": lambda ids: np.array(ids, np.int8),
    "uint16": lambda ids: np.array(ids, np.uint16),
    "big-endian": lambda ids: np.array(ids, ">u4"),
    "int64": lambda ids: np.array(ids, np.int64),
    "strided": lambda ids: np.repeat(np.array(ids, np.uint32), 2)[::2],
    "array": lambda ids: array.array("L", ids),
    "memoryview": lambda ids: memoryview(array.array("i", ids)),
    "numpy scalars": lambda ids: [np.uint32(each) for each in ids],
    "empty": lambda _: [],
}
# Calls that give ids and sizes of many types, with their dtype; calls that give texts.
NUMBERS: dict[str, tuple[Callable[[Btf, Any], Any], type]] = {
    "resolve": (Btf.resolve, np.int64),
    "sizeof": (Btf.sizeof, np.int64),
    "alignof": (Btf.alignof, np.int64),
    "reachable": (lambda btf, ids: btf.graph.reachable(ids), np.uint32),
    "dependents": (lambda btf, ids: btf.graph.dependents(ids), np.uint32),
}
TEXTS: dict[str, Callable[[Btf, Any], Any]] = {
    "names": Btf.names,
    "kind_names": Btf.kind_names,
    "strings": Btf.strings,
}


@pytest.fixture(scope="module")
def btf() -> Btf:
    return btfmmap.open(btfmmap.SAMPLE_BTF)


@pytest.mark.parametrize("many", MANY)
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_many_types(btf: Btf, name: str, many: str) -> None:
    ask, dtype = NUMBERS[name]
    plain = [int(each) for each in MANY[many](IDS)]
    found = ask(btf, MANY[many](IDS))
    assert type(found) is np.ndarray
    assert found.dtype == dtype
    assert found.tolist() == ask(btf, plain).tolist()
    assert (len(found) == 0) == (not plain)


@pytest.mark.parametrize("many", MANY)
@pytest.mark.parametrize("name", TEXTS)
def test_texts_of_many_types(btf: Btf, name: str, many: str) -> None:
    plain = [int(each) for each in MANY[many](IDS)]
    found = TEXTS[name](btf, MANY[many](IDS))
    assert type(found) is list
    assert all(type(text) is str for text in found)
    assert found == [TEXTS[name](btf, [each])[0] for each in plain]


def test_ids_of_names(btf: Btf) -> None:
    found = btf.lookup(["struct flow", "no such type"])
    assert type(found) is np.ndarray
    assert found.dtype == np.int64
    assert found.tolist() == [btf.find("struct flow"), -1]
    for ids in (btf.find_all("flow"), btf.match("f*"), btf.candidates("flow", "layout")):
        assert ids
        assert type(ids) is list
        assert all(type(each) is int for each in ids)


def test_a_kernels_strings(module: tuple[Path, Path]) -> None:
    folder = module[0].parent
    with btfmmap.open_kernel(folder) as kernel:
        rows = kernel.funcs[::500]
        texts = kernel.strings(rows.module, rows.name_off)
        assert kernel.strings(rows.module.tolist(), rows.name_off.tolist()) == texts
        assert kernel.strings(iter(rows.module), iter(rows.name_off)) == texts
        assert kernel.strings([], []) == []
        modules, ids = kernel.lookup(texts[:3])
        assert modules.dtype == ids.dtype == np.int64


def test_one_id_from_an_array(btf: Btf) -> None:
    """A column's items are accepted as ids, as any int is."""
    flow = btf["struct flow"].id
    for type_id in (np.uint32(flow), np.int64(flow), btf.types.id[flow]):
        assert btf[type_id] == btf[flow]
        assert type(btf[type_id].id) is int
        assert type_id in btf
        assert btf.name(type_id) == "flow"
        assert str(btf.layout(type_id)) == str(btf.layout(flow))
        assert btf.at(type_id, 0) == btf.at(flow, 0)
        assert btf.at_each(type_id, np.array([0, 1])) == btf.at_each(flow, [0, 1])
        assert btf.dtype(type_id, bitfields="omit") == btf.dtype(flow, bitfields="omit")
        assert btf.users(type_id) == btf.users(flow)
        assert btf.c_declaration(type_id) == btf.c_declaration(flow)
        assert btf.to_c(type_id) == btf.to_c(flow)
    assert btf.dump(roots=np.array([flow, 1])) == btf.dump(roots=[flow, 1])
    assert btf.string(np.uint32(1)) == btf.string(1)
    for wrong in (1.5, None, b"flow", np.float64(flow)):
        with pytest.raises(TypeError):
            btf.layout(wrong)  # type: ignore[arg-type]
