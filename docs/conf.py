"""Sphinx configuration of the site. tools/site_pages.py collects its pages; docs/site.md describes it."""

from __future__ import annotations

import re
from pathlib import Path

import btfmmap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "btfmmap"
author = "The btfmmap authors"
copyright = "the btfmmap authors, MIT license"  # noqa: A001 (Sphinx reads this name)
release = version = btfmmap.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"btfmmap {release}"
html_favicon = "icon.svg"
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False

# Headings are link targets, named as on code hosts.
myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]
smartquotes = False
# Of furo's requirements; unlike most, all of their colours have the contrast that WCAG 2 asks for.
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

# In docstrings, `Btf.find` is a link if it is a public name, and code otherwise.
default_role = "py:obj"
add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {
    "members": True,
    "undoc-members": True,
    "show-inheritance": True,
    # Classes whose members are not repeated.
    "inherited-members": "object,tuple,dict,int,Enum,IntEnum,IntFlag,Exception,Table",
}
python_maximum_signature_line_length = 88
napoleon_use_ivar = True
napoleon_use_rtype = False
toc_object_entries_show_parents = "hide"


def skip_member(
    app: object, what: str, name: str, member: object, skip: bool, options: object
) -> bool | None:
    """Leave out the fields of a named tuple, which its docstring lists."""
    del app, what, name, options, skip
    return True if str(getattr(member, "__doc__", "")).startswith("Alias for field number") else None


def escape_asterisks(
    app: object, what: str, name: str, value: object, options: object, lines: list[str]
) -> None:
    """Let asterisks of C pointers stand for themselves. Examples and code stay as they are."""
    del app, what, name, value, options
    example = False
    for number, line in enumerate(lines):
        if line and not line.startswith(" "):
            example = line == "Example:"
        if not example:
            lines[number] = "".join(map(_escaped, re.split("(`[^`]*`)", line)))


def _escaped(part: str) -> str:
    if part[:1] != "`":
        return re.sub(r"(\*|_(?!\w))", r"\\\1", part)
    return f"`{part}`" if part == "`...`" else part  # no name, so not in the default role


def keep_first_line(
    app: object, what: str, name: str, value: object, options: object, lines: list[str]
) -> None:
    """Put an empty comment before a description that starts with `x: y`, which napoleon takes for a type."""
    del app, name, value, options
    if what in ("attribute", "data", "property") and lines and ":" in lines[0]:
        lines[:0] = ["..", ""]


def hide_constructor(
    app: object, what: str, name: str, value: object, options: object, signature: str, result: str
) -> tuple[str, str] | None:
    """Show the parameters of errors and of the one class that users construct."""
    del app, value, options, signature, result
    return ("", "") if what == "class" and name != "btfmmap.Builder" else None


# What axe-core finds in the pages of the theme: landmarks without a label, headings without a level, code and
# tables that are scrolled by a mouse only, a page without a heading. And what narrow screens cut.
_ACCESSIBLE = (
    ('<aside class="sidebar-drawer', '<aside aria-label="Site" class="sidebar-drawer'),
    ('<aside class="toc-drawer', '<aside aria-label="This page" class="toc-drawer'),
    ('class="caption" role="heading"', 'class="caption"'),
    ("<pre>", '<pre tabindex="0">'),
    ('<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'),
    # The columns of the index, which do not fit beside each other on a narrow screen.
    ('<td style="width: 33%;', '<td style="display: inline-block; width: min(20rem, 100%);'),
    (
        '<noscript>\n<div class="admonition error">',
        '<h1>Search</h1>\n<noscript>\n<div class="admonition error">',
    ),
)


# Sphinx makes a list of the parameters in a long signature, without terms.
_PARAMETERS = re.compile(r'<dl>\n((?:<dd><em class="sig-param">.*</dd>\n)+)</dl>')


def _lines(found: re.Match[str]) -> str:
    line = '<span style="display: block; margin-left: 2rem">'
    return found[1].replace("<dd>", line).replace("</dd>", "</span>")


def make_accessible(app: Sphinx, failed: Exception | None) -> None:
    """Make the changes of `_ACCESSIBLE`."""
    if failed or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        text = path.read_text()
        for before, after in _ACCESSIBLE:
            text = text.replace(before, after)
        path.write_text(_PARAMETERS.sub(_lines, text))


def setup(app: object) -> None:
    """Register what the settings above cannot say."""
    app.connect("autodoc-process-signature", hide_constructor)  # type: ignore[attr-defined]
    app.connect("autodoc-skip-member", skip_member)  # type: ignore[attr-defined]
    app.connect("autodoc-process-docstring", escape_asterisks, priority=400)  # type: ignore[attr-defined]
    app.connect("autodoc-process-docstring", keep_first_line, priority=410)  # type: ignore[attr-defined]
    app.connect("build-finished", make_accessible)  # type: ignore[attr-defined]
