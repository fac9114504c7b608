"""What is built for others: the sdist, and the wheel that is made from it alone."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

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


def test_wheel_works_alone(dist: Path, tmp_path: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"btfmmap/py.typed", "btfmmap/_core.pyi", "btfmmap/data/sample.btf"} <= names
    modules = {str(path.relative_to(ROOT / "python")) for path in (ROOT / "python" / "btfmmap").rglob("*.py")}
    assert modules <= names
    venv.create(tmp_path, with_pip=True)
    python = tmp_path / "bin" / "python"
    # Without its dependency: no index is asked, and this much starts without numpy.
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel], check=True)
    code = "import btfmmap; print(btfmmap.open(btfmmap.SAMPLE_BTF)['struct flow'].size)"
    done = subprocess.run([python, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout == "112\n"
    assert subprocess.run([tmp_path / "bin" / "btfmmap", "--version"], check=True).returncode == 0
