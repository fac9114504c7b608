"""`doctor`: does this kernel keep what it promises of its mappable BTF?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import NamedTuple

from ..opening import KERNEL_BTF

_PACKAGES = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_PROBE = "import sys; sys.path.insert(0, sys.argv.pop(1)); from btfmmap.contract.probing import main; main()"


class Finding(NamedTuple):
    """What came of one rule.

    Attributes:
        rule: what was tried.
        expected: the answers that keep the promise, an errno's name for a refusal.
        observed: the answer.
        verdict: "holds", "does not hold" or "could not be tried".
    """

    rule: str
    expected: str
    observed: str
    verdict: str


def doctor(path: str | os.PathLike[str] = KERNEL_BTF) -> list[Finding]:
    """Try each promise of the kernel's change that made its BTF mappable (Linux 6.16), on the running kernel.

    The probes run in processes of their own, so nothing they do reaches the caller. A kernel that cannot map
    its BTF breaks the rule "mmap private, read-only"; those that take a mapping then could not be tried.

    Args:
        path: the file to ask about, if not the kernel's own.

    Raises:
        OSError: the process that probes could not be started or failed.
    """
    command = [sys.executable, "-c", _PROBE, _PACKAGES, os.path.abspath(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = done.stderr.strip().rpartition("\n")[2]
        raise OSError(f"the process that probes the kernel ended with {done.returncode}: {last}")
    return [Finding(*fields) for fields in json.loads(done.stdout)]
