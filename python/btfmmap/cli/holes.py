"""List the structs and unions that waste the most bytes in holes and padding.

As in pahole, holes are gaps between members, and padding follows the last one. Waste is the sum of both in
bytes.

    btfmmap holes
    btfmmap holes --top 50 --json
    btfmmap holes -f ext4.ko.xz -B vmlinux.btf
"""

from __future__ import annotations

from .. import NotFoundError
from .common import (
    add_json,
    add_page,
    add_plot,
    add_source,
    open_source,
    print_columns,
    print_json,
    printable,
    write_page,
    write_picture,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_COLUMNS = ("waste", "id", "size", "members", "holes", "hole_bytes", "bit_holes", "padding", "cachelines")


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


_count.__name__ = "count"  # in argparse's messages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-n", "--top", type=_count, default=20, metavar="N", help="number of types to list; default: 20"
    )
    add_source(parser)
    form = parser.add_mutually_exclusive_group()
    add_json(form, "the result of Btf.wasteful")
    add_page(form)
    add_plot(form, "sizes and waste of all types")


def run(args: argparse.Namespace) -> None:
    with open_source(args) as btf:
        if btf.distilled:
            raise NotFoundError(f"{btf.source.path}: a distilled base, which does not record members")
        if args.html is not None:
            from .. import pages

            write_page(args.html, pages.holes_page(btf, args.top))
            return
        if args.plot is not None:
            from .. import pictures

            write_picture(args.plot, pictures.waste, btf)
            return
        rows = btf.wasteful(args.top)
    if args.json:
        print_json(rows)
        return
    lines: list[tuple[str, ...]] = [(*_COLUMNS, "name")]
    for row in rows:
        lines.append((*(str(row[column]) for column in _COLUMNS), printable(str(row["name"])) or "(anon)"))
    print_columns(lines, (True,) * len(_COLUMNS) + (False,))
