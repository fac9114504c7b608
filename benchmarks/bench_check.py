"""BPF objects on kernels: the 63 objects of the tests' data, and one with 10,000 relocations."""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.harness import FEW, MANY, MICROSECONDS, SOME, Comparison, Run, Workload, compare, repeated
from support.kernel_btf import DATA, KernelBtf, unpacked
from support.object_files import object_files
from support.peer_bpftool import PROGRAM
from support.processes import process, python
from support.report import report

import btfmmap
from btfmmap.checking.evaluation import Evaluator
from btfmmap.checking.objects import Selection
from btfmmap.checking.sources import object_sources
from btfmmap.relocations import evaluate

KERNELS = os.environ.get("BTFMMAP_KERNELS")
"""A folder of kernels for the whole process; by default those of the tests' data."""
MANY_RELOCATIONS = 10_000


def _evaluating(
    name: str, objects: list[str], btf: KernelBtf, rounds: int, *, similar: bool = False
) -> Workload:
    """The evaluation of prepared objects on a kernel that was just opened."""
    evaluator = Evaluator(object_sources(objects), Selection(None, None), similar=similar)

    def prepare() -> Run:
        kernel = btfmmap.find_kernels(btf.path)[0].open()
        return lambda: evaluator(kernel)

    return Workload(name, prepare, rounds)


def _relocating(name: str, objects: list[str], btf: KernelBtf, rounds: int) -> Workload:
    """Of that, only the relocations."""
    opened = [btfmmap.open(path) for path in objects]
    evaluate(opened, btfmmap.open(btf.path))  # prepares the objects

    def prepare() -> Run:
        kernel = btfmmap.open(btf.path)
        return lambda: evaluate(opened, kernel)

    return Workload(name, prepare, rounds)


def _opening(btf: KernelBtf, rounds: int) -> Workload:
    return repeated("`btfmmap.open` of the kernel", lambda: btfmmap.open(btf.path), rounds)


def measure_objects(btf: KernelBtf) -> Comparison:
    """63 objects on one open kernel, in multiples of opening it."""
    with object_files() as paths:
        return compare(
            "63 BPF objects on one open kernel",
            _opening(btf, MANY),
            [
                _relocating("their 602 relocations", paths, btf, MANY),
                _evaluating("`check`: with reachability and requirements", paths, btf, MANY),
                _evaluating("`check(similar=True)`: with close names", paths, btf, MANY, similar=True),
            ],
            MICROSECONDS,
        )


def measure_many_relocations(btf: KernelBtf) -> Comparison:
    """One object with 10,000 relocations of types of the kernel."""
    with tempfile.NamedTemporaryFile(suffix=".o") as file:
        file.write(_large_object(btf.path))
        file.flush()
        return compare(
            f"A BPF object with {MANY_RELOCATIONS:,} relocations on one open kernel",
            _opening(btf, SOME),
            [
                _relocating("its relocations", [file.name], btf, SOME),
                _evaluating("`check`", [file.name], btf, SOME),
            ],
            MICROSECONDS,
        )


def measure_process(_btf: KernelBtf) -> Comparison:
    """63 objects on several kernels, as a whole process. bpftool reads one kernel for all objects at once."""
    with object_files() as paths, tempfile.TemporaryDirectory() as folder, unpacked_kernels() as kernels:
        # The exit code is 1, as some objects break.
        code = f"from btfmmap.cli import main; main({['check', *paths, '--kernels', *kernels]!r})"
        return compare(
            f"63 BPF objects on {len(kernels)} kernels, whole process",
            python("`btfmmap check *.o --kernels ...`", code, SOME),
            [
                python("`python -c 'import numpy'`", "import numpy", SOME),
                process(
                    "`bpftool gen min_core_btf`, one kernel",
                    [PROGRAM, "gen", "min_core_btf", kernels[0], f"{folder}/out.btf", *paths],
                    FEW,
                ),
            ],
        )


@contextmanager
def unpacked_kernels() -> Iterator[list[str]]:
    """The paths of the kernels, decompressed, valid inside the `with` block."""
    if KERNELS:
        yield sorted(str(path) for path in Path(KERNELS).glob("*.btf"))
        return
    names = ("7.2-amd64", "6.12-cloud-arm64", "6.12-s390x")
    with (
        unpacked(DATA / f"{names[0]}.btf.xz") as one,
        unpacked(DATA / f"{names[1]}.btf.xz") as two,
        unpacked(DATA / f"{names[2]}.btf.xz") as three,
    ):
        yield [one, two, three]


def _large_object(kernel: str) -> bytes:
    """An object that asks whether members of the kernel's structs exist.

    Its types are the kernel's own: every type is then found.
    """
    btf = btfmmap.open(kernel)
    blob = btf.raw.tobytes()
    header = btf.header
    strings_at = header["hdr_len"] + header["str_off"]
    strings = blob[strings_at : strings_at + header["str_len"]]
    types = blob[header["hdr_len"] + header["type_off"] :][: header["type_len"]]
    added = b"".join(f"0:{number}\0".encode() for number in range(8)) + b"socket\0"
    access = [len(strings) + 4 * number for number in range(8)]
    section = len(strings) + 32
    own = struct.pack("<HBB5I", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings + added))
    structs = btf.types[
        (btf.types.kind == btfmmap.Kind.STRUCT) & (btf.types.vlen > 8) & (btf.types.name_off > 0)
    ]
    roots = [structs.id[number % len(structs)] for number in range(MANY_RELOCATIONS)]
    records = b"".join(
        struct.pack("<4I", 8 * number, root, access[number % 8], 2) for number, root in enumerate(roots)
    )
    core_relo = struct.pack("<3I", 16, section, MANY_RELOCATIONS) + records
    ext = struct.pack("<HBB7I", 0xEB9F, 1, 0, 32, 0, 0, 0, 0, 0, len(core_relo)) + core_relo
    code = struct.pack("<BBhi", 0xB7, 1, 0, 1) * MANY_RELOCATIONS + struct.pack("<BBhi", 0x95, 0, 0, 0)
    symbols = bytes(24) + struct.pack("<IBBHQQ", 1, 0x12, 0, 1, 0, len(code))
    contents = [
        (b"socket", 1, 6, code, 0),
        (b".BTF", 1, 0, own + types + strings + added, 0),
        (b".BTF.ext", 1, 0, ext, 0),
        (b".strtab", 3, 0, b"\0program\0", 0),
        (b".symtab", 2, 0, symbols, 4),
    ]
    return _elf(contents)


def _elf(contents: list[tuple[bytes, int, int, bytes, int]]) -> bytes:
    """An ELF file for BPF of sections: name, type, flags, bytes and link."""
    names = b"\0" + b"".join(name + b"\0" for name, *_ in contents) + b".shstrtab\0"
    body, headers = bytearray(64), bytes(64)
    for name, type_, flags, content, link in [*contents, (b".shstrtab", 3, 0, names, 0)]:
        body += bytes(-len(body) % 8)
        at = names.index(b"\0" + name + b"\0") + 1
        one = (at, type_, flags, 0, len(body), len(content), link, bool(link), 8, 24 if link else 0)
        headers += struct.pack("<IIQQQQIIQQ", *one)
        body += content
    body += bytes(-len(body) % 8)
    head = (
        b"\x7fELF\2\1\1",
        1,
        247,
        1,
        0,
        0,
        len(body),
        0,
        64,
        0,
        0,
        64,
        len(contents) + 2,
        len(contents) + 1,
    )
    body[:64] = struct.pack("<16sHHIQQQIHHHHHH", *head)
    return bytes(body) + headers


if __name__ == "__main__":
    report([measure_objects, measure_many_relocations, measure_process])
