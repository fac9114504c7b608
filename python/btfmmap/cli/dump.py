"""Dump types as bpftool does, byte for byte: raw lines, JSON, or a C header (vmlinux.h).

bpftool's own spelling works too: btfmmap [-j|-p] [-B BASE] btf dump file FILE [format c].

    btfmmap dump --format c > vmlinux.h
    btfmmap dump ext4.ko.xz -B vmlinux.btf
    btfmmap dump --format c --root task_struct --output task.h
"""

from __future__ import annotations

import sys

from .common import add_base, find_type, open_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", nargs="?", help="anything that holds BTF; default: the kernel's"
    )
    parser.add_argument("--format", choices=("raw", "json", "c"), default="raw", help="default: raw")
    add_base(parser)
    parser.add_argument(
        "--root",
        metavar="TYPE",
        action="append",
        default=[],
        help="only this type, by name or id, in C with what it needs; may be given more than once",
    )
    parser.add_argument("--pretty", action="store_true", help="JSON on many lines")
    parser.add_argument("--unsorted", action="store_true", help="C in the order of type ids")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write there instead of standard output, whole or not at all"
    )


def run(args: argparse.Namespace) -> None:
    with open_source(args) as btf:
        roots = [find_type(btf, root) for root in args.root]
        btf.dump(
            args.format,
            file=sys.stdout.buffer if args.output is None else args.output,
            roots=roots or None,
            pretty=args.pretty,
            sort=not args.unsorted,
        )
