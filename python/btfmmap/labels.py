"""Labels that tell things apart whose names are equal."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def labels_of_files(names: Sequence[str], paths: Sequence[str]) -> list[str]:
    """Return the names of files, or the paths of different files with one name; no two are equal.

    Args:
        names: The names.
        paths: For each the path; empty for a buffer.
    """
    found: dict[str, set[str]] = {}
    for name, path in zip(names, paths, strict=True):
        found.setdefault(name, set()).add(path)
    return distinct(
        [(path or name) if len(found[name]) > 1 else name for name, path in zip(names, paths, strict=True)]
    )


def distinct(texts: Sequence[str]) -> list[str]:
    """Return the texts, with a number from 2 appended to each that repeats an earlier one."""
    taken = set(texts)
    seen: dict[str, int] = {}
    labels = []
    for text in texts:
        number = seen.get(text, 0) + 1
        label = text
        if number > 1:
            while (label := f"{text} #{number}") in taken:
                number += 1
            taken.add(label)
        seen[text] = number
        labels.append(label)
    return labels
