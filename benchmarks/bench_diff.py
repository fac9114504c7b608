"""What changed between kernels: two of them as a whole process, and fifty variants of one."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.harness import (
    CPU_SECONDS,
    FEW,
    SOME,
    Comparison,
    Meter,
    Workload,
    compare,
    repeated,
    reported,
)
from support.kernel_btf import DATA, KernelBtf, unpacked
from support.kernel_variants import variant
from support.peer_bpftool import PROGRAM
from support.processes import CPU_MILLISECONDS, process, python
from support.report import report

import btfmmap

KERNELS = os.environ.get("BTFMMAP_KERNELS")
"""A folder of kernels, *.btf. The first two are compared, and the first and the last. The default is two of
the tests' data, of different architectures and releases."""
VARIANTS = 50

# An independent comparison: structs by name, members by name, offset and type's name.
SCRIPT = """
import json, subprocess, sys
def read(path):
    command = [PROGRAM, "-j", "btf", "dump", "file", path]
    types = json.loads(subprocess.run(command, stdout=-1).stdout)["types"]
    names = {each["id"]: each.get("name") for each in types}
    found = {}
    for each in types:
        if each["kind"] in ("STRUCT", "UNION"):
            content = [(m["name"], m["bits_offset"], names.get(m["type_id"])) for m in each["members"]]
        elif each["kind"] == "FUNC":
            content = each["type_id"]
        else:
            continue
        found[each["kind"], each["name"]] = content
    return found
old, new = read(sys.argv[1]), read(sys.argv[2])
print(sum(old[key] != new[key] for key in old.keys() & new.keys()), len(old.keys() ^ new.keys()))
"""


# ru_maxrss would include the peak of the process that started this one.
PEAK = """
import sys
from pathlib import Path
import btfmmap
btfmmap.diff(sorted(Path(sys.argv[1]).glob("*.btf")))
status = Path("/proc/self/status").read_text()
print(int(status.partition("VmHWM:")[2].split()[0]) / 1024)
"""


@contextmanager
def kernels() -> Iterator[list[str]]:
    """The paths of two kernels or more, valid inside the `with` block."""
    if KERNELS:
        yield sorted(str(path) for path in Path(KERNELS).glob("*.btf"))
        return
    with unpacked(DATA / "6.12-cloud-arm64.btf.xz") as old, unpacked(DATA / "7.2-amd64.btf.xz") as new:
        yield [old, new]


@contextmanager
def variants(btf: KernelBtf) -> Iterator[Path]:
    """A folder with variants of a kernel, valid inside the `with` block."""
    content = Path(btf.path).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(VARIANTS):
            (Path(folder) / f"{number:02}.btf").write_bytes(variant(content, number))
        yield Path(folder)


def measure_neighbours(_btf: KernelBtf) -> Comparison:
    """Two kernels, as a whole process. The bound is 1.5 times the import of numpy."""
    with kernels() as paths:
        return compare_process("The first two kernels compared, whole process", paths[0], paths[1])


def measure_distant(_btf: KernelBtf) -> Comparison:
    """The first kernel and the last."""
    with kernels() as paths:
        return compare_process("The first and the last kernel compared, whole process", paths[0], paths[-1])


def compare_process(title: str, old: str, new: str) -> Comparison:
    with tempfile.TemporaryDirectory() as folder:
        code = f"from btfmmap.cli import main; main(['diff', {old!r}, {new!r}])"
        dumped = f"{PROGRAM} btf dump file $file format c > {folder}/$(basename $file).h"
        dump = f"for file in {old} {new}; do {dumped}; done"
        headers = [f"{folder}/{Path(path).name}.h" for path in (old, new)]
        script = Path(folder) / "compare.py"
        script.write_text(SCRIPT.replace("PROGRAM", repr(PROGRAM)))
        return compare(
            title,
            python("`btfmmap diff OLD NEW`", code, SOME),
            [
                python("`python -c 'import numpy'`", "import numpy", SOME),
                process("a script over `bpftool -j`", [sys.executable, str(script), old, new], FEW),
                process(
                    "`diff` of two C headers, with dumping them",
                    ["/bin/sh", "-c", f"{dump}; diff {' '.join(headers)} > {folder}/difference; true"],
                    FEW,
                ),
            ],
            CPU_MILLISECONDS,
        )


def measure_fifty(btf: KernelBtf) -> Comparison:
    """Variants of a kernel at once, per kernel. The bound is 40 ms."""
    with variants(btf) as folder:
        paths = sorted(folder.glob("*.btf"))

        def fingerprints() -> None:
            for path in paths:
                _ = btfmmap.open(path).fingerprints

        return compare(
            f"{VARIANTS} variants of a kernel compared, per kernel",
            Workload("`btfmmap.diff`", lambda: lambda: btfmmap.diff(paths), FEW, VARIANTS),
            [
                repeated("opening them", lambda: [btfmmap.open(path) for path in paths], FEW, VARIANTS),
                repeated("opening them, and their fingerprints", fingerprints, FEW, VARIANTS),
            ],
            Meter("CPU ms", lambda run: CPU_SECONDS.read(run) * 1e3),
        )


def measure_memory(btf: KernelBtf) -> Comparison:
    """Peak memory of a process that compares the variants. The bound is 200 MB."""
    with variants(btf) as folder:

        def peak() -> str:
            command = [sys.executable, "-c", PEAK, str(folder)]
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout

        return compare(
            f"Peak memory of comparing {VARIANTS} variants of a kernel",
            repeated("`btfmmap.diff`", peak, FEW),
            [],
            reported("MB"),
        )


if __name__ == "__main__":
    report([measure_neighbours, measure_distant, measure_fifty, measure_memory])
