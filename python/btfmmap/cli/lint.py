"""List all errors of a BTF, and what is legal but unusual in it.

Prints a line for each: file, byte offset, error or note, message and [rule], and at the end whether Linux
6.18 takes the BTF. help(btfmmap.Diagnostic) describes the rules. The exit code is 1 if there are errors, and
0 if there are only notes.

With --kernel, lists all that the kernel refuses the BTF for; the first is its own reason. docs/lint.md has
these rules. A BPF object is judged as libbpf loads it, or, with --raw, as it is in the file.

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
    add_json,
    add_sample,
    add_unit,
    file_path,
    open_base,
    printable,
    reading,
    wrong_usage,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def _limit(text: str) -> int:
    if not text.isdecimal():
        wrong_usage(f"{text!r} is not a number of diagnostics")
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help=f"file that contains BTF, - for standard input; default: {KERNEL_BTF}",
    )
    add_sample(what)
    parser.add_argument(
        "--limit",
        type=_limit,
        default=10_000,
        metavar="N",
        help="maximum number of errors, and of notes, to list; default: 10000",
    )
    parser.add_argument(
        "--kernel", action="store_true", help="list what the kernel refuses the BTF for, instead"
    )
    parser.add_argument(
        "--raw", action="store_true", help="with --kernel: judge a BPF object without what libbpf adds"
    )
    add_unit(parser)
    add_base(parser)
    add_json(parser, "a list of {severity, rule, message, offset, type_id}")


def run(args: argparse.Namespace) -> int:
    path = file_path(args)
    if args.raw and not args.kernel:
        raise WrongUsageError("--raw needs --kernel")
    found = reading(
        lint,
        path,
        base=open_base(args.base),
        unit=args.unit or 0,
        limit=args.limit,
        rules="kernel" if args.kernel else "open",
        raw=args.raw,
    )
    listed = [diagnostic.severity for diagnostic in found if diagnostic.rule != "limit"]
    errors, notes = listed.count("error"), listed.count("note")
    if args.json:
        import json

        print(json.dumps([diagnostic._asdict() for diagnostic in found], indent=2))
    else:
        shown = printable(path or (KERNEL_BTF if os.path.exists(KERNEL_BTF) else "running kernel"))
        for severity, rule, message, offset, _ in found:
            place = "" if offset is None else f"{offset:#x}: "
            print(f"{shown}: {place}{severity}: {printable(message)} [{rule}]")
        counts = f"{errors} error{'s' * (errors != 1)}"
        if not args.kernel:
            counts += f", {notes} note{'s' * (notes != 1)}"
        refused = bool(found) if args.kernel else any(diagnostic.rule == "kernel" for diagnostic in found)
        print(f"{counts}; Linux {KERNEL_RULES_VERSION} {'refuses' if refused else 'takes'} this BTF")
    return int(any(diagnostic.severity == "error" for diagnostic in found))
