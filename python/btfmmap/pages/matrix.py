"""Tables with a column for each kernel."""

from __future__ import annotations

from ..html.text import MAX_SHOWN, isolated, printable
from ..labels import distinct
from .document import scrolled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_HEAD = 48  # letters of a kernel's name


def matrix(
    caption: str, what: str, kernels: Sequence[str], rows: Iterable[tuple[int, str, Sequence[str]]]
) -> str:
    """Return a table with a column for each kernel, whose names are written upwards.

    Args:
        caption: Its title.
        what: The title of the first column.
        kernels: The names of the kernels.
        rows: For each its number, its label, and a cell for each kernel.
    """
    heads = "".join(f'<th scope="col"><span>{name}</span></th>' for name in _cut(kernels, _HEAD))
    labelled = [*rows]
    labels = _cut([label for _, label, _ in labelled], MAX_SHOWN)
    body = "".join(
        f'<tr data-m="{number}"><th scope="row">{label}</th>{"".join(cells)}</tr>\n'
        for label, (number, _, cells) in zip(labels, labelled, strict=True)
    )
    return scrolled(
        caption,
        f'<table class="matrix"><caption>{isolated(caption)}</caption><thead><tr><th scope="col">'
        f"{isolated(what)}</th>{heads}</tr></thead><tbody>\n{body}</tbody></table>",
        "tall",
    )


def _cut(texts: Sequence[str], limit: int) -> list[str]:
    """Return texts of limited length in HTML; no two are equal."""
    return [isolated(text, len(text)) for text in distinct([printable(text, limit) for text in texts])]
