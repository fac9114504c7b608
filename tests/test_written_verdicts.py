"""The rules of the kernel accept what is written from good BTF; as root, so does the kernel."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable

import pytest
from btf_writer import every_kind
from kernel_loader import KernelLoader, loader_of_version
from stored_files import KERNELS, stored, stored_objects

import btfmmap
from btfmmap import Btf, Builder

HOST = sys.byteorder


def shuffled(btf: Btf) -> list[int]:
    ids = list(range(btf.first_id or 1, btf.first_id + len(btf)))
    random.Random(1).shuffle(ids)
    return ids


def task(btf: Btf) -> int:
    found = btf.find("task_struct", kind=btfmmap.Kind.STRUCT)
    assert found is not None
    return found


def built(btf: Btf) -> Btf:
    """A Builder with a function that takes a copied struct."""
    builder = Builder(byte_order=btf.source.byte_order)
    (copied,) = builder.add(btf, [task(btf)], closure="pointers")
    proto = builder.func_proto(0, [("task", builder.ptr(copied))])
    builder.func("takes_task", proto)
    return builder.build()


def min_core(btf: Btf) -> Btf:
    return btfmmap.min_core_btf(btf, [*stored_objects().values()]).btf(0)


# Each keeps to the rules: their limits on the depth of references do not depend on the order of types here.
MADE: dict[str, Callable[[Btf], Btf]] = {
    "subset": lambda btf: btfmmap.subset(btf, [task(btf)]).btf,
    "subset with pointers": lambda btf: btfmmap.subset(btf, [task(btf)], closure="pointers").btf,
    "reversed": lambda btf: btfmmap.permute(btf, [*range(len(btf) - 1, 0, -1)]).btf,
    "shuffled": lambda btf: btfmmap.permute(btf, shuffled(btf)).btf,
    "sorted": lambda btf: btfmmap.sorted(btf).btf,
    "swapped": lambda btf: btfmmap.swapped(btf).btf,
    "merged": lambda btf: btfmmap.merge([btf, btfmmap.subset(btf, [task(btf)]).btf]).btf,
    "built": built,
    "min_core": min_core,
}


@pytest.fixture(scope="module", params=KERNELS)
def real(request: pytest.FixtureRequest) -> Btf:
    return btfmmap.open(data=stored(f"{request.param}.btf"))


@pytest.fixture(scope="module")
def loader() -> KernelLoader:
    return loader_of_version(btfmmap.KERNEL_RULES_VERSION)


@pytest.mark.parametrize("how", MADE)
def test_of_a_kernel(how: str, real: Btf) -> None:
    assert btfmmap.lint(data=bytes(MADE[how](real).raw), rules="kernel") == []


@pytest.mark.parametrize("how", MADE)
def test_the_kernel_takes_them(how: str, real: Btf, loader: KernelLoader) -> None:
    made = MADE[how](real)
    if made.source.byte_order != HOST:
        made = btfmmap.swapped(made).btf
    assert loader.refusal(bytes(made.raw)) is None


def test_every_kind(loader: KernelLoader) -> None:
    btf = btfmmap.open(data=every_kind("<" if HOST == "little" else ">").build())
    for made in (btfmmap.subset(btf, range(1, len(btf))).btf, btfmmap.merge([btf]).btf):
        blob = bytes(made.raw)
        found = btfmmap.lint(data=blob, rules="kernel")
        assert found == btfmmap.lint(data=bytes(btf.raw), rules="kernel")
        assert (loader.refusal(blob) is None) == (not found)


def test_of_a_module() -> None:
    kernel = btfmmap.open(data=stored("7.2-amd64.btf"))
    module = btfmmap.open(data=stored("tun.ko"), base=kernel)
    distilled = btfmmap.distill(module).btf
    assert distilled.base is not None
    assert btfmmap.lint(data=bytes(distilled.base.raw), rules="kernel") == []
    made = (distilled, btfmmap.sorted(module).btf, btfmmap.swapped(module).btf)
    for split in (*made, btfmmap.permute(module, shuffled(module)).btf):
        assert btfmmap.lint(data=bytes(split.raw), base=split.base, rules="kernel") == []


def test_of_a_kernel_and_its_module(loader: KernelLoader) -> None:
    kernel = btfmmap.open(data=stored("7.2-amd64.btf"))
    module = btfmmap.open(data=stored("tun.ko"), base=kernel)
    blobs = [
        bytes(btfmmap.merge([kernel, module]).btf.raw),
        bytes(btfmmap.subset(module, shuffled(module)).btf.raw),
    ]
    for blob in blobs:
        assert btfmmap.lint(data=blob, rules="kernel") == []
        assert HOST != "little" or loader.refusal(blob) is None


def test_nothing(loader: KernelLoader) -> None:
    """The kernel refuses BTF without types, and so what is made of nothing."""
    kernel = btfmmap.open(btfmmap.SAMPLE_BTF)
    for made in (
        Builder().build(),
        btfmmap.subset(kernel, []).btf,
        btfmmap.min_core_btf(kernel, []).btf(0),
    ):
        blob = bytes(made.raw)
        assert {each.rule for each in btfmmap.lint(data=blob, rules="kernel")} == {"no-types"}
        assert loader.refusal(blob)
