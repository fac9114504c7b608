"""Show what changed between kernels: structs, unions, enums, functions, typedefs, variables, tracepoints.

For two kernels, prints what changed by itself, member by member, and how many others follow from it because
they contain it by value. For more, prints a table with a column per kernel, where equal numbers mean equal
definitions; and what changed about each definition if --only names a few. More than two kernels of several
architectures are sorted by that, and compared within each only.

The exit code is 1 if something differs, or, with --fail-on, if something that a kernel has differs in the
next one or is gone. It is 2 if a name or glob of --only is in no kernel. --html writes a page beside the
output.

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

from .. import NotSupportedError
from .common import (
    InputError,
    WrongUsageError,
    add_json,
    complain,
    reading,
)
from .diff_names import read_names, unmatched
from .jobs import Jobs
from .kernel_args import KernelArguments, add_kernels
from .page_files import add_page_beside_output, add_plot, write_page, write_picture
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
    parser.add_argument(
        "--kind",
        action="append",
        metavar="KIND",
        help="kind to compare: struct, union, enum, function, typedef, variable, tracepoint or base "
        "(numbers); may be repeated",
    )
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
        help="layout: exit with 1 only if sizes, offsets or values of something changed, or it was removed; "
        "declaration: also if its types or names changed. What is new never counts, except in what was "
        "there: a member in a hole changes the layout",
    )
    form = parser.add_mutually_exclusive_group()
    add_json(form, "an object with kernels, notes and comparisons: entities with their changes, and causes")
    add_plot(form, "first appearances of definitions, or offsets of members if --only names one struct,")
    add_page_beside_output(parser)


def run(args: argparse.Namespace) -> int:
    from .. import diff

    _check_kinds(args.kind or ())
    if not args.ignore_failed:
        _check_kernels(args.kernels)
    names = None if args.only is None else read_names(args.only)
    arguments = KernelArguments(args)
    with Progress() as progress, Jobs(args.jobs, len(arguments.kernels)) as executor:
        result = reading(
            diff, arguments.kernels, names=names, kinds=args.kind, executor=executor, progress=progress
        )
    errors = result.errors
    opened = [row for row in result.order if not errors[row]]
    if len(opened) < 2 and len(errors) < 2:
        raise WrongUsageError("diff compares two kernels or more")
    depth: Depth = "layout" if args.layout_only else "deep" if args.deep else "declaration"
    collects = gc.isenabled()
    gc.disable()  # what is printed is made of many tuples, and of no cycles
    try:
        return _report(result, opened, depth, names or (), arguments, args)
    except NotSupportedError as error:
        raise InputError(str(error)) from error
    finally:
        if collects:
            gc.enable()


def _report(
    result: DiffResult,
    opened: Sequence[int],
    depth: Depth,
    names: Sequence[str],
    arguments: KernelArguments,
    args: argparse.Namespace,
) -> int:
    """Print the result and what did not open, and write the page. Returns the exit code."""
    missing = unmatched(result, names) if opened else []
    has_report = len(opened) > 1 and (args.json or not missing or len(missing) < len(names))
    try:
        if has_report:
            _print(result, opened, depth, args)
        arguments.complain(result.errors)
        arguments.complain(missing)
        pairs = result.neighbours
        if len(opened) > 1 and not pairs:
            complain("nothing was compared: no two kernels are of one architecture")
        wanting = any(_is_wanting(result, pair, depth, args.fail_on) for pair in pairs)
        return arguments.exit_code(tried=len(pairs), wanting=wanting)
    finally:  # also if standard output was closed early, as head does
        if has_report and args.html is not None:
            from .. import pages

            write_page(args.html, pages.diff_page(result, depth=depth))


def _print(result: DiffResult, opened: Sequence[int], depth: Depth, args: argparse.Namespace) -> None:
    if args.plot is not None:
        _plot(result, args.plot)
    elif args.json:
        from .diff_json import print_diff_json

        print_diff_json(result, depth)
    elif len(opened) == 2:
        from .diff_report import print_report

        print_report(
            result,
            (opened[0], opened[1]),
            depth,
            everything=args.all,
            numbers_only=args.stat,
            names_given=args.only is not None,
        )
    else:
        from .diff_matrix import print_matrix

        print_matrix(
            result,
            opened,
            depth,
            everything=args.all,
            numbers_only=args.stat,
            names_given=args.only is not None,
        )


def _plot(result: DiffResult, path: str) -> None:
    from .. import EntityKind, pictures

    rows = result.entities.selected.nonzero()[0].tolist()
    kind, name = result.name(rows[0]) if len(rows) == 1 else (None, "")
    if kind in (EntityKind.STRUCT, EntityKind.UNION) and not set(name) & set("*?[."):
        write_picture(path, pictures.member_offsets, result, f"{name}.*")
    else:
        write_picture(path, pictures.appearances, result)


def _check_kernels(arguments: Sequence[str]) -> None:
    """Refuse a name of a type among the kernels.

    Raises:
        WrongUsageError: There is one that is not a file.
    """
    from .suggestions import quoted

    for argument in arguments:
        if "".join(argument.split()).isidentifier() and not os.path.lexists(argument):
            raise WrongUsageError(
                f"{argument}: no such file; to compare only {argument}, write --only {quoted(argument)}"
            )


def _check_kinds(kinds: Sequence[str]) -> None:
    for kind in kinds:
        if "," in kind:
            repeated = " ".join(f"--kind {each.strip()}" for each in kind.split(","))
            raise WrongUsageError(f"--kind takes one kind: repeat it, {repeated}")


def _is_wanting(result: DiffResult, pair: tuple[int, int], depth: Depth, fail_on: str | None) -> bool:
    counts = result.change_counts(
        *pair, depth=depth if fail_on is None else "layout" if fail_on == "layout" else "declaration"
    )
    return any(each.removed or each.changed or each.follow or fail_on is None for each in counts)
