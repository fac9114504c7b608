"""What may have been meant by a name that no type has, for error messages."""

from __future__ import annotations

import os

from .. import NotFoundError, NotSupportedError
from .type_names import spellings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .. import Btf, Kind, Type

_MAX_LISTED = 8
_MAX_CLOSE = 3
_MAX_CONSIDERED = 50  # similar names; some may be of other kinds
_MAX_COMPARED_LENGTH = 128
_MAX_COMPARED = 10_000
_GLOB = "*?["
_ENDINGS = ("_struct", "_t", "_info", "_ops")  # that C code gives to the names of types
_KEYWORDS = ("struct", "union", "enum", "func", "typedef", "var")


def no_type(text: str, kinds: Sequence[Kind] = (), *, or_enumerator: bool = False) -> NotFoundError:
    """The error that there is no type of a name, without more."""
    of_kind = f" of kind {' or '.join(kind.name for kind in kinds)}" if kinds else ""
    return NotFoundError(f"no type{of_kind}{' or enumerator' if or_enumerator else ''} named {text!r}")


def not_found(
    btf: Btf, text: str, kinds: Sequence[Kind] = (), *, or_enumerator: bool = False
) -> NotFoundError:
    """The error that there is no type of a name. Names what may have been meant.

    Args:
        btf: Where the name was looked up.
        text: The name, perhaps after a keyword.
        kinds: The kinds that the type could have; empty for all kinds.
        or_enumerator: Whether it could also have been the name of an enumerator.
    """
    if not text.strip():
        return NotFoundError("the name is empty")
    if listing := _matching(btf, text, kinds, "match"):
        return NotFoundError(f"{text!r} is not one name; {listing}")
    name = next(iter(spellings(text)), "")
    if not name or name in _KEYWORDS:
        return NotFoundError(f"the name is missing in {text!r}")
    message = str(no_type(text, kinds, or_enumerator=or_enumerator))
    if os.path.isfile(text):
        return NotFoundError(f"{message}; {text} is a file: write -f {text}, and TYPE before it")
    if (owner := _unknown_owner(btf, name)) is not None:
        return not_found(btf, owner)
    bare = name.rpartition(" ")[2]
    others = btf.candidates(bare)[:_MAX_LISTED]
    if others:  # the keyword or kind does not match
        named = zip(btf.kind_names(others), others, strict=True)
        listed = [f"{kind.lower()} {bare} [{type_id}]" for kind, type_id in named]
        return NotFoundError(f"{message}; there is {', '.join(listed)}")
    owners = _child_of(btf, bare)
    close = close_names(
        btf,
        name,
        kinds,
        extended_only=bool(owners) or bare.endswith("_"),
        or_enumerator=or_enumerator,
    )
    starting = "" if owners else _matching(btf, f"{name}*", kinds, "start with it")
    return NotFoundError("; ".join(filter(None, (message, close, owners, starting))))


def quoted(text: str) -> str:
    """A word as the shell takes it."""
    from shlex import quote

    return quote(text)


def variable_advice(btf: Btf, text: str) -> str:
    """What to do if a path such as "skb.len" starts with a variable; "" if it starts with a type."""
    owner = _unknown_owner(btf, next(iter(spellings(text)), ""))
    if owner is None:
        return ""
    words = f"{quoted(text.rstrip('; '))} --variable {quoted(f'{owner}=struct TYPE *')}"
    return f"if {owner} is a variable, state its type: btfmmap path {words}"


def _unknown_owner(btf: Btf, name: str) -> str | None:
    """The start of a path such as "skb.len", if it is not a type; None for other names."""
    owner, dot, _ = name.partition(".")
    owner = owner.partition("[")[0]
    return owner if dot and owner.isidentifier() and not btf.find_all(owner) else None


def _matching(btf: Btf, glob: str, kinds: Sequence[Kind], how: str) -> str:
    """Return which command lists the types that match a glob, as a part of a message; "" if none does."""
    if not any(letter in glob for letter in _GLOB):
        return ""
    try:
        count = sum(len(btf.match(glob, kind)) for kind in kinds or (None,))
    except ValueError:
        return ""
    of_kind = "".join(f" --kind {kind.name.lower()}" for kind in kinds)
    verb = how if count > 1 else how.replace("match", "matches").replace("start", "starts")
    which = "the one" if count == 1 else f"the {count:,}"
    return f"btfmmap find {quoted(glob)}{of_kind} lists {which} that {verb}" if count else ""


def _child_of(btf: Btf, name: str) -> str:
    """Return which types have an enumerator or a member of this name, as a part of a message; "" if none."""
    found = [
        f"an enumerator of {parent_text(enum)}, value {enumerator.value}"
        for enum, enumerator in btf.find_enumerators(name)
    ]
    found += [f"a member of {parent_text(parent)}" for parent, _ in btf.find_members(name)]
    found = list(dict.fromkeys(found))
    if not found:
        return ""
    more = len(found) - _MAX_LISTED
    return f"it is {', '.join(found[:_MAX_LISTED])}{f' and {more:,} more' if more > 0 else ''}"


def parent_text(parent: Type) -> str:
    """A type with its kind and id."""
    return f"{parent.kind.name.lower()} {parent.name or '(anon)'} [{parent.id}]"


def close_names(
    btf: Btf,
    text: str,
    kinds: Sequence[Kind] = (),
    *,
    extended_only: bool = False,
    or_enumerator: bool = False,
) -> str:
    """Similar names as a part of a message about an unknown name; "" if there are none.

    First come those with an ending that is usual for types: "task_struct" for "task".

    Args:
        btf: Where the name was looked up.
        text: The name, perhaps after a keyword.
        kinds: The kinds that the type could have; empty for all kinds.
        extended_only: Name only those with such an ending.
        or_enumerator: Whether to name enumerators as well.
    """
    keyword, space, bare = text.rpartition(" ")
    if len(bare) > _MAX_COMPARED_LENGTH:
        return ""
    close = [bare.rstrip("_") + ending for ending in _ENDINGS]
    if not extended_only:
        close += similar_names(bare, _names(btf, enumerators=or_enumerator))
    if keyword not in _KEYWORDS:
        keyword = space = ""
    close = [
        each
        for each in dict.fromkeys(close)
        if any(btf.find_all(f"{keyword}{space}{each}", kind) for kind in kinds or (None,))
        or (or_enumerator and btf.find_enumerators(each))
    ]
    return f"close to it: {', '.join(close[:_MAX_CLOSE])}" if close else ""


def _names(btf: Btf, *, enumerators: bool) -> list[str]:
    """The different names of types, and of enumerators."""
    try:
        names = dict.fromkeys(name for level in _levels(btf) for name in level.names() if name)
        if enumerators:
            kinds = btf.kind_names(range(len(btf)))
            enums = (btf[number] for number, kind in enumerate(kinds) if kind in ("ENUM", "ENUM64"))
            names.update(dict.fromkeys(each.name for enum in enums for each in enum.enumerators if each.name))
    except NotSupportedError:  # the names exceed 1 GiB
        return []
    return [*names]


def similar_names(bare: str, names: Sequence[str]) -> list[str]:
    """The names that are most similar to one, the best first. Capital letters do not matter."""
    import difflib
    from itertools import islice

    # Comparing all names takes seconds. Similar names have similar lengths, and share a part or their start.
    bare = bare.lower()
    similar = (
        (lower, name)
        for name, lower in zip(names, map(str.lower, names), strict=True)
        if len(name) <= 2 * len(bare)
        and (
            bare[:3] in lower
            or lower[:3] in bare
            or (lower[0] == bare[:1] and abs(len(name) - len(bare)) <= 2)
        )
    )
    spelled = dict(islice(similar, _MAX_COMPARED))
    found = difflib.get_close_matches(bare, spelled, n=_MAX_CONSIDERED, cutoff=0.7)
    return [spelled[each] for each in found]


def _levels(btf: Btf) -> list[Btf]:
    levels = [btf]
    while (base := levels[-1].base) is not None:
        levels.append(base)
    return levels
