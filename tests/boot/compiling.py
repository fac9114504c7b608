"""Compiles the package's extension for a guest. Nothing of the guest runs on this machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))


def compiled(compiler: str, root: Path, folder: Path) -> Path:
    """Compile the extension with a cross compiler and the Python headers below `root`.

    CXXFLAGS come last, so `-O1` there shortens the compilation.

    Returns:
        The path of the extension. It is compiled again only if its sources or the compiler have changed.

    Raises:
        RuntimeError: the compiler fails.
    """
    os.environ["CXX"] = compiler
    os.chdir(ROOT)
    import setup

    extension = setup.core_extension()
    library = folder / "_core.so"
    stamp = folder / "stamp"
    sources = [*map(str, extension.sources)]
    flags = os.environ.get("CXXFLAGS", "").split()
    key = _digest([*sources, *extension.depends], [compiler, *flags])
    if library.exists() and stamp.exists() and stamp.read_text() == key:
        return library
    folder.mkdir(parents=True, exist_ok=True)
    (python,) = (root / "usr/include").glob("python3.*")
    cached = [shutil.which("ccache") or "", compiler] if shutil.which("ccache") else [compiler]
    command = [
        *cached,
        "-c",
        "-fPIC",
        "-fvisibility=hidden",
        "-DNDEBUG",
        *extension.extra_compile_args,
        *flags,
        "-std=c++17",
        *(f"-D{name}={value}" for name, value in extension.define_macros),
        *(f"-I{include}" for include in [*extension.include_dirs, python]),
        # Has Debian's pyconfig.h, and headers of the C library, which must not precede the compiler's own.
        "-idirafter",
        str(root / "usr/include"),
    ]

    def compile_one(source: str) -> Path:
        made = folder / (source.replace("/", "+") + ".o")
        _checked([*command, source, "-o", str(made)])
        return made

    with ThreadPoolExecutor(int(os.environ.get("BTFMMAP_BUILD_JOBS", os.cpu_count() or 1))) as pool:
        objects = [*pool.map(compile_one, sources)]
    link = [compiler, "-shared", *map(str, objects), *extension.extra_link_args, "-o", str(library)]
    _checked(link)
    stamp.write_text(key)
    return library


def _checked(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stderr}")


def _digest(paths: list[str], command: list[str]) -> str:
    digest = hashlib.sha256(" ".join(command).encode())
    for path in paths:
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()
