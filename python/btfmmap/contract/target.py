"""The file that the rules are checked on."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from .. import _core
from ..opening import KERNEL_BTF
from .syscalls import MAP_PRIVATE, PAGE, PROT_READ, RefusedError, mmap, munmap

SYSFS_MAGIC = 0x62656572
NO_MEMORY = "fails with ENOMEM: out of memory, over a limit, or the kernel could not decompress its BTF"


class CannotTellError(Exception):
    """The rule could not be tried. The message is the reason."""


class Target:
    """An open regular file.

    Attributes:
        path: absolute path.
        fd: file descriptor.
        size: size in bytes.
        pages_size: size rounded up to whole pages.
    """

    def __init__(self, path: str) -> None:
        """Open a file.

        Raises:
            CannotTellError: The file cannot be opened, is empty or is not regular.
        """
        self.path = path
        try:
            # A FIFO would block without O_NONBLOCK.
            self.fd: int = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise CannotTellError(f"{path}: {error.strerror}{_why_absent(path, error)}") from None
        status = os.fstat(self.fd)
        if not stat.S_ISREG(status.st_mode):
            raise CannotTellError(f"{path}: not a regular file")
        if status.st_size == 0:
            raise CannotTellError(f"{path}: its size is 0")
        self.size: int = status.st_size
        self.pages_size: int = -(-self.size // PAGE) * PAGE

    def content(self) -> bytes:
        """Read the whole file with `pread`."""
        parts = []
        offset = 0
        while part := os.pread(self.fd, 1 << 20, offset):
            parts.append(part)
            offset += len(part)
        return b"".join(parts)

    def map(self, length: int | None = None) -> int:
        """Create a private, read-only mapping, the only kind that the kernel accepts. Returns its address.

        Raises:
            RefusedError: the kernel refuses the mapping.
            CannotTellError: there is not enough memory or address space.
        """
        try:
            return mmap(self.fd, self.size if length is None else length, PROT_READ, MAP_PRIVATE)
        except RefusedError as error:
            if error.errno == errno.ENOMEM:
                raise CannotTellError(f"mmap {NO_MEMORY}") from None
            raise

    @contextmanager
    def mapped(self, length: int | None = None) -> Iterator[int]:
        """`map` as a context manager, for rules that need a mapping.

        Raises:
            CannotTellError: Mapping fails.
        """
        length = self.size if length is None else length
        try:
            address = self.map(length)
        except RefusedError as error:
            raise CannotTellError(f"the file cannot be mapped ({error.name})") from None
        try:
            yield address
        finally:
            munmap(address, length)

    def file_system_magic(self) -> int:
        """Return the magic number of the file's file system."""
        magic = _core.file_system_magic(self.fd)
        if magic is None:
            raise CannotTellError("fstatfs fails")
        return magic


def error_name(error: OSError) -> str:
    """The name of an error, such as "EFAULT"."""
    return errno.errorcode.get(error.errno or 0, str(error))


def _why_absent(path: str, error: OSError) -> str:
    """The end of the message about a missing kernel BTF: what it requires."""
    if path != KERNEL_BTF or error.errno != errno.ENOENT:
        return ""
    if not _sysfs_is_mounted():
        return "; sysfs is not mounted on /sys"
    return (
        "; it requires a kernel built with CONFIG_DEBUG_INFO_BTF=y (for its modules: "
        "CONFIG_DEBUG_INFO_BTF_MODULES=y)"
    )


def _sysfs_is_mounted() -> bool:
    try:
        fd = os.open("/sys", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return _core.file_system_magic(fd) == SYSFS_MAGIC
    finally:
        os.close(fd)
