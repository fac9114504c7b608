"""What the commands share: which BTF they ask, how a type is named, what a terminal is shown."""

from __future__ import annotations

import os
import sys

from .. import KERNEL_BTF, NotFoundError
from .. import open as open_btf

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import NoReturn

    from .. import Btf, Type

_COMMENT = "\033[2m"
_PLAIN = "\033[0m"


class WrongUsageError(Exception):
    """Arguments that do not go together."""


def wrong_usage(message: str) -> NoReturn:
    """Refuse an argument, for argparse to say so."""
    from argparse import ArgumentTypeError

    raise ArgumentTypeError(message) from None


def add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-f", "--file", metavar="FILE", help=f"anything that holds BTF; default: {KERNEL_BTF}"
    )
    add_base(parser)


def add_base(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-B",
        "--base",
        metavar="BASE",
        action="append",
        default=[],
        help="what a split BTF (a module's) continues; more than once for a chain, the lowest first",
    )


def add_json(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--json", action="store_true", help=f"print {what}, for programs")


def open_base(paths: list[str]) -> Btf | None:
    base = None
    for path in paths:
        base = open_btf(path, base=base)
    return base


def file_path(args: argparse.Namespace) -> str | None:
    return "/dev/stdin" if args.file == "-" else args.file


def open_source(args: argparse.Namespace) -> Btf:
    return open_btf(file_path(args), base=open_base(args.base))


def find_type(btf: Btf, text: str) -> Type:
    """By name, as C has it, or by number. Raises `NotFoundError` with names that are close."""
    if text.isdecimal():
        return btf[int(text)]
    try:
        return btf[text]
    except NotFoundError:
        raise NotFoundError(f"no type named {text!r}{close_names(btf, text)}") from None


def close_names(btf: Btf, text: str) -> str:
    """The end of a message that a name is not there: those that are close to it, if there are any."""
    import difflib

    bare = text.rpartition(" ")[2]
    names = {name for level in _levels(btf) for name in level.names() if name}
    # Ratios of all names take seconds; close ones share a part, or begin alike and are as long.
    near = [
        name
        for name in names
        if bare[:3] in name or name[:3] in bare or (name[0] == bare[:1] and abs(len(name) - len(bare)) <= 2)
    ]
    close = difflib.get_close_matches(bare, near, cutoff=0.7)
    return f"; close to it: {', '.join(map(printable, close))}" if close else ""


def _levels(btf: Btf) -> list[Btf]:
    return [btf] if btf.base is None else [btf, *_levels(btf.base)]


def printable(text: str) -> str:
    """Escape what a terminal would obey or could not encode: names may hold any bytes."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def dimmed(text: str) -> str:
    """C with its comments dimmed, where standard output is a terminal that may have colours."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return text.replace("/*", f"{_COMMENT}/*").replace("*/", f"*/{_PLAIN}")


def columns(rows: Sequence[tuple[str, ...]], numeric: Sequence[bool]) -> str:
    """Rows in aligned columns, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in rows
    )
    return "\n".join(lines)
