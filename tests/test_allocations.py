"""Failing allocations, and memory and descriptors that are released."""

from __future__ import annotations

import os
import resource
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import requirements
from btf_writer import every_kind
from fuzz import seeds

import btfmmap

ROOT = Path(__file__).parent.parent
FAILED_OPENS = int(os.environ.get("BTFMMAP_FAILED_OPENS", "20000"))


def test_each_allocation_of_the_core_may_fail(tmp_path: Path) -> None:
    program = tmp_path / "allocations"
    sources = [*(ROOT / "csrc" / "core").rglob("*.cpp"), ROOT / "tests" / "fuzz" / "exercise_all.cpp"]
    flags = ["-std=c++17", "-O0", "-D_FILE_OFFSET_BITS=64", "-DBTFMMAP_KEEP_BLOCKS=false"]
    flags += [f"-I{ROOT / 'csrc'}", f"-I{ROOT / 'tests' / 'fuzz'}"]
    command = [
        requirements.tool("g++"),
        *flags,
        "-o",
        str(program),
        str(ROOT / "tests" / "native" / "allocations.cpp"),
    ]
    subprocess.run([*command, *map(str, sources)], check=True)
    inputs = {"kinds": every_kind().build(), "nested": seeds.nested(), "kfunc": seeds.kfunc()}
    files = [btfmmap.SAMPLE_BTF]
    for name, content in inputs.items():
        files.append(str(tmp_path / name))
        Path(files[-1]).write_bytes(content)
    done = subprocess.run([program, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("failed one by one") == len(files)


LARGE = """
import resource, sys, btfmmap
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
try:
    btfmmap.open(sys.argv[1])
except MemoryError:
    print("MemoryError")
"""


@requirements.unsanitized("its shadow takes more address space than RLIMIT_AS leaves")
def test_memory_error(tmp_path: Path) -> None:
    """A file too large for memory."""
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.write(every_kind().build())
        file.truncate(min((1 << 32) - 1, sys.maxsize - 1))
    done = subprocess.run([sys.executable, "-c", LARGE, path], capture_output=True, text=True, check=False)
    assert done.stdout == "MemoryError\n", done.stderr


SPARSE = r"""
import re, sys, btfmmap
def most():
    return int(re.search("VmHWM:\s*([0-9]+) kB", open("/proc/self/status").read())[1])
before = most()
try:
    btfmmap.open(sys.argv[1], method="mmap")
except btfmmap.FormatError as error:
    print(error.type_id, most() - before < 64 << 10)
"""


@requirements.unsanitized("its shadow is counted")
@pytest.mark.skipif(sys.platform != "linux", reason="/proc as Linux has it")
@pytest.mark.skipif(sys.maxsize < 1 << 32, reason="the file does not fit into the address space")
def test_sparse_file_takes_no_memory(tmp_path: Path) -> None:
    """Memory is not taken in proportion to what a header says."""
    path = tmp_path / "sparse"
    types = (1 << 32) - 64
    with path.open("wb") as file:
        file.write(struct.pack("=HBBIIIII", 0xEB9F, 1, 0, 24, 0, types, types, 1))
        file.truncate(24 + types + 1)
    done = subprocess.run([sys.executable, "-c", SPARSE, path], capture_output=True, text=True, check=False)
    assert done.stdout == "1 True\n", done.stderr


def maps() -> list[str]:
    """Mappings by file and permissions, without sizes: the heap's grow and shrink."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return [" ".join(line.split()[1:]) for line in lines if "/" in line]


@requirements.unsanitized("it keeps freed memory for a while")
@pytest.mark.skipif(sys.platform != "linux", reason="/proc as Linux has it")
@pytest.mark.parametrize("method", ["auto", "mmap"])
def test_failed_opens_keep_nothing(tmp_path: Path, method: str) -> None:
    path = tmp_path / "broken"
    path.write_bytes(every_kind().build()[:-1])

    def fail(times: int) -> None:
        for _ in range(times):
            with pytest.raises(btfmmap.FormatError):
                btfmmap.open(path, method=method)  # type: ignore[arg-type]

    fail(100)
    before = (maps(), len(os.listdir("/proc/self/fd")), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    fail(FAILED_OPENS)
    after = (maps(), len(os.listdir("/proc/self/fd")), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert after[:2] == before[:2]
    assert after[2] - before[2] < 8 << 10  # KiB
