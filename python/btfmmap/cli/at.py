"""Find the members at byte offsets of a type.

Prints several members if unions or bitfields share the byte. An offset in a hole is an error; with --json it
gives an empty list. If several types have the name, structs and unions are preferred.

    btfmmap at sk_buff 0x70
    btfmmap at task_struct 8 16 24 --json
"""

from __future__ import annotations

from .. import NotFoundError
from .common import add_json, add_source, add_type, find_type, open_source, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def _number(text: str) -> int:
    number = int(text, 0)
    if number < 0:
        raise ValueError
    return number


_number.__name__ = "byte offset"  # in argparse's messages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_type(parser)
    parser.add_argument(
        "offsets",
        metavar="OFFSET",
        nargs="+",
        type=_number,
        help="byte offset, decimal or hexadecimal with 0x",
    )
    add_source(parser)
    add_json(parser, "a list of {offset, members}")


def run(args: argparse.Namespace) -> None:
    with open_source(args) as btf:
        found = find_type(btf, args.type, "at_each")
        distilled = found.btf.distilled
        rows = list(zip(args.offsets, btf.at_each(found, args.offsets), strict=True))
    if args.json:
        import json

        print(json.dumps([{"offset": offset, "members": paths} for offset, paths in rows], indent=2))
        return
    for offset, paths in rows:
        if not paths and distilled:
            raise NotFoundError(f"{args.type} belongs to a distilled base, which does not record members")
        if not paths:
            raise NotFoundError(f"{args.type} has no member at byte {offset}")
        for path in paths:
            print(printable(path) if len(rows) == 1 else f"{offset:>8}  {printable(path)}")
