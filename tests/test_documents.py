"""README and docs: examples print what they show, links and named files exist, the map is complete."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requirements
from stored_files import DATA, MODULES, stored, stored_objects

import btfmmap.cli
import btfmmap.opening

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("tests/data/*.md")])
COMMAND_EXAMPLES = (
    "README.md",
    "docs/abi-engineers.md",
    "docs/bpf-authors.md",
    "docs/check.md",
    "docs/corpus.md",
    "docs/diff.md",
    "docs/fleets.md",
    "docs/guide.md",
    "docs/index.md",
    "docs/paths.md",
    "docs/tutorial.md",
    "docs/writing.md",
)
EXAMPLES = (
    *COMMAND_EXAMPLES,
    "docs/containers.md",
    "docs/data-scientists.md",
    "docs/dumps.md",
    "docs/pictures.md",
)
DURATION = re.compile(r"\bin [\d,.]+ ms$", re.MULTILINE)


def blocks(document: str, language: str) -> list[str]:
    pattern = rf"^```{language}\n(.*?)^```"
    return re.findall(pattern, (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def example_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Creates the files that examples name, from tests/data."""
    folder = tmp_path_factory.mktemp("examples")
    for path in DATA.glob("*.xz"):
        shutil.copy(path, folder)
    kernel = folder / "vmlinux.btf"
    kernel.write_bytes(stored("7.2-amd64.btf"))
    (folder / "linux-7.2").mkdir()
    shutil.copy(kernel, folder / "linux-7.2" / "vmlinux")
    for name in MODULES:
        shutil.copy(DATA / f"{name}.ko.xz", folder / "linux-7.2")
    (folder / "kernels").mkdir()
    for name in ("6.12-cloud-arm64.btf", "7.2-amd64.btf"):
        (folder / "kernels" / name).write_bytes(stored(name))
    for name in ("bindsnoop", "cpudist", "runqlen"):
        (folder / f"{name}.bpf.o").write_bytes(stored_objects()[f"{name}.bpf.o"])
    return folder


@pytest.fixture
def linux_7_2(example_files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces the running kernel by Linux 7.2, so that the output is the same on every machine."""
    monkeypatch.setattr(btfmmap.running_kernel, "KERNEL_BTF", "vmlinux.btf")
    monkeypatch.chdir(example_files)
    monkeypatch.setenv("COLUMNS", "100")


def without_durations(text: str) -> str:
    return DURATION.sub("in 0 ms", text)


def check(wanted: str, printed: str, example: str) -> None:
    """Compares exactly, except that `...` matches any text and durations may differ."""
    wanted, printed = without_durations(wanted), without_durations(printed)
    if not doctest.OutputChecker().check_output(wanted, printed, doctest.ELLIPSIS):
        assert printed == wanted, example


def commands(block: str) -> Iterator[tuple[str, str]]:
    """Yields each command of a console session and its output."""
    for session in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = session.partition("\n")
        yield command, output


@pytest.mark.usefixtures("linux_7_2")
@pytest.mark.parametrize("document", EXAMPLES)
def test_python(document: str, capsys: pytest.CaptureFixture[str]) -> None:
    """All sessions of a page share their variables."""
    found = blocks(document, "pycon")
    assert found
    if any("to_pandas" in block for block in found):
        requirements.package("pandas")
    if any("corpus" in block for block in found):
        requirements.package("pyarrow")
    names: dict[str, object] = {}
    for number, block in enumerate(found):
        for example in doctest.DocTestParser().get_examples(block, f"{document}, session {number}"):
            exec(compile(example.source, f"{document}: {example.source}", "single"), names)
            wanted = example.want.replace("<BLANKLINE>\n", "\n")
            check(wanted, capsys.readouterr().out.expandtabs(), example.source)


@pytest.mark.usefixtures("linux_7_2")
@pytest.mark.parametrize("document", COMMAND_EXAMPLES)
def test_commands(document: str, capfd: pytest.CaptureFixture[str]) -> None:
    found = [each for block in blocks(document, "console") for each in commands(block)]
    assert found
    if any(" corpus " in command for command, _ in found):
        requirements.package("pyarrow")
    for command, wanted in found:
        program, *words = shlex.split(command)
        assert program == "btfmmap"
        btfmmap.cli.main(words)
        output = capfd.readouterr()
        check(wanted, output.out + output.err, command)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links(document: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)", document.read_text()):
        assert "://" in link or (document.parent / link).exists(), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_named_files_exist(document: Path) -> None:
    """Paths in backticks that start at a folder of the repository."""
    pattern = r"`((?:csrc|python|tests|benchmarks|docs|\.ci)/[\w./-]+)`"
    for name in re.findall(pattern, document.read_text()):
        assert (ROOT / name).exists(), name


def test_address_of_the_project() -> None:
    """README's links use one definition, with the address in pyproject.toml."""
    (address,) = re.findall(r'^Homepage = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert [line for line in (ROOT / "README.md").read_text().splitlines() if address in line] == [
        f"[project]: {address}"
    ]
    for document in DOCUMENTS:
        assert document.name == "README.md" or address not in document.read_text()


def folder_map() -> dict[str, str]:
    """Returns the map in CONTRIBUTING.md: a description for each folder."""
    (block,) = re.findall(
        r"^```\n(csrc/core/base/.*?)^```", (ROOT / "CONTRIBUTING.md").read_text(), re.M | re.S
    )
    return dict(line.split(maxsplit=1) for line in block.splitlines())


def test_map_has_every_folder() -> None:
    code = ("csrc", "python", "tests", "tools", "benchmarks")
    sources = [
        path for top in code for suffix in ("py", "[ch]pp") for path in ROOT.glob(f"{top}/**/*.{suffix}")
    ]
    folders = {f"{path.parent.relative_to(ROOT)}/" for path in sources}
    assert folders | {"python/btfmmap/data/", "tests/data/", "share/", "docs/", ".ci/"} == set(folder_map())
