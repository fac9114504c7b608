"""Builds the native module. All other metadata of the package is in pyproject.toml."""

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
    """Exit with a one-line message about missing tools, before the compiler prints a long log."""
    compiler = os.environ.get("CXX", "c++")
    if shutil.which(compiler.split()[0]) is None:
        sys.exit(
            f"btfmmap: no C++ compiler ('{compiler}' not found): install one (Debian: g++, Fedora: gcc-c++)"
        )
    header = os.path.join(sysconfig.get_path("include"), "Python.h")
    if not os.path.exists(header):
        sys.exit(
            f"btfmmap: no Python headers ({header} not found): install them "
            "(Debian: python3-dev, Fedora: python3-devel)"
        )


def static_runtime() -> list[str]:
    """Flags that link libstdc++ statically, if the static library exists.

    Loading the shared one takes as long as the rest of `import btfmmap`.
    """
    compiler = os.environ.get("CXX", "c++").split()
    if sys.platform != "linux":
        return []
    library = subprocess.run(
        [*compiler, "-print-file-name=libstdc++.a"], capture_output=True, text=True, check=False
    ).stdout.strip()
    if not os.path.isabs(library):  # not found: the compiler prints the name unchanged
        return []
    return ["-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL"]


def core_extension() -> "Pybind11Extension":
    from pybind11.setup_helpers import Pybind11Extension

    # For `make test-sanitized`. The process that loads the module needs the sanitizers' runtime.
    sanitize = os.environ.get("BTFMMAP_SANITIZE") == "1"
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"] if sanitize else []
    return Pybind11Extension(
        "btfmmap._core",
        sources=sorted(glob("csrc/**/*.cpp", recursive=True)),
        # Rebuild the module if a header changes.
        depends=sorted(glob("csrc/**/*.hpp", recursive=True)),
        include_dirs=["csrc"],
        cxx_std=17,
        # Support files of 2 GiB and more on 32-bit hosts.
        define_macros=[("_FILE_OFFSET_BITS", "64")],
        extra_compile_args=[
            *(["-O1", "-g1"] if sanitize else ["-O3", "-g0"]),
            "-Wall",
            "-Wextra",
            "-Wno-psabi",  # the ABI of SIMD types, which are not part of an interface, on hosts without them
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
