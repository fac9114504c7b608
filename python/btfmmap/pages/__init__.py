"""Pages in HTML that need nothing else: `struct_page`, `holes_page`, `check_page`, `diff_page`.

Each function returns the text of a page with a picture, a table, a filter and tooltips. A page loads nothing
from the network, is readable without JavaScript, and follows the reader's choice of light or dark. What names
contain is escaped.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .checks import check_page
    from .diffs import diff_page
    from .holes import holes_page
    from .structs import struct_page, struct_svg

__all__ = ["check_page", "diff_page", "holes_page", "struct_page", "struct_svg"]

# Imported on first use: some need numpy.
_LAZY = {
    "check_page": "checks",
    "diff_page": "diffs",
    "holes_page": "holes",
    "struct_page": "structs",
    "struct_svg": "structs",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        module = __import__(
            f"{__name__}.{_LAZY[name]}", fromlist=[name]
        )  # importing importlib would be slower
        value = getattr(module, name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
