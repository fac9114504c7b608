"""Runs the rules' probes, each in a child process of its own: whatever the kernel does to it, the others and
the caller go on. Itself started as a process with one thread, so that forking is safe."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
from contextlib import suppress

from .rules import RULES, CannotTellError, Rule, Target

HOLDS = "holds"
DOES_NOT_HOLD = "does not hold"
NOT_TRIED = "could not be tried"

_SECONDS = 30
_MOST_BYTES = 1 << 16


def observe(rule: Rule, path: str) -> tuple[str, str]:
    """What a rule's probe saw, and the verdict."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(_SECONDS)
        with suppress(BaseException):
            os.write(writing, json.dumps(_tried(rule, path)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read(_MOST_BYTES)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status < 0:
        return f"the probe was ended by {signal.Signals(-status).name}", DOES_NOT_HOLD
    if not answer:
        return "the probe gave no answer", NOT_TRIED
    observed, verdict = json.loads(answer)
    return observed, verdict


def _tried(rule: Rule, path: str) -> tuple[str, str]:
    try:
        target = Target(path)
    except OSError as error:
        return f"{path}: {error.strerror}", NOT_TRIED
    try:
        observed = rule.probe(target)
    except CannotTellError as reason:
        return str(reason), NOT_TRIED
    except OSError as error:
        observed = errno.errorcode.get(error.errno or 0, str(error))
    except Exception as error:
        return f"{type(error).__name__}: {error}", NOT_TRIED
    return observed, HOLDS if observed in rule.expected else DOES_NOT_HOLD


def main() -> None:
    path = sys.argv[1]
    findings = [(rule.name, " or ".join(rule.expected), *observe(rule, path)) for rule in RULES]
    json.dump(findings, sys.stdout)
