"""Tables with a column for each kernel."""

from __future__ import annotations

from ..html.text import isolated
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
    heads = "".join(f'<th scope="col"><span>{isolated(name, _HEAD)}</span></th>' for name in kernels)
    body = "".join(
        f'<tr data-m="{number}"><th scope="row">{isolated(label)}</th>{"".join(cells)}</tr>\n'
        for number, label, cells in rows
    )
    return scrolled(
        caption,
        f'<table class="matrix"><caption>{isolated(caption)}</caption><thead><tr><th scope="col">'
        f"{isolated(what)}</th>{heads}</tr></thead><tbody>\n{body}</tbody></table>",
    )
