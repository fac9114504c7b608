"""Dump types as raw text, JSON or a C header (vmlinux.h), as bpftool does.

By default, the output is identical to bpftool's. Its syntax is accepted as well:
btfmmap [-j|-p] [-B BASE] btf dump file FILE|id ID [format c] [root_id ID].

bpftool's header of a kernel is for gcc, and for clang -target bpf, with -fms-extensions. Plain clang warns
of it thousands of times: use -target bpf or --dialect c11.

    btfmmap dump --format c > vmlinux.h
    btfmmap dump --format c --dialect c11 > vmlinux.h
    btfmmap dump ext4.ko.xz -B vmlinux.btf
    btfmmap dump --format c --root sock --root TCP_ESTABLISHED --output few.h
    btfmmap dump --id 42 --format json
"""

from __future__ import annotations

import sys

from .. import open as open_btf
from .common import (
    WrongUsageError,
    add_base,
    add_file,
    file_path,
    open_base,
    reading,
    report_units,
)
from .roots import find_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any, NoReturn


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_file(parser, by_id=True)
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--format",
        choices=("raw", "json", "c"),
        default="raw",
        help="raw: text with a line for each type; json: one object; c: a header; default: raw",
    )
    form.add_argument("--json", action="store_true", help="the same as --format json")
    add_base(parser)
    parser.add_argument(
        "--root",
        metavar="TYPE",
        action="append",
        default=[],
        help="dump only this type, given by name or id, or as the name of an enumerator, such as BPF_ANY or "
        "bpf_cmd.BPF_MAP_CREATE; in C also the types it needs; may be repeated",
    )
    parser.add_argument("--pretty", action="store_true", help="with --format json: indent the output")
    parser.add_argument("--unsorted", action="store_true", help="with --format c: order by type id")
    parser.add_argument(
        "--dialect",
        choices=("bpftool", "c11", "c23"),
        help="with --format c: bpftool: bpftool's text, for compilers with -fms-extensions; c11, c23: for "
        "any compiler, laid out as the BTF says, with comments on what C cannot express; default: bpftool",
    )
    parser.add_argument(
        "--comment",
        action="store_true",
        help="with --format c: start with a comment that names the dialect and the compiler flags it needs",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write to this file instead of standard output; on an error, no partial file is left",
    )


def run(args: argparse.Namespace) -> None:
    form: Any = "json" if args.json else args.format
    if args.pretty and form != "json":
        raise WrongUsageError("--pretty requires --format json")
    for option in ("unsorted", "dialect", "comment"):
        if getattr(args, option) and form != "c":
            raise WrongUsageError(f"--{option} requires --format c")
    to_stdout = args.output in (None, "-")
    base = open_base(args.base)
    with reading(open_btf, file_path(args), id=args.id, base=base, unit=args.unit or 0) as btf:
        if args.unit is None:
            report_units(btf, "--unit N opens another")
        roots = [find_root(btf, root) for root in args.root]
        if not to_stdout:
            _exit_on_signals()
        btf.dump(
            form,
            file=sys.stdout.buffer if to_stdout else args.output,
            roots=roots or None,
            pretty=args.pretty,
            sort=not args.unsorted,
            dialect=args.dialect or "bpftool",
            comment=args.comment,
        )
        if form == "c" and roots:
            from .undeclared import report_undeclared

            report_undeclared(roots)


def _exit_on_signals() -> None:
    """Turn signals that would kill the process into SystemExit, so that the temporary file is removed."""
    import signal

    def end(number: int, _: object) -> NoReturn:
        sys.exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # nohup ignores it
            signal.signal(number, end)
