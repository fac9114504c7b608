"""Whole processes as workloads, and processes that measure themselves."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence

from support.harness import SOME, Meter, Run, Skipped, Workload, repeated

BTFMMAP = os.path.join(os.path.dirname(sys.executable), "btfmmap")
"""The command beside the interpreter: no launcher that first searches for one is measured."""

# Exit code 1 says that `check` or `diff` found something.
_PEAK = """
import os, sys
null = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in (0, 1, 2)]
_, status, usage = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=null), 0)
if os.waitstatus_to_exitcode(status) not in (0, 1):
    sys.exit(f"exit status {status}: {sys.argv[1:]}")
print(usage.ru_maxrss / 1024)
"""

_SELF_MEASURED = os.path.join(os.path.dirname(__file__), "self_measured.py")


def _cpu_of_children(run: Run) -> float:
    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    start = spent()
    run()
    return (spent() - start) * 1e3


CPU_MILLISECONDS = Meter("CPU ms", _cpu_of_children)
"""Of processes, which have ended when a run returns."""


def process(name: str, command: Sequence[str], rounds: int = SOME) -> Workload | Skipped:
    """A process from start to exit; skipped if it is not installed or fails."""
    program = find_program(command[0])
    if program is None:
        return Skipped(name, f"{command[0]} is not installed")
    whole = [program, *command[1:]]
    try:
        run_process(whole)
    except (OSError, subprocess.CalledProcessError) as error:
        return Skipped(name, _last_line(error))
    return repeated(name, lambda: run_process(whole), rounds)


def ours(name: str, *arguments: str, rounds: int = SOME) -> Workload:
    """A btfmmap command, whose failure is an error."""
    return repeated(name, lambda: run_process([BTFMMAP, *arguments]), rounds)


def python(name: str, code: str, rounds: int = SOME) -> Workload:
    """Some code in the interpreter that runs this."""
    return repeated(name, lambda: run_process([sys.executable, "-c", code]), rounds)


def self_measured(name: str, measure: str, action: str, path: str, rounds: int = SOME) -> Workload | Skipped:
    """A fresh interpreter that measures one of its own actions; skipped if that fails with an OSError."""
    command = [sys.executable, _SELF_MEASURED, measure, action, path]
    try:
        _output(command)
    except subprocess.CalledProcessError as error:
        reason = _last_line(error)
        if not reason.startswith(("OSError", "FileNotFoundError")):
            raise RuntimeError(f"{name}: {error.stderr}") from error
        return Skipped(name, reason)
    return repeated(name, lambda: _output(command), rounds)


def peak(name: str, command: Sequence[str], rounds: int = SOME) -> Workload | Skipped:
    """The peak resident memory of a process in MB; skipped if it is not installed.

    The kernel counts that of the process which starts another one, too: a small one does, of some 9 MB.
    """
    program = find_program(command[0])
    if program is None:
        return Skipped(name, f"{command[0]} is not installed")
    whole = [sys.executable, "-S", "-c", _PEAK, program, *command[1:]]
    return repeated(name, lambda: _output(whole), rounds)


def find_program(name: str) -> str | None:
    """A path, or a name on the path; Debian keeps bpftool where only root looks."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")


def run_process(command: Sequence[str]) -> None:
    """Run a command and discard its output."""
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)


def _output(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _last_line(error: OSError | subprocess.CalledProcessError) -> str:
    text = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
    lines = (text.decode() if isinstance(text, bytes) else text).splitlines()
    return lines[-1] if lines else str(error)
