"""What errors say of a path that starts with an enum."""

from __future__ import annotations

from .. import Kind, NotFoundError
from .suggestions import parent_text, similar_names
from .type_names import spellings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .. import Btf

_MAX_CLOSE = 3
_MAX_TYPEDEFS = 64  # they may form a cycle
_MAX_LENGTH = 128  # of names that are compared


def not_a_member(btf: Btf, type_id: int, text: str) -> NotFoundError | None:
    """The error that a path, such as "pid_type.PIDTYPE_PID", does not name a member.

    Args:
        btf: Where the path was looked up.
        type_id: The type that the path starts with.
        text: The path.

    Returns:
        The error; None if the type is neither an enum nor a typedef of one.
    """
    enum = btf[type_id]
    for _ in range(_MAX_TYPEDEFS):
        if enum.kind != Kind.TYPEDEF or enum.type is None:
            break
        enum = enum.type
    if enum.kind not in (Kind.ENUM, Kind.ENUM64):
        return None
    owner, _, name = spellings(text)[0].partition(".")
    values = dict(enum.enumerators)
    if name in values:
        where = f"an enumerator of {parent_text(enum)}, value {values[name]}"
        return NotFoundError(f"no type named {text!r}; it is {where}")
    known = [each for each in values if 0 < len(each) <= _MAX_LENGTH]
    close = similar_names(name, known)[:_MAX_CLOSE] if len(name) <= _MAX_LENGTH else []
    message = f"{f'enum {enum.name}' if enum.name else owner} has no enumerator {name!r}"
    return NotFoundError(f"{message}; close to it: {', '.join(close)}" if close else message)
