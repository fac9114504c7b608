"""What README and docs say is so: their Python runs, their links lead somewhere, the map has every folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requirements

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def blocks(document: str) -> list[str]:
    found = re.findall(r"^```python\n(.*?)^```", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)
    assert found
    return found


def test_python_in_the_readme() -> None:
    requirements.kernel_btf()
    for block in blocks("README.md"):
        exec(block, {})


def test_python_in_dumps(capsys: pytest.CaptureFixture[str]) -> None:
    """It ends with what it prints, as a comment."""
    (block,) = blocks("docs/dumps.md")
    exec(block, {})
    comment = [line.removeprefix("# ") for line in block.splitlines() if line.startswith("# ")]
    assert capsys.readouterr().out.splitlines() == comment


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links(document: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)", document.read_text()):
        assert "://" in link or (document.parent / link).exists(), link


def folder_map() -> dict[str, str]:
    """CONTRIBUTING.md's map: what it says of each folder."""
    (block,) = re.findall(
        r"^```\n(csrc/core/base/.*?)^```", (ROOT / "CONTRIBUTING.md").read_text(), re.M | re.S
    )
    return dict(line.split(maxsplit=1) for line in block.splitlines())


def test_map_has_every_folder() -> None:
    sources = [path for pattern in ("*.py", "*.[ch]pp") for path in ROOT.glob(f"*/**/{pattern}")]
    folders = {f"{path.parent.relative_to(ROOT)}/" for path in sources if "build" not in path.parts}
    assert folders | {"python/btfmmap/data/", "tests/data/", "docs/", ".ci/"} == set(folder_map())
