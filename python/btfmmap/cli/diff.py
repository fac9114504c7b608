"""Show what changed between kernels: structs, unions, enums, functions, typedefs, variables, tracepoints.

For two kernels, prints what changed by itself, member by member, and how many others follow from it because
they contain it by value. For more, prints a table with a column per kernel, where equal numbers mean equal
definitions.

The exit code is 1 if something differs, or, with --fail-on, if something that a kernel has differs in the
next one or is gone; and if a name or glob of --only is in no kernel.

    btfmmap diff 6.12.73.btf 6.12.95.btf
    btfmmap diff old.btf new.btf --only 'struct tcp_*' --kind struct
    btfmmap diff old.btf new.btf --only stable.list --fail-on layout
    btfmmap diff 'kernels/*.btf' --only 'struct sock'
    btfmmap diff old.btf new.btf --stat --name old.btf=before
    btfmmap diff old.btf new.btf --deep --only task_struct
"""

from __future__ import annotations

import gc
import os
from itertools import pairwise

from .. import NotSupportedError
from .common import (
    InputError,
    WrongUsageError,
    add_json,
    add_page,
    add_plot,
    complain,
    explained,
    printable,
    reading,
    write_page,
    write_picture,
)
from .jobs import Jobs
from .kernel_args import KernelArguments, add_kernels
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from .. import DiffResult
    from .diff_text import Depth


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_kernels(parser, option=False)
    parser.add_argument(
        "--only",
        action="append",
        metavar="GLOB",
        help='names to compare, such as "struct tcp_*", or a file with one on each line; may be repeated',
    )
    parser.add_argument("--kind", action="append", metavar="KIND", help="kinds to compare; may be repeated")
    depth = parser.add_mutually_exclusive_group()
    depth.add_argument(
        "--layout-only",
        action="store_true",
        help="only what compiled code depends on: sizes, offsets, values",
    )
    depth.add_argument(
        "--deep",
        action="store_true",
        help="also list what changed only because of the types that it contains",
    )
    parser.add_argument("-a", "--all", action="store_true", help="print all names, not the first few")
    parser.add_argument("--stat", action="store_true", help="print numbers only")
    parser.add_argument(
        "--fail-on",
        choices=("layout", "declaration"),
        help="exit with 1 only if a layout, or a declaration, differs in the next kernel or is gone",
    )
    form = parser.add_mutually_exclusive_group()
    add_json(form, "an object with kernels, notes and comparisons: entities with their changes, and causes")
    add_page(form)
    add_plot(form, "first appearances, or the offsets in a single struct that --only names,")


def run(args: argparse.Namespace) -> int:
    from .. import diff

    names = None if args.only is None else _names(args.only)
    arguments = KernelArguments(args)
    with Progress() as progress, Jobs(args.jobs, len(arguments.kernels)) as executor:
        result = reading(
            diff, arguments.kernels, names=names, kinds=args.kind, executor=executor, progress=progress
        )
    opened = [row for row, error in enumerate(result.errors) if not error]
    if len(opened) < 2 and len(result.errors) < 2:
        raise WrongUsageError("diff compares two kernels or more")
    depth: Depth = "layout" if args.layout_only else "deep" if args.deep else "declaration"
    if len(opened) > 1:
        collects = gc.isenabled()
        gc.disable()  # what is printed is made of many tuples, and of no cycles
        try:
            _print(result, opened, depth, args)
        except NotSupportedError as error:
            raise InputError(str(error)) from error
        finally:
            if collects:
                gc.enable()
    arguments.complain(result.errors)
    missing = _missing(result, names)
    for name in missing:
        complain(f"no kernel has {name}")
    wanting = bool(missing) or any(
        _is_wanting(result, pair, depth, args.fail_on) for pair in pairwise(opened)
    )
    return arguments.exit_code(tried=max(len(opened) - 1, 0), wanting=wanting)


def _print(result: DiffResult, opened: Sequence[int], depth: Depth, args: argparse.Namespace) -> None:
    if args.html is not None:
        from .. import pages

        write_page(args.html, pages.diff_page(result, depth=depth))
    elif args.plot is not None:
        _plot(result, args.plot)
    elif args.json:
        from .diff_json import print_diff_json

        print_diff_json(result, opened, depth)
    elif len(opened) == 2:
        from .diff_report import print_report

        print_report(result, (opened[0], opened[1]), depth, everything=args.all, numbers_only=args.stat)
    else:
        from .diff_matrix import print_matrix

        print_matrix(result, opened, depth, everything=args.all, numbers_only=args.stat)


def _plot(result: DiffResult, path: str) -> None:
    from .. import EntityKind, pictures

    rows = result.entities.selected.nonzero()[0].tolist()
    kind, name = result.name(rows[0]) if len(rows) == 1 else (None, "")
    if kind in (EntityKind.STRUCT, EntityKind.UNION) and not set(name) & set("*?[."):
        write_picture(path, pictures.member_offsets, result, f"{name}.*")
    else:
        write_picture(path, pictures.appearances, result)


def _names(arguments: Sequence[str]) -> list[str]:
    """The names and globs of `--only`, and those in its files. Lines that start with # are comments."""
    names: list[str] = []
    for argument in arguments:
        if not os.path.isfile(argument):
            names.append(argument)
            continue
        try:
            with open(argument, encoding="utf-8", errors="surrogateescape") as file:
                lines = [line.strip() for line in file]
        except OSError as error:
            raise WrongUsageError(explained(error)) from error
        names += [line for line in lines if line and not line.startswith("#")]
    return names


def _missing(result: DiffResult, names: Sequence[str] | None) -> list[str]:
    """The names and globs that match nothing in any kernel."""
    return [printable(name) for name in names or () if not result.match(name)]


def _is_wanting(result: DiffResult, pair: tuple[int, int], depth: Depth, fail_on: str | None) -> bool:
    counts = result.change_counts(
        *pair, depth=depth if fail_on is None else "layout" if fail_on == "layout" else "declaration"
    )
    return any(each.removed or each.changed or each.follow or fail_on is None for each in counts)
