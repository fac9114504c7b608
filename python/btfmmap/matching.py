"""`Btf.match`: finds types by a pattern of their names."""

from __future__ import annotations

from . import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .btf import Btf


def match(btf: Btf, pattern: str, kind: int | None, *, regex: bool) -> list[int]:
    """Return the IDs of the types whose name matches; see `Btf.match`."""
    if not regex:
        return _core.match_glob(btf._core, pattern, kind)
    import re

    from .outlines import outline

    expression, kinds = _core.parse_query(pattern, kind)
    try:
        compiled = re.compile(expression)
    except re.error as error:
        raise ValueError(f"{expression!r} is not a regular expression: {error}") from None
    sequences, exact = outline(compiled)
    return _core.match_expression(btf._core, compiled.search, sequences, exact, kinds)
