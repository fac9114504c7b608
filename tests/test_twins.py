"""Each fast loop of the core gives what the plain one beside it gives: twins.cpp asks both, with the vectors
of this processor and without any."""

from __future__ import annotations

import lzma
import os
import subprocess
from pathlib import Path

import pytest
import tools
from conftest import DATA, STORED

import btfmmap

ROOT = Path(__file__).parent.parent
SOURCES = (
    "check",
    "check_by_kind",
    "header",
    "index",
    "name_order",
    "name_table",
    "names",
    "strings",
    "walk",
    "walk_in_chains",
)
MUTANTS = os.environ.get("BTFMMAP_TWIN_MUTANTS", "150")


@pytest.mark.parametrize("define", ["BTFMMAP_VECTORS", "BTFMMAP_SCALAR"])
def test_fast_equals_plain(define: str, tmp_path: Path) -> None:
    program = tmp_path / "twins"
    sanitizers = "-fsanitize=address,undefined"
    sources = [ROOT / "csrc" / "core" / f"{name}.cpp" for name in SOURCES]
    flags = ["-std=c++17", "-O1", "-g1", sanitizers, "-fno-sanitize-recover=all", f"-D{define}", "-Icsrc"]
    inputs = [ROOT / "tests" / "twins.cpp", *sources]
    subprocess.run([tools.tool("g++"), *flags, "-o", program, *inputs], check=True, cwd=ROOT)
    files = [Path(btfmmap.SAMPLE_BTF)]
    for name in STORED:
        files.append(tmp_path / f"{name}.btf")
        files[-1].write_bytes(lzma.decompress((DATA / f"{name}.btf.xz").read_bytes()))
    done = subprocess.run([program, "1", MUTANTS, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(f"{MUTANTS} mutants") == len(files)
