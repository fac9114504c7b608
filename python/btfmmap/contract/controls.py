"""Control experiments: does a system call that reads user memory say anything about the mapping?

A rule that expects EFAULT proves nothing where the call fails with ordinary memory too (seccomp, a kernel
built without it). Success of a direct write proves nothing where the file system copies from user memory, as
tmpfs does, instead of pinning the pages: only pinning can fail.
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
    """A probe that makes a call on an ordinary page first, and then on the first page of the mapping."""

    def probe(target: Target) -> str:
        with _ordinary_page() as page:
            try:
                call(page)
            except RefusedError as error:
                raise CannotTellError(f"fails with ordinary memory, too ({error.name})") from None
        with target.mapped() as address:
            return call(address)

    return probe


def write_directly(target: Target) -> str:
    """The probe of O_DIRECT, in the first folder for temporary files where the answer says something."""
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
            raise CannotTellError(f"takes no direct write of ordinary memory ({error.name})") from None
        try:
            _write_page(fd, address)
        except RefusedError as error:
            return error.name
        unpinnable = _unpinnable_page()
        if unpinnable is None:
            raise CannotTellError("accepts it, which tells nothing: it may copy what is written")
        try:
            _write_page(fd, unpinnable)
        except RefusedError:
            return ACCEPTED
    raise CannotTellError("copies what is written with O_DIRECT")


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
    """A file open for direct writing, which no longer has a name: nothing is left when the probe dies."""
    try:
        plain, path = tempfile.mkstemp(dir=folder)
    except OSError as error:
        raise CannotTellError(f"takes no file ({error_name(error)})") from None
    try:
        fd = os.open(path, os.O_WRONLY | os.O_DIRECT | os.O_CLOEXEC)
    except OSError as error:
        raise CannotTellError(f"knows no O_DIRECT ({error_name(error)})") from None
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
    """The address of a page that, like the mapping's, can be read but not pinned: the vDSO's data."""
    with suppress(OSError), open("/proc/self/maps") as maps:
        for line in maps:
            if line.rstrip().endswith("[vvar]"):
                address = int(line.partition("-")[0], 16)
                bytes_at(address, PAGE)
                return address
    return None
