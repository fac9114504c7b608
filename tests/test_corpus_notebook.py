"""The notebook docs/corpus.ipynb runs, and shows three pictures."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest
import requirements
from stored_files import DATA

NOTEBOOK = Path(__file__).parent.parent / "docs" / "corpus.ipynb"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.filterwarnings("default")  # of jupyter_client
def test_three_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pyarrow", "polars", "matplotlib", "ipykernel"):
        requirements.package(name)
    nbformat = requirements.package("nbformat")
    nbclient = requirements.package("nbclient")
    (tmp_path / "kernels").mkdir()
    for path in [*DATA.glob("6.12.*-cloud-amd64.part.btf.xz"), DATA / "6.12-cloud-arm64.btf.xz"]:
        shutil.copy(path, tmp_path / "kernels" / path.name.replace(".part", ""))
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    pictures = [
        base64.b64decode(output["data"]["image/png"])
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 3
    assert all(picture.startswith(PNG) and len(picture) > 5_000 for picture in pictures)


def test_nothing_is_stored_in_it() -> None:
    nbformat = requirements.package("nbformat")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
