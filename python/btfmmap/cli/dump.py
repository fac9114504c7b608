"""Dump types as bpftool does, byte for byte: raw lines, JSON, or a C header (vmlinux.h).

bpftool's own spelling works too: btfmmap [-j|-p] [-B BASE] btf dump file FILE|id ID [format c] [root_id ID].

    btfmmap dump --format c > vmlinux.h
    btfmmap dump ext4.ko.xz -B vmlinux.btf
    btfmmap dump --format c --root task_struct --root sk_buff --output few.h
    btfmmap dump --id 42 --format json
"""

from __future__ import annotations

import sys

from .. import KERNEL_BTF
from .. import open as open_btf
from .common import WrongUsageError, add_base, add_unit, file_path, find_type, open_base, tell_units

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import NoReturn


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help=f"anything that holds BTF; - for standard input; default: {KERNEL_BTF}",
    )
    what.add_argument("--id", type=int, help="a BTF object in the kernel, by its number in btfmmap loaded")
    parser.add_argument(
        "--format",
        choices=("raw", "json", "c"),
        default="raw",
        help="one line a record, one object, or a header; default: raw",
    )
    add_unit(parser)
    add_base(parser)
    parser.add_argument(
        "--root",
        metavar="TYPE",
        action="append",
        default=[],
        help="only this type, by name or id, in C with what it needs; may be given more than once",
    )
    parser.add_argument("--pretty", action="store_true", help="with json: on many lines")
    parser.add_argument("--unsorted", action="store_true", help="with c: in the order of type ids")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write there instead of standard output, whole or not at all"
    )


def run(args: argparse.Namespace) -> None:
    if args.pretty and args.format != "json":
        raise WrongUsageError("--pretty goes with --format json")
    if args.unsorted and args.format != "c":
        raise WrongUsageError("--unsorted goes with --format c")
    to_stdout = args.output in (None, "-")
    with open_btf(file_path(args), id=args.id, base=open_base(args.base), unit=args.unit or 0) as btf:
        if args.unit is None:
            tell_units(btf, "--unit N opens another")
        roots = [find_type(btf, root) for root in args.root]
        if not to_stdout:
            _end_orderly()
        btf.dump(
            args.format,
            file=sys.stdout.buffer if to_stdout else args.output,
            roots=roots or None,
            pretty=args.pretty,
            sort=not args.unsorted,
        )


def _end_orderly() -> None:
    """Let signals that would end the process at once raise, so that no part of a file stays behind."""
    import signal

    def end(number: int, _: object) -> NoReturn:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup ignores it
            signal.signal(number, end)
