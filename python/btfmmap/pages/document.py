"""What all pages have: the frame, regions that scroll, tables and their cells."""

from __future__ import annotations

from ..html.text import escaped, isolated
from .script import SCRIPT, SCRIPT_HASH
from .style import STYLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Row = tuple[int | None, Sequence[str]]

MAX_ROWS = 5000
"""Rows of a table; a page with more would be slow to filter."""

HATCH_PATTERN = (
    '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect width="6" height="6"/><path d="M-1 7L7 -1M-1 1L1 -1M5 7L7 5"/></pattern>'
    '<pattern id="cross" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect width="6" height="6"/><path d="M0 0L6 6M0 6L6 0"/></pattern></defs>'
)
FILTER = (
    '<p id="controls" hidden><label for="filter">Filter</label> '
    '<input id="filter" type="search" autocomplete="off" spellcheck="false"> '
    '<span id="count" class="faint" role="status"></span></p>'
)


def document(title: str, parts: Iterable[str]) -> str:
    """Return a page.

    Args:
        title: The title, which is escaped here.
        parts: The body after the title, in HTML.
    """
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src '{SCRIPT_HASH}'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{isolated(title, 400)}</h1>\n{''.join(parts)}</main>\n<script>{SCRIPT}</script>\n"
        "</body>\n</html>\n"
    )


def scrolled(label: str, content: str, style: str = "") -> str:
    """Return content that may be wider than the page, in a region of its own that scrolls."""
    attributes = f'class="wide {style}" role="region" tabindex="0" aria-label="{escaped(label)}"'
    return f"<div {attributes}>{content}</div>\n"


def table(
    caption: str,
    heads: Sequence[str],
    rows: Iterable[Row],
) -> str:
    """Return a table in a region that scrolls. On a narrow screen, its rows are lists of cells with labels.

    Args:
        caption: Its title.
        heads: The titles of the columns: at most `COLUMNS`, and constant words, as a style contains them.
        rows: For each the number that it shares with parts of the picture, or None if the filter does not
            concern it; and its cells: from `number`, `text`, `code` or `marked`.
    """
    return scrolled(caption, "".join(_table(caption, heads, rows)))


def _table(caption: str, heads: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    labels = ";".join(f"--h{number}:'{head}'" for number, head in enumerate(heads, 1))
    yield f'<table class="stacked" style="{labels}"><caption>{isolated(caption)}</caption><thead><tr>'
    for head in heads:
        yield f'<th scope="col">{head}</th>'
    yield "</tr></thead><tbody>\n"
    for mark, cells in rows:
        data = "" if mark is None else f' data-m="{mark}"'
        yield f"<tr{data}>{''.join(cells)}</tr>\n"
    yield "</tbody></table>"


def number(value: int) -> str:
    """Return a cell with a number."""
    return f'<td class="n">{value:,}</td>'


def text(value: str, limit: int = 400) -> str:
    """Return a cell with text."""
    return f"<td>{isolated(value, limit)}</td>"


def code(value: str, limit: int = 200) -> str:
    """Return a cell with C or a name."""
    return f'<td class="c">{isolated(value, limit)}</td>'


def marked(value: str, mark: str, tip: str = "") -> str:
    """Return a cell with a word in the colour of "good", "doubtful", "bad" or "none", and a tooltip."""
    title = f' title="{escaped(tip, 400)}"' if tip else ""
    return f'<td class="{mark}"{title}>{isolated(value)}</td>'


def left_out(rows: int) -> str:
    """Return a sentence if a table has more rows than are shown; otherwise nothing."""
    if rows <= MAX_ROWS:
        return ""
    return f"<p>{rows - MAX_ROWS:,} more rows are left out, and the filter does not find them.</p>\n"
