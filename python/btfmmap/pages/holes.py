"""The page of the structs that waste the most bytes."""

from __future__ import annotations

from ..html.text import escaped, isolated, printable
from .document import FILTER, HATCH_PATTERN, code, document, number, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..btf import Btf

    Rows = list[dict[str, int | str]]

_COLUMNS = ("waste", "size", "members", "holes", "hole_bytes", "bit_holes", "padding", "cachelines", "id")
_MAX_BARS = 1000


def holes_page(btf: Btf, top: int = 50) -> str:
    """Return a page with the structs and unions that waste the most bytes in holes and padding.

    Args:
        btf: The BTF.
        top: Number of types.

    Returns:
        A whole document in HTML, with a bar for each type and a table with the columns of `Btf.wasteful`.

    Raises:
        ValueError: `top` is negative.

    Example:
        >>> "flow" in btfmmap.pages.holes_page(btf)
        True
    """
    rows = btf.wasteful(top)
    return document(f"Holes and padding: {len(rows):,} types that waste most", _parts(rows))


def _parts(rows: Rows) -> Iterator[str]:
    yield "<p>Holes are gaps between members, padding follows the last one. Waste is the sum, in bytes.</p>\n"
    items = "".join(
        f'<li><svg width="22" height="16" aria-hidden="true">{HATCH_PATTERN}<g class="{kind}">'
        f'<rect x="1" y="1" width="20" height="14"/></g></svg> {word}</li>'
        for word, kind in (("used", "struct"), ("holes", "hole"), ("padding", "padding"))
    )
    yield f'<p>A bar is the whole type. The number is its waste.</p>\n<ul class="key">{items}</ul>\n'
    yield FILTER
    bars = "".join(_bars(rows[:_MAX_BARS]))
    yield f'<h2>Waste of each type</h2>\n<ul class="bars" aria-label="waste of each type">\n{bars}</ul>\n'
    heads = ("name", *(name.replace("_", " ") for name in _COLUMNS))
    yield table("Types", heads, _rows(rows))


def _bars(rows: Rows) -> Iterator[str]:
    for at, row in enumerate(rows):
        holes, padding, size = int(row["hole_bytes"]), int(row["padding"]), max(int(row["size"]), 1)
        name = str(row["name"]) or "(anon)"
        tip = f"{printable(name)}: {holes:,} bytes of holes, {padding:,} of padding, size {size:,}"
        left = 0.0
        parts = []
        for bytes_, kind in ((size - holes - padding, "struct"), (holes, "hole"), (padding, "padding")):
            share = 100 * bytes_ / size
            parts.append(f'<g class="{kind}"><rect x="{left:.2f}%" width="{share:.2f}%" height="100%"/></g>')
            left += share
        yield (
            f'<li data-m="{at}" title="{escaped(tip, 200)}"><span class="c">{isolated(name)}</span>'
            f'<span class="n">{row["waste"]:,}</span><svg aria-hidden="true">{"".join(parts)}</svg></li>\n'
        )


def _rows(rows: Rows) -> Iterator[tuple[int, Sequence[str]]]:
    for at, row in enumerate(rows):
        numbers = (number(int(row[column])) for column in _COLUMNS)
        yield at, [code(str(row["name"]) or "(anon)"), *numbers]
