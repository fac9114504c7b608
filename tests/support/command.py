"""Runs the command of this package in a process of its own, where warnings are errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMMAND = (sys.executable, "-W", "error", "-m", "btfmmap")


def run_btfmmap(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `btfmmap WORDS`; a failure shows in `returncode`."""
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False)
