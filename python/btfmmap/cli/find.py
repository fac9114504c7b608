"""Find types by name.

A pattern is a name, a glob such as "tcp_*", or with --regex a regular expression. It may follow a keyword:
"struct tcp_*" finds only structs.

    btfmmap find "struct tcp_*"
    btfmmap find "^bpf_.*_read$" --regex --kind func
    btfmmap find task_struct --json
"""

from __future__ import annotations

from .. import BtfError, NotFoundError
from .common import (
    WrongUsageError,
    add_json,
    add_source,
    close_names,
    open_source,
    print_columns,
    print_json,
    printable,
    wrong_usage,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from .. import Kind


def _kind(name: str) -> Kind:
    from .. import Kind

    try:
        return Kind[name.upper()]
    except KeyError:
        names = ", ".join(known.name.lower() for known in Kind)
        wrong_usage(f"unknown kind {name!r}; kinds are {names}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pattern", metavar="PATTERN", help="name, glob or regular expression")
    parser.add_argument(
        "-k", "--kind", type=_kind, help="find only types of this kind, such as func or typedef"
    )
    parser.add_argument(
        "-r", "--regex", action="store_true", help="interpret the pattern as a regular expression"
    )
    add_source(parser)
    add_json(parser, "a list of {id, kind, name}")


def run(args: argparse.Namespace) -> None:
    kind = args.kind
    plain = not args.regex and not any(letter in args.pattern for letter in "*?[")
    with open_source(args) as btf:
        try:
            ids = (
                btf.find_all(args.pattern, kind) if plain else btf.match(args.pattern, kind, regex=args.regex)
            )
        except BtfError:
            raise
        except ValueError as error:  # an invalid regular expression
            raise WrongUsageError(str(error)) from None
        kinds, names = btf.kind_names(ids), btf.names(ids)
        rows = [
            {"id": type_id, "kind": kind_name, "name": name}
            for type_id, kind_name, name in zip(ids, kinds, names, strict=True)
        ]
        if not rows and not args.json:
            hint = close_names(btf, args.pattern) if plain else ""
            of_kind = "" if kind is None else f" of kind {kind.name}"
            raise NotFoundError(f"there is no type{of_kind} named {args.pattern!r}{hint}")
    if args.json:
        print_json(rows)
        return
    lines = [(str(row["id"]), str(row["kind"]), printable(str(row["name"]))) for row in rows]
    print_columns(lines, (True, False, False))
