"""What bash, zsh and fish complete, asked of the shells."""

from __future__ import annotations

import os
import pty
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import requirements

SHARE = Path(__file__).parent.parent.parent / "share"
_DEADLINE = 240  # s, for a shell that hangs

# Calls the function as bash does when a key is pressed. The words are those that bash splits the line into.
_BASH = """
source {file}
COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_shtab_btfmmap btfmmap
printf '%s\\n' "${{COMPREPLY[@]}}"
"""

# Writes all matches to a file instead of showing them.
_ZSH = """
fpath=({folder} $fpath)
autoload -Uz compinit && compinit -D -u
compadd() {{
  local -a hits
  if [[ ${{@[1,(i)(-|--)]}} != *-(O|A|D)\\ * ]]; then
    builtin compadd -A hits "$@"
    print -rl -- $hits >> {matches}
  fi
  builtin compadd "$@"
}}
finished() {{ : > {done} }}
zle -N finished
bindkey '^G' finished
bindkey '^I' complete-word
: > {ready}
"""


def completed(
    shell: str, lines: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> list[list[str]]:
    """What a shell offers when the tabulator key is pressed at the end of each line.

    Args:
        shell: "bash", "zsh" or "fish".
        lines: The lines. The last word of each, which may be empty, is completed.
        folder: Where the shell runs. Files for zsh are created there.
        environment: Its environment variables.

    Returns:
        For each line the distinct candidates, sorted.
    """
    program = requirements.tool(shell)
    if shell == "zsh":
        found = _completed_by_zsh(program, lines, folder, environment)
    elif shell == "bash":
        found = [_printed([program, "--norc", "-c", _in_bash(line)], folder, environment) for line in lines]
    else:
        file = shlex.quote(str(SHARE / "fish" / "vendor_completions.d" / "btfmmap.fish"))
        asked = [f"source {file}; complete -C {shlex.quote(line)}" for line in lines]
        found = [_printed([program, "--no-config", "-c", each], folder, environment) for each in asked]
    return [sorted({candidate.partition("\t")[0] for candidate in each if candidate}) for each in found]


def _in_bash(line: str) -> str:
    file = SHARE / "bash-completion" / "completions" / "btfmmap"
    words = " ".join(shlex.quote(word) for word in line.split(" "))
    return _BASH.format(file=shlex.quote(str(file)), words=words)


def _printed(command: list[str], folder: Path, environment: Mapping[str, str]) -> list[str]:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=_DEADLINE
    )
    assert not done.stderr
    return done.stdout.splitlines()


def _completed_by_zsh(
    program: str, lines: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> list[list[str]]:
    """Completion of zsh works in its line editor only, which needs a terminal."""
    files = {name: folder / f"zsh.{name}" for name in ("matches", "ready", "done")}
    for path in files.values():
        path.unlink(missing_ok=True)
    script = folder / "zsh.script"
    script.write_text(
        _ZSH.format(
            folder=shlex.quote(str(SHARE / "zsh" / "site-functions")),
            **{name: shlex.quote(str(path)) for name, path in files.items()},
        )
    )
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execve(program, [program, "-f", "-i"], {**environment, "TERM": "dumb"})
    found = []
    try:
        os.write(terminal, f"source {script}\n".encode())
        _wait_for(files["ready"], terminal)
        for line in lines:
            files["matches"].write_text("")
            os.write(terminal, f"\x15{line}\t\x07".encode())  # clear the line, type, complete, finish
            _wait_for(files["done"], terminal)
            files["done"].unlink()
            found.append(files["matches"].read_text().splitlines())
    finally:
        os.kill(child, signal.SIGKILL)
        os.close(terminal)
        os.waitpid(child, 0)
    return found


def _wait_for(path: Path, terminal: int) -> None:
    """Read what the shell prints, so that it does not block, until a file exists."""
    shown = b""
    deadline = time.monotonic() + _DEADLINE
    while not path.exists():
        assert time.monotonic() < deadline, shown
        if select.select([terminal], [], [], 0.01)[0]:
            shown += os.read(terminal, 65536)
