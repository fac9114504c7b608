"""`doctor`: does this kernel keep what it promises of its mappable BTF?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from typing import NamedTuple

from ..opening import KERNEL_BTF

_PACKAGES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PROBE = "import sys; sys.path.insert(0, sys.argv.pop(1)); from btfmmap.contract.probing import main; main()"
# A little more than the process that probes allows itself.
_SECONDS = 36
_SECONDS_TO_DIE = 1


class Finding(NamedTuple):
    """What came of one rule.

    Attributes:
        rule: what was tried.
        expected: the answers that keep the promise, an errno's name for a refusal.
        observed: the answer, or the reason why the rule could not be tried.
        verdict: "holds", "does not hold" or "could not be tried".
    """

    rule: str
    expected: str
    observed: str
    verdict: str


def doctor(path: str | os.PathLike[str] = KERNEL_BTF) -> list[Finding]:
    """Try each promise of the kernel's change that made its BTF mappable (Linux 6.16), on the running kernel.

    Every rule has a finding, whatever happens. The probes run in processes of their own, so nothing they do
    reaches the caller. One that gets stuck in the kernel is reported and left behind; the whole takes less
    than 40 seconds.

    A kernel that refuses to map its BTF breaks the rule "mmap private, read-only"; the rules that need a
    mapping could then not be tried. No rule could be tried where the file does not open.

    Args:
        path: the file to ask about, if not the kernel's own.
    """
    from .rules import RULES

    observed, reason = _observed(os.path.abspath(path))
    return [
        Finding(rule.name, " or ".join(rule.expected), *observed.get(number, (reason, "could not be tried")))
        for number, rule in enumerate(RULES)
    ]


def _observed(path: str) -> tuple[dict[int, tuple[str, str]], str]:
    """What was observed and the verdict, by the rule's index; and why any are missing."""
    command = [sys.executable, "-c", _PROBE, _PACKAGES, path]
    try:
        # Not as a context manager, which would wait for it at the end.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError as error:
        return {}, f"the process that probes the kernel does not start: {error}"
    try:
        output, errors = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired as expired:
        output = expired.output or b""
        reason = f"the process that probes the kernel gave no answer within {_SECONDS} s"
    else:
        last = errors.decode(errors="replace").strip().rpartition("\n")[2]
        reason = f"the process that probes the kernel ended with {process.returncode}: {last}"
    finally:
        _end(process)
    complete = output.decode().split("\n")[:-1]
    return {number: (seen, verdict) for number, seen, verdict in map(json.loads, complete)}, reason


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that still runs, and wait for it only briefly: it may be stuck in the kernel."""
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_SECONDS_TO_DIE)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
