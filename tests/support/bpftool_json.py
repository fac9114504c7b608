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
def records(path: Path) -> list[Record]:
    """Every type as `bpftool -j btf dump file` prints it, in id order."""
    command = [requirements.tool("bpftool"), "-j", "btf", "dump", "file", str(path)]
    types: list[Record] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["types"]
    return types


def name(text: str) -> str:
    """bpftool writes (anon) for an empty name."""
    return "" if text == "(anon)" else text
