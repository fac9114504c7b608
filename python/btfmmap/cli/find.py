"""Find types by name.

A pattern is a name, a glob such as "tcp_*", or with --regex a regular expression. A glob matches the whole
name, a regular expression any part of it. A pattern may follow a keyword: "struct tcp_*" finds only structs.
If a name is that of a member or an enumerator, the error message names the types that have it.

    btfmmap find "struct tcp_*"
    btfmmap find "^bpf_.*_read$" --regex --kind func
    btfmmap find task_struct --json
"""

from __future__ import annotations

from .. import BtfError, NotFoundError
from .common import (
    KINDS,
    WrongUsageError,
    add_json,
    add_limit,
    add_source,
    find_field,
    open_source,
    print_columns,
    print_json,
    printable,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from .. import Btf, Kind


def _kind(name: str) -> Kind:
    from .words import kind_of

    return kind_of(name)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pattern", metavar="PATTERN", help="name, glob or regular expression")
    parser.add_argument(
        "-k",
        "--kind",
        type=_kind,
        action="append",
        help=f"find only types of this kind; may be repeated. Kinds: {KINDS}",
    )
    parser.add_argument(
        "-r", "--regex", action="store_true", help="interpret the pattern as a regular expression"
    )
    add_limit(parser, "types")
    add_source(parser)
    add_json(parser, "a list of {id, kind, name}")


def _of_kinds(find: Callable[[Kind | None], list[int]], kinds: Sequence[Kind]) -> list[int]:
    """The ids that a search finds of any of the kinds, in ascending order; of all kinds if there are none."""
    if len(kinds) < 2:
        return find(kinds[0] if kinds else None)
    return sorted({type_id for kind in kinds for type_id in find(kind)})


def _declared(btf: Btf, text: str, kinds: Sequence[Kind]) -> list[int]:
    """The types with the name in a declaration such as "const struct x *"."""
    from .type_names import spellings

    for name in spellings(text):
        if ids := _of_kinds(lambda kind, name=name: btf.find_all(name, kind), kinds):  # type: ignore[misc]
            return ids
    return []


def run(args: argparse.Namespace) -> None:
    kinds = args.kind or ()
    plain = not args.regex and not any(letter in args.pattern for letter in "*?[")
    with open_source(args) as btf:
        try:
            if plain:
                ids = _of_kinds(lambda kind: btf.find_all(args.pattern, kind), kinds)
            else:
                ids = _of_kinds(lambda kind: btf.match(args.pattern, kind, regex=args.regex), kinds)
            if not ids and not args.regex:
                ids = _declared(btf, args.pattern, kinds)
        except BtfError:
            raise
        except ValueError as error:  # an invalid regular expression
            raise WrongUsageError(str(error)) from None
        ids = ids[: args.limit or None]
        kind_names, names = btf.kind_names(ids), btf.names(ids)
        rows = [
            {"id": type_id, "kind": kind_name, "name": name}
            for type_id, kind_name, name in zip(ids, kind_names, names, strict=True)
        ]
        if not rows and not args.json:
            if plain and find_field(btf, args.pattern) is not None:
                shown = args.pattern
                raise NotFoundError(f"{shown} is a member, not a type; btfmmap show {shown} describes it")
            from .suggestions import no_type, not_found

            raise not_found(btf, args.pattern, kinds) if plain else no_type(args.pattern, kinds)
    if args.json:
        print_json(rows)
        return
    lines = [(str(row["id"]), str(row["kind"]), printable(str(row["name"]))) for row in rows]
    print_columns(lines, (True, False, False))
