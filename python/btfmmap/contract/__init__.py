"""`doctor`: checks the running kernel's guarantees about mapping its BTF."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import NamedTuple

from ..opening import KERNEL_BTF

_PACKAGES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PROBE = "import sys; sys.path.insert(0, sys.argv.pop(1)); from btfmmap.contract.probing import main; main()"
# For starting the process that probes, and for its last probe.
_SECONDS_TO_FINISH = 16
_SECONDS_TO_DIE = 1


class Finding(NamedTuple):
    """The result of checking one rule with `doctor`.

    Attributes:
        rule: the operation that was tried.
        expected: the results that satisfy the rule. A refusal is the name of an errno.
        observed: the result, or the reason why the rule could not be tried.
        verdict: "holds", "does not hold" or "could not be tried".

    Example:
        >>> finding = btfmmap.doctor(btfmmap.SAMPLE_BTF)[0]
        >>> finding.rule, finding.expected
        ('the file is on sysfs', 'sysfs')
    """

    rule: str
    expected: str
    observed: str
    verdict: str


def doctor(path: str | os.PathLike[str] = KERNEL_BTF, *, seconds: float = 20) -> list[Finding]:
    """Check the running kernel's guarantees about mapping its BTF.

    The rules are the guarantees of the kernel change that made BTF mappable (Linux 6.16,
    `btf_sysfs_vmlinux_mmap` in kernel/bpf/sysfs_btf.c). Some depend on the pages that a kernel maps: those of
    its image, or vmalloc's with CONFIG_DEBUG_INFO_BTF_LAZY. The rule "the pages that are mapped" tells which.

    Probes run in separate processes and cannot affect the caller. A probe that blocks in the kernel is
    reported, and its process is not waited for. The function takes less than `seconds` and 20 more.

    A kernel that refuses to map its BTF violates the rule "mmap private, read-only". Rules that need a
    mapping cannot be tried then. If the file cannot be opened, no rule can be tried.

    Args:
        path: the file to check. The default is the kernel's own BTF.
        seconds: no probe starts later than that. Emulators need more than the default.

    Returns:
        One finding for each rule, always in the same order.

    Raises:
        TypeError: `path` is not a path, or `seconds` not a number. All other failures are reported in the
            findings.
        ValueError: `seconds` is negative, or not finite.

    Example:
        >>> {finding.verdict for finding in btfmmap.doctor("/no/such/file")}
        {'could not be tried'}
    """
    from .rules import PAGES, RULES

    if not 0 <= seconds < float("inf"):
        raise ValueError(f"seconds is {seconds}, must be 0 or more, and finite")
    observed, reason = _observed(os.path.abspath(path), seconds)
    found = [observed.get(number, (reason, "could not be tried")) for number in range(len(RULES))]
    pages, _ = found[RULES.index(PAGES)]
    return [
        Finding(rule.name, " or ".join(rule.on(pages).expected), *each)
        for rule, each in zip(RULES, found, strict=True)
    ]


def _observed(path: str, seconds: float) -> tuple[dict[int, tuple[str, str]], str]:
    """The observation and verdict of each rule, by index, and the reason why others are missing."""
    command = [sys.executable, "-c", _PROBE, _PACKAGES, path, str(float(seconds))]
    limit = seconds + _SECONDS_TO_FINISH
    try:
        # A context manager would wait for the process without a limit.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError as error:
        return {}, f"the process that probes the kernel could not be started: {error}"
    try:
        output, errors = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired as expired:
        output = expired.output or b""
        reason = f"the process that probes the kernel did not finish within {limit:g} s"
    else:
        last = errors.decode(errors="replace").strip().rpartition("\n")[2]
        reason = f"the process that probes the kernel exited with {process.returncode}: {last}"
    finally:
        _end(process)
    complete = output.decode().split("\n")[:-1]
    return {number: (seen, verdict) for number, seen, verdict in map(json.loads, complete)}, reason


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process if it still runs. Waits only briefly, as it may be blocked in the kernel."""
    process.kill()
    try:
        process.wait(_SECONDS_TO_DIE)
    except subprocess.TimeoutExpired:
        # Collects it whenever it ends. An abandoned Popen would issue a ResourceWarning.
        threading.Thread(target=process.wait, daemon=True).start()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
