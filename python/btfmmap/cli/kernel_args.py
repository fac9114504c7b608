"""What commands for many kernels share: their arguments, complaints and exit code."""

from __future__ import annotations

import os

from .. import KERNEL_BTF, find_kernels
from .common import WrongUsageError, complain, explained, wrong_usage
from .exit_codes import DONE, NOTHING_TRIED, WANTING, WRONG_INPUT
from .jobs import add_jobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import Any

    from .. import KernelInput

_KERNELS = "files with BTF, globs, folders of these, or folders of a kernel with its modules"


def add_kernels(parser: argparse.ArgumentParser, *, option: bool) -> None:
    """Add the kernels, `--order`, `--name`, `--ignore-failed` and `--jobs`.

    With `option`, the kernels are those of `--kernels`, and by default the running kernel with its modules.
    Otherwise they are the positional arguments.
    """
    if option:
        parser.add_argument(
            "--kernels",
            nargs="+",
            action="extend",
            metavar="KERNEL",
            help=f"{_KERNELS}; default: the running kernel",
        )
    else:
        parser.add_argument("kernels", nargs="+", metavar="KERNEL", help=_KERNELS)
    parser.add_argument(
        "--order",
        choices=("arguments", "version"),
        default="arguments",
        help="order of the kernels: as given, with globs and folders sorted by version, or all by version",
    )
    parser.add_argument(
        "--name",
        type=_name,
        action="append",
        default=[],
        metavar="KERNEL=NAME",
        help="name of a kernel in the output, instead of its release; KERNEL is a path or a file name",
    )
    parser.add_argument(
        "--ignore-failed",
        action="store_true",
        help="do not count inputs that do not open, and globs without a match, as an error",
    )
    add_jobs(parser)


def _name(text: str) -> tuple[str, str]:
    path, _, name = text.rpartition("=")
    if not path or not name:
        wrong_usage(f"{text!r} is not KERNEL=NAME")
    return path, name


class KernelArguments:
    """The kernels of a command line, and what became of them.

    Attributes:
        kernels: The kernels, for the functions that take kernels.
    """

    def __init__(self, args: argparse.Namespace) -> None:
        self._failed = 0
        self._ignores_failed: bool = args.ignore_failed
        found: list[KernelInput] = []
        for argument in args.kernels or (os.path.dirname(KERNEL_BTF),):
            try:
                found += find_kernels(argument)
            except OSError as error:  # a glob or folder without a kernel
                self.complain([explained(error)])
        self.kernels: list[KernelInput] = find_kernels(_named(found, dict(args.name)), order=args.order)

    def complain(self, errors: Iterable[str]) -> None:
        """Print and count the errors of inputs that did not open; empty ones are skipped."""
        for error in filter(None, errors):
            self._failed += 1
            complain(error)

    def complain_of_modules(self, kernels: Iterable[dict[str, Any]]) -> None:
        """Print which kernels have modules that did not open. Kernels without any that opened are counted.

        Args:
            kernels: The rows of the table of kernels.
        """
        for kernel in kernels:
            failed, opened = kernel["failed_modules"], kernel["modules"]
            if not failed:
                continue
            message = (
                f"{kernel['path']}: {failed:,} of {failed + opened:,} modules did not open; the first: "
                f"{kernel['module_error']}"
            )
            if opened:
                complain(message)
            else:
                self.complain([message])

    def exit_code(self, *, tried: int, wanting: bool) -> int:
        """Return the exit code.

        Args:
            tried: The number of what could be tried; 0 if nothing opened.
            wanting: Whether something was found wanting.
        """
        if self._failed and not self._ignores_failed:
            return WRONG_INPUT
        if not tried:
            return NOTHING_TRIED
        return WANTING if wanting else DONE


def _named(kernels: list[KernelInput], names: dict[str, str]) -> list[KernelInput]:
    given: dict[int, str] = {}
    for argument, name in names.items():
        rows = [row for row, kernel in enumerate(kernels) if argument in _arguments_for(kernel)]
        if not rows:
            raise WrongUsageError(f"--name {argument}={name}: {argument} is not one of the kernels")
        if len({kernels[row].path for row in rows}) > 1:
            raise WrongUsageError(f"--name {argument}={name}: several kernels are called that; give a path")
        given.update(dict.fromkeys(rows, name))
    return [
        find_kernels({given[row]: kernel})[0] if row in given else kernel
        for row, kernel in enumerate(kernels)
    ]


def _arguments_for(kernel: KernelInput) -> tuple[str, ...]:
    """What stands for a kernel in `--name`: its path, file name, or file name without `.btf` and so on."""
    path = kernel.path or ""
    name = os.path.basename(os.path.normpath(path))
    return path, name, name.partition(".btf")[0]
