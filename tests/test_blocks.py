"""Memory of the core that is kept for reuse: its bound, threads, forked children."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import requirements

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("flags", [(), ("-fsanitize=undefined", "-fno-sanitize-recover=all")])
def test_kept_blocks(flags: tuple[str, ...], tmp_path: Path) -> None:
    program = tmp_path / "blocks"
    sources = [ROOT / "tests" / "native" / "blocks.cpp", ROOT / "csrc" / "core" / "base" / "block.cpp"]
    command = [requirements.tool("g++"), "-std=c++17", "-O1", "-pthread", f"-I{ROOT / 'csrc'}", *flags]
    subprocess.run([*command, "-o", program, *sources], check=True)
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "all good\n"), done.stdout + done.stderr
