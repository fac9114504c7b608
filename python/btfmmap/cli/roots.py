"""What a `--root` names: a type, or the enum that has an enumerator."""

from __future__ import annotations

from .common import find_type, report_candidates

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .. import Btf, Type


def find_root(btf: Btf, text: str) -> Type:
    """Find a type as `find_type` does, or, if no type has the name, the enum with such an enumerator.

    An enumerator is named as in relocations, ENUM.ENUMERATOR, or alone. If several enums have it, the first
    one is taken, and standard error lists the others.

    Raises:
        NotFoundError: There is neither such a type nor such an enumerator.
    """
    if text.isdecimal() or btf.candidates(text) or not (enums := _enums_with(btf, text)):
        return find_type(btf, text, or_enumerator=True)
    report_candidates(btf, text, enums, "enums have an enumerator")
    return btf[enums[0]]


def _enums_with(btf: Btf, text: str) -> list[int]:
    """The ids of the enums that have an enumerator."""
    owner, dot, name = text.rpartition(".")
    enums = [enum.id for enum, _ in btf.find_enumerators(name)]
    if not dot:
        return enums
    owners = {*btf.find_all(owner)}
    return [enum for enum in enums if enum in owners]
