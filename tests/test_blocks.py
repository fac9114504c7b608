"""Memory of the core that is kept for reuse: its bound, threads, forked children."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import requirements

from btfmmap import Kind

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("flags", [(), ("-fsanitize=undefined", "-fno-sanitize-recover=all")])
def test_kept_blocks(flags: tuple[str, ...], tmp_path: Path) -> None:
    program = tmp_path / "blocks"
    sources = [ROOT / "tests" / "native" / "blocks.cpp", ROOT / "csrc" / "core" / "base" / "block.cpp"]
    command = [requirements.tool("g++"), "-std=c++17", "-O1", "-pthread", f"-I{ROOT / 'csrc'}", *flags]
    subprocess.run([*command, "-o", program, *sources], check=True)
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "all good\n"), done.stdout + done.stderr


SCRIPT = """
import sys
from pathlib import Path

import btfmmap

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1])

btfmmap.open(btfmmap.SAMPLE_BTF).find("flow")
before = resident()
try:
    btfmmap.open(sys.argv[1])
except btfmmap.FormatError as error:
    assert "unknown kind 31" in str(error), error
print(resident() - before)
"""


def test_refused_file(tmp_path: Path) -> None:
    """What the index of a malformed file has used counts as used."""
    pointers = 6 << 20
    path = tmp_path / "malformed.btf"
    types = struct.pack("<3I", 0, Kind.PTR << 24, 0) * pointers + struct.pack("<3I", 0, 31 << 24, 0)
    path.write_bytes(struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), 1) + types + b"\0")
    command = [sys.executable, "-c", SCRIPT, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * os.sysconf("SC_PAGE_SIZE") < 20 << 20
