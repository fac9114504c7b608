"""Find types by name.

A pattern is a name, a glob such as "tcp_*", or with --regex a regular expression. It may follow a keyword:
"struct tcp_*" finds only structs. If a name is that of a member or an enumerator, the error
message names the types that have it.

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
    find_field,
    not_found,
    open_source,
    print_columns,
    print_json,
    printable,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from .. import Btf, Kind


def _kind(name: str) -> Kind:
    from .words import kind_of

    return kind_of(name)


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


def _declared(btf: Btf, text: str, kind: Kind | None) -> list[int]:
    """The types with the name in a declaration such as "const struct x *"."""
    from .type_names import spellings

    return next(filter(None, (btf.find_all(name, kind) for name in spellings(text))), [])


def run(args: argparse.Namespace) -> None:
    kind = args.kind
    plain = not args.regex and not any(letter in args.pattern for letter in "*?[")
    with open_source(args) as btf:
        try:
            ids = (
                btf.find_all(args.pattern, kind) if plain else btf.match(args.pattern, kind, regex=args.regex)
            )
            if not ids and not args.regex:
                ids = _declared(btf, args.pattern, kind)
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
            of_kind = "" if kind is None else f" of kind {kind.name}"
            if plain and find_field(btf, args.pattern) is not None:
                shown = args.pattern
                raise NotFoundError(f"{shown} is a member, not a type; btfmmap show {shown} describes it")
            if plain:
                raise not_found(btf, args.pattern, of_kind)
            raise NotFoundError(f"no type{of_kind} named {args.pattern!r}")
    if args.json:
        print_json(rows)
        return
    lines = [(str(row["id"]), str(row["kind"]), printable(str(row["name"]))) for row in rows]
    print_columns(lines, (True, False, False))
