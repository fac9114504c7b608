"""Find the users of a type: structs, functions and variables that contain it, point to it, take or return it.

The search continues through typedefs, qualifiers, pointers, arrays and anonymous structs. Stars after the
name of a member or parameter count the pointers between the user and the type. If TYPE has stars, only uses
with as many pointers are listed. Positions count from 0, offsets are in bytes. Anonymous function
prototypes, which functions share, come last.

    btfmmap users list_head --embedded
    btfmmap users "struct sk_buff *" --role parameter
    btfmmap users sk_buff --role parameter --kind func
    btfmmap users pid_t --role member --json
"""

from __future__ import annotations

from .. import NotFoundError, Role
from .common import (
    KINDS,
    WrongUsageError,
    add_json,
    add_limit,
    add_source,
    add_type,
    find_type,
    open_source,
    print_columns,
    print_json,
    printable,
)
from .page_files import add_plot, write_picture
from .words import kind_of, role_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from .. import Btf, User

_ROLES = (
    "pointee, element, index, member, parameter, return, underlying, prototype, variable, section_entry, "
    "tag_target"
)
_EMBEDDING = ("typedef", "const", "volatile", "restrict", "type_tag", "array", "anonymous")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_type(parser)
    parser.add_argument(
        "-r",
        "--role",
        type=role_of,
        action="append",
        help=f"find only uses in this role; may be repeated. Roles: {_ROLES}",
    )
    parser.add_argument(
        "-k",
        "--kind",
        type=kind_of,
        action="append",
        help=f"find only users of this kind; may be repeated. Kinds: {KINDS}",
    )
    parser.add_argument(
        "-e",
        "--embedded",
        action="store_true",
        help="find only users of the type itself, not of a pointer to it",
    )
    add_limit(parser, "uses")
    add_source(parser)
    form = parser.add_mutually_exclusive_group()
    add_json(form, "a list of {id, kind, user, role, position, name, bit_offset, pointers}")
    add_plot(form, "the types around the type (needs graphviz)")


def run(args: argparse.Namespace) -> None:
    roles = args.role
    if args.embedded and roles is None:
        roles = [role for role in Role if role != Role.POINTEE]
    with open_source(args) as btf:
        found = find_type(btf, args.type, "users")
        depth = _pointers(btf, args.type)
        if depth and args.embedded:
            raise WrongUsageError(f"--embedded excludes pointers: leave out the stars in {args.type!r}")
        if args.plot is not None:
            from .. import pictures

            write_picture(args.plot, pictures.neighbourhood, btf, found)
            return
        users = btf.users(found, roles=roles, through=_EMBEDDING if args.embedded else None)
        ids = [user.type.id for user in users]
        kinds, names = btf.kind_names(ids), btf.names(ids)
    wanted = [kind.name for kind in args.kind or ()]
    roles_of = {role: role.name for role in Role}  # `name` of an enum is slow
    rows = [
        _row(user, kind, name, roles_of[user.role])
        for user, kind, name in zip(users, kinds, names, strict=True)
        if args.kind is None or kind in wanted
    ]
    of_any_depth = len(rows)
    if depth:
        rows = [row for row in rows if row["pointers"] == depth]
    if not rows and not args.json:
        others = f"; without the stars, {of_any_depth:,} uses are listed" if of_any_depth else ""
        raise NotFoundError(f"{args.type} has no such users{others}")
    if args.json:
        print_json(rows[: args.limit or None])
        return
    rows.sort(key=lambda row: row["kind"] == "FUNC_PROTO")
    lines = [("id", "kind", "user", "role", "name", "offset")]
    lines += [
        (
            str(row["id"]),
            row["kind"],
            printable(row["user"]) or "(anon)",
            row["role"].lower() + (f" {row['position']}" if row["position"] >= 0 else ""),
            printable(row["name"]) + "*" * row["pointers"],
            str(row["bit_offset"] // 8) if row["role"] == "MEMBER" else "",
        )
        for row in rows[: args.limit or None]
    ]
    print_columns(lines, (True, False, False, False, False, True), shortened=(2, 4))


def _pointers(btf: Btf, text: str) -> int:
    """The number of stars in the declaration of a type. Those in a name, as of Rust's types, do not count."""
    if "*" not in text or btf.find_all(text):
        return 0
    from .type_names import pointers

    return pointers(text)


def _row(user: User, kind: str, name: str, role: str) -> dict[str, Any]:
    return {
        "id": user.type.id,
        "kind": kind,
        "user": name,
        "role": role,
        "position": user.position,
        "name": user.name,
        "bit_offset": user.bit_offset,
        "pointers": user.pointers,
    }
