"""Selects entities by globs of their names and by kind."""

from __future__ import annotations

from .kinds import EntityKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._core import DiffHistory

    Names = str | Iterable[str] | None
    Kinds = EntityKind | str | Iterable[EntityKind | str] | None

_KEYWORDS = {
    "struct": EntityKind.STRUCT,
    "union": EntityKind.UNION,
    "enum": EntityKind.ENUM,
    "enum64": EntityKind.ENUM,
    "func": EntityKind.FUNCTION,
    "function": EntityKind.FUNCTION,
    "typedef": EntityKind.TYPEDEF,
    "var": EntityKind.VARIABLE,
    "variable": EntityKind.VARIABLE,
    "tracepoint": EntityKind.TRACEPOINT,
    "base": EntityKind.BASE,
    "int": EntityKind.BASE,
    "type": EntityKind.BASE,
}
_GLOB = "*?["
_ALL = tuple(EntityKind)


def kinds_of(kinds: Kinds) -> frozenset[EntityKind]:
    """Return the kinds that an argument names; all of them for None.

    Raises:
        ValueError: There is no such kind.
    """
    if kinds is None:
        return frozenset(EntityKind)
    if isinstance(kinds, (str, int)):
        kinds = [kinds]
    return frozenset(_kind(each) for each in kinds)


def _kind(kind: EntityKind | str) -> EntityKind:
    if not isinstance(kind, str):
        return EntityKind(kind)
    word = kind.lower()
    for each in (word, word.removesuffix("s")):
        if each in _KEYWORDS:
            return _KEYWORDS[each]
    raise ValueError(
        f"unknown kind {kind!r}; kinds are {', '.join(each.name.lower() for each in EntityKind)}"
    )


class Selection:
    """Which entities are selected.

    Attributes:
        patterns: The globs, as they were given; None for all.
    """

    def __init__(self, names: Names = None, kinds: Kinds = None) -> None:
        self.patterns: list[str] | None = (
            None if names is None else [names] if isinstance(names, str) else [*names]
        )
        self._kinds = kinds_of(kinds)
        self._exact: set[tuple[EntityKind | None, str]] = set()
        self._globs: list[tuple[EntityKind | None, str]] = []
        for pattern in self.patterns or ():
            kind, name = split_keyword(pattern)
            if is_glob(name):
                self._globs.append((kind, name))
            else:
                self._exact.add((kind, name))

    def marks(self, history: DiffHistory) -> bytes:
        """A byte for each entity of a history: whether it is selected."""
        if self.patterns is None and len(self._kinds) == len(EntityKind):
            return bytes([1]) * len(history)
        if self.patterns is None or self._globs:
            columns = history.entities()
            kinds = map(_ALL.__getitem__, columns["kind"])
            return bytes(map(self, kinds, columns["name"]))
        marks = bytearray(len(history))
        for name in {name for _, name in self._exact}:
            for row in history.find(name):
                marks[row] = self(_ALL[history.name(row)[0]], name)
        return bytes(marks)

    def __call__(self, kind: EntityKind, name: str) -> bool:
        """Whether an entity is selected."""
        if kind not in self._kinds:
            return False
        if self.patterns is None or (kind, name) in self._exact or (None, name) in self._exact:
            return True
        if not self._globs:
            return False
        from fnmatch import fnmatchcase

        return any(fnmatchcase(name, glob) for of, glob in self._globs if of is None or of == kind)


def split_keyword(text: str) -> tuple[EntityKind | None, str]:
    """Split "struct sock" into the kind and the name; the kind is None if there is no keyword."""
    word, space, name = text.strip().partition(" ")
    if space and word in _KEYWORDS:
        return _KEYWORDS[word], name.strip()
    return None, text.strip()


def is_glob(name: str) -> bool:
    """Whether a name may match others than itself."""
    return any(letter in name for letter in _GLOB)
