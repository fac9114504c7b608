"""What changed between kernels: two of them as a whole process, and fifty variants of one."""

from __future__ import annotations

import os
import random
import struct
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from support.harness import FEW, SOME, Comparison, Workload, compare, repeated
from support.kernel_btf import DATA, KernelBtf, unpacked
from support.peer_bpftool import PROGRAM
from support.processes import process, python
from support.report import report

import btfmmap

KERNELS = os.environ.get("BTFMMAP_KERNELS")
"""A folder of kernels. The first two are compared. The default is two of the tests' data."""
VARIANTS = 50
EDITS = 30  # structs that differ between two variants

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


@contextmanager
def two_kernels() -> Iterator[tuple[str, str]]:
    """The paths of two kernels, valid inside the `with` block."""
    if KERNELS:
        old, new = sorted(str(path) for path in Path(KERNELS).glob("*.btf"))[:2]
        yield old, new
        return
    with unpacked(DATA / "6.12-cloud-arm64.btf.xz") as old, unpacked(DATA / "7.2-amd64.btf.xz") as new:
        yield old, new


def variant(content: bytes, seed: int) -> bytes:
    """A kernel in which some structs are larger, and their last members have other offsets."""
    source = random.Random(seed)
    changed = bytearray(content)
    btf = btfmmap.open(data=content)
    start = btf.header["hdr_len"] + btf.header["type_off"]
    structs = np.flatnonzero((btf.types.kind == btfmmap.Kind.STRUCT) & (btf.types.vlen > 1))
    for row in source.sample(structs.tolist(), EDITS):
        record = start + int(btf.types.offset[row])
        last = record + 12 + 12 * (int(btf.types.vlen[row]) - 1)
        for at, growth in ((record + 8, 8), (last + 8, 64)):
            (number,) = struct.unpack_from("<I", changed, at)
            struct.pack_into("<I", changed, at, number + growth)
    return bytes(changed)


def measure_process(_btf: KernelBtf) -> Comparison:
    """Two kernels, as a whole process. The bound is 1.5 times the import of numpy."""
    with two_kernels() as (old, new), tempfile.TemporaryDirectory() as folder:
        code = f"from btfmmap.cli import main; main(['diff', {old!r}, {new!r}])"
        dumped = f"{PROGRAM} btf dump file $file format c > {folder}/$(basename $file).h"
        dump = f"for file in {old} {new}; do {dumped}; done"
        headers = [f"{folder}/{Path(path).name}.h" for path in (old, new)]
        script = Path(folder) / "compare.py"
        script.write_text(SCRIPT.replace("PROGRAM", repr(PROGRAM)))
        return compare(
            "Two kernels compared, whole process",
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
        )


def measure_fifty(btf: KernelBtf) -> Comparison:
    """Fifty variants of a kernel at once. The bound is 40 ms a kernel."""
    content = Path(btf.path).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(VARIANTS):
            (Path(folder) / f"{number:02}.btf").write_bytes(variant(content, number))
        paths = sorted(Path(folder).glob("*.btf"))

        def fingerprints() -> None:
            for path in paths:
                _ = btfmmap.open(path).fingerprints

        return compare(
            f"{VARIANTS} variants of a kernel compared",
            Workload("`btfmmap.diff`", lambda: lambda: btfmmap.diff(paths), FEW),
            [
                repeated("opening them", lambda: [btfmmap.open(path) for path in paths], FEW),
                repeated("opening them, and their fingerprints", fingerprints, FEW),
            ],
        )


if __name__ == "__main__":
    report([measure_process, measure_fifty])
