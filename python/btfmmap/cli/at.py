"""Find the members at byte offsets of a type.

Prints the path of each member, its type and size, and the position of the byte within it. There are several
members if unions or bitfields share the byte; a bitfield that starts there has its first bit, 126:1, unless
that is 0. An offset in a hole or past the end is an error; with --json it gives an empty list. If several
types have the name, structs and unions are preferred.

    btfmmap at sk_buff 0x70
    btfmmap at task_struct 8 16 24 --json
"""

from __future__ import annotations

from .. import NotFoundError
from .common import (
    add_json,
    add_source,
    add_type,
    find_type,
    open_source,
    print_columns,
    printable,
    wrong_usage,
)
from .member_text import offsets_text, type_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from .. import Btf, MemberAt, Type


def _number(text: str) -> int:
    try:
        number = int(text, 0)
    except ValueError:
        number = -1
    if number < 0:
        is_name = text[:1].isalpha() or text[:1] == "_"
        advice = f"; btfmmap show TYPE.{text} gives that of a member" if is_name else ""
        wrong_usage(f"{text!r} is not a byte offset{advice}")
    return number


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
    add_json(parser, "a list of {offset, members}, with the path, type and place of each member,")


def run(args: argparse.Namespace) -> None:
    with open_source(args) as btf:
        found = find_type(btf, args.type, "at_each")
        rows = [(offset, btf.members_at(found, offset)) for offset in args.offsets]
        if args.json:
            import json

            shown = [
                {"offset": offset, "members": [_facts(member, offset) for member in members]}
                for offset, members in rows
            ]
            print(json.dumps(shown, indent=2))
            return
        lines = [("offset", "within", "size", "type", "member")]
        for offset, members in rows:
            if not members:
                raise NotFoundError(_why_none(btf, found, args.type, offset))
            lines += [_line(member, offset) for member in members]
        print_columns(lines, (True, True, True, False, False))


def _facts(member: MemberAt, offset: int) -> dict[str, Any]:
    return {
        "path": member.path,
        "type": member.type.c_name,
        "type_id": member.type.id,
        "size": member.size,
        "bit_offset": member.bit_offset,
        "bitfield_size": member.bitfield_size,
        "within": offset - member.offset,
    }


def _line(member: MemberAt, offset: int) -> tuple[str, str, str, str, str]:
    within = offset - member.offset
    place = offsets_text([offset], 0 if within else member.bit_offset)
    type_ = printable(type_text(member.type.c_name, member.bitfield_size))
    return place, str(within), str(member.size), type_, printable(member.path)


def _why_none(btf: Btf, found: Type, name: str, offset: int) -> str:
    if found.btf.distilled:
        return f"{name} belongs to a distilled base, which does not record members"
    try:
        size = btf.layout(found).size
    except ValueError:  # an array
        return f"{name} has no element at byte {offset}"
    if offset >= size:
        return f"byte {offset} is past the end of {name}, which has {size:,} bytes"
    return f"{name} has no member at byte {offset}: it lies in a hole"
