"""The command `btfmmap`: one file a command, each over the public API only."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from .. import BtfError, __version__
from .bpftool import translated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

# Each is a module of this package, with a docstring (its help; the first line stands in the list of
# commands), add_arguments(parser), and run(args), which may return an exit code. Only the one that is asked
# for is imported: each start counts.
COMMANDS = ("info", "show", "find", "users", "holes", "at", "dtype", "dump", "lint", "loaded", "doctor")

OK = 0
FAILED = 1
# As a shell reports a process that SIGINT or SIGPIPE ended.
INTERRUPTED = 130
PIPE_CLOSED = 141


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"btfmmap: {message} (see {self.prog} --help)\n")


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


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="btfmmap",
        description="The Linux kernel's type information (BTF), mapped and indexed.\n"
        "Without a command: info on the running kernel.",
        formatter_class=_Formatter,
    )
    parser.add_argument("--version", action="version", version=f"btfmmap {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name in words[:1] if words[:1] and words[0] in COMMANDS else COMMANDS:
        command = import_module(f".{name}", __name__)
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


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 1 for an error, 2 for wrong usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        try:
            words = translated(words) or ["info"]
        except ValueError as error:
            _parser(words).error(str(error))
        parser = _parser(words)
        args = parser.parse_args(words)
        if not hasattr(args, "run"):
            parser.error("a command is missing")
        code: int | None = args.run(args)
        if sys.stdout is not None:  # the caller may have closed it
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_stdout()
        return PIPE_CLOSED
    except BtfError as error:
        return _fail(str(error))
    except ValueError as error:  # a question that has no sense, such as the members of an int
        return _fail(str(error))
    except OSError as error:
        if error.filename is not None:
            return _fail(f"{os.fsdecode(error.filename)}: {error.strerror}")
        _drop_stdout()
        return _fail(f"standard output: {error.strerror}")
    return code or OK


def _fail(message: str) -> int:
    print(f"btfmmap: {message}", file=sys.stderr)
    return FAILED


def _drop_stdout() -> None:
    """Let what is still buffered go nowhere, so that the interpreter's own flush at exit stays quiet."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)
