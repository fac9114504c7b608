"""Parses fully spelled arguments without argparse, whose import takes as long as starting the interpreter.

Accepts a subset of what argparse accepts, with the same result. Everything else raises `NeedsArgparse`:
abbreviations, `--option=value`, --help and all errors. argparse then parses the arguments again.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


class Arguments:
    """The parsed arguments, in place of argparse.Namespace."""


class NeedsArgparse(Exception):  # noqa: N818 (not an error: argparse parses the arguments instead)
    """The arguments are outside the subset that `FastParser` accepts."""


class Group:
    """Mutually exclusive arguments, as in argparse."""

    def __init__(self, parser: FastParser) -> None:
        self.parser = parser
        self.given = False

    def add_argument(self, *names: str, **settings: Any) -> None:
        """Add an argument to the group."""
        self.parser.add(self, names, settings)


class _Argument:
    def __init__(self, group: Group | None, names: Sequence[str], settings: dict[str, Any]) -> None:
        long = next((name for name in names if name.startswith("--")), names[0])
        self.dest = long.lstrip("-").replace("-", "_")
        self.group = group
        self.action: str = settings.get("action", "store")
        self.default = settings.get("default", False if self.action == "store_true" else None)
        self.convert: Callable[[str], Any] = settings.get("type") or str
        self.choices = settings.get("choices")
        self.count: str | None = settings.get("nargs")

    def value(self, word: str) -> Any:
        try:
            value = self.convert(word)
        except Exception as error:  # argparse reports it
            raise NeedsArgparse from error
        if self.choices is not None and value not in self.choices:
            raise NeedsArgparse
        return value

    def enter_group(self) -> None:
        if self.group is not None:
            if self.group.given:
                raise NeedsArgparse
            self.group.given = True


class FastParser:
    """The part of argparse.ArgumentParser that the commands' `add_arguments` functions use."""

    def __init__(self) -> None:
        self.options: dict[str, _Argument] = {}
        self.positionals: list[_Argument] = []

    def add(self, group: Group | None, names: Sequence[str], settings: dict[str, Any]) -> None:
        """Add an argument, optionally to a group."""
        argument = _Argument(group, names, settings)
        if names[0].startswith("-"):
            self.options.update(dict.fromkeys(names, argument))
        else:
            self.positionals.append(argument)

    def add_argument(self, *names: str, **settings: Any) -> None:
        """Add an argument."""
        self.add(None, names, settings)

    def add_mutually_exclusive_group(self) -> Group:
        """Add a group of mutually exclusive arguments."""
        return Group(self)

    def parse(self, words: Sequence[str]) -> Arguments:
        """Parse a command's arguments.

        Raises:
            NeedsArgparse: Only argparse can decide.
        """
        arguments = Arguments()
        for argument in (*self.options.values(), *self.positionals):
            setattr(arguments, argument.dest, argument.default)
        plain: list[str] = []
        rest = iter(words)
        ended = False  # argparse requires positionals to be contiguous
        for word in rest:
            if word == "--":
                after = list(rest)
                if plain or not after or "--" in after:
                    raise NeedsArgparse  # versions of argparse differ
                plain = after
            elif word.startswith("-") and word != "-":
                ended = bool(plain)
                self.take_option(arguments, word, rest)
            elif ended:
                raise NeedsArgparse
            else:
                plain.append(word)
        self.take_positionals(arguments, plain)
        return arguments

    def take_option(self, arguments: Arguments, word: str, rest: Any) -> None:
        """Store the value of an option, taken from the words that follow."""
        option = self.options.get(word)
        if option is None:
            raise NeedsArgparse
        option.enter_group()
        if option.action == "store_true":
            setattr(arguments, option.dest, True)
            return
        text = next(rest, "-")
        if text.startswith("-") or option.count is not None:
            raise NeedsArgparse
        value = option.value(text)
        if option.action == "append":
            value = [*(getattr(arguments, option.dest) or ()), value]
        elif option.action != "store":
            raise NeedsArgparse
        setattr(arguments, option.dest, value)

    def take_positionals(self, arguments: Arguments, words: list[str]) -> None:
        """Store the values of the positional arguments."""
        for argument in self.positionals:
            if argument.count in ("+", "*"):
                taken = [argument.value(word) for word in words]
                words = []
                if argument.count == "+" and not taken:
                    raise NeedsArgparse
                if taken or argument.default is None:
                    setattr(arguments, argument.dest, taken)
            elif words:
                argument.enter_group()
                setattr(arguments, argument.dest, argument.value(words.pop(0)))
            elif argument.count != "?":
                raise NeedsArgparse
        if words:
            raise NeedsArgparse
