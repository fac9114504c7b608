"""At home in a shell: completions, the manual page, and help texts that fit a terminal."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import btf_writer
import pytest
import requirements
from btf_writer import BtfWriter
from shell_files import shell_files
from shells import completed

import btfmmap
from btfmmap.cli import COMMANDS, main

SHELLS = ("bash", "zsh", "fish")
MANUAL = next(path for path in shell_files() if path.suffix == ".1")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Has the command `btfmmap`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "btfmmap"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m btfmmap "$@"\n')
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(tmp_path)}


def kernel_names() -> list[str]:
    """The distinct names of the running kernel's types."""
    with btfmmap.open() as kernel:
        return sorted(set(kernel.names()))


@pytest.mark.parametrize("path", shell_files(), ids=lambda path: path.name)
def test_files_are_current(path: Path) -> None:
    """`make shell` writes them."""
    assert path.read_text() == shell_files()[path]


@pytest.mark.parametrize("shell", SHELLS)
def test_completion(shell: str, tmp_path: Path, environment: dict[str, str]) -> None:
    written = BtfWriter()
    for name in ("task_b", "task_a", "task_a", "other"):
        written.add_struct(name, 0, [])
    (tmp_path / "kernel.btf").write_bytes(written.build())
    wanted = {
        "btfmmap ": sorted(COMMANDS),
        "btfmmap sh": ["show"],
        "btfmmap min-core --byte": ["--byte-order"],
        "btfmmap min-core --byte-order ": ["big", "host", "kernel", "little"],
        "btfmmap find --kind enum": ["enum", "enum64"],
        "btfmmap diff --kind st": ["struct"],
        "btfmmap users --role para": ["parameter"],
        "btfmmap show --sample fl": ["flow"],
        "btfmmap path --sample flow fl": ["flow"],
        "btfmmap find --sample f": [],  # one letter would find thousands of names
        "btfmmap show -f ~/ker": ["~/kernel.btf"],
        "btfmmap show -f ~/kernel.btf task_": ["task_a", "task_b"],
        "btfmmap at --file kernel.btf task_": ["task_a", "task_b"],
        "btfmmap check kern": ["kernel.btf"],
        "btfmmap diff --name kernel.btf=x kernel.btf kern": ["kernel.btf"],
        "btfmmap show -f no_such_file task_": [],
    }
    if requirements.KERNEL.exists():
        names = [name for name in kernel_names() if name.startswith("task_struc")]
        wanted["btfmmap show task_struc"] = wanted["btfmmap dump --root task_struc"] = names
    found = dict(zip(wanted, completed(shell, list(wanted), tmp_path, environment), strict=True))
    if shell != "fish":  # these complete the path that ~ stands for
        found["btfmmap show -f ~/ker"] = [f"~/{Path(*found['btfmmap show -f ~/ker']).name}"]
    assert found == wanted


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_of_hostile_names(shell: str, tmp_path: Path, environment: dict[str, str]) -> None:
    """No name is run by the shell, and only identifiers are offered."""
    written = BtfWriter()
    for name in ("xy_$(touch pwned)", "xy_`touch pwned`", "xy_;touch pwned", "xy_'", "xy_\\n", "xy_a b"):
        written.add_struct(name, 0, [])
    for name in ("xy_\x1b[2J", "xy_\u202e", "xy_" + "a" * 10_000, "xy_*", "xy_fine", "xy_"):
        written.add_struct(name, 0, [])
    (tmp_path / "hostile.btf").write_bytes(written.build())
    started = ("xy_", "xy_*", "xy_[a-z]", "no_such_name")
    lines = [f"btfmmap show --file hostile.btf {each}" for each in started]
    found = completed(shell, lines, tmp_path, environment)
    assert found[0] == ["xy_", "xy_" + "a" * 10_000, "xy_fine"]
    assert not any(found[1:])
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_is_bounded(shell: str, tmp_path: Path, environment: dict[str, str]) -> None:
    """More than 10,000 names are not offered: a part of them would look like all."""
    for count in (10_000, 10_001):
        written = BtfWriter()
        for number in range(count):
            written.add(btf_writer.STRUCT, f"many_{number}")
        (tmp_path / f"{count}.btf").write_bytes(written.build())
    lines = [f"btfmmap show -f {count}.btf ma" for count in (10_000, 10_001)]
    found = completed(shell, lines, tmp_path, environment)
    assert [len(each) for each in found] == [10_000, 0]


def test_manual_page_has_no_faults() -> None:
    """groff warns of nothing, as `man -l` would show it."""
    done = subprocess.run(
        [requirements.tool("groff"), "-man", "-Tutf8", "-ww", "-z", MANUAL],
        check=True,
        capture_output=True,
        text=True,
    )
    assert not done.stderr


def test_manual_page_as_shown() -> None:
    """man shows each command, its examples as they are typed, and no stray request of roff."""
    done = subprocess.run(
        [requirements.tool("man"), "--warnings=w", "-l", MANUAL],
        env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8", "MANROFFOPT": "-c"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert not done.stderr
    plain = subprocess.run(["col", "-bx"], input=done.stdout, check=True, capture_output=True, text=True)
    lines = [line.strip() for line in plain.stdout.splitlines()]
    assert not [line for line in lines if re.match(r"\.[A-Z]{2}\b", line)]
    for command in COMMANDS:
        assert f"btfmmap {command}" in lines
    assert 'btfmmap show "union bpf_attr" --expand' in lines
    assert 'btfmmap find "^bpf_.*_read$" --regex --kind func' in lines
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "EXIT STATUS", "FILES", "SEE ALSO"):
        assert heading in lines


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_a_terminal(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as raised:
        main([*filter(None, [command]), "--help"])
    assert raised.value.code == 0
    text = capsys.readouterr().out
    assert "usage: btfmmap" in text
    assert not [line for line in text.splitlines() if len(line) > 80]
