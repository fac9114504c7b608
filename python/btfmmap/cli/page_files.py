"""The options `--html` and `--plot`, and what they write."""

from __future__ import annotations

import sys

from .common import STDOUT, file_beside_output, wrong_usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import Any

_DPI = 100
_MAX_PIXELS = 30_000


def add_page(parser: Any) -> None:
    """Add `--html`, which writes a page instead of text."""
    parser.add_argument(
        "--html",
        metavar="FILE",
        help="write a page with a picture, tables and a filter instead of text; - for standard output",
    )


def add_page_beside_output(parser: argparse.ArgumentParser) -> None:
    """Add `--html`, which writes a page beside the ordinary output."""
    parser.add_argument(
        "--html",
        type=file_beside_output,
        metavar="FILE",
        help="also write a page with tables and a filter to this file, whatever is printed",
    )


def add_plot(parser: Any, what: str) -> None:
    """Add `--plot`."""
    parser.add_argument(
        "--plot",
        type=_picture,
        metavar="FILE",
        help=f"write {what} as a picture, .svg or .png, instead of text",
    )


def _picture(text: str) -> str:
    if not text.lower().endswith((".svg", ".png")):
        wrong_usage(f"{text!r} is neither .svg nor .png")
    return text


def write_picture(path: str, draw: Callable[..., Any], *args: Any, **options: Any) -> None:
    """Write what a function of `btfmmap.pictures` draws to a file. An error of writing names the file."""
    drawn = draw(*args, **options)
    dpi = min(_DPI, _MAX_PIXELS / max(drawn.figure.get_size_inches()))
    extra = {"pil_kwargs": {"compress_level": 3}} if path.lower().endswith(".png") else {}
    _write(path, lambda: drawn.figure.savefig(path, dpi=dpi, **extra))


def write_page(path: str, page: str) -> None:
    """Write a page to a file, or to standard output for `-`. An error of writing names the file."""
    if path == STDOUT:
        sys.stdout.buffer.write(page.encode())
    else:
        _write(path, lambda: _write_text(path, page))


def _write_text(path: str, page: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(page)


def _write(path: str, write: Callable[[], object]) -> None:
    try:
        write()
    except OSError as error:
        if error.filename is None:  # the disk is full
            error.filename = path
        raise
