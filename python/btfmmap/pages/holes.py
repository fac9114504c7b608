"""The page of the structs that waste the most bytes."""

from __future__ import annotations

from ..html.text import escaped, printable
from .document import FILTER, HATCH_PATTERN, code, document, number, scrolled, table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..btf import Btf

    Rows = list[dict[str, int | str]]

_COLUMNS = ("waste", "size", "members", "holes", "hole_bytes", "bit_holes", "padding", "cachelines", "id")
_LABEL = 260  # width of names
_BAR = 480
_ROW = 20
_LETTERS = 38  # of a name
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
    bars = rows[:_MAX_BARS]
    width, height = _LABEL + _BAR + 90, _ROW * len(bars) + 2
    yield scrolled(
        "waste of each type",
        f'<svg role="img" aria-label="waste of each type; the table has the same facts" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}">{HATCH_PATTERN}{"".join(_bars(bars))}</svg>',
    )
    heads = ("name", *(name.replace("_", " ") for name in _COLUMNS))
    yield table("Types", heads, _rows(rows))


def _bars(rows: Rows) -> Iterator[str]:
    for at, row in enumerate(rows):
        top = at * _ROW + 1
        holes, padding, size = int(row["hole_bytes"]), int(row["padding"]), max(int(row["size"]), 1)
        name = printable(str(row["name"]) or "(anon)", _LETTERS)
        tip = f"{name}: {holes:,} bytes of holes, {padding:,} of padding, size {size:,}"
        yield f'<g data-m="{at}"><title>{escaped(tip, 200)}</title>'
        yield f'<text class="out" x="{_LABEL - 6}" y="{top + 14}" text-anchor="end">{escaped(name)}</text>'
        left = float(_LABEL)
        for bytes_, kind in ((size - holes - padding, "struct"), (holes, "hole"), (padding, "padding")):
            width = bytes_ / size * _BAR
            yield (
                f'<g class="{kind}"><rect x="{left:.1f}" y="{top + 2}" width="{width:.1f}" '
                f'height="{_ROW - 4}"/></g>'
            )
            left += width
        yield f'<text class="out" x="{_LABEL + _BAR + 5}" y="{top + 14}">{row["waste"]:,}</text></g>\n'


def _rows(rows: Rows) -> Iterator[tuple[int, Sequence[str]]]:
    for at, row in enumerate(rows):
        numbers = (number(int(row[column])) for column in _COLUMNS)
        yield at, [code(str(row["name"]) or "(anon)"), *numbers]
