"""The BTF to measure on: the running kernel's, or else the one in the tests' data."""

from __future__ import annotations

import lzma
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import btfmmap

DATA = Path(__file__).parent.parent.parent / "tests" / "data"
STAND_IN = DATA / "7.2-amd64.btf.xz"
"""Whether types are sorted by name, as in all 7.x kernels."""


@dataclass(frozen=True)
class KernelBtf:
    """A file of raw BTF."""

    path: str
    origin: str
    """Name in reports."""
    is_running_kernel: bool


@contextmanager
def kernel_btf() -> Iterator[KernelBtf]:
    """The BTF to measure on; exits with a message where there is none."""
    if os.path.exists(btfmmap.KERNEL_BTF):
        yield KernelBtf(btfmmap.KERNEL_BTF, btfmmap.KERNEL_BTF, True)
    elif STAND_IN.exists():
        with unpacked(STAND_IN) as path:
            yield KernelBtf(path, f"{STAND_IN.name}, as there is no {btfmmap.KERNEL_BTF}", False)
    else:
        sys.exit(f"nothing to measure on: neither {btfmmap.KERNEL_BTF} nor {STAND_IN}")


@contextmanager
def unpacked(compressed: Path) -> Iterator[str]:
    """The path of an xz file's content, valid inside the `with` block."""
    with tempfile.NamedTemporaryFile(suffix=".btf") as file:
        file.write(lzma.decompress(compressed.read_bytes()))
        file.flush()
        yield file.name
