"""`lint` without the notes of the kernel's rules, which test_kernel_rules.py tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import btfmmap
from btfmmap import Diagnostic


def lint(path: str | Path | None = None, **arguments: Any) -> list[Diagnostic]:
    """What lint finds by its own rules."""
    found = btfmmap.lint(path, **arguments)
    arguments["limit"] = 1_000_000
    kernel = {each.message for each in btfmmap.lint(path, rules="kernel", **arguments)}
    return [each for each in found if each.rule != "kernel" and each.message not in kernel]
