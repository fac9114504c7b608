"""bpftool's view of a BTF: the reference for the tables."""

from __future__ import annotations

import json
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import requirements

Record = dict[str, Any]


@lru_cache(maxsize=2)
def records(path: Path, base: Path | None = None) -> list[Record]:
    """Types as `bpftool -j btf dump file` prints them, in id order; of split BTF on `base` its own."""
    of_base = [] if base is None else ["-B", str(base)]
    command = [requirements.tool("bpftool"), *of_base, "-j", "btf", "dump", "file", str(path)]
    types: list[Record] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["types"]
    return types


def name(text: str) -> str:
    """bpftool writes (anon) for an empty name."""
    return "" if text == "(anon)" else text
