"""Shared by the commands: options for the input, lookup of types by name or id, and output."""

from __future__ import annotations

import os
import sys

from .. import KERNEL_BTF, SAMPLE_BTF, BtfError, MissingBaseError, NotFoundError
from .. import open as open_btf

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from typing import Any, Literal, NoReturn, TypeVar

    from .. import Btf, Field, Type

    Question = Literal["layout", "users", "at_each", "dtype", "find_member"]
    Result = TypeVar("Result")

KINDS = (
    "int, ptr, array, struct, union, enum, fwd, typedef, volatile, const, restrict, func, func_proto, var, "
    "datasec, float, decl_tag, type_tag, enum64"
)
STDOUT = "-"
"""Standard output, as the name of a file to write."""
_COMMENT = "\033[2m"
_PLAIN = "\033[0m"
_MAX_LISTED = 8
_MAX_WIDTH = 512  # the kernel's KSYM_NAME_LEN


class WrongUsageError(Exception):
    """The arguments are invalid, or cannot be combined."""


class InputError(Exception):
    """An input did not open."""


def reading(function: Callable[..., Result], *args: Any, **options: Any) -> Result:
    """Call a function that opens inputs.

    Raises:
        InputError: An input did not open.
    """
    try:
        return function(*args, **options)
    except IsADirectoryError as error:
        if not error.filename:
            raise
        from .folders import advice_on

        raise InputError(advice_on(os.fsdecode(error.filename))) from error
    except (BtfError, OSError, ValueError) as error:
        raise InputError(explained(error)) from error


def explained(error: BtfError | OSError | ValueError) -> str:
    """The message for an error. An error of the operating system starts with the file, if it has one."""
    if isinstance(error, MissingBaseError):
        return f"{error}: --base FILE"
    if isinstance(error, OSError) and error.filename is not None:
        name = os.fsdecode(error.filename)
        if not name:
            return "the name of the file is empty"
        advice = ""
        if name == KERNEL_BTF and isinstance(error, FileNotFoundError):
            advice = "; --file FILE reads a file, --sample the included sample"
        return f"{name}: {error.strerror}{advice}"
    return str(error)


def complain(message: str) -> None:
    """Print a message on standard error, escaped as by `printable`. If it is closed, print nothing.

    Without the check, `print` would then write to standard output.
    """
    if sys.stderr is not None:
        print(f"btfmmap: {printable(message)}", file=sys.stderr)


def wrong_usage(message: str) -> NoReturn:
    """Refuse an argument. argparse reports the message."""
    from argparse import ArgumentTypeError

    raise ArgumentTypeError(message) from None


def file_beside_output(text: str) -> str:
    """The path of a file that is written while standard output gets something else."""
    if text == STDOUT:
        wrong_usage("standard output gets the report; name a file")
    return text


def add_source(parser: argparse.ArgumentParser) -> None:
    """Add `--file`, `--sample`, `--unit` and `--base`."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("-f", "--file", metavar="FILE", help=f"file that contains BTF; default: {KERNEL_BTF}")
    add_sample(what)
    add_unit(parser)
    add_base(parser)


def add_file(parser: argparse.ArgumentParser, kinds: str = "", *, by_id: bool = False) -> None:
    """Add the input as FILE or with `--file`, `--sample` and `--unit`, and with `by_id` also `--id`.

    Args:
        parser: The parser of the command.
        kinds: Which files contain BTF, as a part of the help.
        by_id: Whether to add `--id`.
    """
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "path",
        metavar="FILE",
        nargs="?",
        help=f"file that contains BTF{kinds}, - for standard input; default: {KERNEL_BTF}",
    )
    what.add_argument("-f", "--file", metavar="FILE", help="the same, as for other commands")
    if by_id:
        what.add_argument(
            "--id", type=int, help="id of a BTF object in the kernel, as listed by btfmmap loaded"
        )
    add_sample(what)
    add_unit(parser)


def add_sample(group: Any) -> None:
    """Add `--sample` to the group of the arguments that name an input."""
    group.add_argument("--sample", action="store_true", help="read the small sample included in btfmmap")


def add_unit(parser: argparse.ArgumentParser) -> None:
    """Add `--unit`."""
    parser.add_argument(
        "--unit",
        type=_unit,
        metavar="N",
        help="index of the BTF in a file with several concatenated ones, as a linker writes them; default: 0",
    )


def _unit(text: str) -> int:
    if not text.isdecimal():
        wrong_usage(f"{text!r} is not the number of a unit")
    return int(text)


def add_base(parser: argparse.ArgumentParser) -> None:
    """Add `--base`."""
    parser.add_argument(
        "-B",
        "--base",
        metavar="BASE",
        action="append",
        default=[],
        help="base of a split BTF, such as a module's; default: vmlinux in the folder of the file; repeat it "
        "for a chain of bases, the lowest first",
    )


def add_limit(parser: argparse.ArgumentParser, what: str, *names: str, default: int = 0) -> None:
    """Add `--limit`; 0 means all.

    Args:
        parser: The parser of the command.
        what: What is listed, as a part of the help.
        names: Further names of the option.
        default: The default.
    """
    parser.add_argument(
        "-n",
        *names,
        "--limit",
        type=_count,
        default=default,
        metavar="N",
        help=f"number of {what} to list, 0 for all; default: {default or 'all'}",
    )


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        wrong_usage(f"{text!r} is not a number of lines to list")
    return int(text)


def add_json(parser: Any, what: str) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help=f"print {what} as JSON")


def add_type(parser: argparse.ArgumentParser) -> None:
    """Add the positional argument TYPE."""
    parser.add_argument(
        "type",
        metavar="TYPE",
        help='type id, or name, optionally after struct, union, enum, func, typedef or var ("struct x")',
    )


def open_base(paths: list[str]) -> Btf | None:
    """Open a chain of bases, the lowest first."""
    base = None
    for path in paths:
        base = reading(open_btf, path, base=base)
        report_units(base, "a base is always the first one")
    return base


def file_path(args: argparse.Namespace) -> str | None:
    """Return the path of the file to read; standard input for `-`, None for the running kernel."""
    if args.sample:
        return SAMPLE_BTF
    path: str | None = args.file
    if path is None:
        path = getattr(args, "path", None)  # the commands with `add_file`
    return "/dev/stdin" if path == "-" else path


def open_source(args: argparse.Namespace) -> Btf:
    """Open what `--file`, `--unit` and `--base` name."""
    btf = reading(open_btf, file_path(args), base=open_base(args.base), unit=args.unit or 0)
    if args.unit is None:
        report_units(btf, "--unit N opens another")
    return btf


def report_units(btf: Btf, advice: str) -> None:
    """Report on standard error that the file has more BTFs than the one in use."""
    if btf.units > 1:  # not `source.units`: `source` imports typing, which is slow
        source = btf.source
        path, unit, units = source.path, source.unit, source.units
        complain(
            f"{printable(path or 'buffer')}: {units:,} concatenated BTFs, units 0 to {units - 1}; "
            f"this is unit {unit}, {advice}"
        )


def find_type(btf: Btf, text: str, question: Question | None = None, *, or_enumerator: bool = False) -> Type:
    """Find a type by id or name.

    Reports on standard error if the name has other candidates.

    Args:
        btf: Where to look.
        text: The id or name.
        question: That of `Btf.candidates`.
        or_enumerator: Whether the name could have been that of an enumerator, as errors then say.

    Raises:
        NotFoundError: There is no such type. The message suggests similar names.
    """
    ids = find_types(btf, text, question, or_enumerator=or_enumerator)
    report_candidates(btf, text, ids)
    return btf[ids[0]]


def find_types(
    btf: Btf, text: str, question: Question | None = None, *, or_enumerator: bool = False
) -> list[int]:
    """The ids of a type and of the other candidates for its name, best first.

    A declaration, such as "const struct x *", means the type in it. The path of a member, such as "x.y",
    means the member's type, which is reported on standard error.
    """
    ids = [int(text)] if text.isdecimal() else btf.candidates(text, question)
    if not ids:
        from .type_names import spellings

        names = spellings(text)
        ids = next(filter(None, (btf.candidates(name, question) for name in names)), [])
        if not ids and (member := find_field(btf, text)) is not None:
            ids = [member.type.id]
            complain(f"{text} is a member; its type is {member.type.c_name} [{ids[0]}]")
    if not ids:
        from .suggestions import not_found

        raise not_found(btf, text, or_enumerator=or_enumerator)
    return ids


def find_field(btf: Btf, text: str) -> Field | None:
    """The member that a path such as "sk_buff.len" names; None if the text is not a path.

    Raises:
        NotFoundError: The path starts with the name of a type, but has no such member, or names an
            enumerator.
    """
    from .type_names import spellings

    if not ("." in text or "->" in text) or btf.find_all(text):
        return None
    for path in spellings(text):
        owner, dot, member = path.partition(".")
        if member and (ids := btf.candidates(owner, "find_member")):
            try:
                found: Any = btf[f"{owner}{dot}{member}"]
            except NotFoundError:
                from .enumerators import not_a_member

                if (error := not_a_member(btf, ids[0], text)) is None:
                    raise
                raise error from None
            field: Field = found
            return field
    return None


def report_candidates(btf: Btf, text: str, ids: Sequence[int], what: str = "types are named") -> None:
    """Report on standard error the candidates for a name if there are several. The first one is used."""
    if len(ids) < 2:
        return
    shown = ids[:_MAX_LISTED]
    listed = [
        f"{kind.lower()} [{type_id}]" for kind, type_id in zip(btf.kind_names(shown), shown, strict=True)
    ]
    listed[0] += " (taken)"
    if len(ids) > len(shown):
        listed.append(f"{len(ids) - len(shown):,} more")
    complain(f"{len(ids):,} {what} {text!r}: {', '.join(listed)}; choose by id")


def printable(text: str) -> str:
    """Escape control characters and what a terminal cannot encode: names may contain any bytes."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def dimmed(text: str) -> str:
    """C code with dimmed comments if standard output is a terminal with colours enabled."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return text.replace("/*", f"{_COMMENT}/*").replace("*/", f"*/{_PLAIN}")


def print_columns(
    rows: Sequence[tuple[str, ...]], numeric: Sequence[bool], *, shortened: Sequence[int] = ()
) -> None:
    """Print rows in aligned columns, with numbers aligned to the right.

    The width of a column is limited: one very long name would otherwise pad all rows.

    Args:
        rows: The cells.
        numeric: For each column, whether it is aligned to the right.
        shortened: The numbers of columns that may be shortened on a terminal that is too narrow.
    """
    widths = [min(max(map(len, column)), _MAX_WIDTH) for column in zip(*rows, strict=True)]
    if shortened and sys.stdout.isatty():
        from .narrowing import narrowed

        rows, widths = narrowed(rows, widths, shortened)
    columns = (f"%{width if right else -width}s" for width, right in zip(widths, numeric, strict=True))
    template = "  ".join(columns)
    sys.stdout.writelines(f"{(template % row).rstrip()}\n" for row in rows)


def print_document(name: str, version: int, **fields: Any) -> None:
    """Print an object as JSON that names its schema, `btfmmap.NAME`.

    The version rises when a field is removed or changes its meaning, not when one is added.
    """
    print_json({"schema": {"name": f"btfmmap.{name}", "version": version}, **fields})


def print_json(value: object) -> None:
    """Print a value as JSON, in pieces: the whole text may be large, as many rows may share a long name."""
    import json

    json.dump(value, sys.stdout, indent=2)
    print()
