"""List what keeps btfmmap from opening a BTF (errors), and what is invalid or unusual in it (notes).

Prints a line for each: file, byte offset, error or note, message and [rule]. Offsets are those in the BTF,
not in the file that contains it. Errors come first, then notes, each in the order of the BTF.

A note can be a reason for the kernel to refuse the BTF. The last line says whether Linux 6.18 does. With
--kernel, all that it refuses the BTF for are errors, in the order in which it looks for them: the first is
its own reason. A BPF object is judged as libbpf loads it, or, with --raw, as it is in the file.

The exit code is 1 if there are errors, and 0 if there are only notes, even if the kernel refuses the BTF.
docs/lint.md describes the rules.

    btfmmap lint vmlinux.btf
    btfmmap lint ext4.ko.xz --base vmlinux.btf
    btfmmap lint prog.bpf.o --json
    btfmmap lint prog.bpf.o --kernel
"""

from __future__ import annotations

import os

from .. import KERNEL_BTF, KERNEL_RULES_VERSION, lint
from .common import (
    WrongUsageError,
    add_base,
    add_file,
    add_json,
    add_limit,
    file_path,
    open_base,
    print_json,
    printable,
    reading,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from .. import Diagnostic

_MAX_FOUND = 200_000  # errors, and as many notes; more are only counted, in a line of the rule "limit"
_OF_BASE = ("reference", "type-id", "name-offset")  # the rules that a split BTF breaks on a wrong base
_MANY = 10  # errors of these rules; damage seldom causes as many


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_file(parser)
    add_limit(parser, "errors and notes of each rule", default=10)
    parser.add_argument(
        "--kernel", action="store_true", help="list what the kernel refuses the BTF for, instead"
    )
    parser.add_argument(
        "--raw", action="store_true", help="with --kernel: judge a BPF object without what libbpf adds"
    )
    add_base(parser)
    add_json(parser, "a list of {severity, rule, message, offset, type_id}, always with all,")


def run(args: argparse.Namespace) -> int:
    path = file_path(args)
    if args.raw and not args.kernel:
        raise WrongUsageError("--raw needs --kernel")
    base = open_base(args.base)
    found = reading(
        lint,
        path,
        base=base,
        unit=args.unit or 0,
        limit=_MAX_FOUND,
        rules="kernel" if args.kernel else "open",
        raw=args.raw,
    )
    if args.json:
        print_json([diagnostic._asdict() for diagnostic in found])
    else:
        _print(found, args, path)
    return int(any(diagnostic.severity == "error" for diagnostic in found))


def _print(found: list[Diagnostic], args: argparse.Namespace, path: str | None) -> None:
    shown = printable(path or (KERNEL_BTF if os.path.exists(KERNEL_BTF) else "running kernel"))
    counts: dict[tuple[str, str], int] = {}
    lines = []
    for severity, rule, message, offset, _ in found:
        number = counts[severity, rule] = counts.get((severity, rule), 0) + 1
        if not args.limit or number <= args.limit:
            place = "" if offset is None else f"{offset:#x}: "
            lines.append(f"{shown}: {place}{severity}: {printable(message)} [{rule}]")
    for (what, rule), count in counts.items():
        if args.limit and count > args.limit:
            more = _counted(count - args.limit, f"more {what}")
            lines.append(f"{shown}: and {more} [{rule}]; --limit 0 lists all")
    if sum(counts.get(("error", rule), 0) for rule in _OF_BASE) >= _MANY and _has_base(args, path):
        lines.insert(0, f"{shown}: the base is probably of another kernel; --base names another one")
    for line in lines:
        print(line)
    listed = [diagnostic.severity for diagnostic in found if diagnostic.rule != "limit"]
    numbers = _counted(listed.count("error"), "error")
    if not args.kernel:
        numbers += f", {_counted(listed.count('note'), 'note')}"
    refused = bool(found) if args.kernel else ("note", "kernel") in counts
    print(f"{numbers}; Linux {KERNEL_RULES_VERSION} {'refuses' if refused else 'takes'} this BTF")


def _has_base(args: argparse.Namespace, path: str | None) -> bool:
    """Whether the BTF is a module's on a base that was given, or that is the vmlinux beside it."""
    if args.base or path is None:
        return bool(args.base)
    folder, name = os.path.split(path)
    return ".ko" in name and os.path.isfile(os.path.join(folder, "vmlinux"))


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
