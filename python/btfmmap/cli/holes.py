"""List the structs that waste most bytes in holes and padding.

Pahole's words: a hole lies between members, padding after the last one; waste is the sum of both in bytes.

    btfmmap holes
    btfmmap holes --top 50 --json
    btfmmap holes -f ext4.ko.xz -B vmlinux.btf
"""

from __future__ import annotations

from .common import add_json, add_source, columns, open_source, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

_COLUMNS = ("id", "size", "members", "holes", "hole_bytes", "bit_holes", "padding", "cachelines")


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


_count.__name__ = "count"  # in argparse's messages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-n", "--top", type=_count, default=20, metavar="N", help="how many; default: 20")
    add_source(parser)
    add_json(parser, "a list of the rows of Btf.layouts, with names")


def run(args: argparse.Namespace) -> None:
    import numpy as np

    with open_source(args) as btf:
        layouts = btf.layouts
        waste = layouts.hole_bytes.astype(np.int64) + layouts.padding
        order = np.argsort(-waste, kind="stable")[: args.top]
        most = layouts[order]
        names = btf.names(most.id)
    if args.json:
        import json

        rows = [{"name": name, **most[row]} for row, name in enumerate(names)]
        print(json.dumps(rows, indent=2))
        return
    lines: list[tuple[str, ...]] = [("waste", *_COLUMNS, "name")]
    for row, name in enumerate(names):
        cells = most[row]
        numbers = (str(cells[column]) for column in _COLUMNS)
        lines.append((str(waste[order[row]]), *numbers, printable(name) or "(anon)"))
    print(columns(lines, (True,) * (1 + len(_COLUMNS)) + (False,)))
