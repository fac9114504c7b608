"""What a caller may pass as objects, expanded: paths, globs, bytes, `Btf`; objects that programs embed."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from .. import compression
from .._core import File
from ..btf import Btf
from ..errors import BtfError, FormatError
from ..opening import open_file
from .embedded import HEAD, embedded_objects, has_elf_header, is_bpf_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    ObjectLike: TypeAlias = "str | os.PathLike[str] | bytes | bytearray | memoryview | Btf"
    Objects: TypeAlias = "ObjectLike | Iterable[ObjectLike]"

_GLOB = "*?["
_MAX_COMPRESSIONS = 4  # nested
_NAMED_OBJECT = re.compile(r".*\.bpf\.o(\.(xz|zst|gz|bz2|lz4|lzma))?", re.DOTALL)
_NAMED_BPF = re.compile(r".*bpf.*\.o", re.DOTALL)


class ObjectSource(NamedTuple):
    """One BPF object, as bytes.

    Attributes:
        name: The name of its file. If it embeds several objects, "@" and the offset follow.
        path: The path of the file; empty for a buffer.
        offset: The object's first byte in that file, or in what it contains if it is compressed.
        content: The object.
        error: Why there is none; empty if there is one.
    """

    name: str
    path: str
    offset: int = 0
    content: bytes = b""
    error: str = ""

    @property
    def label(self) -> str:
        """The object in messages: the path of the file, and the offset if it embeds several objects."""
        return labelled(self.name, self.path)


def labelled(name: str, path: str) -> str:
    """An object in messages, from its name and the path of its file."""
    return os.path.join(os.path.dirname(path), name)


def object_sources(objects: Objects) -> list[ObjectSource]:
    """Expand objects. What cannot be read, or has no object, is one with an error.

    Raises:
        FileNotFoundError: A glob matches no file, or a folder contains no object.
        TypeError: An item is not one of these.
    """
    if isinstance(objects, (str, os.PathLike, bytes, bytearray, memoryview, Btf)):
        objects = [objects]
    elif not isinstance(objects, Iterable):
        raise _refused(objects)
    return [source for item in objects for source in _expanded(item)]


def _expanded(item: ObjectLike) -> Iterator[ObjectSource]:
    if isinstance(item, (str, os.PathLike)):
        for path in _paths(os.fspath(item)):
            yield from _of_path(path)
    elif isinstance(item, Btf):
        path = item.source.path or ""
        name = os.path.basename(path) or "buffer"
        content = b"" if item.ext is None else item.ext._object
        error = (
            "" if content else f"{path or name}: this Btf is not of a BPF object with .BTF.ext; pass the file"
        )
        yield ObjectSource(name, path, 0, content, error)
    elif isinstance(item, (bytes, bytearray, memoryview)):
        yield from _guarded(lambda: File.of_buffer(bytes(item), "buffer", False), "buffer", "")
    else:
        raise _refused(item)


def _refused(item: object) -> TypeError:
    return TypeError(f"expected a path, bytes or Btf of a BPF object, not {item!r}")


def _paths(path: str) -> list[str]:
    """The files that a path, glob or folder stands for.

    Raises:
        FileNotFoundError: A glob matches no file, or a folder contains no object.
    """
    if os.path.isdir(path):
        found = _below(path)
        if not found:
            raise FileNotFoundError(errno.ENOENT, "no file in this folder is a BPF object", path)
        return found
    if not any(letter in path for letter in _GLOB) or os.path.lexists(path):
        return [path]
    from glob import glob

    found = []
    for match in sorted(glob(path, recursive=True)):
        found += _below(match) if os.path.isdir(match) else [match]
    if not found:
        raise FileNotFoundError(errno.ENOENT, "no object matches this pattern", path)
    return found


def _below(folder: str) -> list[str]:
    """The BPF objects in a folder and below, and the files named like them, which may be damaged.

    Other files are left out, even if they embed objects.
    """
    found: list[str] = []
    # A folder that cannot be read fails with the same error when it is opened.
    for place, folders, names in os.walk(folder, onerror=lambda error: found.append(error.filename)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = (os.path.join(place, name) for name in sorted(names) if not name.startswith("."))
        found.extend(path for path in paths if _is_expected(path))
    return found


def _is_expected(path: str) -> bool:
    """Whether a file in a folder is, or by its name should be, a BPF object."""
    name = os.path.basename(path)
    if not os.path.isfile(path):
        return _NAMED_OBJECT.fullmatch(name) is not None and os.path.islink(path) and not os.path.exists(path)
    try:
        head = bytes(open_file(path).head(HEAD))
    except (BtfError, OSError):
        return True  # fails with the same error when it is read
    if is_bpf_object(head) or _NAMED_OBJECT.fullmatch(name):
        return True
    # Objects of user space have such names too: libbpf.o.
    return _NAMED_BPF.fullmatch(name) is not None and not has_elf_header(head)


def _of_path(path: str) -> Iterator[ObjectSource]:
    return _guarded(lambda: open_file(path), os.path.basename(path), path)


def _guarded(opened: Callable[[], File], name: str, path: str) -> Iterator[ObjectSource]:
    try:
        found = [*_in_file(opened(), name, path)]
    except (BtfError, ValueError) as error:
        found = [ObjectSource(name, path, error=str(error))]
    except OSError as error:
        found = [ObjectSource(name, path, error=f"{path}: {error.strerror}")]
    return iter(found)


def _in_file(given: File, name: str, path: str) -> Iterator[ObjectSource]:
    file = _decompressed(given)
    head = bytes(file.head(HEAD))
    if is_bpf_object(head):
        yield ObjectSource(name, path, 0, _bytes(file))
        return
    if file.is_btf():
        raise FormatError(f"{file.name}: BTF without instructions; pass the BPF object itself")
    content = _bytes(file)
    found = [*embedded_objects(content, file.name)]
    if not found:
        if not content:
            raise FormatError(f"{file.name}: the file is empty")
        if file is given:
            raise FormatError(f"{file.name}: neither a BPF object nor a file that contains one")
        raise FormatError(f"{file.name}: not a BPF object when decompressed, nor a file that contains one")
    for embedded in found:
        offset, end = embedded.offset, embedded.offset + embedded.size
        label = name if len(found) == 1 else f"{name}@{offset:#x}"
        error = f"{file.name}: {embedded.error}" if embedded.error else ""
        yield ObjectSource(label, path, offset, content[offset:end], error)


def _decompressed(file: File) -> File:
    budget = compression.Budget()
    levels = 0
    while codec := compression.recognise(bytes(file.head(HEAD))):
        if levels == _MAX_COMPRESSIONS:
            raise FormatError(f"{file.name}: more than {_MAX_COMPRESSIONS} nested levels of compression")
        content = compression.decompress(memoryview(file.whole())[: file.size], codec, file.name, budget)
        file = File.of_buffer(content, file.name, False)
        levels += 1
    return file


def _bytes(file: File) -> bytes:
    return bytes(file.whole())[: file.size]
