"""The native module's build. Everything else about the package is in pyproject.toml."""

import os
import shutil
import subprocess
import sys
import sysconfig
from glob import glob

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pybind11.setup_helpers import Pybind11Extension


def check_toolchain() -> None:
    """Exit with one line that says what to install, rather than with a compiler's log."""
    compiler = os.environ.get("CXX", "c++")
    if shutil.which(compiler.split()[0]) is None:
        sys.exit(
            f"btfmmap: no C++ compiler ('{compiler}' not found): install one "
            "(Debian: g++, Fedora: gcc-c++, macOS: xcode-select --install)"
        )
    header = os.path.join(sysconfig.get_path("include"), "Python.h")
    if not os.path.exists(header):
        sys.exit(
            f"btfmmap: no Python headers ({header} not found): install them "
            "(Debian: python3-dev, Fedora: python3-devel)"
        )


def static_runtime() -> list[str]:
    """Flags that link libstdc++ in, where there is one for it: the shared one takes as long to load as
    all else that `import btfmmap` does."""
    compiler = os.environ.get("CXX", "c++").split()
    if sys.platform != "linux":
        return []
    library = subprocess.run(
        [*compiler, "-print-file-name=libstdc++.a"], capture_output=True, text=True, check=False
    ).stdout.strip()
    if not os.path.isabs(library):  # not found: the name comes back as it is
        return []
    return ["-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL"]


def core_extension() -> "Pybind11Extension":
    from pybind11.setup_helpers import Pybind11Extension

    # For `make test-sanitized`: the process that loads it needs their runtime.
    sanitize = os.environ.get("BTFMMAP_SANITIZE") == "1"
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"] if sanitize else []
    return Pybind11Extension(
        "btfmmap._core",
        sources=sorted(glob("csrc/**/*.cpp", recursive=True)),
        # A changed header rebuilds the module.
        depends=sorted(glob("csrc/**/*.hpp", recursive=True)),
        include_dirs=["csrc"],
        cxx_std=17,
        # Files of 2 GiB and more on hosts of 32 bits.
        define_macros=[("_FILE_OFFSET_BITS", "64")],
        extra_compile_args=[
            *(["-O1", "-g1"] if sanitize else ["-O3", "-g0"]),
            "-Wall",
            "-Wextra",
            "-Wno-psabi",  # of vectors on hosts that have none; they are in no interface
            "-pthread",
            *sanitizers,
        ],
        extra_link_args=["-pthread", *(sanitizers or static_runtime())],
    )


def main() -> None:
    check_toolchain()

    from pybind11.setup_helpers import ParallelCompile
    from setuptools import setup

    ParallelCompile("BTFMMAP_BUILD_JOBS", default=0).install()
    setup(ext_modules=[core_extension()])


if __name__ == "__main__":
    main()
