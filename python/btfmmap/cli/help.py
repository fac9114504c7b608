"""Describe commands.

Prints what COMMAND --help prints, for each of the commands. Without a command, lists all commands.

    btfmmap help
    btfmmap help show
    btfmmap help find users
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("commands", nargs="*", default=[], metavar="COMMAND", help="command to describe")


def run(args: argparse.Namespace) -> None:
    from . import COMMANDS
    from .argparse_cli import help_of, parser_of

    texts = map(help_of, args.commands) if args.commands else [parser_of(COMMANDS).format_help()]
    print("\n".join(texts), end="")
