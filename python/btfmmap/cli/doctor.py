"""Check the running kernel's promises about its mappable BTF.

Tries, rule by rule, what Linux 6.16 and later promise of /sys/kernel/btf/vmlinux: which mappings are
accepted, which refused and how, what mapped pages cost. Exits with 0 if no promise is broken, else with 1.

    btfmmap doctor
    btfmmap doctor --json
"""

from __future__ import annotations

import time

from .. import KERNEL_BTF, BtfError, doctor
from .. import open as open_btf
from .common import add_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from .. import Finding

_FIRST = "mmap private, read-only"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser, "a list of {rule, expected, observed, verdict}")


def run(args: argparse.Namespace) -> int:
    findings = doctor()
    if args.json:
        import json

        print(json.dumps([finding._asdict() for finding in findings], indent=2))
    else:
        print(render(findings))
        print(advice(findings))
    return int(any(finding.verdict == "does not hold" for finding in findings))


def render(findings: list[Finding]) -> str:
    rows = [("rule", "expected", "observed", "verdict"), *findings]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def advice(findings: list[Finding]) -> str:
    """The sum, and what the state of the first promise means for who opens the kernel's BTF."""
    verdicts = [finding.verdict for finding in findings]
    counted = {
        verdict: verdicts.count(verdict) for verdict in ("holds", "does not hold", "could not be tried")
    }
    sums = f"\n{counted['holds']} hold, {counted['does not hold']} do not, "
    sums += f"{counted['could not be tried']} could not be tried."
    start = time.perf_counter()
    try:
        with open_btf() as btf:
            milliseconds = (time.perf_counter() - start) * 1e3
            how, size = btf.source.how, btf.source.size
    except (BtfError, OSError) as error:
        return f"{sums}\n{KERNEL_BTF} does not open: {error}"
    if how == "mmap":
        return f"{sums}\nbtfmmap maps this kernel's BTF: {size:,} bytes shared by all processes, none copied."
    return (
        f"{sums}\nThis kernel does not let its BTF be mapped (Linux 6.16 and later do), so btfmmap reads it: "
        f"{size:,} bytes of private memory in each process, and {milliseconds:.1f} ms to open it here."
    )
