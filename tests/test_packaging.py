"""What is built for others: the sdist, and the wheel that is made from it alone."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
import requirements
from shell_files import shell_files

import btfmmap

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    return folder


def test_sdist_has_all_sources(dist: Path) -> None:
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "csrc").rglob("*.[ch]pp")}
    assert sources <= names
    assert {"LICENSE", "README.md", "Makefile", "tests/conftest.py", "benchmarks/run.py"} <= names
    assert not [name for name in names if name.endswith(".so")]
    assert [name for name in names if name.startswith("tests/data/")] == ["tests/data/README.md"]


def test_metadata_is_valid(dist: Path) -> None:
    """A README that cannot be rendered, or a missing field, is refused when a release is uploaded."""
    requirements.package("twine")
    command: list[str | Path] = [sys.executable, "-m", "twine", "check", "--strict", *dist.iterdir()]
    subprocess.run(command, check=True, capture_output=True)


def test_versions_are_equal() -> None:
    """Those of the package, the citation and the conda recipe."""
    for name, pattern in (
        ("CITATION.cff", r"^version: (.+)$"),
        ("conda/recipe.yaml", r'^  version: "(.+)"$'),
    ):
        assert re.findall(pattern, (ROOT / name).read_text(), re.MULTILINE) == [btfmmap.__version__]


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_wheels_of_a_release(architecture: str) -> None:
    pytest.importorskip("cibuildwheel")
    command = [sys.executable, "-m", "cibuildwheel", "--platform", "linux", "--archs", architecture]
    done = subprocess.run(
        [*command, "--print-build-identifiers", ROOT], check=True, capture_output=True, text=True
    )
    pythons = ("cp310", "cp311", "cp312", "cp313", "cp314", "cp314t")
    wanted = {f"{each}-{libc}linux_{architecture}" for each in pythons for libc in ("many", "musl")}
    assert set(done.stdout.split()) == wanted


def test_wheel_works_alone(dist: Path, tmp_path: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"btfmmap/py.typed", "btfmmap/_core.pyi", "btfmmap/data/sample.btf"} <= names
    shared = {str(path.relative_to(ROOT)) for path in shell_files()}
    assert {name.partition(".data/data/")[2] for name in names if ".data/data/" in name} == shared
    modules = {str(path.relative_to(ROOT / "python")) for path in (ROOT / "python" / "btfmmap").rglob("*.py")}
    assert modules <= names
    venv.create(tmp_path, with_pip=True)
    python = tmp_path / "bin" / "python"
    # Without its dependency: no index is asked, and this much starts without numpy.
    subprocess.run(
        [python, "-I", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel], check=True
    )
    code = "import btfmmap; print(btfmmap.open(btfmmap.SAMPLE_BTF)['struct flow'].size)"
    done = subprocess.run(
        [python, "-I", "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert done.stdout == "112\n"
    assert subprocess.run([tmp_path / "bin" / "btfmmap", "--version"], check=True).returncode == 0
