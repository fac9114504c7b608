"""The command `btfmmap`. Each of its commands is a module that uses only the public API."""

from __future__ import annotations

import gc
import os
import sys

from .. import BtfError
from .common import InputError, WrongUsageError, complain, explained
from .exit_codes import DONE, INTERRUPTED, PIPE_CLOSED, WANTING, WRONG_INPUT
from .fast_args import FastParser, NeedsArgparse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

# The commands, each a module of this package, whose name has "_" in place of "-". Its docstring is the help
# text, and the first line is also shown in the list of commands. It has add_arguments(parser) and run(args),
# which may return an exit code. Only the module of the given command is imported, to start fast.
COMMANDS = (
    "info",
    "show",
    "find",
    "users",
    "holes",
    "at",
    "path",
    "dtype",
    "dump",
    "lint",
    "check",
    "diff",
    "corpus",
    "min-core",
    "loaded",
    "doctor",
    "help",
)

_OPTIONS_WITH_FILE = ("-f", "--file", "-B", "--base", "-o", "--output")
_OPTIONS_OF_INFO = ("-f", "--file", "-B", "--base", "--json", "--sample", "--id", "--unit")

# Objects made between two collections of garbage. Most commands end before one pays.
_COLLECTION_THRESHOLD = 100_000

# What other programs, or people, call a command.
_OTHER_WORDS = {
    "search": "find",
    "grep": "find",
    "print": "show",
    "struct": "show",
    "layout": "show",
    "pahole": "show",
    "who": "users",
    "references": "users",
    "offset": "at",
    "paths": "path",
    "route": "path",
    "numpy": "dtype",
    "header": "dump",
    "validate": "lint",
    "summary": "info",
    "list": "loaded",
    "compare": "diff",
    "abidiff": "diff",
}


def _parsed(words: Sequence[str]) -> tuple[Callable[[Any], int | None], Any]:
    """The command's `run` and its arguments. Exits if the arguments are wrong or ask for help."""
    known = words[0] in COMMANDS
    if known:
        name = words[0].replace("-", "_")
        command = __import__(f"{__name__}.{name}", fromlist=["run"])  # importing importlib would be slower
        parser = FastParser()
        command.add_arguments(parser)
        try:
            return command.run, parser.parse(words[1:])
        except NeedsArgparse:
            pass
    from .argparse_cli import parser_of

    full_parser = parser_of(words[:1] if known else COMMANDS)
    args = full_parser.parse_args(words)
    if not hasattr(args, "run"):
        full_parser.error("missing command")
    return args.run, args


def _translated(words: list[str]) -> list[str]:
    """Translate bpftool's arguments."""
    if words and words[0] in COMMANDS:
        return words
    from .bpftool import translated

    return translated(words)


def _check_commands(words: list[str]) -> None:
    """Refuse what is not a command, as the first word or to be described by `help`.

    Raises:
        ValueError: There is no such command. Names what may have been meant.
    """
    first = words[0]
    if first.startswith("-") and first.strip("-"):
        if not any(option.startswith(first) for option in ("-h", "--help", "--version")):
            raise ValueError(f"options follow the command: {_reordered(words)}")
    elif first == "help":
        for word in words[1:]:
            if not word.startswith("-"):
                _check_command(word)
    else:
        _check_command(first)


def _reordered(words: list[str]) -> str:
    """The command line with its command before the options."""
    from shlex import join

    # A file may have the name of a command.
    places = [place for place, word in enumerate(words) if word in COMMANDS]
    places.sort(key=lambda place: words[place - 1] in _OPTIONS_WITH_FILE)
    if places:
        return join(["btfmmap", words.pop(places[0]), *words])
    return f"btfmmap {'info' if words[0] in _OPTIONS_OF_INFO else 'COMMAND'} {join(words)}"


def _check_command(word: str) -> None:
    if word in COMMANDS:
        return
    message = f"unknown command {word!r}"
    if os.path.isfile(word):
        raise ValueError(f"{message}; it is a file: btfmmap info {word}")
    from difflib import get_close_matches

    lower = word.lower()
    close = get_close_matches(_OTHER_WORDS.get(lower, lower), COMMANDS, n=1)
    advice = f"btfmmap show {word} shows a type" if word.isidentifier() else "btfmmap help lists the commands"
    meant = f"did you mean {close[0]}?" if close else advice
    raise ValueError(f"{message}; {meant}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: the arguments after the program name; `sys.argv[1:]` if None.

    Returns:
        The exit code, one of `exit_codes`.

    Raises:
        SystemExit: the arguments are wrong or ask for help.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        try:
            words = _translated(words) or ["info"]
            _check_commands(words)
        except ValueError as error:
            from .argparse_cli import parser_of

            parser_of(COMMANDS).error(str(error))
        run, args = _parsed(words)
        if sys.stdout is None and getattr(args, "output", None) in (None, "-"):  # the caller closed it
            return _fail("standard output is closed", WRONG_INPUT)
        code = run(args)
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_stdout()
        return PIPE_CLOSED
    except (WrongUsageError, InputError) as error:
        return _fail(str(error), WRONG_INPUT)
    except (BtfError, ValueError) as error:  # ValueError: a query that does not apply
        return _fail(str(error))
    except OSError as error:
        if error.filename is not None:
            return _fail(explained(error), WRONG_INPUT)
        _drop_stdout()
        return _fail(f"standard output: {error.strerror}", WRONG_INPUT)
    return code or DONE


def run_and_exit() -> NoReturn:
    """Run the command line of this process and end it with the exit code.

    Skips the interpreter's shutdown, which takes longer than most commands.
    """
    gc.set_threshold(_COLLECTION_THRESHOLD)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # names may have letters that the stream's encoding lacks
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    code = main()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)


def _fail(message: str, code: int = WANTING) -> int:
    complain(message)
    return code


def _drop_stdout() -> None:
    """Discard buffered output, so that the interpreter's flush at exit does not fail."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
