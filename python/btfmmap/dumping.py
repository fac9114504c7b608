"""Dumps types to a string, a file or a stream. By default, the text is identical to bpftool's."""

from __future__ import annotations

import errno
import io
import os

from . import _core
from .replacing import replace_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import IO, Any

    from .btf import Btf

FORMATS = ("raw", "json", "c")
DIALECTS = ("bpftool", "c11", "c23")
_MAX_LINKS = 40  # as in the kernel


def dump(
    btf: Btf,
    format: str,  # noqa: A002 (bpftool's word)
    file: str | os.PathLike[str] | IO[Any] | None,
    roots: Sequence[int],
    *,
    pretty: bool,
    sort: bool,
    dialect: str,
    comment: bool,
) -> str | None:
    """Implement `Btf.dump`, with the roots as type ids."""
    for name, value, known in (("format", format, FORMATS), ("dialect", dialect, DIALECTS)):
        if value not in known:
            raise ValueError(f"{name} is {value!r}, must be {', '.join(map(repr, known))}")

    def write_to(to: int | Callable[[bytes], object]) -> None:
        if format == "raw":
            _core.dump_raw(btf._core, roots, to)
        elif format == "json":
            _core.dump_json(btf._core, roots, pretty, to)
        else:
            _core.dump_c(btf._core_layout, roots, dialect, sort, comment, to)

    if file is None:
        pieces: list[bytes] = []
        write_to(pieces.append)
        return _text(b"".join(pieces))
    write_file(file, write_to)
    return None


def write_file(
    file: str | os.PathLike[str] | IO[Any], write_to: Callable[[int | Callable[[bytes], object]], object]
) -> None:
    """Call `write_to` with the descriptor of a file, or with a function that writes to it.

    A path is replaced when all is written.
    """
    if isinstance(file, (str, bytes, os.PathLike)):
        path = os.fsdecode(file)
        descriptor = _own_descriptor(path)
        if descriptor is None:
            replace_file(path, write_to)
        else:
            write_to(descriptor)
    elif isinstance(file, io.TextIOBase):
        # A piece may end within a multi-byte character.
        import codecs

        decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        write_to(lambda piece: file.write(decoder.decode(piece)))
    elif not hasattr(file, "write"):
        raise TypeError(f"file is {file!r}, must be a path or an open file")
    elif _is_plain(file):
        file.flush()
        write_to(file.fileno())
    elif isinstance(file, io.RawIOBase):
        write_to(lambda piece: _write_all(file, piece))
    else:
        write_to(file.write)


def _is_plain(file: IO[Any]) -> bool:
    """Whether writing to the file's descriptor is the same as calling `write` on it."""
    raw = file.raw if type(file) is io.BufferedWriter else file
    return type(raw) is io.FileIO


def _write_all(file: io.RawIOBase, piece: bytes) -> None:
    """Write all of a piece. An unbuffered file may accept less than it is given."""
    rest = memoryview(piece)
    while rest:
        written = file.write(rest)
        if written is None:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        rest = rest[written:]


def to_c(btf: Btf, roots: Sequence[int]) -> str:
    """Implement `Btf.to_c`."""
    pieces: list[bytes] = []
    _core.dump_c(btf._core_layout, roots, "laid_out", True, False, pieces.append)
    return _text(b"".join(pieces))


def c_declaration(btf: Btf, type_id: int) -> str:
    """Implement `Btf.c_declaration`."""
    return _text(_core.c_declaration(btf._core_layout, type_id)) + ";"


def _text(utf8: bytes) -> str:
    return utf8.decode(errors="surrogateescape")


def _own_descriptor(path: str) -> int | None:
    """The open descriptor that a path such as /dev/stdout refers to, or None.

    Replacing its file would not affect the open one, and opening the file again would truncate it.
    """
    for _ in range(_MAX_LINKS):
        if not os.path.islink(path):
            break
        folder = os.path.realpath(os.path.dirname(path))
        if folder == f"/proc/{os.getpid()}/fd":
            return int(os.path.basename(path))
        path = os.path.join(folder, os.readlink(path))
    return None
