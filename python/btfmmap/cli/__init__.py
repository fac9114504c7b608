"""The command `btfmmap`: one file a command, each over the public API only."""

from __future__ import annotations

import argparse
import os
import sys

from .. import BtfError, __version__
from . import at, doctor, dtype, find, holes, info, loaded, show, users

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

# A command's module has a docstring (its help; the first line stands in the list of commands),
# add_arguments(parser), and run(args), which may return an exit code.
COMMANDS: dict[str, Any] = {
    "info": info,
    "show": show,
    "find": find,
    "users": users,
    "holes": holes,
    "at": at,
    "dtype": dtype,
    "loaded": loaded,
    "doctor": doctor,
}

OK = 0
FAILED = 1
# As a shell reports a process that SIGINT or SIGPIPE ended.
INTERRUPTED = 130
PIPE_CLOSED = 141


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"btfmmap: {message} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="btfmmap",
        description="The Linux kernel's type information (BTF), mapped and indexed. "
        "Without a command: info on the running kernel.",
    )
    parser.add_argument("--version", action="version", version=f"btfmmap {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, command in COMMANDS.items():
        assert command.__doc__ is not None
        subparser = commands.add_parser(
            name,
            help=command.__doc__.partition("\n")[0],
            description=command.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 1 for an error, 2 for wrong usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        args = _parser().parse_args(words or ["info"])
        if not hasattr(args, "run"):
            _parser().error("a command is missing")
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
