"""The machine that a measurement ran on."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
from support.peer_bpftool import Bpftool
from support.peer_libbpf import Libbpf

import btfmmap


def machine() -> dict[str, str]:
    """The machine and the versions that the numbers depend on, and the date."""
    return {
        "date": date.today().isoformat(),
        "cpu": _cpu_model(),
        "cores": str(os.cpu_count()),
        "load before": f"{os.getloadavg()[0]:.1f}",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "btfmmap": btfmmap.__version__,
        "libbpf": _version_or_reason(lambda: Libbpf().version),
        "bpftool": _version_or_reason(lambda: Bpftool().version),
        "pahole": _version_or_reason(_pahole_version),
    }


def _pahole_version() -> str:
    return subprocess.run(["pahole", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    # Some architectures name no model there.
    return models[0] if models else platform.machine()


def _version_or_reason(version: Callable[[], str]) -> str:
    try:
        return version()
    except (OSError, subprocess.CalledProcessError) as error:
        return str(error)
