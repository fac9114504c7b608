"""Outlines of regular expressions: sequences of characters that each matching name has.

The core compares all names with an outline, and leaves to `re` only the names that pass. An outline
describes plain names: ASCII without a newline. `re` decides on all others.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType
    from typing import Any

    Outline = tuple[list[list[str | None]], bool]
    _Node = tuple[Any, Any]  # an operation and its operands

_PLAIN = "".join(map(chr, (*range(1, ord("\n")), *range(ord("\n") + 1, 128))))
_MAX_SEQUENCES = 16
_MAX_ITEMS = 256  # of one sequence
_CLASSES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}
_TYPE_FLAGS = re.ASCII | re.LOCALE | re.UNICODE


class _Chars(NamedTuple):
    """One of some characters."""

    chars: str


class _Repeat(NamedTuple):
    """Any number of some characters, or fewer than a maximum."""

    chars: str
    bounded: bool


class _Gap(NamedTuple):
    """Any text."""


class _Start(NamedTuple):
    """The start of the name."""


class _End(NamedTuple):
    """The end of the name."""


if TYPE_CHECKING:
    _Sequence = list[_Chars | _Repeat | _Gap | _Start | _End]


def outline(expression: re.Pattern[str]) -> Outline:
    """Return the outline of a regular expression: sequences, and whether they are exact.

    A plain name in which `expression.search` finds a match also matches one of the sequences. If the
    sequences are exact, the converse is true too. A sequence describes a whole name. Each item is a string of
    the characters that may follow, or None for any text.
    """
    try:
        parser = _parser()
        outliner = _Outliner()
        sequences = outliner.sequences(parser.parse(expression.pattern, 0), expression.flags)
        return [outliner.whole(sequence) for sequence in sequences], outliner.exact
    except (ImportError, KeyError, RecursionError):
        return [[None]], False


def _parser() -> ModuleType:
    from importlib import import_module

    return import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")


class _Outliner:
    """Converts the tree that the parser of `re` returns. What it does not know is any text."""

    def __init__(self) -> None:
        self.exact = True

    def sequences(self, nodes: Iterable[_Node], flags: int) -> list[_Sequence]:
        """Return the sequences that successive nodes of the tree match."""
        found: list[_Sequence] = [[]]
        for op, value in nodes:
            found = self.joined(found, self.node(str(op), value, flags))
        return found

    def joined(self, left: list[_Sequence], right: list[_Sequence]) -> list[_Sequence]:
        if len(left) * len(right) > _MAX_SEQUENCES:
            right = self.any_text()
        if max(map(len, left)) + max(map(len, right)) > _MAX_ITEMS:
            return self.any_text()
        return [one + other for one in left for other in right]

    def any_text(self) -> list[_Sequence]:
        self.exact = False
        return [[_Gap()]]

    def node(self, op: str, value: Any, flags: int) -> list[_Sequence]:
        if (chars := self.chars(op, value, flags)) is not None:
            return [[_Chars(chars)]]
        match op:
            case "AT":
                return self.anchor(str(value))
            case "ASSERT" | "ASSERT_NOT":
                self.exact = False
                return [[]]
            case "SUBPATTERN":
                _, added, removed, nodes = value
                if added & _TYPE_FLAGS:
                    flags &= ~_TYPE_FLAGS
                return self.sequences(nodes, (flags | added) & ~removed)
            case "BRANCH":
                branches = [one for nodes in value[1] for one in self.sequences(nodes, flags)]
                return branches if len(branches) <= _MAX_SEQUENCES else self.any_text()
            case "MAX_REPEAT" | "MIN_REPEAT":
                return self.repeat(value, flags)
            case "POSSESSIVE_REPEAT":
                self.exact = False
                return self.repeat(value, flags)
            case "ATOMIC_GROUP":
                self.exact = False
                return self.sequences(value, flags)
            case _:
                return self.any_text()

    def anchor(self, place: str) -> list[_Sequence]:
        # Plain names have no lines.
        if place in ("AT_BEGINNING", "AT_BEGINNING_STRING"):
            return [[_Start()]]
        if place in ("AT_END", "AT_END_STRING"):
            return [[_End()]]
        self.exact = False
        return [[]]

    def repeat(self, value: tuple[int, int, Iterable[_Node]], flags: int) -> list[_Sequence]:
        least, most, nodes = value[0], value[1], list(value[2])
        chars = self.chars(str(nodes[0][0]), nodes[0][1], flags) if len(nodes) == 1 else None
        if chars is None:
            item = self.sequences(nodes, flags)
            if not all(any(isinstance(each, _Chars) for each in one) for one in item):
                self.exact = False  # the item may be empty
            rest = None
        else:
            item, rest = [[_Chars(chars)]], _Repeat(chars, bounded=str(most) != "MAXREPEAT")
        if (least, most) == (0, 1) and len(item) < _MAX_SEQUENCES:
            return [*item, []]
        found: list[_Sequence] = [[]]
        for _ in range(min(least, _MAX_ITEMS)):
            found = self.joined(found, item)
        if least == most <= _MAX_ITEMS:
            return found
        return self.joined(found, self.any_text() if rest is None else [[rest]])

    def chars(self, op: str, value: Any, flags: int) -> str | None:
        """Return the plain characters that a node matches; None if it is not a set of characters."""
        match op:
            case "ANY":
                return _PLAIN
            case "LITERAL":
                source = _escaped(value)
            case "NOT_LITERAL":
                source = f"^{_escaped(value)}"
            case "IN":
                source = "".join(_in_brackets(str(kind), item) for kind, item in value)
            case _:
                return None
        return "".join(re.findall(f"[{source}]", _PLAIN, flags & (re.ASCII | re.IGNORECASE)))

    def whole(self, sequence: _Sequence) -> list[str | None]:
        """Return a sequence that describes whole names: a match may be preceded and followed by any text."""
        items, start, end = sequence, False, False
        while items and isinstance(items[0], _Start):
            items, start = items[1:], True
        while items and isinstance(items[-1], _End):
            items, end = items[:-1], True
        if not start:
            items = [_Gap(), *_without_repeat(items)]
        if not end:
            items = [*_without_repeat(items[::-1])[::-1], _Gap()]
        found: list[str | None] = []
        for item in items:
            match item:
                case _Chars(chars):
                    found.append(chars)
                case _Gap():
                    found.append(None)
                case _Repeat(chars, bounded):
                    found.append(None)
                    self.exact = self.exact and chars == _PLAIN and not bounded
                case _:
                    self.exact = False  # an anchor within the expression
        return found


def _without_repeat(items: _Sequence) -> _Sequence:
    """Remove repeats at the start, where any text precedes them: fewer repetitions match too."""
    while items:
        # x{2,} is xxx*: its repeat comes after characters that equal those repeated.
        end = next((at for at, item in enumerate(items) if item != items[0]), len(items))
        at = 0 if isinstance(items[0], _Repeat) else end
        found = items[at] if at < len(items) else None
        if not isinstance(found, _Repeat) or (at and items[0] != _Chars(found.chars)):
            break
        items = items[:at] + items[at + 1 :]
    return items


def _in_brackets(kind: str, item: Any) -> str:
    match kind:
        case "NEGATE":
            return "^"
        case "LITERAL":
            return _escaped(item)
        case "RANGE":
            return f"{_escaped(item[0])}-{_escaped(item[1])}"
        case _:
            return _CLASSES[str(item)]


def _escaped(character: int) -> str:
    return f"\\U{character:08x}"
