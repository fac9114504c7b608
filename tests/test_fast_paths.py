"""Each fast loop of the core gives the results of its plain version.

fast_paths.cpp compares them with this processor's vectors, without vectors, with those of aarch64, and as a
32-bit program.
"""

from __future__ import annotations

import os
import platform
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requirements
from stored_files import KERNELS, stored

import btfmmap

ROOT = Path(__file__).parent.parent
SOURCES = (
    "base/arena",
    "base/block",
    "index/validate_references",
    "index/validate_references_simd",
    "index/enums",
    "format/header",
    "index/index",
    "names/known_identifiers",
    "names/name_table",
    "names/names",
    "names/string_search",
    "names/strings",
    "tables/record_table",
    "tables/tables",
    "index/scan_records",
    "index/scan_records_interleaved",
)
MUTANTS = int(os.environ.get("BTFMMAP_FAST_PATH_MUTANTS", "100"))


SANITIZED = ("g++", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
BUILDS = {
    "vectors": SANITIZED,
    "scalar": (*SANITIZED, "-DBTFMMAP_SCALAR"),
    "aarch64": ("aarch64-linux-gnu-g++", "-static"),
    # Debian's i386 has no vectors, other distributions use SSE2; an amd64 kernel runs both.
    "i686": ("i686-linux-gnu-g++", "-static", "-Wno-psabi"),
    "i686-sse2": ("i686-linux-gnu-g++", "-static", "-msse2"),
}


@pytest.mark.parametrize("build", BUILDS)
def test_fast_equals_plain(build: str, tmp_path: Path) -> None:
    program = tmp_path / "fast_paths"
    compiler, *flags = BUILDS[build]
    if build.startswith("i686") and platform.machine() != "x86_64":
        pytest.skip("only an amd64 kernel runs programs of i686")
    # Programs of another architecture are emulated, slowly.
    emulator = [requirements.tool("qemu-aarch64")] if build == "aarch64" else []
    mutants = MUTANTS if compiler == "g++" else MUTANTS // 4
    inputs = [
        ROOT / "tests" / "native" / "fast_paths.cpp",
        *(ROOT / "csrc" / "core" / f"{name}.cpp" for name in SOURCES),
    ]
    command: list[str | Path] = [requirements.tool(compiler), *flags, "-std=c++17", "-O1", "-Icsrc"]
    command += ["-o", program, *inputs]
    subprocess.run(command, check=True, cwd=ROOT)
    files = [Path(btfmmap.SAMPLE_BTF)]
    for name in KERNELS:
        files.append(tmp_path / f"{name}.btf")
        files[-1].write_bytes(stored(f"{name}.btf"))
    # Drop the sanitizer preloaded into this process.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}

    def compare(file: Path) -> None:
        done = subprocess.run(
            [*emulator, program, "1", str(mutants), file],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count(f" {mutants} mutants") == 1

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compare, files))
