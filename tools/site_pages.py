"""Builds the site: docs/*.md and other pages, the commands from their parsers, the reference from docstrings.

    python tools/site_pages.py build/site/html
    python tools/site_pages.py build/site/html --external   # also try links to other sites

Every warning is an error. tests/test_documents.py runs the examples on the pages and compares their output.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from pathlib import Path

from command_parsers import Argument, Command, commands, signature, synopsis
from reference import REFERENCE, reference_page

ROOT = Path(__file__).parent.parent
# Pages from outside docs, and their names on the site.
_OTHERS = {
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "tests/data/README.md": "test-data.md",
}
# The order of the pages, below captions.
CONTENTS = {
    "Start": ("tutorial", "guide"),
    "For your job": ("bpf-authors", "abi-engineers", "data-scientists", "fleets"),
    "Subjects": (
        *("check", "diff", "paths", "decoding", "writing", "corpus", "corpus-sql", "pictures", "lint"),
        *("dumps", "containers"),
    ),
    "Reference": ("commands/index", "reference/index"),
    "Project": (
        *("changes", "performance", "robustness", "security", "design", "contributing", "releasing"),
        *("site", "test-data"),
    ),
}


def _page_names() -> dict[Path, str]:
    """The pages that exist as files, and their names on the site."""
    names = {path: path.name for path in sorted((ROOT / "docs").glob("*.md"))}
    return names | {ROOT / path: name for path, name in _OTHERS.items()}


def _with_links(text: str, page: Path, names: dict[Path, str]) -> str:
    """A page whose links lead to the names that the pages have on the site."""

    def link(match: re.Match[str]) -> str:
        target = Path(os.path.normpath(page.parent / match[2]))
        if target not in names:
            return match[0]
        # The name of a file says little to a reader of the site.
        shown = _title(target) if match[1].endswith(".md") else match[1]
        return f"[{shown}]({names[target]}"

    return re.sub(r"\[([^]]*)\]\(([\w./-]+\.md)", link, text)


def _title(page: Path) -> str:
    return page.read_text().partition("\n")[0].lstrip("# ")


def _toctree(pages: tuple[str, ...], caption: str = "") -> str:
    shown = f":caption: {caption}\n:hidden:\n" if caption else ""
    return "\n```{toctree}\n" + shown + "\n".join(pages) + "\n```\n"


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>|])", r"\\\1", text)


def _arguments(title: str, arguments: tuple[Argument, ...]) -> str:
    if not arguments:
        return ""
    rows = (f"\n`{signature(argument)}`\n: {_escaped(argument.help)}\n" for argument in arguments)
    return f"\n## {title}\n{''.join(rows)}"


def _command_page(command: Command) -> str:
    text = f"# btfmmap {command.name}\n\n{_escaped(command.summary)}\n\n```text\n{synopsis(command)}\n```\n"
    for paragraph in command.paragraphs:
        if paragraph.startswith(" "):
            text += "\n```sh\n" + "\n".join(map(str.strip, paragraph.splitlines())) + "\n```\n"
        else:
            text += f"\n{_escaped(paragraph)}\n"
    return text + _arguments("Arguments", command.positionals) + _arguments("Options", command.options)


def _commands_index(found: list[Command]) -> str:
    rows = "".join(f"| [{each.name}]({each.name}.md) | {_escaped(each.summary)} |\n" for each in found)
    return (
        "# Commands\n\n"
        "These pages are made of the commands' help texts, which `btfmmap COMMAND --help` prints. "
        "[The guide](../guide.md#the-command) has examples with their output, the exit codes, and what all "
        f"commands share.\n\n| command | what it does |\n|---|---|\n{rows}"
        + _toctree(tuple(each.name for each in found)).replace("{toctree}\n", "{toctree}\n:hidden:\n")
    )


def collect(folder: Path) -> None:
    """Write the sources of the site into a new folder.

    Args:
        folder: The folder, which is replaced.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = _page_names()
    for path, name in names.items():
        text = _with_links(path.read_text(), path, names)
        if name == "index.md":
            text += "".join(_toctree(pages, caption) for caption, pages in CONTENTS.items())
        (folder / name).write_text(text)
    others = (path for pattern in ("conf.py", "*.ipynb", "*.svg") for path in (ROOT / "docs").glob(pattern))
    for path in others:
        shutil.copy(path, folder)
    found = commands()
    pages = {f"commands/{each.name}.md": _command_page(each) for each in found}
    pages["commands/index.md"] = _commands_index(found)
    pages |= {f"reference/{name}.rst": reference_page(name) for name in ("index", *REFERENCE)}
    for name, text in pages.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def build(sources: Path, output: Path, builder: str = "html") -> int:
    """Run Sphinx; a warning is an error.

    Args:
        sources: What `collect` wrote.
        output: The folder for the pages.
        builder: The name of Sphinx's builder.

    Returns:
        The exit code.
    """
    from sphinx.cmd.build import main as sphinx

    doctrees = output.parent / "doctrees"
    options = ["--quiet", "--fail-on-warning", "--builder", builder, "--doctree-dir", str(doctrees)]
    return sphinx([*options, str(sources), str(output)])


def main() -> int:
    """Build the site."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("output", type=Path, metavar="FOLDER", help="where the pages are written")
    parser.add_argument("--external", action="store_true", help="also try links to other sites")
    args = parser.parse_args()
    sources = args.output.parent / "sources"
    collect(sources)
    shutil.rmtree(args.output, ignore_errors=True)
    code = build(sources, args.output)
    if not code and args.external:
        code = build(sources, args.output.parent / "linkcheck", "linkcheck")
    return code


if __name__ == "__main__":
    sys.exit(main())
