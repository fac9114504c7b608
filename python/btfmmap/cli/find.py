"""Find types by their names.

A pattern is a name, a glob ("tcp_*"), or with --regex a regular expression; "struct tcp_*" finds only
structs.

    btfmmap find "struct tcp_*"
    btfmmap find "^bpf_.*_read$" --regex --kind func
    btfmmap find task_struct --json
"""

from __future__ import annotations

from .. import Kind, NotFoundError
from .common import add_json, add_source, columns, open_source, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pattern", metavar="PATTERN", help="a name, a glob, or a regular expression")
    parser.add_argument("-k", "--kind", help="only types of this kind, say func or typedef")
    parser.add_argument("-r", "--regex", action="store_true", help="the pattern is a regular expression")
    add_source(parser)
    add_json(parser, "a list of {id, kind, name}")


def run(args: argparse.Namespace) -> None:
    kind = None
    if args.kind is not None:
        try:
            kind = Kind[args.kind.upper()]
        except KeyError:
            names = ", ".join(known.name.lower() for known in Kind)
            raise NotFoundError(f"no kind {args.kind!r}; there are {names}") from None
    plain = not args.regex and not any(letter in args.pattern for letter in "*?[")
    with open_source(args) as btf:
        ids = btf.find_all(args.pattern, kind) if plain else btf.match(args.pattern, kind, regex=args.regex)
        found = [btf[int(type_id)] for type_id in ids]
        rows = [{"id": each.id, "kind": each.kind.name, "name": each.name} for each in found]
    if args.json:
        import json

        print(json.dumps(rows, indent=2))
    elif rows:
        lines = [(str(row["id"]), str(row["kind"]), printable(str(row["name"]))) for row in rows]
        print(columns(lines, (True, False, False)))
    else:
        raise NotFoundError(f"nothing is named {args.pattern!r}")
