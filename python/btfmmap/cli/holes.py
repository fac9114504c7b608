"""List the structs and unions that waste the most bytes in holes and padding.

As in pahole, holes are gaps between members, and padding follows the last one. Waste is the sum of both in
bytes. The columns holes, bytes and bits have the number of holes, their bytes, and the number of gaps within
bytes. Types without a name are included as (anon); btfmmap show ID shows one.

    btfmmap holes
    btfmmap holes --sort holes --limit 50
    btfmmap holes --limit 0 --json
    btfmmap holes -f ext4.ko.xz -B vmlinux.btf
"""

from __future__ import annotations

from .. import NotFoundError
from .common import (
    WrongUsageError,
    add_json,
    add_limit,
    add_source,
    open_source,
    print_columns,
    print_json,
    printable,
)
from .page_files import add_page, add_plot, write_page, write_picture

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from .. import Btf

_TITLES = {
    "waste": "waste",
    "id": "id",
    "size": "size",
    "members": "members",
    "holes": "holes",
    "hole_bytes": "bytes",
    "bit_holes": "bits",
    "padding": "padding",
}
_SORTED_BY = {"waste": "waste", "holes": "hole_bytes", "padding": "padding"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_limit(parser, "types", "--top", default=20)
    parser.add_argument(
        "--sort",
        choices=tuple(_SORTED_BY),
        default="waste",
        help="list those with the most bytes of waste, or only in holes, or only in padding; default: waste",
    )
    add_source(parser)
    form = parser.add_mutually_exclusive_group()
    add_json(form, "rows as of Btf.wasteful")
    add_page(form)
    add_plot(form, "sizes and waste of all types")


def run(args: argparse.Namespace) -> None:
    if args.sort != "waste" and (args.html is not None or args.plot is not None):
        raise WrongUsageError("--sort is for text and JSON; pages and pictures show waste")
    with open_source(args) as btf:
        if btf.distilled:
            raise NotFoundError(f"{btf.source.path}: a distilled base, which does not record members")
        if args.html is not None:
            from .. import pages

            write_page(args.html, pages.holes_page(btf, args.top or len(btf)))
            return
        if args.plot is not None:
            from .. import pictures

            write_picture(args.plot, pictures.waste, btf)
            return
        rows = _rows(btf, _SORTED_BY[args.sort], args.top)
    if args.json:
        print_json(rows)
        return
    lines: list[tuple[str, ...]] = [(*_TITLES.values(), "name")]
    for row in rows:
        lines.append((*(str(row[column]) for column in _TITLES), printable(str(row["name"])) or "(anon)"))
    print_columns(lines, (True,) * len(_TITLES) + (False,), shortened=(len(_TITLES),))


def _rows(btf: Btf, column: str, limit: int) -> list[dict[str, int | str]]:
    """The rows with the most bytes in a column, the most first."""
    if column == "waste":
        return btf.wasteful(limit or len(btf))
    rows = btf.wasteful(len(btf))
    rows.sort(key=lambda row: row[column], reverse=True)
    return rows[: limit or None]
