"""Requirements of tests outside the repository: a test without them is skipped, and in CI fails."""

from __future__ import annotations

import os
import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

KERNEL = Path("/sys/kernel/btf/vmlinux")
# Python's own, and what compiles for 64 bits there, without headers: the types of a kernel, __int128.
NARROW = sys.maxsize < 1 << 32
WIDE_GCC = ["gcc", "-m64"] if NARROW else ["gcc"]


def absent(what: str) -> None:
    """Skip the test; in CI, where everything is installed, fail it."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, which CI should have")
    pytest.skip(f"{what} is not here")


def tool(name: str) -> str:
    """The path of a program. Debian keeps bpftool in /usr/sbin."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        absent(f"the program {name}")
    assert path is not None
    return path


def sources() -> Path:
    """The folder of the core's sources, for single tests. An installed package is tested without."""
    folder = Path(__file__).parent.parent.parent / "csrc" / "core"
    if not folder.exists():
        pytest.skip("an installed package is tested, without its sources")
    return folder


def package(name: str) -> Any:
    """An optional package, for a whole module of tests."""
    if os.environ.get("CI"):
        return import_module(name)
    return pytest.importorskip(name)


def unsanitized(reason: str) -> pytest.MarkDecorator:
    """Leaves a test out of `make test-sanitized`, where AddressSanitizer is in every process."""
    sanitized = "libasan" in os.environ.get("LD_PRELOAD", "")
    return pytest.mark.skipif(sanitized, reason=f"under AddressSanitizer: {reason}")


def preloading(library: Path) -> dict[str, str]:
    """The environment that preloads a library, after any sanitizer, which has to be the first."""
    return os.environ | {"LD_PRELOAD": f"{os.environ.get('LD_PRELOAD', '')} {library}".strip()}


def kernel_btf() -> Path:
    if not os.access(KERNEL, os.R_OK):
        pytest.skip(f"no readable kernel BTF at {KERNEL}")
    return KERNEL
