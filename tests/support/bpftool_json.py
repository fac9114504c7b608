"""bpftool's view of a BTF: the reference for the tables."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import requirements

Record = dict[str, Any]


@lru_cache(maxsize=2)
def records(path: Path, base: Path | None = None) -> list[Record]:
    """Types as `bpftool -j btf dump file` prints them, in id order; of split BTF on `base` its own."""
    for each in (path, base):
        if each is not None:
            _check_header(each)
    of_base = [] if base is None else ["-B", str(base)]
    command = [requirements.tool("bpftool"), *of_base, "-j", "btf", "dump", "file", str(path)]
    types: list[Record] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["types"]
    return types


def _check_header(path: Path) -> None:
    """Skip the test if libbpf refuses the BTF: in another byte order, it reads headers of 24 bytes only."""
    with path.open("rb") as file:
        magic, _, size = file.read(2), file.read(2), file.read(4)
    order = {b"\x9f\xeb": "little", b"\xeb\x9f": "big"}.get(magic, sys.byteorder)
    if order != sys.byteorder and int.from_bytes(size, "big" if order == "big" else "little") != 24:
        pytest.skip(f"bpftool does not read a header of {order}-endian BTF that is longer than 24 bytes here")


def name(text: str) -> str:
    """bpftool writes (anon) for an empty name."""
    return "" if text == "(anon)" else text
