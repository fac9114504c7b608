"""What commands for many kernels share: arguments, exit codes, processes and progress."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requirements
from btf_writer import every_kind

import btfmmap
from btfmmap.cli.common import InputError, WrongUsageError, print_document, reading
from btfmmap.cli.exit_codes import DONE, NOTHING_TRIED, WANTING, WRONG_INPUT
from btfmmap.cli.fast_args import FastParser, NeedsArgparse
from btfmmap.cli.jobs import Jobs
from btfmmap.cli.kernel_args import KernelArguments, add_kernels
from btfmmap.cli.progress import Progress

BLOB = every_kind().build()


def parsed(*words: str, option: bool = True) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_kernels(parser, option=option)
    return parser.parse_args(words)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("6.9", "6.12", "7.0"):
        (tmp_path / f"{name}.btf").write_bytes(BLOB)
    return tmp_path


def paths(arguments: KernelArguments) -> list[str]:
    return [Path(kernel.path or "").name for kernel in arguments.kernels]


class TestArguments:
    @pytest.mark.parametrize("option", [True, False])
    def test_kernels(self, folder: Path, option: bool) -> None:
        words = [f"{folder}/6*.btf", f"{folder}/7.0.btf"]
        if option:
            words = ["--kernels", words[0], "--kernels", words[1]]
        assert paths(KernelArguments(parsed(*words, option=option))) == ["6.9.btf", "6.12.btf", "7.0.btf"]

    def test_default_is_the_running_kernel(self) -> None:
        requirements.kernel_btf()
        (kernel,) = KernelArguments(parsed()).kernels
        with kernel.open() as opened:
            assert opened.identity.release == os.uname().release

    def test_order(self, folder: Path) -> None:
        words = ["--kernels", f"{folder}/7.0.btf", f"{folder}/6.12.btf", f"{folder}/6.9.btf"]
        assert paths(KernelArguments(parsed(*words))) == ["7.0.btf", "6.12.btf", "6.9.btf"]
        assert paths(KernelArguments(parsed(*words, "--order", "version"))) == [
            "6.9.btf",
            "6.12.btf",
            "7.0.btf",
        ]

    def test_names(self, folder: Path) -> None:
        words = [
            "--kernels",
            str(folder),
            "--name",
            f"{folder}/6.9.btf=a=b",
            "--name",
            f"{folder}/7.0.btf=new",
        ]
        with pytest.raises(WrongUsageError, match=r"6\.9\.btf=a is not one of the kernels"):
            KernelArguments(parsed(*words))
        words[3] = f"{folder}/6.9.btf=old"
        assert [kernel.name for kernel in KernelArguments(parsed(*words)).kernels] == ["old", "", "new"]
        for words[3] in ("6.9.btf=old", "6.9=old"):
            assert [kernel.name for kernel in KernelArguments(parsed(*words)).kernels] == ["old", "", "new"]
        (folder / "more").mkdir()
        (folder / "more" / "6.9.btf").write_bytes((folder / "6.9.btf").read_bytes())
        with pytest.raises(WrongUsageError, match=r"--name 6\.9=old: several kernels are called that"):
            KernelArguments(parsed(*words[:2], str(folder / "more"), *words[2:]))

    @pytest.mark.parametrize(
        "words", ["--name x", "--name =x", "--name x=", "--jobs 0", "--jobs -1", "--jobs x"]
    )
    def test_wrong(self, words: str) -> None:
        with pytest.raises(argparse.ArgumentError):
            parsed(*words.split())

    def test_fast_parser(self, folder: Path) -> None:
        """It leaves options with several values to argparse."""
        parser = FastParser()
        add_kernels(parser, option=True)  # type: ignore[arg-type]
        with pytest.raises(NeedsArgparse):
            parser.parse(["--kernels", str(folder), "x"])
        assert vars(parser.parse(["--jobs", "3", "--ignore-failed"])) == vars(
            parsed("--jobs", "3", "--ignore-failed")
        )
        positional = FastParser()
        add_kernels(positional, option=False)  # type: ignore[arg-type]
        words = ["a", "b", "--name", "a=x", "--order", "version"]
        assert vars(positional.parse(words)) == vars(parsed(*words, option=False))


class TestExitCode:
    @pytest.mark.parametrize(
        ("unmatched", "failed", "tried", "wanting", "ignore_failed", "code"),
        [
            (False, False, 3, False, False, DONE),
            (False, False, 3, True, False, WANTING),
            (True, False, 3, False, False, WRONG_INPUT),
            (False, True, 2, True, False, WRONG_INPUT),
            (True, True, 2, False, True, DONE),
            (True, True, 2, True, True, WANTING),
            (False, True, 0, False, False, WRONG_INPUT),
            (False, True, 0, False, True, NOTHING_TRIED),
        ],
    )
    def test_codes(
        self,
        folder: Path,
        capsys: pytest.CaptureFixture[str],
        unmatched: bool,
        failed: bool,
        tried: int,
        wanting: bool,
        ignore_failed: bool,
        code: int,
    ) -> None:
        words = [
            "--kernels",
            str(folder),
            *[f"{folder}/x*.btf"] * unmatched,
            *["--ignore-failed"] * ignore_failed,
        ]
        arguments = KernelArguments(parsed(*words))
        arguments.complain(["", "6.9: a\x1b[31m fault"] if failed else [""])
        assert len(arguments.kernels) == 3
        assert arguments.exit_code(tried=tried, wanting=wanting) == code
        said = capsys.readouterr().err.splitlines()
        expected = [f"btfmmap: {folder}/x*.btf: no kernel matches this pattern"] * unmatched
        assert said == expected + [r"btfmmap: 6.9: a\x1b[31m fault"] * failed

    def test_folder_without_kernels(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        arguments = KernelArguments(parsed("--kernels", str(tmp_path)))
        assert arguments.kernels == []
        assert arguments.exit_code(tried=0, wanting=False) == WRONG_INPUT
        assert "no file in this folder may be a kernel" in capsys.readouterr().err


def test_documents_name_their_schema(capsys: pytest.CaptureFixture[str]) -> None:
    print_document("check", 3, kernels=[1], text="\x1b")
    text = capsys.readouterr().out
    assert json.loads(text) == {
        "schema": {"name": "btfmmap.check", "version": 3},
        "kernels": [1],
        "text": "\x1b",
    }
    assert "\x1b" not in text


def test_reading() -> None:
    assert reading(btfmmap.open, btfmmap.SAMPLE_BTF)["flow"].id == 2
    with pytest.raises(InputError, match=r"^/no/such/file: No such file or directory$"):
        reading(btfmmap.open, "/no/such/file")


PROGRAM = """
import os, sys, time
from btfmmap.cli.jobs import Jobs
from btfmmap.cli.progress import Progress
from btfmmap.kernels.mapping import map_kernels

def work(kernel):
    os.write(1, b"pid %d\\n" % os.getpid())  # at once: others write, too
    time.sleep(float(sys.argv[3]))
    return len(kernel.base)

if __name__ == "__main__":
    with Progress() as progress, Jobs(int(sys.argv[2]), 4) as executor:
        kernels = [sys.argv[1]] * 4
        outcomes = map_kernels(work, kernels, executor=executor, progress=progress)
        found = [outcome.value for outcome in outcomes]
    print("done", found)
"""


@pytest.fixture
def program(tmp_path: Path) -> list[str]:
    (tmp_path / "program.py").write_text(PROGRAM)
    path = tmp_path / "6.12+\x1b[31m.btf"
    path.write_bytes(BLOB)
    return [sys.executable, str(tmp_path / "program.py"), str(path)]


def is_alive(pid: int) -> bool:
    """Whether there is a process that is not a zombie: nobody here waits for orphans."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pids: list[int]) -> None:
    for _ in range(200):
        if not any(map(is_alive, pids)):
            return
        time.sleep(0.05)
    raise AssertionError(f"{pids} are still there")


class TestJobs:
    def test_one_process(self) -> None:
        with Jobs(1, 100) as executor:
            assert executor is None
        with Jobs(8, 1) as executor:
            assert executor is None

    def test_processes(self, program: list[str]) -> None:
        done = subprocess.run([*program, "2", "0.2"], capture_output=True, text=True, check=True)
        size = len(btfmmap.open(data=BLOB))
        assert done.stdout.splitlines()[-1] == f"done {[size] * 4}"
        pids = {line for line in done.stdout.splitlines() if line.startswith("pid")}
        assert len(pids) == 2
        assert done.stderr == ""  # it is not a terminal

    @pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
    def test_no_process_stays(self, program: list[str], ending: signal.Signals) -> None:
        """Ctrl-C, which a terminal sends to all of the processes, ends them quietly; so does a SIGKILL of the
        parent alone."""
        with subprocess.Popen(
            [*program, "2", "30"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            pids = [int(process.stdout.readline().split()[1]) for _ in range(2)]
            assert all(map(is_alive, pids))
            if ending == signal.SIGINT:
                os.killpg(process.pid, ending)
            else:
                process.send_signal(ending)
            process.wait(20)
            wait_until_gone(pids)
            said = process.stderr.read()
            assert said.count("Traceback") == (ending == signal.SIGINT)  # that of the program, not of workers
            assert process.returncode == -ending


def on_terminal(command: list[str], **environment: str) -> str:
    """What a program writes to standard error if that is a terminal."""
    parent, child = pty.openpty()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=child, env=os.environ | {"TERM": "xterm"} | environment
    ) as process:
        os.close(child)
        said = b""
        while True:
            try:
                piece = os.read(parent, 4096)
            except OSError:  # EIO: the other end is closed
                break
            if not piece:
                break
            said += piece
        assert process.wait(60) == 0
    os.close(parent)
    return said.decode()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    found = Terminal(monkeypatch)
    yield found
    found.close()


class Terminal:
    """A terminal of 20 columns as standard error, and a clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.parent, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 20, 0, 0))
        self.stream = os.fdopen(child, "w")
        self.now = 1000.0
        self.monkeypatch = monkeypatch
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr("time.monotonic", lambda: self.now)

    def progress(self) -> Progress:
        """A new one; pytest replaces standard error between a fixture and its test."""
        self.monkeypatch.setattr(sys, "stderr", self.stream)
        return Progress()

    def read(self) -> str:
        """What was written since the last call; the kernel passes it on in the background."""
        said = b""
        while select.select([self.parent], [], [], 0.2)[0]:
            said += os.read(self.parent, 4096)
        return said.decode()

    def close(self) -> None:
        with suppress(OSError):  # the terminal is gone
            self.stream.close()
        os.close(self.parent)


class TestProgress:
    def test_of_a_program(self, program: list[str]) -> None:
        said = on_terminal([*program, "1", "0.3"])
        lines = said.split("\r\x1b[K")
        assert lines[0] == lines[-1] == ""  # erased at the end
        assert lines[-4:-1] == [rf"{done}/4 6.12+\x1b[31m.btf" for done in (1, 2, 3)]

    def test_does_not_flicker(self, terminal: Terminal) -> None:
        """Nothing is shown if all is done in a moment; later at most ten lines a second."""
        with terminal.progress() as progress:
            for done in range(5):
                progress(done, 5, "x")
                terminal.now += 0.01
        assert terminal.read() == ""
        with terminal.progress() as progress:
            for done in range(100):
                progress(done, 1000, "x")
                terminal.now += 0.01
            assert 8 <= terminal.read().count("\r") <= 10

    def test_unknown_total(self, terminal: Terminal) -> None:
        with terminal.progress() as progress:
            terminal.now += 1
            progress(1234, None, "x")
            assert terminal.read() == "\r\x1b[K1,234 x"

    def test_narrow(self, terminal: Terminal) -> None:
        """A line that wrapped could not be erased."""
        with terminal.progress() as progress:
            terminal.now += 1
            progress(1, None, "a" * 100)
        assert terminal.read() == f"\r\x1b[K1 {'a' * 17}\r\x1b[K"

    def test_erased_before_other_output(self, terminal: Terminal) -> None:
        with terminal.progress() as progress:
            terminal.now += 1
            progress(1, 2, "x")
            progress.erase()
            assert terminal.read().endswith("\r\x1b[K")
        assert terminal.read() == ""

    def test_dumb_terminal(self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TERM", "dumb")
        with terminal.progress() as progress:
            terminal.now += 1
            progress(0, 1, "x")
        assert terminal.read() == ""

    def test_terminal_that_goes(self, terminal: Terminal) -> None:
        with terminal.progress() as progress:
            os.close(terminal.parent)
            terminal.now += 1
            progress(0, 1, "x")
        terminal.parent = os.open(os.devnull, os.O_RDONLY)

    def test_closed_standard_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", None)
        with Progress() as progress:
            progress(0, 1, "x")
