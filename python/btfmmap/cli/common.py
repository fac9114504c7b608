"""What the commands share: which BTF they ask, how a type is named, what a terminal is shown."""

from __future__ import annotations

import os
import sys

from .. import KERNEL_BTF, NotFoundError, NotSupportedError
from .. import open as open_btf

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import Literal, NoReturn

    from .. import Btf, Type

    Question = Literal["layout", "users", "at_each", "dtype"]

_COMMENT = "\033[2m"
_PLAIN = "\033[0m"
_MOST_LISTED = 8
_WIDEST = 512  # the kernel's KSYM_NAME_LEN
_LONGEST_MISTYPED = 128
_MOST_COMPARED = 10_000


class WrongUsageError(Exception):
    """Arguments that do not go together."""


def complain(message: str) -> None:
    """Say something on standard error, where the caller has not closed it: `print` would then write to
    standard output."""
    if sys.stderr is not None:
        print(f"btfmmap: {message}", file=sys.stderr)


def wrong_usage(message: str) -> NoReturn:
    """Refuse an argument, for argparse to say so."""
    from argparse import ArgumentTypeError

    raise ArgumentTypeError(message) from None


def add_source(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-f", "--file", metavar="FILE", help=f"anything that holds BTF; default: {KERNEL_BTF}"
    )
    add_unit(parser)
    add_base(parser)


def add_unit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--unit",
        type=_unit,
        metavar="N",
        help="which of several BTFs that follow one another, as a linker leaves them; default: 0, the first",
    )


def _unit(text: str) -> int:
    if not text.isdecimal():
        wrong_usage(f"{text!r} is no number of a unit")
    return int(text)


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


def add_type(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "type",
        metavar="TYPE",
        help='a name, alone or after struct, union, enum, func, typedef or var ("struct x"), or a type id',
    )


def open_base(paths: list[str]) -> Btf | None:
    base = None
    for path in paths:
        base = open_btf(path, base=base)
        tell_units(base, "a base's first one is taken")
    return base


def file_path(args: argparse.Namespace) -> str | None:
    return "/dev/stdin" if args.file == "-" else args.file


def open_source(args: argparse.Namespace) -> Btf:
    btf = open_btf(file_path(args), base=open_base(args.base), unit=args.unit or 0)
    if args.unit is None:
        tell_units(btf, "--unit N opens another")
    return btf


def tell_units(btf: Btf, advice: str) -> None:
    """Say on standard error that there are more BTFs than the one that is asked."""
    path, *_, unit, units = btf.source
    if units > 1:
        complain(
            f"{printable(path or 'buffer')}: {units:,} BTFs follow one another, units 0 to {units - 1}; "
            f"this is unit {unit}, {advice}"
        )


def find_type(btf: Btf, text: str, question: Question | None = None) -> Type:
    """The type that is meant, by its id or by a name; `question` as in `Btf.candidates`. Standard error says
    which others are meant as well. Raises `NotFoundError` with names that are close."""
    ids = find_types(btf, text, question)
    mention(btf, text, ids)
    return btf[ids[0]]


def find_types(btf: Btf, text: str, question: Question | None = None) -> list[int]:
    """The id of the type that is meant, then those of others that the name stands for."""
    ids = [int(text)] if text.isdecimal() else btf.candidates(text, question)
    if not ids:
        raise NotFoundError(f"no type named {text!r}{close_names(btf, text)}")
    return ids


def mention(btf: Btf, text: str, ids: Sequence[int]) -> None:
    """Say on standard error which types a name stands for, if there are several. The first one is taken."""
    if len(ids) < 2:
        return
    shown = ids[:_MOST_LISTED]
    listed = [
        f"{kind.lower()} [{type_id}]" for kind, type_id in zip(btf.kind_names(shown), shown, strict=True)
    ]
    listed[0] += " (taken)"
    if len(ids) > len(shown):
        listed.append(f"{len(ids) - len(shown):,} more")
    complain(f"{len(ids):,} types are named {text!r}: {', '.join(listed)}; choose by id")


def close_names(btf: Btf, text: str) -> str:
    """The end of a message that a name is not there: those that are close to it, if there are any."""
    import difflib
    from itertools import islice

    bare = text.rpartition(" ")[2]
    if len(bare) > _LONGEST_MISTYPED:
        return ""
    try:
        names = dict.fromkeys(name for level in _levels(btf) for name in level.names() if name)
    except NotSupportedError:  # more text than can be looked at
        return ""
    # Ratios of all names take seconds; close ones are about as long, and share a part or begin alike.
    near = (
        name
        for name in names
        if len(name) <= 2 * len(bare)
        and (
            bare[:3] in name or name[:3] in bare or (name[0] == bare[:1] and abs(len(name) - len(bare)) <= 2)
        )
    )
    close = difflib.get_close_matches(bare, list(islice(near, _MOST_COMPARED)), cutoff=0.7)
    return f"; close to it: {', '.join(map(printable, close))}" if close else ""


def _levels(btf: Btf) -> list[Btf]:
    levels = [btf]
    while (base := levels[-1].base) is not None:
        levels.append(base)
    return levels


def printable(text: str) -> str:
    """Escape what a terminal would obey or could not encode: names may hold any bytes."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def dimmed(text: str) -> str:
    """C with its comments dimmed, where standard output is a terminal that may have colours."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return text.replace("/*", f"{_COMMENT}/*").replace("*/", f"*/{_PLAIN}")


def print_columns(rows: Sequence[tuple[str, ...]], numeric: Sequence[bool]) -> None:
    """Rows in aligned columns, numbers to the right. What is longer than a name should be is not aligned to:
    the rows' padding would outgrow all of their text."""
    widths = [min(max(map(len, column)), _WIDEST) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        print("  ".join(cells).rstrip())


def print_json(value: object) -> None:
    """Piece by piece: rows may share a name that is long."""
    import json

    json.dump(value, sys.stdout, indent=2)
    print()
