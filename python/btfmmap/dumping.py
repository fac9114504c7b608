"""`Btf.dump`: types as text, identical to bpftool's, to a string, a file or a stream."""

from __future__ import annotations

import errno
import io
import os
import stat

from . import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import IO, Any

    from .btf import Btf

FORMATS = ("raw", "json", "c")
_MOST_LINKS = 40  # as in the kernel


def dump(
    btf: Btf,
    format: str,  # noqa: A002 (bpftool's word)
    file: str | os.PathLike[str] | IO[Any] | None,
    roots: Sequence[int],
    *,
    pretty: bool,
    sort: bool,
) -> str | None:
    """What `Btf.dump` does, with the roots as type ids."""
    if format not in FORMATS:
        raise ValueError(f"format is {format!r}, must be {', '.join(map(repr, FORMATS))}")

    def write_to(to: int | Callable[[bytes], object]) -> None:
        if format == "raw":
            _core.dump_raw(btf._core, roots, to)
        elif format == "json":
            _core.dump_json(btf._core, roots, pretty, to)
        else:
            _core.dump_c(btf._core_layout, roots, sort, to)

    if file is None:
        pieces: list[bytes] = []
        write_to(pieces.append)
        return _text(b"".join(pieces))
    if isinstance(file, (str, bytes, os.PathLike)):
        path = os.fsdecode(file)
        descriptor = _own_descriptor(path)
        if descriptor is None:
            _replace(path, write_to)
        else:
            write_to(descriptor)
    elif isinstance(file, io.TextIOBase):
        # Pieces may end within a letter.
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
    return None


def _is_plain(file: IO[Any]) -> bool:
    """Whether nothing but the file's descriptor stands behind it, and no write of its own is passed by."""
    raw = file.raw if type(file) is io.BufferedWriter else file
    return type(raw) is io.FileIO


def _write_all(file: io.RawIOBase, piece: bytes) -> None:
    """What has no buffer may take less than it is given."""
    rest = memoryview(piece)
    while rest:
        taken = file.write(rest)
        if taken is None:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        rest = rest[taken:]


def to_c(btf: Btf, roots: Sequence[int]) -> str:
    """What `Btf.to_c` gives."""
    pieces: list[bytes] = []
    _core.dump_c(btf._core_layout, roots, True, pieces.append, as_laid_out=True)
    return _text(b"".join(pieces))


def c_declaration(btf: Btf, type_id: int) -> str:
    """What `Btf.c_declaration` gives."""
    return _text(_core.c_declaration(btf._core_layout, type_id)) + ";"


def c_type_name(btf: Btf, type_id: int) -> str:
    """What a cast to a type says: without qualifiers, and of types without a name the keyword alone."""
    return _text(_core.c_type_name(btf._core_layout, type_id))


def _text(utf8: bytes) -> str:
    return utf8.decode(errors="surrogateescape")


def _own_descriptor(path: str) -> int | None:
    """What a path such as /dev/stdout is another name of. A new file in the place of what it leads to would
    not be what is open, and opening it again would start it anew."""
    for _ in range(_MOST_LINKS):
        if not os.path.islink(path):
            break
        folder = os.path.realpath(os.path.dirname(path))
        if folder == f"/proc/{os.getpid()}/fd":
            return int(os.path.basename(path))
        path = os.path.join(folder, os.readlink(path))
    return None


def _replace(path: str, write_to: Callable[[int], None]) -> None:
    """Write beside and rename, so that no half file is left under that name. What is there and no file
    (/dev/null, a pipe) is written to."""
    beside = None
    try:
        mode = os.stat(path).st_mode if os.path.exists(path) else None
        if mode is not None and not stat.S_ISREG(mode):
            with open(path, "wb", buffering=0) as device:
                write_to(device.fileno())
            return
        target = os.path.realpath(path)
        beside = f"{target}.{os.urandom(4).hex()}.part"
        permissions = 0o666 if mode is None else stat.S_IMODE(mode)
        with open(
            beside, "xb", buffering=0, opener=lambda name, flags: os.open(name, flags, permissions)
        ) as file:
            write_to(file.fileno())
        if mode is not None:
            os.chmod(beside, permissions)  # which the umask may have narrowed
        os.replace(beside, target)
    except BaseException as error:
        if beside is not None and os.path.exists(beside):
            os.unlink(beside)
        if isinstance(error, OSError) and error.filename in (None, beside):
            error.filename = path
        raise
