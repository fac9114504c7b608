"""Parses the command line with argparse: abbreviations, help texts and error messages."""

from __future__ import annotations

import argparse
import os
from contextlib import suppress
from importlib import import_module

from .. import __version__
from .common import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn


_DESCRIPTION = """\
Query the Linux kernel's type information (BTF).
Without a command, runs info on the running kernel.
btfmmap help COMMAND describes a command; options follow the command.
"""
_EPILOG = """\
examples:
  btfmmap show sk_buff.len
  btfmmap find "tcp_*" --kind func
  btfmmap users "struct sk_buff *" --role parameter
  btfmmap show ext4_inode_info -f ext4.ko.xz -B vmlinux.btf
  btfmmap diff old.btf new.btf
  btfmmap check prog.bpf.o --kernels "kernels/*.btf"

Commands read a file with BTF, by default the running kernel's. check, diff and min-core also take folders of
a kernel with its modules, as btfmmap.open_kernel does in Python.
"""
_LIST_OPTIONS = ("--kernels", "--objects")
_FILE_OPTIONS = ("-f", "--file", "-B", "--base")


class _Parser(argparse.ArgumentParser):
    words: Sequence[str] = ()  # that were parsed last
    _intermixed = False  # whether parse_known_intermixed_args calls

    def error(self, message: str) -> NoReturn:
        advice = self._about_lists(message) or self._about_files()
        complain(f"{message}{advice} (see {self.prog} --help)")
        self.exit(2)

    def _about_lists(self, message: str) -> str:
        """The end of an error's message, if an option took the words that are missing."""
        if "arguments are required" not in message:
            return ""
        option = next((each for each in _LIST_OPTIONS if each in self.words), None)
        return f"; {option} takes all words that follow it, so write them before it" if option else ""

    def _about_files(self) -> str:
        """The end of an error's message, if `--file` is missing or not needed."""
        options = self.format_help()
        given = [number for number, word in enumerate(self.words) if word.startswith("-")]
        named = {number + 1 for number in given if self.words[number] in _FILE_OPTIONS}
        if "--base" not in options:  # the command opens no file
            return ""
        files = [
            word
            for number, word in enumerate(self.words)
            if number not in named and not word.startswith("-") and (os.sep in word or os.path.isfile(word))
        ]
        return f"; to read {files[0]}, write -f {files[0]}" if files else ""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self._intermixed:
            return super().parse_known_args(args, namespace)
        self.words = list(args or ())
        # Report unknown arguments from the command's own parser, so that the message names its help.
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            # Positional arguments may be what follows an option that stands between them.
            self._intermixed = True
            with suppress(TypeError):  # the parser has arguments that cannot be intermixed
                found, unknown = self.parse_known_intermixed_args(args)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """A formatter that does not import shutil for the terminal's width.

    shutil imports all compression modules, and argparse creates a formatter for every option.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_terminal_width() - 2)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        """Refill paragraphs that are too wide. Examples, which are indented, stay as they are."""
        from textwrap import fill

        return "\n\n".join(
            paragraph
            if paragraph.startswith(" ") or max(map(len, paragraph.splitlines()), default=0) <= width
            else fill(paragraph, width, break_long_words=False, break_on_hyphens=False)
            for paragraph in super()._fill_text(text, width, indent).split("\n\n")
        )


def _terminal_width() -> int:
    """The width that shutil.get_terminal_size would return."""
    try:
        return int(os.environ["COLUMNS"]) or 80
    except (KeyError, ValueError):
        pass
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


def parser_of(names: Sequence[str]) -> argparse.ArgumentParser:
    """A parser for these commands."""
    parser, commands = _without_commands()
    for name in names:
        _add_command(commands, name)
    return parser


def help_of(name: str) -> str:
    """The help text of a command."""
    _, commands = _without_commands()
    return _add_command(commands, name).format_help()


def _without_commands() -> tuple[_Parser, argparse._SubParsersAction[_Parser]]:
    """A parser, and what commands are added to."""
    parser = _Parser(prog="btfmmap", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=_Formatter)
    parser.add_argument("--version", action="version", version=f"btfmmap {__version__}")
    return parser, parser.add_subparsers(title="commands", metavar="COMMAND")


def _add_command(commands: argparse._SubParsersAction[_Parser], name: str) -> _Parser:
    command = import_module(f".{name.replace('-', '_')}", __package__)
    assert command.__doc__ is not None
    subparser = commands.add_parser(
        name,
        help=command.__doc__.partition("\n")[0],
        description=command.__doc__,
        formatter_class=_Formatter,
    )
    command.add_arguments(subparser)
    subparser.set_defaults(run=command.run)
    return subparser
