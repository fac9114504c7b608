"""Writes share/: the completions and the manual page, which the wheel installs."""

from __future__ import annotations

from pathlib import Path

from completions import completion
from man_page import man_page

SHARE = Path(__file__).parent.parent / "share"


def shell_files() -> dict[Path, str]:
    """The files and their contents. Shells and man look for them in these folders."""
    return {
        SHARE / "bash-completion" / "completions" / "btfmmap": completion("bash"),
        SHARE / "zsh" / "site-functions" / "_btfmmap": completion("zsh"),
        SHARE / "fish" / "vendor_completions.d" / "btfmmap.fish": completion("fish"),
        SHARE / "man" / "man1" / "btfmmap.1": man_page(),
    }


if __name__ == "__main__":
    for path, text in shell_files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
