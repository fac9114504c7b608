"""Check the running kernel's guarantees about mapping its BTF.

Tests the guarantees of Linux 6.16 and later about /sys/kernel/btf/vmlinux: which mappings are accepted, which
are refused and with what error, and the memory that mapped pages use. Takes less than 40 seconds even if the
kernel does not respond; an emulator may need --seconds 300 to try all rules.

The exit code is 0 if no guarantee is violated and 1 if one is, for example because the kernel does not map
its BTF. It is 3 if mapping could not be tested, because there is no BTF or it cannot be opened.

    btfmmap doctor
    btfmmap doctor --json
"""

from __future__ import annotations

import os

from .. import KERNEL_BTF, doctor
from .common import WrongUsageError, add_json, print_document, printable
from .exit_codes import DONE, NOTHING_TRIED, WANTING

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from .. import Finding

_HOLDS, _DOES_NOT_HOLD, _NOT_TRIED = "holds", "does not hold", "could not be tried"
_ON_SYSFS = "the file is on sysfs"
_MAPS = "mmap private, read-only"
_PAGES, _VMALLOC = "the pages that are mapped", "vmalloc"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds",
        type=float,
        default=20.0,
        metavar="SECONDS",
        help="no rule is tried later than that; default: 20",
    )
    add_json(parser, "an object with a list of {rule, expected, observed, verdict}")


def run(args: argparse.Namespace) -> int:
    try:
        findings = doctor(seconds=args.seconds)
    except ValueError as error:
        raise WrongUsageError(f"--{error}") from None
    if args.json:
        print_document(
            "doctor",
            1,
            path=KERNEL_BTF,
            release=os.uname().release,
            findings=[finding._asdict() for finding in findings],
        )
    else:
        print(render(findings))
    return exit_code(findings)


def exit_code(findings: list[Finding]) -> int:
    if any(finding.verdict == _DOES_NOT_HOLD for finding in findings):
        return WANTING
    return NOTHING_TRIED if _of(findings, _MAPS).verdict == _NOT_TRIED else DONE


def render(findings: list[Finding]) -> str:
    shared = _shared_reasons(findings)
    if list(shared.values()) == [len(findings)]:
        return f"No rule could be tried: {printable(next(iter(shared)))}"
    shown = [finding for finding in findings if not _is_folded(finding, shared)]
    folded = [
        f"{count} more rules could not be tried: {printable(reason)}" for reason, count in shared.items()
    ]
    return "\n".join([*_lists(shown), *folded, "", _sums(findings), _advice(findings)])


def _of(findings: list[Finding], rule: str) -> Finding:
    return next(finding for finding in findings if finding.rule == rule)


def _shared_reasons(findings: list[Finding]) -> dict[str, int]:
    """The reasons that apply to more than one untested rule, with the number of rules."""
    counts: dict[str, int] = {}
    for finding in findings:
        if finding.verdict == _NOT_TRIED:
            counts[finding.observed] = counts.get(finding.observed, 0) + 1
    return {reason: count for reason, count in counts.items() if count > 1}


def _is_folded(finding: Finding, shared: dict[str, int]) -> bool:
    return finding.verdict == _NOT_TRIED and finding.observed in shared


def _lists(findings: list[Finding]) -> list[str]:
    """A list of the rules for each verdict, with what was observed; the rules that do not hold come last."""
    lines = []
    for verdict in (_HOLDS, _NOT_TRIED, _DOES_NOT_HOLD):
        rows = [finding for finding in findings if finding.verdict == verdict]
        if rows:
            lines += [f"{verdict}:", *map(_line, rows)]
    return lines


def _line(finding: Finding) -> str:
    expected = f", expected {finding.expected}" if finding.verdict == _DOES_NOT_HOLD else ""
    return f"  {finding.rule}: {printable(finding.observed)}{expected}"


def _sums(findings: list[Finding]) -> str:
    verdicts = [finding.verdict for finding in findings]
    counts = (verdicts.count(verdict) for verdict in (_HOLDS, _DOES_NOT_HOLD, _NOT_TRIED))
    return "{} hold, {} do not, {} could not be tried.".format(*counts)


def _advice(findings: list[Finding]) -> str:
    """What the findings mean for opening the kernel's BTF with btfmmap."""
    maps = _of(findings, _MAPS)
    try:
        size = f"{os.stat(KERNEL_BTF).st_size:,} bytes"
    except OSError as error:
        return f"{KERNEL_BTF}: {error.strerror}"
    if maps.verdict == _HOLDS and _of(findings, _ON_SYSFS).verdict == _HOLDS:
        text = f"btfmmap maps this kernel's BTF: {size} shared by all, none copied."
        if _of(findings, _PAGES).observed == _VMALLOC:
            text += " Each process's resident memory includes what it has read of them."
        return text
    reads = f"so btfmmap reads it: {size} of private memory in each process."
    if maps.observed == "ENODEV":
        return f"This kernel, {os.uname().release}, does not map its BTF (Linux 6.16 and later do), {reads}"
    return f"The kernel's BTF cannot be mapped here, {reads}"
