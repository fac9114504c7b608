"""Commands that print no arrays start without numpy, and without other modules that are slow to import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command import run_btfmmap

import btfmmap

SLOW = {"argparse", "dataclasses", "enum", "functools", "inspect", "json", "numpy", "re", "typing"}
# Hides a module in a command's process, or names those that were imported.
HIDDEN = "import sys; sys.modules['numpy'] = None; from btfmmap.cli import main; sys.exit(main(sys.argv[1:]))"
LISTED = (
    "import sys; before = set(sys.modules); from btfmmap.cli import main; main(sys.argv[1:]); "
    "print(*sorted(set(sys.modules) - before), file=sys.stderr)"
)
COMMANDS = [
    "info",
    "info --json",
    "find flow",
    "find fl*",
    "find ^fl --regex --json",
    "show flow",
    "show flow --json",
    "show flow --c",
    "show flow --expand",
    "show flow.link",
    "show verdict",
    "show int --json",
    "users list",
    "users list --json",
    "users flow --role param --kind func",
    "holes",
    "holes --json",
    "at flow 20",
    "at flow 20 --json",
    "dump",
    "dump --json",
    "dump --format c",
    "dtype flow --omit-bitfields",
    "dtype list",
    "lint",
    "lint --json",
    "help show",
]


@pytest.mark.parametrize("line", COMMANDS)
def test_same_output_without_numpy(line: str) -> None:
    words = line.split() + ([] if line.startswith("help") else ["--sample"])
    done = subprocess.run([sys.executable, "-c", HIDDEN, *words], capture_output=True, text=True, check=False)
    expected = run_btfmmap(*words)
    if words[0] == "info":  # the time to open the file differs
        done.stdout, expected.stdout = (
            "".join(
                line
                for line in each.stdout.splitlines(keepends=True)
                if "opened" not in line and "_ms" not in line
            )
            for each in (done, expected)
        )
    assert (done.returncode, done.stdout, done.stderr) == (
        expected.returncode,
        expected.stdout,
        expected.stderr,
    )
    assert done.stdout != ""


def test_errors_without_numpy(tmp_path: Path) -> None:
    for words, message in [
        (["show", "flwo", "--sample"], "close to it: flow"),
        (["info", str(tmp_path / "absent")], "No such file"),
        (["-f", "x", "info"], "options follow the command: btfmmap info -f x"),
    ]:
        done = subprocess.run(
            [sys.executable, "-c", HIDDEN, *words], capture_output=True, text=True, check=False
        )
        assert message in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "line", ["info", "find flow", "find fl*", "show flow", "at flow 20", "holes", "lint"]
)
def test_no_slow_imports(line: str) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            f"import sys; sys.path[:0] = {sys.path!r}; {LISTED}",
            *line.split(),
            "--sample",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(done.stderr.split())
    assert "btfmmap.btf" in imported
    assert not imported & {
        "numpy",
        "typing",
        "re",
        "enum",
        "dataclasses",
        "argparse",
        "json",
        "functools",
        "inspect",
    }


def test_commands_are_public_api() -> None:
    """What `info` prints is to be had in Python without numpy too."""
    code = (
        "import sys; sys.modules['numpy'] = None; import btfmmap; btf = btfmmap.open(btfmmap.SAMPLE_BTF); "
        "print(btf.summary()['types'], btf.source.size, btf.header['version'], btf.ext)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["48", str(Path(btfmmap.SAMPLE_BTF).stat().st_size), "1", "None"]
