"""Reports roots that a C header does not declare."""

from __future__ import annotations

from .. import Kind
from .common import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .. import Type

_DECLARED = (Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64, Kind.FWD, Kind.TYPEDEF)
_SKIPPED = {
    Kind.FUNC: ("a function", "--root takes the types of its parameters"),
    Kind.VAR: ("a variable", "--root takes its type"),
    Kind.DATASEC: ("a section", "--root takes the types of its variables"),
    Kind.DECL_TAG: ("a tag", "--root takes the type that has it"),
}
_SHOWN_AS_C = (Kind.FUNC, Kind.VAR)


def report_undeclared(roots: Iterable[Type]) -> None:
    """Report on standard error the roots that the header does not declare, and what to do."""
    for root in roots:
        if reason := _reason(root):
            complain(reason)


def _reason(root: Type) -> str:
    """Why the header does not declare a root; "" if it does."""
    kind = root.kind
    if kind in _SKIPPED:
        what, advice = _SKIPPED[kind]
        shown = f", and btfmmap show {root.id} --c prints its declaration" if kind in _SHOWN_AS_C else ""
        return f"{root.name} is {what}, which a header does not declare: {advice}{shown}"
    if kind in (Kind.INT, Kind.FLOAT, Kind.VOID):
        return f"{root.c_name} is a type of C, which a header does not declare"
    if kind in _DECLARED and (root.name or kind in (Kind.ENUM, Kind.ENUM64)):
        return ""
    if _declares_types(root):
        return ""
    if kind in _DECLARED:
        what, advice = f"an anonymous {kind.name.lower()}", "--root takes the type around it"
    else:
        what, advice = root.c_name, "--root takes the type in it"
    return f"type {root.id} is {what}, which a header does not declare: {advice}"


def _declares_types(root: Type) -> bool:
    """Whether the header of a type without a name declares types that it needs."""
    header, empty = (root.btf.dump("c", roots=[each]) for each in (root.id, 0))
    return header != empty
