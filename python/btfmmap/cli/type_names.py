"""Names of types as people type them: declarations such as "const struct sk_buff *" or "unsigned long"."""

from __future__ import annotations

_QUALIFIERS = frozenset(
    [
        "const",
        "volatile",
        "restrict",
        "__restrict",
        "__restrict__",
        "_Atomic",
        "static",
        "extern",
        "register",
        "inline",
        "__user",
        "__kernel",
        "__rcu",
        "__percpu",
        "__iomem",
    ]
)
_SIGNS = ("signed", "unsigned")
_LENGTHS = ("short", "long")


def spellings(text: str) -> list[str]:
    """Return the names to look up for a declaration, best first.

    Qualifiers, pointers, array bounds, what follows them and a semicolon are left out. The words of C's
    integers may be in any order, and "int" may be missing: GCC and Clang spell them differently in BTF.
    """
    text = text.replace("->", ".").replace("\t", " ").replace("\n", " ")
    text = text.lstrip("(& ")
    for end in "{*;()":
        text = text.partition(end)[0]
    head, bracket, bound = text.partition("[")
    if not bound.partition("]")[2].startswith("."):  # "x.array[2].member" is a path
        text = head if "." not in head else head + bracket + bound
    words = [word for word in text.split() if word not in _QUALIFIERS]
    if words and words[0] in ("struct", "union", "enum"):
        words = words[:2]  # the name of a variable may follow
    name = " ".join(words)
    return list(dict.fromkeys(filter(None, (name, *_integers(words)))))


def pointers(text: str) -> int:
    """Return the number of stars in a declaration: 1 for "struct sk_buff *skb"."""
    text = text.lstrip("(& ")
    for end in "{;)":
        text = text.partition(end)[0]
    return text.count("*")


def _integers(words: list[str]) -> list[str]:
    """The spellings by GCC and Clang of an integer type; none if the words are not those of one."""
    if not words or not {*words} <= {*_SIGNS, *_LENGTHS, "int", "char"}:
        return []
    unsigned = "unsigned " if "unsigned" in words else ""
    if "char" in words:
        return [f"{unsigned or ('signed ' if 'signed' in words else '')}char"]
    lengths = " ".join(word for word in words if word in _LENGTHS)
    if not lengths:
        return [f"{unsigned}int"]
    return [f"{lengths} {unsigned}int", f"{unsigned}{lengths}"]
