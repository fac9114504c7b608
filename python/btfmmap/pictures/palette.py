"""Colours of pictures and pages. All are light and have dark text, so that they suit light and dark pages.

People with colour vision deficiencies can tell neighbours apart. No meaning depends on a colour: kinds of
members have letters, holes are hatched, and statuses are written.
"""

from __future__ import annotations

TEXT = "#111111"
"""Text and edges on a colour."""

OF_CATEGORIES = {
    "pointer": "#9ad0f2",
    "integer": "#f6cf7d",
    "float": "#f3b5a3",
    "enum": "#c9e29a",
    "struct": "#86d3b8",
    "union": "#d9b6df",
    "array": "#f4ee9c",
    "other": "#cfcfcf",
}
"""The colours of the categories of members."""

GOOD = "#a5d8f3"
DOUBTFUL = "#f5e27a"
BAD = "#eb8a5c"
NONE = "#d9d9d9"
HATCH = "#8a8a8a"
"""The lines of holes and padding."""
