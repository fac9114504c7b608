"""What a corpus says, without how it is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from btfmmap import corpus

_COLUMNS = ("kind", "name", "kernel", "fingerprint", "size")


def content(path: Path | str) -> dict[str, Any]:
    """The kernels, the failures, and the definitions of each kernel."""
    opened = corpus.open(path)
    names = opened.kernels["name"].to_pylist()
    definitions = opened.presence("*")
    return {
        "kernels": sorted(zip(names, opened.kernels["sha256"].to_pylist(), strict=True)),
        "failures": sorted((row["path"], row["error"]) for row in opened.failures.to_pylist()),
        "definitions": sorted(
            zip(*(definitions[name].to_pylist() for name in _COLUMNS), strict=True), key=repr
        ),
    }
