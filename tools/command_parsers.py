"""The commands of btfmmap as plain records, read from their argparse parsers.

The completions, the manual page and the site's pages are made of them.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

from btfmmap.cli import COMMANDS
from btfmmap.cli.argparse_cli import parser_of


class Argument(NamedTuple):
    """An option, or a positional argument.

    Attributes:
        names: The spellings of an option, short ones first; empty for a positional argument.
        value: The placeholder of the value, such as "FILE"; "" if the option takes none.
        several: Whether one use takes several values.
        required: Whether it has to be given.
        help: What it does.
    """

    names: tuple[str, ...]
    value: str
    several: bool
    required: bool
    help: str


class Command(NamedTuple):
    """A command.

    Attributes:
        name: The name, as on the command line.
        summary: The first sentence of the help text.
        paragraphs: The rest of the help text; examples are indented.
        positionals: The positional arguments, in order.
        options: The options, without --help.
    """

    name: str
    summary: str
    paragraphs: tuple[str, ...]
    positionals: tuple[Argument, ...]
    options: tuple[Argument, ...]


def full_parser() -> argparse.ArgumentParser:
    """A new parser of all commands."""
    return parser_of(COMMANDS)


def subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parser of each command."""
    (action,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    return dict(action.choices)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.choices is not None:
        return f"{{{','.join(map(str, action.choices))}}}"
    return str(action.metavar or action.dest.upper())


def _argument(action: argparse.Action) -> Argument:
    assert action.help is not None
    return Argument(
        tuple(sorted(action.option_strings, key=len)),
        _value(action),
        several=action.nargs in {"+", "*"},
        required=action.required and action.nargs not in {"?", "*"},  # Pythons differ on "*"
        help=action.help,
    )


def commands() -> list[Command]:
    """All commands, in the order of `btfmmap --help`."""
    found = []
    for name, parser in subparsers(full_parser()).items():
        assert parser.description is not None
        summary, *paragraphs = parser.description.strip("\n").split("\n\n")
        arguments = [
            (action, _argument(action))
            for action in parser._actions
            if not isinstance(action, argparse._HelpAction)
        ]
        found.append(
            Command(
                name,
                " ".join(summary.split()),
                tuple(paragraphs),
                tuple(argument for action, argument in arguments if not action.option_strings),
                tuple(argument for action, argument in arguments if action.option_strings),
            )
        )
    return found


def synopsis(command: Command) -> str:
    """The usage of a command in one line, with its options as one word."""
    return " ".join(["btfmmap", command.name, "[OPTION ...]", *map(_values, command.positionals)])


def signature(argument: Argument) -> str:
    """An argument as in help texts: "-f FILE, --file FILE" without repeating the value."""
    return f"{', '.join(argument.names)} {_values(argument)}".strip() if argument.names else argument.value


def _values(argument: Argument) -> str:
    """What follows an option, or stands for a positional argument."""
    value = argument.value
    if argument.names or argument.required:
        return f"{value} [{value} ...]" if argument.several else value
    return f"[{value} ...]" if argument.several else f"[{value}]"
