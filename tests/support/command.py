"""Runs the command of this package: in a process of its own, where warnings are errors, or in this one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from btfmmap.cli import main

COMMAND = (sys.executable, "-W", "error", "-m", "btfmmap")


def run_btfmmap(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `btfmmap WORDS`; a failure shows in `returncode`."""
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False)


def run_here(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run `btfmmap WORDS` in this process; return its exit code, output and errors."""
    code = main([*words])
    printed = capfd.readouterr()
    return code, printed.out, printed.err
