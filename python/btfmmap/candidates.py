"""`Btf.candidates`: the types that a name may mean, if several have it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .btf import Btf

_COMPOSITE = ("STRUCT", "UNION")
_WITH_PARTS = (*_COMPOSITE, "ARRAY")
_WITH_VALUES = (*_WITH_PARTS, "ENUM", "ENUM64", "INT", "FLOAT", "PTR")
_VARIABLES = ("VAR", "DATASEC")

# The kinds that each query takes, after typedefs and qualifiers are resolved. None takes FUNC or FWD.
_SUITABLE = {
    "layout": _COMPOSITE,
    "records": _COMPOSITE,
    "find_member": _COMPOSITE,
    "at": _WITH_PARTS,
    "at_each": _WITH_PARTS,
    "dtype": _WITH_VALUES,
    "ctypes": _WITH_VALUES,
    "format": _WITH_VALUES + _VARIABLES,
    # Other kinds have users too, but no type embeds, points to, takes or returns a FUNC.
    "users": _WITH_VALUES,
}
# Kinds that declare or annotate a name, but do not define it.
_DECLARATIONS = ("FWD", "DECL_TAG", "TYPE_TAG")


def candidates(btf: Btf, name: str, question: str | None = None) -> list[int]:
    """Return the IDs of the types that a name may mean in a query; see `Btf.candidates`."""
    if question is not None and question not in _SUITABLE:
        raise ValueError(f"question is {question!r}, must be None or one of {', '.join(_SUITABLE)}")
    ids = btf.find_all(name)
    if len(ids) < 2:
        return ids
    kinds = btf.kind_names(ids)
    # A typedef in a cycle resolves to itself.
    found = btf._core_layout.resolve(ids)[:]
    below = [type_id if its < 0 else its for type_id, its in zip(ids, found, strict=True)]
    rows: list[int] = []
    if question is not None:
        rows = _by_preference(kinds, btf.kind_names(below), _SUITABLE[question])
    if not rows:
        rows = [row for row, kind in enumerate(kinds) if kind not in _DECLARATIONS] or list(range(len(ids)))
    same_answer = question not in (None, "users")  # for all types that resolve to the same one
    distinct: dict[int, int] = {}
    for row in rows:
        is_alias = same_answer or below[row] in distinct
        distinct.setdefault(below[row] if is_alias else ids[row], ids[row])
    return list(distinct.values())


def _by_preference(kinds: list[str], below_kinds: list[str], suitable: tuple[str, ...]) -> list[int]:
    """Return the rows of suitable types.

    Structs and unions come first, then typedefs of them, other typedefs, other types with values, and
    variables.
    """
    ranked = [
        ((kind not in _COMPOSITE, below not in _COMPOSITE, kind != "TYPEDEF", kind in _VARIABLES), row)
        for row, (kind, below) in enumerate(zip(kinds, below_kinds, strict=True))
        if below in suitable and kind not in _DECLARATIONS
    ]
    return [row for _, row in sorted(ranked)]
