"""The command line by argparse: every spelling, the help texts, and what is wrong with wrong words."""

from __future__ import annotations

import argparse
import os
from importlib import import_module

from .. import __version__
from .common import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        complain(f"{message} (see {self.prog} --help)")
        self.exit(2)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        # A command's own parser says what it does not know, so that its help is pointed to.
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Argparse makes one for every option, and would import shutil for the terminal's width, with all that
    decompresses."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_terminal_width() - 2)


def _terminal_width() -> int:
    """As shutil.get_terminal_size finds it."""
    try:
        return int(os.environ["COLUMNS"]) or 80
    except (KeyError, ValueError):
        pass
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


def parser_of(names: Sequence[str]) -> argparse.ArgumentParser:
    """A parser that knows these commands."""
    parser = _Parser(
        prog="btfmmap",
        description="The Linux kernel's type information (BTF), mapped and indexed.\n"
        "Without a command: info on the running kernel.",
        formatter_class=_Formatter,
    )
    parser.add_argument("--version", action="version", version=f"btfmmap {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name in names:
        command = import_module(f".{name}", __package__)
        assert command.__doc__ is not None
        subparser = commands.add_parser(
            name,
            help=command.__doc__.partition("\n")[0],
            description=command.__doc__,
            formatter_class=_Formatter,
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser
