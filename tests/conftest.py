"""Real inputs, unpacked once per session."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import requirements
from stored_files import KERNELS, stored

import btfmmap

# A shell starts background jobs with SIGINT ignored, and nohup with SIGHUP; children inherit that. Some tests
# send these signals.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, handler)


# Where an installed package is tested, only benchmarks and docs are beside the tests.
_NEED_CHECKOUT = (
    *("32_bit", "allocations", "architecture", "benchmarks", "blocks", "diff_hostile", "documents"),
    *("fast_paths", "instructions", "kernel_rules", "packaging", "shell", "site"),
)
if not (Path(__file__).parent.parent / "csrc").exists():
    collect_ignore = [f"test_{name}.py" for name in _NEED_CHECKOUT]


@pytest.fixture(scope="session", params=["running", "sample", *KERNELS])
def kernel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The BTF of a real kernel, the running one or a stored one; or the package's sample, which has kinds
    that those kernels lack."""
    name: str = request.param
    if name == "running":
        return requirements.kernel_btf()
    if name == "sample":
        return Path(btfmmap.SAMPLE_BTF)
    path = tmp_path_factory.mktemp("btf") / f"{name}.btf"
    path.write_bytes(stored(f"{name}.btf"))
    return path


@pytest.fixture(scope="session")
def module(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The paths of a kernel and of a module on it."""
    folder = tmp_path_factory.mktemp("module")
    paths = folder / "vmlinux.btf", folder / "tun.ko"
    for path, name in zip(paths, ("7.2-amd64.btf", "tun.ko"), strict=True):
        path.write_bytes(stored(name))
    return paths
