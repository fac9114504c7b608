"""Runs each rule's probe in a child process, so that a failing probe does not affect the others.

This module is the main program of a single-threaded process, so that forking is safe. It never waits for a
child without a limit: a process blocked in the kernel survives SIGKILL.
"""

from __future__ import annotations

import errno
import json
import os
import select
import signal
import sys
import time
from contextlib import suppress

from .rules import PAGES, RULES, Rule
from .syscalls import RefusedError
from .target import NO_MEMORY, CannotTellError, Target

HOLDS = "holds"
DOES_NOT_HOLD = "does not hold"
NOT_TRIED = "could not be tried"

# Limits for a probe to answer, and for it to die after SIGKILL.
_SECONDS_TO_ANSWER = 10.0
_SECONDS_TO_DIE = 2.0

# Signals sent by other processes, the out-of-memory killer or a seccomp filter.
_EXTERNAL_SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGSYS)


def observe(rule: Rule, path: str) -> tuple[str, str]:
    """Run a rule's probe. Returns the observation and the verdict."""
    try:
        reading, writing = os.pipe()
        child = os.fork()
    except OSError as error:
        return f"a process for the probe could not be started: {error.strerror}", NOT_TRIED
    if child == 0:
        _answer(rule, path, writing)
    os.close(writing)
    # The process group lets children of the probe be killed with it. The child sets it as well: either may be
    # first.
    with suppress(OSError):
        os.setpgid(child, child)
    try:
        return _outcome(rule, child, reading)
    finally:
        os.close(reading)


def _answer(rule: Rule, path: str, writing: int) -> None:
    with suppress(BaseException):
        os.setpgid(0, 0)
        # A child left behind must not keep this program's output open.
        devnull = os.open(os.devnull, os.O_RDWR)
        for fd in range(3):
            os.dup2(devnull, fd)
        signal.alarm(int(2 * _SECONDS_TO_ANSWER) + 1)  # in case this program is killed
        os.write(writing, json.dumps(_tried(rule, path)).encode())
    os._exit(0)


def _tried(rule: Rule, path: str) -> tuple[str, str]:
    try:
        observed = rule.probe(Target(path))
    except RefusedError as error:
        if error.errno == errno.ENOMEM:
            return f"the operation {NO_MEMORY}", NOT_TRIED
        observed = error.name
    except CannotTellError as reason:
        return str(reason), NOT_TRIED
    except OSError as error:
        if error.errno == errno.ENOMEM:
            return f"read() {NO_MEMORY}", NOT_TRIED
        place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        return f"{place}{error.strerror}", NOT_TRIED
    except Exception as error:
        return f"{type(error).__name__}: {error}", NOT_TRIED
    return observed, HOLDS if observed in rule.expected else DOES_NOT_HOLD


def _outcome(rule: Rule, child: int, reading: int) -> tuple[str, str]:
    answer = bytearray()
    status = _ended(child, reading, answer, _SECONDS_TO_ANSWER)
    if status is None:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        if _ended(child, reading, answer, _SECONDS_TO_DIE) is not None:
            return f"no answer within {_SECONDS_TO_ANSWER:g} s", NOT_TRIED
        if _is_running(child):
            return f"process {child} did not get enough time to end", NOT_TRIED
        stuck = f"process {child} is blocked in the kernel and was left behind"
        return stuck, NOT_TRIED if rule.uses_disk else DOES_NOT_HOLD
    if status < 0:
        ended = f"the probe was killed by {signal.Signals(-status).name}"
        return ended, NOT_TRIED if -status in _EXTERNAL_SIGNALS else DOES_NOT_HOLD
    if not answer:
        return "the probe gave no answer", NOT_TRIED
    observed, verdict = json.loads(answer)
    return observed, verdict


def _is_running(child: int) -> bool:
    """Whether a process has work, or waits for a CPU: it is not blocked."""
    try:
        with open(f"/proc/{child}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2].startswith(b"R")
    except OSError:
        return False


def _ended(child: int, reading: int, answer: bytearray, seconds: float) -> int | None:
    """Collect the answer. Returns the exit status, or None if the child or one of its children still runs."""
    until = time.monotonic() + seconds
    while select.select([reading], [], [], max(until - time.monotonic(), 0))[0]:
        part = os.read(reading, 1 << 16)
        answer += part
        if not part:  # all writers have closed it
            break
    else:
        return None
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid != 0:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= until:
            return None
        time.sleep(0.0005)


def main() -> None:
    """Print one JSON array a line: the index of a rule, the observation and the verdict.

    The arguments are the path and the limit in seconds for starting the last probe.
    """
    until = time.monotonic() + float(sys.argv[2])
    pages = None
    for number, rule in enumerate(RULES):
        if time.monotonic() < until:
            observed, verdict = observe(rule.on(pages), sys.argv[1])
            if rule is PAGES:
                pages = observed
        else:
            observed, verdict = "no time left: other probes took too long", NOT_TRIED
        print(json.dumps([number, observed, verdict]), flush=True)
