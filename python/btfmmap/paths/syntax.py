"""The syntax of expressions alone, without types."""

from __future__ import annotations

from ..kind_numbers import VOID
from .expressions import ENDS_WITH_CAST, Parser, Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def check_syntax(expression: str, variables: Mapping[str, str]) -> None:
    """Refuse what `Btf.path` refuses whatever the types are.

    Raises:
        ExpressionError: The syntax is wrong.
        TypeError: The expression is not a `str`.
    """
    for declaration in variables.values():
        _SyntaxParser(declaration).type_name("")
    parser = _SyntaxParser(expression)
    value = parser.whole()
    if value.at_hand:
        parser.fail(ENDS_WITH_CAST, 0, len(expression))


class _SyntaxParser(Parser):
    """Takes each name for one of what it should be. `at_hand` says that a value is a cast."""

    def __init__(self, text: str) -> None:
        no_btf: Any = None
        super().__init__(no_btf, text, {}, {}, None)

    def root(self, name: str, start: int) -> Value:  # noqa: ARG002
        return Value(name, "variable", name, True, None, VOID)

    def unary_or_unknown(self, depth: int, *, follows: str = "") -> Value:  # noqa: ARG002
        return self.unary(depth + 1)

    def named_type(self, name: str, start: int, end: int) -> int:  # noqa: ARG002
        return VOID

    def convert(self, value: Value, *_: object) -> None:
        value.at_hand = True

    def hold(self, value: Value, *_: object) -> None:
        value.at_hand = False

    def dereference(self, value: Value, start: int) -> None:  # noqa: ARG002
        value.at_hand = False

    def tail(self, value: Value, tail: str, places: list[int]) -> Value:
        begin = 0
        while (begin := tail.find("[", begin) + 1) > 0:
            end = tail.find("]", begin)
            index = tail[begin:end]
            if index and not (index.isdecimal() or index.isidentifier()):
                self.fail(self.bad_index(index), places[begin], places[end] + 1)
        value.at_hand = False
        return value
