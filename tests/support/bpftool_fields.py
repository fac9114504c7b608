"""The fields of a BPF object's relocations, as `bpftool gen min_core_btf` logs them."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import requirements

_SPEC = re.compile(
    r"relo #\d+: (matching candidate #0 )?<(\w+)> \[(\d+)\] \w+ ([^ .\[]+)\.?(\S*) "
    r"\(\S+ @ offset (\d+)(?:\.(\d))?\)"
)


@dataclass
class LoggedField:
    """A field in the object's types, or, next in the log, in the kernel's."""

    of_kernel: bool
    kind: str
    type_id: int
    root: str
    field: str
    bit_offset: int


def bpftool_fields(kernel: Path, made: Path) -> list[LoggedField]:
    """The fields that an object's relocations lead to, one after the other."""
    bpftool = requirements.tool("bpftool")
    command = [bpftool, "-d", "gen", "min_core_btf", str(kernel), str(made.with_suffix(".min")), str(made)]
    log = subprocess.run(command, capture_output=True, text=True, check=False)
    order = "little" if made.read_bytes()[5] == 1 else "big"
    if log.returncode != 0 and order != sys.byteorder:
        pytest.skip(f"bpftool does not read objects that are {order}-endian here: {log.stderr.strip()}")
    found = []
    for match in _SPEC.finditer(log.stdout + log.stderr):
        matching, kind, type_id, root, field, byte, bit = match.groups()
        bits = 8 * int(byte) + int(bit or 0)
        found.append(LoggedField(bool(matching), kind, int(type_id), root, field, bits))
    return found
