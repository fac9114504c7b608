"""What README and docs say is so: their Python runs, their links lead somewhere, the map has every file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import test_architecture
import tools

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def blocks(document: str) -> list[str]:
    found = re.findall(r"^```python\n(.*?)^```", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)
    assert found
    return found


def test_python_in_the_readme() -> None:
    tools.kernel_btf()
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


def test_map_of_the_core() -> None:
    """In the order of its layers."""
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("csrc/core/")[2].partition("csrc/bindings/")[0]
    rows = [re.split(r" {3,}", line.strip())[0] for line in section.splitlines()[1:]]
    assert " ".join(rows).split() == test_architecture.LAYERS


def test_map_of_the_package() -> None:
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("csrc/bindings/")[2].partition("```")[0]
    for pattern in ("python/btfmmap/*.py", "tests/*.py", "tests/*.c*"):
        for path in ROOT.glob(pattern):
            if not path.name.startswith(("_", "conftest", "test_")):
                assert re.search(rf"\b{path.stem}\b", section), path
