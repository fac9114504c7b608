"""Control experiments for the rules about system calls that read user memory.

A rule that expects EFAULT proves nothing if the call also fails with ordinary memory (seccomp, a kernel built
without the call). A successful direct write proves nothing if the file system copies user memory, as tmpfs
does: only pinning its pages can fail.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from .syscalls import (
    MAP_ANONYMOUS,
    MAP_PRIVATE,
    PAGE,
    PROT_READ,
    PROT_WRITE,
    RefusedError,
    bytes_at,
    mmap,
    munmap,
    write,
)
from .target import CannotTellError, Target, error_name

ACCEPTED = "accepted"


def with_control(call: Callable[[int], str]) -> Callable[[Target], str]:
    """A probe that makes a call with an ordinary page, then with the first page of the mapping."""

    def probe(target: Target) -> str:
        with _ordinary_page() as page:
            try:
                call(page)
            except RefusedError as error:
                raise CannotTellError(f"also fails with ordinary memory ({error.name})") from None
        with target.mapped() as address:
            return call(address)

    return probe


def write_directly(target: Target) -> str:
    """The probe of O_DIRECT. Uses the first folder for temporary files in which the result is conclusive."""
    reasons = []
    with target.mapped() as address:
        for folder in _folders():
            try:
                return _write_directly(folder, address)
            except CannotTellError as reason:
                reasons.append(f"{folder} {reason}")
    raise CannotTellError("; ".join(reasons) or "there is no folder for temporary files")


def _write_directly(folder: str, address: int) -> str:
    with _direct_file(folder) as fd:
        try:
            with _ordinary_page() as page:
                _write_page(fd, page)
        except RefusedError as error:
            raise CannotTellError(f"refuses a direct write of ordinary memory ({error.name})") from None
        try:
            _write_page(fd, address)
        except RefusedError as error:
            return error.name
        unpinnable = _unpinnable_page()
        if unpinnable is None:
            raise CannotTellError("accepts the write, which is inconclusive: it may copy the data")
        try:
            _write_page(fd, unpinnable)
        except RefusedError:
            return ACCEPTED
    raise CannotTellError("copies data written with O_DIRECT")


def _write_page(fd: int, address: int) -> None:
    os.lseek(fd, 0, os.SEEK_SET)
    write(fd, address, PAGE)


def _folders() -> list[str]:
    candidates = ["/var/tmp", "/tmp"]
    with suppress(FileNotFoundError):  # none is writable
        candidates.insert(0, tempfile.gettempdir())
    return [folder for folder in dict.fromkeys(candidates) if os.access(folder, os.W_OK | os.X_OK)]


@contextmanager
def _direct_file(folder: str) -> Iterator[int]:
    """An unlinked file opened for direct writing. Nothing is left behind if the probe dies."""
    try:
        plain, path = tempfile.mkstemp(dir=folder)
    except OSError as error:
        raise CannotTellError(f"does not allow a file to be created ({error_name(error)})") from None
    try:
        fd = os.open(path, os.O_WRONLY | os.O_DIRECT | os.O_CLOEXEC)
    except OSError as error:
        raise CannotTellError(f"does not support O_DIRECT ({error_name(error)})") from None
    finally:
        os.unlink(path)
        os.close(plain)
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def _ordinary_page() -> Iterator[int]:
    """The address of a page of anonymous memory."""
    address = mmap(-1, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS)
    try:
        yield address
    finally:
        munmap(address, PAGE)


def _unpinnable_page() -> int | None:
    """The address of a page that, like the mapping's, can be read but not pinned: the vDSO's data (vvar)."""
    with suppress(OSError), open("/proc/self/maps") as maps:
        for line in maps:
            if line.rstrip().endswith("[vvar]"):
                address = int(line.partition("-")[0], 16)
                bytes_at(address, PAGE)
                return address
    return None
