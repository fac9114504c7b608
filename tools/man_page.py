"""The manual page, btfmmap(1)."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Sequence

from command_parsers import Argument, Command, commands, full_parser, signature, synopsis

import btfmmap
from btfmmap.cli import exit_codes


def _escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-")


def _line(text: str) -> str:
    """A line of text. roff takes one that starts with a period or an apostrophe as a request."""
    return f"\\&{_escaped(text)}" if text.startswith((".", "'")) else _escaped(text)


def _paragraph(text: str) -> Iterator[str]:
    """A paragraph of a help text. Indented ones are examples."""
    if text.startswith(" "):
        yield from (".PP", ".RS 4", ".EX")
        yield from (_line(line.strip()) for line in text.splitlines())
        yield from (".EE", ".RE")
    else:
        yield ".PP"
        yield from map(_line, text.splitlines())


def _arguments(arguments: Sequence[Argument]) -> Iterator[str]:
    for argument in arguments:
        yield from (".TP", f"\\fB{_escaped(signature(argument))}\\fR", _line(argument.help))


def _command(command: Command) -> Iterator[str]:
    name = f"btfmmap {command.name}"
    yield f'.SS "{_escaped(name)}"'
    yield from (f"\\fB{_escaped(name)}\\fR{_escaped(synopsis(command).removeprefix(name))}", ".PP")
    yield _line(command.summary)
    for paragraph in command.paragraphs:
        yield from _paragraph(paragraph)
    yield from _arguments(command.positionals)
    yield from _arguments(command.options)


def _exit_status() -> Iterator[str]:
    """The exit codes, which their module describes."""
    body = ast.parse(inspect.getsource(exit_codes)).body
    for code, text in zip(body[1::2], body[2::2], strict=True):
        match code, text:
            case (
                ast.Assign(value=ast.Constant(value=int(number))),
                ast.Expr(value=ast.Constant(value=str(meaning))),
            ):
                yield from (".TP", f"\\fB{number}\\fR", _line(meaning))
            case _:
                raise AssertionError(ast.dump(code))


def man_page() -> str:
    """The text of the manual page."""
    description = full_parser().description
    assert description is not None
    lines = [
        f'.TH BTFMMAP 1 "" "btfmmap {btfmmap.__version__}" "User Commands"',
        ".SH NAME",
        "btfmmap \\- query the type information (BTF) of Linux kernels",
        ".SH SYNOPSIS",
        "\\fBbtfmmap\\fR [COMMAND] [OPTION ...] [ARGUMENT ...]",
        ".SH DESCRIPTION",
        *map(_line, description.splitlines()),
        ".TP",
        "\\fB\\-h, \\-\\-help\\fR",
        "describe btfmmap, or the command before it",
        ".TP",
        "\\fB\\-\\-version\\fR",
        "print the version",
        ".SH COMMANDS",
    ]
    for command in commands():
        lines += _command(command)
    lines += (".SH EXIT STATUS", *_exit_status())
    lines += (".SH FILES", ".TP", _line(btfmmap.KERNEL_BTF), "the BTF of the running kernel")
    lines += (".SH SEE ALSO", ".BR bpftool (8),", ".BR pahole (1)")
    return "\n".join(lines) + "\n"
