"""Show a type; for a struct, its members with offsets, sizes, holes and cache lines, as in pahole.

A type is given by name or type id. A name may follow a keyword: "struct sk_buff", "func vfs_read"; likewise
union, enum, typedef and var. A declaration such as "const struct sk_buff *" is read as struct sk_buff: stars
and qualifiers are ignored. A path such as sk_buff.len shows the member. If several types have the name, the
first is shown, and standard error lists the others.

    btfmmap show list_head
    btfmmap show sk_buff.len
    btfmmap show tcp_sendmsg --c
    btfmmap show "union bpf_attr" --expand
    btfmmap show task_struct --html task_struct.html
    btfmmap show ext4_inode_info -f ext4.ko.xz -B vmlinux.btf --json
"""

from __future__ import annotations

from .common import (
    WrongUsageError,
    add_json,
    add_source,
    add_type,
    dimmed,
    find_field,
    find_type,
    find_types,
    open_source,
    print_columns,
    print_json,
    printable,
    report_candidates,
)
from .member_text import offsets_text, type_text
from .page_files import add_page, add_plot, write_page, write_picture
from .type_names import spellings

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from .. import Btf, Field, StructLayout, Type


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_type(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "-E",
        "--expand",
        action="store_true",
        help="write out members whose types are named structs or unions",
    )
    form.add_argument(
        "--c", action="store_true", help="print the C declaration, without offsets; with --json, add it as c"
    )
    add_page(form)
    add_plot(form, "a struct's bytes")
    add_source(parser)
    add_json(parser, "an object")


def run(args: argparse.Namespace) -> None:
    with open_source(args) as btf:
        if args.html is not None or args.plot is not None:
            _write_picture(btf, args)
            return
        if not args.c and not args.expand and (field := find_field(btf, args.type)) is not None:
            _show_member(spellings(args.type)[0], field, as_json=args.json)
            return
        ids = find_types(btf, args.type, "layout" if args.expand else None)
        found = btf[ids[0]]
        facts: dict[str, Any] | None = None
        declaration = btf.c_declaration(found) if args.c else ""
        if args.c and not args.json:
            text = declaration
        elif (layout := layout_of(btf, found)) is not None:
            # The layout already shows the struct of a typedef: do not report it as another candidate.
            ids[1:] = [type_id for type_id in ids[1:] if type_id != layout.type.id]
            facts = layout.to_dict() if args.json else None
            text = "" if args.json else layout.text(expand=args.expand)
        else:
            facts = describe(found)
            text = render(facts)
        if args.c and facts is not None:
            facts["c"] = declaration
        report_candidates(btf, args.type, ids)
    if args.json:
        import json

        print(json.dumps(facts, indent=2))
    else:
        print(dimmed("\n".join(map(_escaped, text.rstrip("\n").split("\n")))))


def _write_picture(btf: Btf, args: argparse.Namespace) -> None:
    """Write `--html` or `--plot`."""
    if args.json:
        raise WrongUsageError("--json cannot be combined with --html or --plot")
    layout = btf.layout(find_type(btf, args.type, "layout"))
    if args.plot is not None and args.plot.lower().endswith(".png"):
        from .. import pictures

        write_picture(args.plot, pictures.struct_map, layout)
        return
    from .. import pages

    if args.html is not None:
        write_page(args.html, pages.struct_page(layout))
    else:
        write_page(args.plot, pages.struct_svg(layout))


def _show_member(path: str, field: Field, *, as_json: bool) -> None:
    """Print the type, offset and size of a member."""
    c_name = field.type.c_name
    if as_json:
        print_json(
            {
                "path": path,
                "type": c_name,
                "type_id": field.type.id,
                "size": field.size,
                "bit_offset": field.bit_offset,
                "bitfield_size": field.bitfield_size,
            }
        )
        return
    offset = offsets_text([field.offset], field.bit_offset)
    line = (offset, str(field.size), printable(type_text(c_name, field.bitfield_size)), printable(path))
    print_columns([("offset", "size", "type", "member"), line], (True, True, False, False))


def layout_of(btf: Btf, found: Type) -> StructLayout | None:
    """The layout of a struct or union, or of a typedef of one; None for other types."""
    try:
        return btf.layout(found)
    except ValueError:
        return None


def describe(found: Type) -> dict[str, Any]:
    """The object printed by `--json` for a type without a layout."""
    facts: dict[str, Any] = {"id": found.id, "kind": found.kind.name, "name": found.name}
    if found.size is not None:
        facts["size"] = found.size
    if found.type is not None:
        facts["type"] = found.type.c_name
    if found.nelems is not None:
        facts["nelems"] = found.nelems
    if found.encoding is not None:
        from .. import IntEncoding

        facts["encoding"] = [flag.name for flag in IntEncoding if flag in found.encoding]
    if found.params:
        facts["params"] = [{"name": name, "type": type_.c_name} for name, type_ in found.params]
    if found.enumerators:
        facts["enumerators"] = [{"name": name, "value": value} for name, value in found.enumerators]
    return facts


def render(facts: dict[str, Any]) -> str:
    words = {name: value for name, value in facts.items() if name not in ("params", "enumerators")}
    if "encoding" in words:
        words["encoding"] = ",".join(words["encoding"]) or "(none)"
    lines = [" ".join(f"{name}={value}" for name, value in words.items())]
    lines += [f"\t{row['type']} {row['name']}".rstrip() for row in facts.get("params", [])]
    lines += [f"\t{row['name']} = {row['value']}" for row in facts.get("enumerators", [])]
    return "\n".join(lines)


def _escaped(line: str) -> str:
    return "\t".join(printable(part) for part in line.split("\t"))
