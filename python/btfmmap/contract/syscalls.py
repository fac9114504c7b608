"""The system calls that the probes make, through ctypes.

Python's `mmap` module rejects some arguments before they reach the kernel.
"""

from __future__ import annotations

import ctypes
import errno
import mmap as _mmap
import os

PAGE = os.sysconf("SC_PAGE_SIZE")
PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE = 1, 2, 3
# Its value differs on MIPS, Alpha, PA-RISC and Xtensa.
MAP_ANONYMOUS = _mmap.MAP_ANONYMOUS
MREMAP_MAYMOVE = 1
_FAILED = ctypes.c_void_p(-1).value

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_int,
    ctypes.c_long,
]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.write.restype = ctypes.c_ssize_t
_libc.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]


class Vector(ctypes.Structure):
    """`struct iovec`."""

    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class RefusedError(Exception):
    """A system call returned an error.

    Attributes:
        errno: the error number.
        name: the error's name, such as "EFAULT".
    """

    def __init__(self, code: int) -> None:
        self.errno = code
        self.name: str = errno.errorcode.get(code, str(code))
        super().__init__(self.name)


def _checked(result: int | None) -> int:
    if result is None or result == -1 or result == _FAILED:
        raise RefusedError(ctypes.get_errno())
    return result


def mmap(fd: int, length: int, prot: int, flags: int, offset: int = 0) -> int:
    """Map a file and return the address.

    Raises:
        RefusedError: The kernel refuses, as for all functions of this module.
    """
    return _checked(_libc.mmap(None, length, prot, flags, fd, offset))


def munmap(address: int, length: int) -> None:
    """Unmap pages."""
    _checked(_libc.munmap(address, length))


def mprotect(address: int, length: int, prot: int) -> None:
    """Change the protection of pages."""
    _checked(_libc.mprotect(address, length, prot))


def mremap(address: int, old: int, new: int) -> int:
    """Resize a mapping, which may move. Returns its address."""
    _libc.mremap.restype = ctypes.c_void_p
    _libc.mremap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int]
    return _checked(_libc.mremap(address, old, new, MREMAP_MAYMOVE))


def write(fd: int, address: int, length: int) -> int:
    """Write memory to a file descriptor. Returns the number of bytes written."""
    return _checked(_libc.write(fd, address, length))


def process_vm_readv(pid: int, address: int, length: int) -> int:
    """Read memory of a process into a buffer. Returns the number of bytes read."""
    _libc.process_vm_readv.restype = ctypes.c_ssize_t
    buffer = ctypes.create_string_buffer(length)
    local, remote = Vector(ctypes.addressof(buffer), length), Vector(address, length)
    count, flags = ctypes.c_ulong(1), ctypes.c_ulong(0)
    return _checked(
        _libc.process_vm_readv(pid, ctypes.byref(local), count, ctypes.byref(remote), count, flags)
    )


def vmsplice(fd: int, address: int, length: int) -> int:
    """Splice memory into a pipe. Returns the number of bytes."""
    _libc.vmsplice.restype = ctypes.c_ssize_t
    vector = Vector(address, length)
    return _checked(_libc.vmsplice(fd, ctypes.byref(vector), ctypes.c_ulong(1), ctypes.c_uint(0)))


def bytes_at(address: int, length: int) -> bytes:
    """Return a copy of memory."""
    return ctypes.string_at(address, length)
