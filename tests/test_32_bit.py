"""The core as a 32-bit program, where std::size_t cannot hold every file size: the native tests, a short run
of each fuzz target, and inputs whose sizes wrap.

An amd64 kernel runs such programs. They are compiled with ASan and UBSan, and any conversion of 64 bits to
std::size_t outside of bytes.hpp is an error.
"""

from __future__ import annotations

import os
import platform
import struct
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requirements
from btf_writer import every_kind
from elf_writer import ElfWriter
from fuzz import seeds
from wrapping import cases

import btfmmap

ROOT = Path(__file__).parent.parent
FUZZ = ROOT / "tests" / "fuzz"
BUILD = ROOT / "build" / "fuzz32"
TARGETS = (
    *("raw", "split", "elf", "layout_section", "ext", "core_relo", "paths", "program", "diff", "writing"),
    "changing",
)
SECONDS = os.environ.get("BTFMMAP_FUZZ32_SECONDS", "2")

# Drop the sanitizer preloaded into this process, and variables of a make that started it.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in ("LD_PRELOAD", "ASAN_OPTIONS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
}


@pytest.fixture(scope="module")
def programs() -> Path:
    """The folder of the programs."""
    if platform.machine() != "x86_64":
        pytest.skip("only an amd64 kernel runs programs of i686")
    command = [requirements.tool("make"), "-C", str(FUZZ), "BITS=32", f"-j{os.cpu_count()}", "build"]
    command.append(f"GXX32={requirements.tool('i686-linux-gnu-g++')}")
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return BUILD


def run(*command: str | Path) -> str:
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answer(content: bytes) -> str:
    """The answer on this host: "opened", or the message without the input's name."""
    try:
        with btfmmap.open(data=content) as btf:
            _ = btf.ext
    except btfmmap.BtfError as error:
        return str(error).partition(": ")[2]
    return "opened"


def test_sums_do_not_wrap(programs: Path, tmp_path: Path) -> None:
    inputs = list(cases())
    path = tmp_path / "cases"
    path.write_bytes(b"".join(struct.pack("<I", len(case.content)) + case.content for case in inputs))
    answers = run(programs / "wrapping", path).splitlines()
    assert len(answers) == len(inputs)
    for case, found in zip(inputs, answers, strict=True):
        assert (found == "opened") == case.valid, (case.name, found)
        assert found.removeprefix("case: ") == answer(case.content), case.name


def test_large_files(programs: Path, tmp_path: Path) -> None:
    """Only the section of a large file is read; the whole file does not fit."""
    writer = ElfWriter()
    writer.add(".BTF", every_kind().build(), at=3 << 30)
    writer.write_sparse(tmp_path / "large.o")
    with (tmp_path / "large.btf").open("wb") as file:
        file.write(every_kind().build())
        file.truncate(3 << 30)
    far, whole = run(
        programs / "wrapping", "/dev/null", tmp_path / "large.o", tmp_path / "large.btf"
    ).splitlines()
    assert far == "opened"
    assert (
        whole == f"{tmp_path / 'large.btf'}: {3 << 30} bytes do not fit into the memory of a 32-bit process"
    )


def test_each_allocation_may_fail(programs: Path, tmp_path: Path) -> None:
    path = tmp_path / "nested"
    path.write_bytes(seeds.nested())
    assert "allocations failed one by one" in run(programs / "allocations", path)


def test_threads(programs: Path) -> None:
    assert run(programs / "threads", btfmmap.SAMPLE_BTF, "2")


def test_fuzz_targets(programs: Path) -> None:
    """`make fuzz32` runs them for longer."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda target: fuzz(programs, target), TARGETS))


def fuzz(programs: Path, target: str) -> None:
    finding = programs / f"{target}-finding"
    printed = run(programs / target, SECONDS, "1", finding, programs / "seeds" / target)
    assert "no finding" in printed
