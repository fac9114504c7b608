"""Where the files of a corpus are: a local folder, or anything that fsspec opens."""

from __future__ import annotations

import errno
import os
import posixpath
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from ..optional import optional

if TYPE_CHECKING:
    from typing import Any


class Storage(Protocol):
    """A folder of files that are written once. Methods raise OSError."""

    url: str

    def read(self, name: str) -> bytes:
        """Return the content of a file."""

    def write(self, name: str, content: bytes) -> None:
        """Write a file as a whole, unless it is there."""

    def create(self, name: str, content: bytes) -> bool:
        """Write a file as a whole, and return whether it was not there before."""

    def names(self, folder: str) -> list[str]:
        """Return the names of the files in a folder; empty if there is none."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    def path(self, name: str) -> str:
        """Return the path or URL of a file."""

    def open(self, name: str) -> Any:
        """Open a file for `pyarrow.parquet`."""


def is_url(path: str) -> bool:
    """Whether a path is one that fsspec opens, such as "s3://bucket/folder".

    Example:
        >>> from btfmmap.corpus.storage import is_url
        >>> is_url("s3://bucket/corpus"), is_url("/srv/corpus")
        (True, False)
    """
    return "://" in path


def fsspec() -> Any:
    """The package fsspec.

    Raises:
        NotSupportedError: It is not installed. The message names the extra.
    """
    return optional("fsspec", "fsspec")


def storage_of(path: str | os.PathLike[str]) -> Storage:
    """Return the storage of a path or URL."""
    text = os.fspath(path)
    return RemoteStorage(text) if is_url(text) else LocalStorage(text)


class LocalStorage:
    """A folder of this machine. A file appears as a whole, by a link to one that is complete."""

    def __init__(self, url: str) -> None:
        self.url: str = os.path.abspath(url)

    def path(self, name: str) -> str:
        """Return the path of a file."""
        return os.path.join(self.url, name)

    def open(self, name: str) -> Any:
        """Open a file for reading."""
        return self.path(name)

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name: str, content: bytes) -> None:
        """Write a file, unless it is there."""
        if not os.path.exists(self.path(name)):
            self.create(name, content)

    def create(self, name: str, content: bytes) -> bool:
        """Write a file; False if it is there."""
        target = self.path(name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        temporary = f"{target}.{os.urandom(8).hex()}.tmp"  # another machine may have a process of this number
        try:
            with open(temporary, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, target)
            except FileExistsError:
                return False
            _sync_folder(os.path.dirname(target))
            return True
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)

    def names(self, folder: str) -> list[str]:
        """Return the names of the files in a folder."""
        try:
            return os.listdir(self.path(folder))
        except FileNotFoundError:
            return []

    def remove(self, name: str) -> None:
        """Remove a file."""
        with suppress(FileNotFoundError):
            os.unlink(self.path(name))


class RemoteStorage:
    """A folder that fsspec reaches. One builder may write at a time."""

    def __init__(self, url: str) -> None:
        self.url: str = url.rstrip("/")
        self._system, self._root = fsspec().core.url_to_fs(self.url)

    def path(self, name: str) -> str:
        """Return the URL of a file."""
        return f"{self.url}/{name}"

    def _path(self, name: str) -> str:
        return posixpath.join(self._root, name)

    def open(self, name: str) -> Any:
        """Open a file for reading."""
        return self._system.open(self._path(name), "rb")

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        content: bytes = self._system.cat_file(self._path(name))
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a file, unless it is there."""
        if not self._system.exists(self._path(name)):
            self._put(name, content)

    def create(self, name: str, content: bytes) -> bool:
        """Write a file; False if it is there. Not atomic: two writers may both succeed."""
        if self._system.exists(self._path(name)):
            return False
        self._put(name, content)
        return True

    def names(self, folder: str) -> list[str]:
        """Return the names of the files in a folder."""
        self._system.invalidate_cache()
        try:
            found = self._system.ls(self._path(folder), detail=False)
        except FileNotFoundError:
            return []
        return [posixpath.basename(path) for path in found]

    def remove(self, name: str) -> None:
        """Remove a file."""
        if self._system.exists(self._path(name)):
            self._system.rm_file(self._path(name))

    def _put(self, name: str, content: bytes) -> None:
        self._system.makedirs(posixpath.dirname(self._path(name)), exist_ok=True)
        self._system.pipe_file(self._path(name), content)


def _sync_folder(path: str) -> None:
    """Make new names in a folder last, where the file system can."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)
