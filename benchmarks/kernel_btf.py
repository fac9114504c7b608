"""The BTF to measure on: the running kernel's, or the one among the tests' data where there is none."""

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

STAND_IN = Path(__file__).parent.parent / "tests" / "data" / "7.2-amd64.btf.xz"


@dataclass(frozen=True)
class KernelBtf:
    """A file of raw BTF."""

    path: str
    origin: str
    """What to call it in a report."""
    is_running_kernel: bool


@contextmanager
def kernel_btf() -> Iterator[KernelBtf]:
    """The BTF to measure on; exits with a message where there is none."""
    if os.path.exists(btfmmap.KERNEL_BTF):
        yield KernelBtf(btfmmap.KERNEL_BTF, btfmmap.KERNEL_BTF, True)
    elif STAND_IN.exists():
        with tempfile.NamedTemporaryFile(suffix=".btf") as file:
            file.write(lzma.decompress(STAND_IN.read_bytes()))
            file.flush()
            origin = f"{STAND_IN.name}, as there is no {btfmmap.KERNEL_BTF}"
            yield KernelBtf(file.name, origin, False)
    else:
        sys.exit(f"nothing to measure on: neither {btfmmap.KERNEL_BTF} nor {STAND_IN}")
