"""Shows on a terminal how far a command is."""

from __future__ import annotations

import os
import sys
import time

from .common import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import TextIO

_SECONDS = 0.1  # between updates, and before the first one
_ERASE = "\r\033[K"
_WIDTH = 80  # of a terminal that does not tell


class Progress:
    """A line on standard error with the number of kernels done and the name of the next one.

    It is shown only if standard error is a terminal, and erased at the end of the `with` block. Functions for
    many kernels take an instance as `progress`.
    """

    def __init__(self) -> None:
        stream = sys.stderr
        shows = stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
        self._stream: TextIO | None = stream if shows else None
        self._next = time.monotonic() + _SECONDS
        self._is_shown = False

    def __call__(self, done: int, total: int | None, name: str) -> None:
        """Show the progress, unless it was updated a moment ago."""
        now = time.monotonic()
        if self._stream is None or now < self._next:
            return
        self._next = now + _SECONDS
        count = f"{done:,}" if total is None else f"{done:,}/{total:,}"
        self._is_shown = True
        self._write(self._stream, _ERASE + f"{count} {printable(name)}"[: self._width(self._stream) - 1])

    def erase(self) -> None:
        """Erase the line, before other output."""
        if self._is_shown and self._stream is not None:
            self._write(self._stream, _ERASE)
        self._is_shown = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.erase()

    def _width(self, stream: TextIO) -> int:
        try:
            return os.get_terminal_size(stream.fileno()).columns or _WIDTH
        except OSError:
            return _WIDTH

    def _write(self, stream: TextIO, text: str) -> None:
        try:
            stream.write(text)
            stream.flush()
        except OSError:  # the terminal is gone
            self._stream = None
