"""Write BTF: a whole kernel from its tables, and what 63 BPF objects need of a kernel, against opening it."""

from __future__ import annotations

import io
import lzma
import tarfile

from support.harness import MANY, SOME, Comparison, Workload, compare, repeated
from support.kernel_btf import DATA, KernelBtf
from support.report import report

import btfmmap

TABLES = (
    "types",
    "members",
    "params",
    "enumerators",
    "arrays",
    "ints",
    "funcs",
    "vars",
    "secinfos",
    "decl_tags",
)


def _objects() -> list[bytes]:
    content = lzma.decompress((DATA / "bpf-objects.tar.xz").read_bytes())
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        files = [tar.extractfile(member) for member in tar]
    return [file.read() for file in files if file is not None]


def _opening(btf: KernelBtf) -> Workload:
    return repeated("`btfmmap.open`", lambda: btfmmap.open(btf.path).close(), MANY)


def measure(btf: KernelBtf) -> Comparison:
    """From tables that are there; the bound is 20 times `open`."""
    kernel = btfmmap.open(btf.path)
    tables = {name: getattr(kernel, name) for name in TABLES}

    def write(*, strings: bool) -> None:
        builder = btfmmap.Builder(byte_order=kernel.source.byte_order)
        builder.add_tables(**tables, strings=kernel.string_section if strings else None)
        builder.build()

    return compare(
        "Write a kernel from its tables",
        repeated("`Builder.add_tables(strings=)` and `build`", lambda: write(strings=True), MANY),
        [
            _opening(btf),
            repeated("without `strings`: each is looked up", lambda: write(strings=False), SOME),
            repeated("`btfmmap.swapped`", lambda: btfmmap.swapped(kernel), SOME),
            repeated("`btfmmap.sorted`", lambda: btfmmap.sorted(kernel), SOME),
            repeated("`btfmmap.merge` of the kernel", lambda: btfmmap.merge([kernel]), SOME),
        ],
    )


def measure_min_core(btf: KernelBtf) -> Comparison:
    """From the files; the bound is 25 times `open`."""
    objects = _objects()
    return compare(
        "What 63 BPF objects need of a kernel",
        repeated("`btfmmap.min_core_btf`", lambda: btfmmap.min_core_btf(btf.path, objects), MANY),
        [_opening(btf)],
    )


if __name__ == "__main__":
    report([measure, measure_min_core])
